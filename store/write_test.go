package store_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// castEverythingSQL makes Postgres parse every JSON text that is stored.
const castEverythingSQL = `
SELECT (SELECT count(*) FROM plait.spans s WHERE pg_catalog.row_to_json(s) IS NOT NULL)
	+ (SELECT count(*) FROM plait.logs l WHERE pg_catalog.row_to_json(l) IS NOT NULL)
	+ (SELECT count(*) FROM plait.traces t WHERE pg_catalog.row_to_json(t) IS NOT NULL)`

func TestAnyTextCanBeStored(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	for i, bad := range []string{"a\x00b", "\xff\xfe", "\xed\xa0\x80", "quote\"back\\slash\n\t\x01", strings.Repeat("long é", 3000), ""} {
		attributes := plait.Attributes{
			{Key: bad, Value: plait.StringValue(bad)}, {Key: "bytes", Value: plait.BytesValue(bad)},
			{Key: "double", Value: plait.DoubleValue(math.NaN())}, {Key: "twice", Value: plait.IntValue(1)},
			{Key: "twice", Value: plait.IntValue(2)}, {Key: "array", Value: plait.ArrayValue("[\"x\xff\x00\"]")}, {Key: "empty"},
		}
		resource := &plait.Resource{Attributes: append(plait.Attributes{strAttribute("service.name", bad)}, attributes...), SchemaURL: bad}
		scope := &plait.Scope{Name: bad, Version: bad, Attributes: attributes, SchemaURL: bad}
		id := traceNumber(uint64(i+1), 7)
		traces := &plait.Traces{Spans: []plait.Span{{
			TraceID: id, SpanID: spanNumber(1), StartNanos: time.Now().UnixNano(), Resource: resource, Scope: scope,
			Name: bad, TraceState: bad, StatusMessage: bad, Attributes: attributes, Kind: 77, Status: 9, Flags: math.MaxUint32,
			Events:            []plait.Event{{Name: bad, Attributes: attributes, DroppedAttributes: 1}, {}},
			Links:             []plait.Link{{TraceID: id, TraceState: bad, Attributes: attributes, Flags: math.MaxUint32}},
			DroppedAttributes: math.MaxUint32,
		}}}
		logs := &plait.Logs{Records: []plait.LogRecord{{
			TimeNanos: time.Now().UnixNano(), Resource: resource, Scope: scope, Body: plait.StringValue(bad),
			SeverityText: bad, EventName: bad, Attributes: attributes, Severity: 200,
		}, {
			TimeNanos: time.Now().UnixNano(), Resource: resource, Scope: scope, Body: plait.MapValue("{\"k\":\"\xff\x00\"}"),
		}}}
		for range 100 { // so often that attributes are in sets
			if _, err := s.WriteTraces(t.Context(), traces); err != nil {
				t.Fatalf("spans with %.20q: %v", bad, err)
			}
			if _, err := s.WriteLogs(t.Context(), logs); err != nil {
				t.Fatalf("records with %.20q: %v", bad, err)
			}
		}
	}
	if got := selectOne[int64](t, conn, castEverythingSQL); got != 6*100*3+6 {
		t.Errorf("the views show %d rows, want %d", got, 6*100*3+6)
	}
	if got := selectOne[string](t, conn, `SELECT DISTINCT attributes ->> 'twice' FROM plait.spans`); got != "2" {
		t.Errorf("a key that came twice has value %q, want the last", got)
	}
}

func TestTimesFromTheEndsOfTheClockAreStoredOutside(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	times := []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}
	traces, logs := &plait.Traces{}, &plait.Logs{}
	want := map[string]int64{}
	for i, start := range times {
		for j, end := range times {
			id := spanNumber(int64(i*10 + j + 1))
			traces.Spans = append(traces.Spans, plait.Span{TraceID: traceNumber(1, 1), SpanID: id,
				StartNanos: start, EndNanos: end, Resource: resourceOf("a"), Scope: &plait.Scope{}})
			logs.Records = append(logs.Records, plait.LogRecord{TraceID: traceNumber(1, 1), SpanID: id,
				TimeNanos: start, ObservedNanos: end, Resource: resourceOf("a"), Scope: &plait.Scope{}})
			want[id.String()] = start
		}
	}
	if _, err := s.WriteTraces(t.Context(), traces); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	selectOne[int64](t, conn, castEverythingSQL)
	if got := selectOne[int64](t, conn, `SELECT (SELECT count(*) FROM plait_store.span WHERE shelf > '4000-01-01') + (SELECT count(*) FROM plait_store.log WHERE shelf > '4000-01-01')`); got != int64(2*len(want)) {
		t.Errorf("%d rows outside, want %d", got, 2*len(want))
	}
	for _, table := range []string{
		`SELECT span_id, (extract(epoch FROM start_time) * 1000000)::numeric::text, start_sub_ns FROM plait.spans`,
		`SELECT span_id, (extract(epoch FROM time) * 1000000)::numeric::text, sub_ns FROM plait.logs`,
	} {
		rows, err := conn.Query(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		var id, micros string
		var sub int64
		if _, err := pgx.ForEachRow(rows, []any{&id, &micros, &sub}, func() error {
			var m int64
			if _, err := fmt.Sscan(strings.TrimSuffix(micros, ".000000"), &m); err != nil {
				return err
			}
			if got := m*1000 + sub; got != want[id] { // wraps and comes back at the least time
				t.Errorf("span %s: time %d, want %d", id, got, want[id])
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSpanNamesThatExplodeStandInTheirRows(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	traces, logs := &plait.Traces{}, &plait.Logs{}
	for i := range 5000 {
		span := span(traceNumber(1, 1), int64(i+1), 0, "shop", fmt.Sprintf("GET /orders/%d", i), now, 0, time.Second)
		traces.Spans = append(traces.Spans, span)
		r := record(traceNumber(1, 1), int64(i+1), "shop", "text", now, 0)
		r.EventName, r.SeverityText = fmt.Sprintf("order.%d", i), fmt.Sprintf("level %d", i)
		logs.Records = append(logs.Records, r)
	}
	if _, err := s.WriteTraces(t.Context(), traces); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.operation`); got > 2001 {
		t.Errorf("%d operations for one service", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.log_class`); got > 2301 {
		t.Errorf("%d log classes for one service", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(DISTINCT name) FROM plait.spans`); got != 5000 {
		t.Errorf("%d span names read back, want 5000", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(DISTINCT severity) FROM plait.logs`); got != 5000 {
		t.Errorf("%d severities read back, want 5000", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(DISTINCT event_name) FROM plait.logs`); got != 5000 {
		t.Errorf("%d event names read back, want 5000", got)
	}
}

func TestExtraHoldsWhatIsRare(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	full := span(traceNumber(1, 1), 1, 0, "shop", "full", time.Now(), 0, time.Second)
	full.StatusMessage, full.TraceState = "broken", "k=v"
	full.Events = []plait.Event{{TimeNanos: 1, Name: "e", Attributes: plait.Attributes{strAttribute("a", "b")}, DroppedAttributes: 2}, {TimeNanos: -1}}
	full.Links = []plait.Link{{TraceID: traceNumber(2, 3), SpanID: spanNumber(4), TraceState: "l=m", Flags: 1}}
	full.DroppedAttributes, full.DroppedEvents, full.DroppedLinks = 5, 6, 7
	plain := span(traceNumber(1, 1), 2, 1, "shop", "plain", time.Now(), 0, time.Second)
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: []plait.Span{full, plain}}); err != nil {
		t.Fatal(err)
	}
	want := `{"status_message":"broken","trace_state":"k=v",` +
		`"events":[{"time_unix_nano":1,"name":"e","attributes":{"a":"b"},"dropped_attributes_count":2},{"time_unix_nano":-1}],` +
		`"links":[{"trace_id":"00000000000000020000000000000003","span_id":"0000000000000004","trace_state":"l=m","flags":1}],` +
		`"dropped_attributes_count":5,"dropped_events_count":6,"dropped_links_count":7}`
	got := selectOne[string](t, conn, `SELECT pg_catalog.string_agg(extra, '|' ORDER BY span_id) FROM plait_store.span`)
	if diff := gocmp.Diff(want+"|", got); diff != "" {
		t.Errorf("extra (-want +got):\n%s", diff)
	}
}
