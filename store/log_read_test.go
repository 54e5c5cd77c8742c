package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/storetest"
)

// fullRecord has a value in every field.
func fullRecord(now time.Time) plait.LogRecord {
	return plait.LogRecord{
		TraceID: traceNumber(0x5759e988bd862e3f, 0xe1be46a994272793), SpanID: spanNumber(-2),
		TimeNanos: now.UnixNano()/1000*1000 + 123, ObservedNanos: now.UnixNano() + 12345,
		Resource: &plait.Resource{Attributes: slices.Concat(resourceOf("shop").Attributes, everyValue), DroppedAttributes: 3, SchemaURL: "https://resource"},
		Scope:    &plait.Scope{Name: "scope", Version: "1", Attributes: everyValue, DroppedAttributes: 4, SchemaURL: "https://scope"},
		Body:     plait.StringValue("it broke"), SeverityText: "warning", EventName: "break", Attributes: everyValue,
		Severity: 13, DroppedAttributes: 7, Flags: 0xffffffff,
	}
}

var ignoreID = cmpopts.IgnoreFields(plait.LogRecord{}, "ID")

func TestLogRecordsReadBackInEveryField(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	var records []plait.LogRecord
	for i, a := range everyValue {
		if a.Value.Kind() == plait.KindEmpty {
			continue
		}
		r := fullRecord(now)
		r.TimeNanos += int64(i)
		r.Body = a.Value
		records = append(records, r)
	}
	old := fullRecord(time.Date(2023, 1, 29, 8, 58, 0, 7, time.UTC))
	bare := plait.LogRecord{TraceID: old.TraceID, TimeNanos: now.Add(time.Second).UnixNano(), Resource: &plait.Resource{}, Scope: &plait.Scope{}, Body: plait.StringValue("")}
	records = slices.Concat([]plait.LogRecord{old}, records, []plait.LogRecord{bare})
	writeLogs(t, s, slices.Clone(records)...)

	got, more, err := s.TraceLogs(t.Context(), old.TraceID, 100)
	if err != nil || more {
		t.Fatal(more, err)
	}
	if diff := gocmp.Diff(records, got, asStored, ignoreID); diff != "" {
		t.Errorf("records changed (-written +read):\n%s", diff)
	}
	for i := range got {
		one, err := s.Log(t.Context(), got[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(&got[i], one, asStored); diff != "" {
			t.Errorf("record by ID (-want +got):\n%s", diff)
		}
	}
}

func TestRecordsWithoutTraceHaveNoneAndAreFoundByID(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	writeLogs(t, s, record(plait.TraceID{}, 0, "a", "one", now, time.Hour), record(plait.TraceID{}, 0, "a", "two", now, time.Hour),
		record(plait.TraceID{}, 0, "a", "old", now, 1000*24*time.Hour))
	records, _, err := s.Logs(t.Context(), query.Logs{})
	if err != nil || len(records) != 3 {
		t.Fatal(records, err)
	}
	for i := range records {
		if !records[i].TraceID.IsZero() {
			t.Errorf("record %q has trace %s", records[i].Body.Str(), records[i].TraceID)
		}
		one, err := s.Log(t.Context(), records[i].ID)
		if err != nil || one.Body != records[i].Body || one.ID != records[i].ID {
			t.Errorf("record %q by ID: %v, %v", records[i].Body.Str(), one, err)
		}
	}
}

func TestTraceLogsSaysWhenThereAreMore(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	writeLogs(t, s, record(id, 1, "a", "second", now, time.Minute), record(id, 1, "b", "third", now, time.Second))
	writeLogs(t, s, record(id, 1, "c", "first", now, time.Hour), record(traceNumber(1, 2), 1, "c", "other", now, time.Hour))
	for limit, want := range map[int][]string{2: {"first", "second"}, 3: {"first", "second", "third"}} {
		records, more, err := s.TraceLogs(t.Context(), id, limit)
		if err != nil || more != (limit < 3) {
			t.Fatal(more, err)
		}
		if got := bodies(records); !slices.Equal(got, want) {
			t.Errorf("limit %d: got %v, want %v", limit, got, want)
		}
	}
}

func bodies(records []plait.LogRecord) (texts []string) {
	for i := range records {
		texts = append(texts, records[i].Body.Str())
	}
	return texts
}

func TestLogCountsAreBySeverityName(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	for _, severity := range []plait.SeverityNumber{0, 9, 10, 17} {
		r := record(id, 1, "a", "x", now, time.Minute)
		r.Severity = severity
		writeLogs(t, s, r)
	}
	got, err := s.LogCounts(t.Context(), []plait.TraceID{id, traceNumber(1, 2)})
	if diff := gocmp.Diff(map[plait.TraceID]map[string]int{id: {"": 1, "INFO": 2, "ERROR": 1}}, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
}

func TestUnknownLogIDs(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	writeLogs(t, s, record(traceNumber(1, 1), 1, "a", "x", time.Now(), time.Minute))
	records, _, err := s.Logs(t.Context(), query.Logs{})
	if err != nil {
		t.Fatal(err)
	}
	id := []byte(records[0].ID)
	id[3] ^= 1
	if _, err := s.Log(t.Context(), string(id)); !errors.Is(err, plait.ErrNotFound) {
		t.Errorf("the ID of no record: %v", err)
	}
	for _, id := range []string{"", "x", "!", records[0].ID + "AA"} {
		if _, err := s.Log(t.Context(), id); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("ID %q: %v", id, err)
		}
	}
}
