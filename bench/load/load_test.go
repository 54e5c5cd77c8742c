package load

import (
	"testing"
	"time"

	logscoll "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	tracecoll "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var small = Config{Seed: 7, Spans: 3000, Window: time.Hour, End: time.Unix(1_800_000_000, 0)}

func TestEverySpanIsSentOnce(t *testing.T) {
	set, err := small.Make(500, 1000)
	if err != nil {
		t.Fatal(err)
	}
	seen, roots := map[string]bool{}, 0
	for _, r := range set.Spans {
		var req tracecoll.ExportTraceServiceRequest
		if err := proto.Unmarshal(r.Body, &req); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, rs := range req.ResourceSpans {
			for _, s := range rs.ScopeSpans[0].Spans {
				seen[string(s.TraceId)+string(s.SpanId)] = true
				n++
				if len(s.ParentSpanId) == 0 {
					roots++
				}
			}
		}
		if n != r.Items {
			t.Errorf("a request says %d items and holds %d", r.Items, n)
		}
	}
	if len(seen) != small.Spans || roots < 100 {
		t.Errorf("%d distinct spans and %d roots, want %d and many", len(seen), roots, small.Spans)
	}
}

func TestLogRecordsNameTheirSpans(t *testing.T) {
	set, err := small.Make(500, 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range set.Logs {
		var req logscoll.ExportLogsServiceRequest
		if err := proto.Unmarshal(r.Body, &req); err != nil {
			t.Fatal(err)
		}
		for _, rl := range req.ResourceLogs {
			for _, l := range rl.ScopeLogs[0].LogRecords {
				n++
				if len(l.TraceId) != 16 || len(l.SpanId) != 8 || l.TimeUnixNano == 0 {
					t.Fatal("a record without ids or time")
				}
			}
		}
	}
	if n < small.Spans || n > 2*small.Spans {
		t.Errorf("%d log records for %d spans", n, small.Spans)
	}
}

func TestHostileDataRepeatsNoName(t *testing.T) {
	c := small
	c.Hostile = true
	names := map[string]bool{}
	for k := range 50 {
		for _, s := range c.trace(k) {
			if names[s.Name] {
				t.Fatalf("name %q repeats", s.Name)
			}
			names[s.Name] = true
		}
	}
}

func TestMetricsReachTheNumberOfSamples(t *testing.T) {
	requests, err := small.MakeMetrics(50_000, 2000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range requests {
		n += r.Items
	}
	if n < 45_000 || n > 50_000 {
		t.Errorf("%d samples, want about 50000", n)
	}
}
