package store_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// What the tests of readers share: few words to make telemetry, write it, and compare it.

// asStored compares telemetry with what was read back: attributes in any order, since a set's
// come before a record's own.
var asStored = gocmp.Options{
	gocmp.Comparer(func(a, b plait.Value) bool {
		return a == b || math.IsNaN(a.Double()) && math.IsNaN(b.Double()) && a.Kind() == b.Kind()
	}),
	gocmp.Transformer("sorted", func(a plait.Attributes) []plait.Attribute {
		return slices.SortedFunc(slices.Values(a), func(a, b plait.Attribute) int { return cmp.Compare(a.Key, b.Key) })
	}),
}

func strAttribute(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

func resourceOf(service string, attributes ...plait.Attribute) *plait.Resource {
	return &plait.Resource{Attributes: append(plait.Attributes{strAttribute("service.name", service)}, attributes...)}
}

// traceNumber makes a trace id of two halves.
func traceNumber(high, low uint64) (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

func spanNumber(n int64) plait.SpanID { return plait.SpanIDFromInt64(n) }

// span makes a span that started so long ago.
func span(trace plait.TraceID, id, parent int64, service, name string, now time.Time, ago, duration time.Duration) plait.Span {
	start := now.Add(-ago).UnixNano()
	return plait.Span{
		TraceID: trace, SpanID: spanNumber(id), ParentSpanID: spanNumber(parent),
		StartNanos: start, EndNanos: start + int64(duration),
		Resource: resourceOf(service), Scope: &plait.Scope{Name: "test"}, Name: name, Kind: plait.SpanKindServer,
	}
}

func record(trace plait.TraceID, id int64, service, body string, now time.Time, ago time.Duration) plait.LogRecord {
	return plait.LogRecord{
		TraceID: trace, SpanID: spanNumber(id), TimeNanos: now.Add(-ago).UnixNano(),
		Resource: resourceOf(service), Scope: &plait.Scope{}, Body: plait.StringValue(body), Severity: 9,
	}
}

func writeSpans(t testing.TB, s *store.Store, spans ...plait.Span) {
	t.Helper()
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: spans}); err != nil {
		t.Fatal(err)
	}
}

func writeLogs(t testing.TB, s *store.Store, records ...plait.LogRecord) {
	t.Helper()
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: records}); err != nil {
		t.Fatal(err)
	}
}

// everyValue has an attribute of every kind.
var everyValue = plait.Attributes{
	{Key: "empty"},
	strAttribute("string", "é\"\\\n"),
	strAttribute("empty string", ""),
	{Key: "true", Value: plait.BoolValue(true)},
	{Key: "false", Value: plait.BoolValue(false)},
	{Key: "int", Value: plait.IntValue(math.MinInt64)},
	{Key: "double", Value: plait.DoubleValue(0.1)},
	{Key: "whole double", Value: plait.DoubleValue(1)},
	{Key: "NaN", Value: plait.DoubleValue(math.NaN())},
	{Key: "infinity", Value: plait.DoubleValue(math.Inf(-1))},
	{Key: "bytes", Value: plait.BytesValue("\x00\xff")},
	{Key: "array", Value: plait.ArrayValue(`[1,1.0,"a",null,{"$bytes":"AA=="}]`)},
	{Key: "map", Value: plait.MapValue(`{"k":{"$$k":[]}}`)},
}

func TestReadersEndWithTheirContext(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	writeSpans(t, s, span(traceNumber(1, 1), 1, 0, "a", "x", time.Now(), time.Minute, time.Second))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	reads := map[string]func() error{
		"Trace":          func() error { _, err := s.Trace(ctx, traceNumber(1, 1), 10); return err },
		"TraceSummaries": func() error { _, err := s.TraceSummaries(ctx, []plait.TraceID{traceNumber(1, 1)}); return err },
		"Traces":         func() error { _, _, err := s.Traces(ctx, traceQuestion{}.traces()); return err },
		"Spans":          func() error { _, err := s.Spans(ctx, spanQuestion{}.spans(t)); return err },
		"ServiceMap":     func() error { _, err := s.ServiceMap(ctx, plait.TimeRange{}); return err },
		"TraceLogs":      func() error { _, _, err := s.TraceLogs(ctx, traceNumber(1, 1), 10); return err },
		"Logs":           func() error { _, _, err := s.Logs(ctx, query.Logs{}); return err },
	}
	for name, read := range reads {
		if err := read(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadersOfADatabaseThatIsGoneAreToldToTryAgain(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), `
SELECT pg_catalog.pg_terminate_backend(pid)
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	// whichever connections were cut off are found out and replaced
	for range 20 {
		_, err := s.Trace(t.Context(), traceNumber(1, 1), 10)
		if errors.Is(err, plait.ErrNotFound) {
			return
		}
		if !errors.Is(err, plait.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	t.Error("the store does not recover")
}

// Bunyan and pino write levels as numbers, which a user of SQL would have to look up.
func TestSeveritiesAreNamesInSQL(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	for body, c := range map[string]struct {
		text   string
		number plait.SeverityNumber
		want   string
	}{
		"pino":    {"50", 17, "ERROR"},
		"own":     {"PANIC", 21, "PANIC"},
		"none":    {"", 9, "INFO"},
		"unknown": {"42", 0, "42"},
	} {
		r := record(plait.TraceID{1}, 1, "app", body, time.Now(), time.Minute)
		r.SeverityText, r.Severity = c.text, c.number
		writeLogs(t, s, r)
		var got string
		if err := conn.QueryRow(t.Context(), `SELECT severity FROM plait.logs WHERE body = $1`, body).Scan(&got); err != nil || got != c.want {
			t.Errorf("severity %q, %d is %q in SQL (%v), want %q", c.text, c.number, got, err, c.want)
		}
	}
}

// A tracer that writes 0, or the largest number, as the end of an unfinished span says nothing of how
// long it took.
func TestUnbelievableDurationsAreNone(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	for n, end := range []int64{0, math.MaxInt64, now.UnixNano() - 1} {
		id := traceNumber(1, uint64(n+1))
		root := span(id, 1, 0, "app", "unfinished", now, 0, 0)
		root.EndNanos = end
		child := span(id, 2, 1, "app", "done", now, 0, time.Second)
		writeSpans(t, s, root, child)
		summaries, err := s.TraceSummaries(t.Context(), []plait.TraceID{id})
		if err != nil || len(summaries) != 1 || summaries[0].DurationNanos != int64(time.Second) {
			t.Errorf("end %d: summaries %+v, %v; want a second, which the child took", end, summaries, err)
		}
		var inSpans, inTraces float64
		err = conn.QueryRow(t.Context(), `SELECT s.duration_ms, t.duration_ms FROM plait.spans s JOIN plait.traces t USING (trace_id)
			WHERE s.trace_id = $1 AND s.name = 'unfinished'`, id.String()).Scan(&inSpans, &inTraces)
		if err != nil || inSpans != 0 || inTraces != 1000 {
			t.Errorf("end %d: the span took %v ms in SQL and its trace %v (%v), want 0 and 1000", end, inSpans, inTraces, err)
		}
	}
	found, _, err := s.Traces(t.Context(), traceQuestion{Name: "unfinished", MinDuration: time.Millisecond, Limit: 10}.traces())
	if err != nil || len(found) != 0 {
		t.Errorf("a search for spans that took a millisecond found %d unfinished ones, %v", len(found), err)
	}
}
