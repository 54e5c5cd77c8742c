package exemplars

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// tenth is the trace state of a span of a trace of which one in ten was kept.
const tenth = "ot=th:e6666666666666"

// sampledCalls are a call of which one in ten was kept, which failed, and one of which every one was.
func sampledCalls(end time.Time) []plait.Span {
	all := spans(
		spec{trace: 1, id: 2, service: "front", name: "call", kind: plait.SpanKindClient, took: 2 * time.Second, end: end},
		spec{trace: 1, id: 3, parent: 2, service: "back", name: "answer", kind: plait.SpanKindServer, status: plait.StatusError, took: time.Second, end: end},
		spec{trace: 2, id: 4, service: "front", name: "call", kind: plait.SpanKindClient, took: 200 * time.Millisecond, end: end},
		spec{trace: 2, id: 5, parent: 4, service: "back", name: "answer", kind: plait.SpanKindServer, took: 0, end: end},
	)
	all[0].TraceState = tenth // its server's side does not tell
	return all
}

func TestWhatASamplerKeptCountsForWhatItDidNot(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{Buckets: []float64{0.5}})
	g.ObserveSpans(sampledCalls(start))
	h := g.calls[callKey{"front", "call", plait.SpanKindClient, plait.StatusUnset}].latency
	if h.count != 11 || !cmp.Equal(h.counts, []uint64{1, 10}) || h.native.counts[0] != 1 || !cmp.Equal(h.sum, 20.2, cmpopts.EquateApprox(0, 1e-9)) {
		t.Errorf("%d calls in %v and %v, %g s", h.count, h.counts, h.native, h.sum)
	}
	if n := len(h.recent(0)); n != 2 {
		t.Errorf("%d exemplars", n)
	}
	want := map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {11, 10, 11, 11}}
	if diff := cmp.Diff(want, g.graph()); diff != "" {
		t.Errorf("requests, failures, seconds of server and client (-want +got):\n%s", diff)
	}
}

func TestWhatASamplerKeptCountsForWhatItDidNotWhenItComesLate(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	g, _ := newGenerator(t, Config{Writer: r, Buckets: []float64{0.5}})
	g.ObserveSpans(sampledCalls(start.Add(-2 * time.Hour)))
	g.flushLate(t.Context())
	written := r.increments()
	for family, counts := range map[string]int64{
		"traces_spanmetrics_calls_total": 13, "traces_service_graph_request_total": 11, "traces_service_graph_request_failed_total": 10,
		"traces_service_graph_request_server_seconds": 11, "traces_service_graph_request_client_seconds": 11, "traces_spanmetrics_latency": 13,
	} {
		var n, zero, exponential, bounded int64
		for _, inc := range written[family] {
			n += inc.Count
			zero += inc.Zero
			for _, b := range inc.Bounded {
				bounded += b.Count
			}
			for _, e := range inc.Exponential {
				exponential += e.Count
			}
		}
		if n != counts || bounded > 0 && (bounded != n || zero+exponential != n) {
			t.Errorf("%s: %d, of these %d within bounds, %d of nothing and %d of something; want %d", family, n, bounded, zero, exponential, counts)
		}
	}
}
