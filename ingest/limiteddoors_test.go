package ingest

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// limited sets limits of which others have used up a billion times as much.
func limited(t *testing.T, changes ...func(*Config, *Deps)) *testServer {
	t.Helper()
	ts := serve(t, append(changes, func(c *Config, _ *Deps) { c.MaxSpansPerSecond, c.MaxRecordsPerSecond = 1, 1 })...)
	for _, l := range []*limiter{ts.pipeline.spanLimit, ts.pipeline.recordLimit} {
		l.mu.Lock()
		l.all.at = l.now()
		for c := range l.all.arrivals {
			l.all.arrivals[c].count[0], l.all.arrivals[c].standFor[0] = 1e15, 1e15
		}
		l.mu.Unlock()
	}
	return ts
}

const saysSampledOut = "of 2 spans are sampled out and not stored: more come in than 1 a second (max-spans-per-second)"

// TestEachTraceDoorTellsWhatALimitLeftOut has no Writer: what comes that far panics.
func TestEachTraceDoorTellsWhatALimitLeftOut(t *testing.T) {
	t.Parallel()
	ts := limited(t, withJaegersPort)
	eachTraceDoor(t, func(t *testing.T, d *traceDoor, number byte) {
		a := d.send(t, ts, d.checkout(t, number))
		if a.code != d.code || a.header.Get(sampledHeader) != "2" || a.header.Get(storedHeader) != "0" {
			t.Errorf("answer %d, %s spans are sampled out and %s stored", a.code, a.header.Get(sampledHeader), a.header.Get(storedHeader))
		}
		if told := "2 " + saysSampledOut; !strings.Contains(a.body, told) && d.path != "/v0.3/traces" || strings.Contains(a.body, "refused: ") {
			t.Errorf("answer %q, want %q", a.body, told)
		}
	})
	eachJaegerPort(t, ts, func(t *testing.T, addr net.Addr, number byte) {
		if _, err := api_v2.NewCollectorServiceClient(dialAt(t, addr)).PostSpans(t.Context(), jaegerPosts(number)); err != nil {
			t.Error(err)
		}
	})
	for _, r := range ts.Intake() {
		if r.Sampled == 0 || r.Stored != 0 {
			t.Errorf("told of %s: %+v", r.Door, r)
		}
	}
	if seen := ts.observer.seen(); len(seen) > 0 {
		t.Errorf("the observer of spans has seen %q", seen)
	}
}

// limitsNoted is what limits did.
type limitsNoted struct {
	mu   sync.Mutex
	list []plait.Limited
}

func (n *limitsNoted) NoteLimited(l plait.Limited) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, l)
}

func (n *limitsNoted) all() []plait.Limited {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

func TestOTLPTellsWhatALimitLeftOutAsPartialSuccess(t *testing.T) {
	t.Parallel()
	noted := &limitsNoted{}
	ts := limited(t, func(_ *Config, d *Deps) { d.Limits = noted })
	request := testTrace(3, "first", "second", "nobody")
	request.ResourceSpans[0].ScopeSpans[0].Spans[2].TraceId = nil
	spans, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), request)
	if p := spans.GetPartialSuccess(); err != nil || p.GetRejectedSpans() != 3 || !strings.Contains(p.GetErrorMessage(), "trace id") || !strings.Contains(p.GetErrorMessage(), "; 2 "+saysSampledOut) {
		t.Errorf("over gRPC: %v, %v", p, err)
	}
	records, err := collogs.NewLogsServiceClient(ts.dial(t)).Export(t.Context(), testLogs("a", "b"))
	if p := records.GetPartialSuccess(); err != nil || p.GetRejectedLogRecords() != 2 || !strings.HasPrefix(p.GetErrorMessage(), "2 of 2 log records are sampled out and not stored: more come in than 1 a second (max-records-per-second)") {
		t.Errorf("over gRPC: %v, %v", p, err)
	}
	for path, body := range map[string][]byte{"/v1/traces": marshal(t, testTrace(4, "first", "second")), "/v1/logs": marshal(t, testLogs("a", "b"))} {
		a := ts.protobuf(t, path, body)
		if a.code != 200 || !strings.Contains(a.body, "are sampled out") || a.header.Get(sampledHeader) != "2" {
			t.Errorf("%s: answer %d %q, %v", path, a.code, a.body, a.header)
		}
	}
	for path, body := range map[string]string{
		"/loki/api/v1/push": `{"streams":[{"stream":{"a":"b"},"values":[["1795000000000000000","c"]]}]}`,
		"/ingest/logs":      `{"message":"no time of its own"}`,
	} {
		a := ts.post(t, path, strings.NewReader(body), "Content-Type: application/json")
		if a.code != 204 || a.header.Get(sampledHeader) != "1" {
			t.Errorf("%s: answer %d %q, %v", path, a.code, a.body, a.header)
		}
	}
	want := map[string]float64{"limit traces": 4, "limit logs": 6}
	if diff := cmp.Diff(want, counted(t, ts.registry, "plait_ingest_sampled_total")); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	answers := map[string]float64{"partial otlp_grpc": 1, "sampled otlp_grpc": 1, "sampled otlp_http": 2, "sampled loki_push": 1, "sampled json_lines": 1}
	if diff := cmp.Diff(answers, counted(t, ts.registry, "plait_ingest_requests_total")); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	told := map[string]plait.Limited{}
	for _, l := range noted.all() {
		so := told[l.Signal]
		told[l.Signal] = plait.Limited{Came: so.Came + l.Came, SampledOut: so.SampledOut + l.SampledOut, LeastShare: l.LeastShare}
	}
	if len(told) != 2 || told[traces].SampledOut != 4 || told[traces].Came != 4 || told[logs].SampledOut != 6 || told[logs].LeastShare > 1e-5 {
		t.Errorf("limits did %+v", told)
	}
}

func TestWhatALimitKeepsIsStoredWithWhatItStandsFor(t *testing.T) {
	t.Parallel()
	ts := start(t, func(c *Config, _ *Deps) { c.MaxSpansPerSecond = 1e9 })
	ts.pipeline.spanLimit = atShare(traces, 0.25)
	send := func(id byte, name, state string) {
		t.Helper()
		request := testTrace(1, name)
		s := request.ResourceSpans[0].ScopeSpans[0].Spans[0]
		s.TraceId = make([]byte, 16)
		s.TraceId[0], s.TraceId[9], s.TraceState = 0xaa, id, state
		if _, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	send(0xff, "kept", "")
	send(0xfe, "kept, with others' states", "a=1,ot=rv:ffffffffffffff")
	send(0x01, "left out", "")
	share := stepOf(ts.pipeline.spanLimit.share())
	for id, state := range map[byte]string{0xff: "ot=th:" + share.digits, 0xfe: "ot=th:" + share.digits + ";rv:ffffffffffffff,a=1"} {
		trace, err := ts.store.Trace(t.Context(), plait.TraceID{0: 0xaa, 9: id}, 10)
		if err != nil || len(trace.Spans) != 1 || trace.Spans[0].TraceState != state {
			t.Fatalf("stored: %+v, %v, want the trace state %s", trace, err, state)
		}
		if n := spanmetrics.AdjustedCount(&trace.Spans[0]); n < 4 || n > 5 {
			t.Errorf("one of four stands for %d", n)
		}
	}
	if _, err := ts.store.Trace(t.Context(), plait.TraceID{0: 0xaa, 9: 1}, 10); err == nil {
		t.Error("what was left out is stored")
	}
}

// TestWhatFailsIsNotCountedAsSampledOut: its sender repeats it.
func TestWhatFailsIsNotCountedAsSampledOut(t *testing.T) {
	t.Parallel()
	noted := &limitsNoted{}
	p := &pipeline{writer: noDatabase{}, limits: noted, spanLimit: atShare(traces, 0.25)}
	ts := serve(t)
	p.meters, p.cleaner = ts.pipeline.meters, ts.pipeline.cleaner
	resource, scope := &plait.Resource{}, &plait.Scope{}
	b := &plait.Traces{Spans: []plait.Span{
		{TraceID: plait.TraceID{9: 0xff}, SpanID: plait.SpanID{1}, Resource: resource, Scope: scope},
		{TraceID: plait.TraceID{9: 0x01}, SpanID: plait.SpanID{1}, Resource: resource, Scope: scope},
	}}
	o, err := p.takeTraces(context.Background(), b, func(int64) error { return nil })
	if err == nil || o.sampled != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if n := counted(t, ts.registry, "plait_ingest_sampled_total"); len(n) > 0 || len(noted.all()) > 0 {
		t.Errorf("counted: %v, noted: %v", n, noted.all())
	}
}

// TestARequestInTwoPartsTellsOfBoth: log records without a time of their own are stored by themselves.
func TestARequestInTwoPartsTellsOfBoth(t *testing.T) {
	t.Parallel()
	ts := limited(t)
	request := testLogs("a", "b", "no time")
	records := request.ResourceLogs[0].ScopeLogs[0].LogRecords
	records[2].TimeUnixNano, records[2].ObservedTimeUnixNano = 0, 0
	answer, err := collogs.NewLogsServiceClient(ts.dial(t)).Export(t.Context(), request)
	told := answer.GetPartialSuccess()
	if err != nil || told.GetRejectedLogRecords() != 3 || !strings.HasPrefix(told.GetErrorMessage(), "2 of 2 log records are") || !strings.Contains(told.GetErrorMessage(), "; 1 of 1 log records are") {
		t.Errorf("told %v, %v", told, err)
	}
}
