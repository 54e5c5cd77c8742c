package ingest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

var testNow = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func newTestCleaner(t testing.TB) (*cleaner, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewRegistry()
	m, err := newMeters(r, &budget{max: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &cleaner{limits: DefaultConfig(), meters: m, now: func() time.Time { return testNow }, ids: findIDs}, r
}

// counted returns the counters or gauges with the name, as label values to numbers.
func counted(t *testing.T, g prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			out[labelText(m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

func labelText(m *dto.Metric) string {
	var values []string
	for _, l := range m.GetLabel() {
		values = append(values, l.GetValue())
	}
	return strings.Join(values, " ")
}

func testSpan(change func(*plait.Span)) plait.Span {
	s := plait.Span{
		TraceID: plait.TraceID{1}, SpanID: plait.SpanID{2}, Name: "GET /",
		StartNanos: testNow.UnixNano(), EndNanos: testNow.UnixNano() + 1000,
		Resource: &plait.Resource{}, Scope: &plait.Scope{},
	}
	change(&s)
	return s
}

func TestSpanChecksCountTheirReasons(t *testing.T) {
	long := strings.Repeat("n", 5000)
	for _, c := range []struct {
		name    string
		change  func(*plait.Span)
		reasons map[string]float64
	}{
		{"good", func(*plait.Span) {}, nil},
		{"bad name", func(s *plait.Span) { s.Name = "a\x00" }, map[string]float64{"bad_text traces": 1}},
		{"long name", func(s *plait.Span) { s.Name = long }, map[string]float64{"name_cut traces": 1}},
		{"long key", func(s *plait.Span) { s.Attributes = plait.Attributes{{Key: long}} }, map[string]float64{"name_cut traces": 1}},
		{"repeated key", func(s *plait.Span) { s.Attributes = plait.Attributes{{Key: "k"}, {Key: "k"}} }, map[string]float64{"repeated_key traces": 1}},
		{"year 1", func(s *plait.Span) { s.StartNanos = math.MinInt64 }, map[string]float64{"absurd_time traces": 1}},
		{"year 9999", func(s *plait.Span) { s.StartNanos, s.EndNanos = math.MaxInt64, math.MaxInt64 }, map[string]float64{"absurd_time traces": 1}},
		{"no time", func(s *plait.Span) { s.StartNanos = 0 }, map[string]float64{"absurd_time traces": 1}},
		{"ends early", func(s *plait.Span) { s.EndNanos = s.StartNanos - 1 }, map[string]float64{"ends_before_start traces": 1}},
		{"event", func(s *plait.Span) {
			s.Events = []plait.Event{{Name: "\xff", Attributes: plait.Attributes{{Key: "k", Value: plait.StringValue("\xff")}}}}
		}, map[string]float64{"bad_text traces": 2}},
		{"resource", func(s *plait.Span) { s.Resource.Attributes = plait.Attributes{{Key: "k\x00"}} }, map[string]float64{"bad_text traces": 1}},
		{"service", func(s *plait.Span) {
			s.Resource.Attributes = plait.Attributes{{Key: "service.name", Value: plait.StringValue(long)}}
		}, map[string]float64{"name_cut traces": 1}},
		{"scope", func(s *plait.Span) { s.Scope.Name = "\x00" }, map[string]float64{"bad_text traces": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cleaner, r := newTestCleaner(t)
			var o outcome
			b := plait.Traces{Spans: []plait.Span{testSpan(c.change)}}
			cleaner.cleanSpans(&b, &o)
			if len(b.Spans) != 1 || o.refusedCount != 0 {
				t.Errorf("%d spans kept, %d refused, want it kept", len(b.Spans), o.refusedCount)
			}
			want := c.reasons
			if want == nil {
				want = map[string]float64{}
			}
			if diff := cmp.Diff(want, counted(t, r, "plait_ingest_repaired_total")); diff != "" {
				t.Errorf("repairs counted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSpansWithoutIDsAreRefusedAlone(t *testing.T) {
	cleaner, r := newTestCleaner(t)
	var o outcome
	b := plait.Traces{}
	for i := range 10 {
		b.Spans = append(b.Spans, testSpan(func(s *plait.Span) {
			s.Name = fmt.Sprint("span ", i)
			switch i {
			case 0, 4:
				s.TraceID = plait.TraceID{}
			case 9:
				s.SpanID = plait.SpanID{}
			}
		}))
	}
	cleaner.cleanSpans(&b, &o)
	var names []string
	for _, s := range b.Spans {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"span 1", "span 2", "span 3", "span 5", "span 6", "span 7", "span 8"}, names); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	want := map[string]float64{"zero_trace_id traces": 2, "zero_span_id traces": 1}
	if diff := cmp.Diff(want, counted(t, r, "plait_ingest_refused_total")); diff != "" {
		t.Errorf("refusals counted (-want +got):\n%s", diff)
	}
	if o.refusedCount != 3 || !strings.Contains(o.message(), `span 9 ("span 9" of service "unknown_service"): its span id`) {
		t.Errorf("the sender is told %d: %s", o.refusedCount, o.message())
	}
}

func TestAttributesBeyondTheLimitAreCountedAsDropped(t *testing.T) {
	cleaner, _ := newTestCleaner(t)
	b := plait.Traces{Spans: []plait.Span{testSpan(func(s *plait.Span) {
		s.DroppedAttributes = 7
		for i := range 10_003 {
			s.Attributes = append(s.Attributes, plait.Attribute{Key: fmt.Sprint("k", i)})
		}
	})}}
	cleaner.cleanSpans(&b, &outcome{})
	if s := b.Spans[0]; len(s.Attributes) != 10_000 || s.DroppedAttributes != 10 {
		t.Errorf("%d attributes kept, %d dropped, want 10000 and 10", len(s.Attributes), s.DroppedAttributes)
	}
}

func TestALogRecordOfASeverityByNameOnlyGetsItsNumber(t *testing.T) {
	t.Parallel()
	ts := start(t)
	request := testLogs("by name", "by number", "by neither")
	records := request.ResourceLogs[0].ScopeLogs[0].LogRecords
	records[0].SeverityText = "Critical"
	records[1].SeverityText, records[1].SeverityNumber = "Critical", logspb.SeverityNumber_SEVERITY_NUMBER_ERROR
	records[2].SeverityText = "strange"
	ts.protobuf(t, "/v1/logs", marshal(t, request))
	found, _, err := ts.store.Logs(t.Context(), query.Logs{Page: query.Page{Limit: 10}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]plait.SeverityNumber{"by name": 21, "by number": 17, "by neither": 0}
	for _, r := range found {
		if r.Severity != want[r.Body.Str()] || r.SeverityText == "" {
			t.Errorf("%s has severity %d, %q", r.Body.Str(), r.Severity, r.SeverityText)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d records", len(found))
	}
}

func TestALogRecordWithoutATimeGetsTheNextBest(t *testing.T) {
	cleaner, r := newTestCleaner(t)
	record := func(time, observed int64) plait.LogRecord {
		return plait.LogRecord{TimeNanos: time, ObservedNanos: observed, Resource: &plait.Resource{}, Scope: &plait.Scope{}}
	}
	at := testNow.UnixNano()
	b := plait.Logs{Records: []plait.LogRecord{record(at-5, at-3), record(0, at-3), record(0, 0)}}
	cleaner.cleanLogs(&b)
	for i, want := range []int64{at - 5, at - 3, at} {
		if got := b.Records[i].TimeNanos; got != want {
			t.Errorf("record %d has time %d, want %d", i, got, want)
		}
	}
	if diff := cmp.Diff(map[string]float64{"no_time logs": 1}, counted(t, r, "plait_ingest_repaired_total")); diff != "" {
		t.Errorf("repairs counted (-want +got):\n%s", diff)
	}
}

func TestTraceIDsAreFoundInRecordsWithoutOne(t *testing.T) {
	cleaner, r := newTestCleaner(t)
	want := plait.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}
	record := func(id plait.TraceID) plait.LogRecord {
		return plait.LogRecord{
			TimeNanos: testNow.UnixNano(), TraceID: id, Resource: &plait.Resource{}, Scope: &plait.Scope{},
			Attributes: plait.Attributes{{Key: "traceparent", Value: plait.StringValue("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")}},
		}
	}
	b := plait.Logs{Records: []plait.LogRecord{record(plait.TraceID{}), record(plait.TraceID{9})}}
	cleaner.cleanLogs(&b)
	if b.Records[0].TraceID != want || b.Records[0].SpanID.String() != "00f067aa0ba902b7" {
		t.Errorf("found %s %s, want %s 00f067aa0ba902b7", b.Records[0].TraceID, b.Records[0].SpanID, want)
	}
	if got := b.Records[1].TraceID; got != (plait.TraceID{9}) {
		t.Errorf("an id of the record's own was replaced by %s", got)
	}
	if got := counted(t, r, "plait_ingest_trace_ids_found_total")[""]; got != 1 {
		t.Errorf("%v ids counted as found, want 1", got)
	}
}
