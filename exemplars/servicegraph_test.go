package exemplars

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/spanmetrics/callcases"
)

// graph tells the edges as requests, failures, and observations of server and client.
func (g *Generator) graph() map[spanmetrics.Edge][4]uint64 {
	out := map[spanmetrics.Edge][4]uint64{}
	for key, e := range g.edges {
		out[key] = [4]uint64{e.requests, e.failed, e.server.count, e.client.count}
	}
	return out
}

func edgeOf(client, server string, c spanmetrics.ConnectionType) spanmetrics.Edge {
	return spanmetrics.Edge{Client: client, Server: server, ConnectionType: c}
}

// TestSpansThatComeInMakeTheCallsOfTheTable lets the spans of each case come at once, one by one,
// and the other way round.
func TestSpansThatComeInMakeTheCallsOfTheTable(t *testing.T) {
	t.Parallel()
	cases, err := callcases.All(start)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		backwards := slices.Clone(c.Spans)
		slices.Reverse(backwards)
		for name, requests := range map[string][][]plait.Span{
			"at once": {c.Spans}, "backwards": {backwards},
			"one by one": slices.Collect(slices.Chunk(c.Spans, 1)), "one by one, backwards": slices.Collect(slices.Chunk(backwards, 1)),
		} {
			g, clock := newGenerator(t, Config{})
			clock.advance(c.At.Sub(start) + time.Second)
			for _, spans := range requests {
				g.ObserveSpans(spans)
			}
			clock.advance(time.Minute)
			g.expire(clock.Now())
			clock.advance(time.Minute) // those that were answered stay on
			g.expire(clock.Now())
			got := callcases.Edges{}
			for key, e := range g.edges {
				got[key] = callcases.Count{Calls: int(e.requests), Failed: int(e.failed)}
			}
			if diff := cmp.Diff(c.Metrics, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", c.Name, name, diff)
			}
			if len(g.pairs.ends) != 0 || g.pairs.waiting != newPairs(0, g.config.MaxPending).waiting || g.pairs.answered.count != 0 {
				t.Errorf("%s, %s: %d ends are still there", c.Name, name, len(g.pairs.ends))
			}
		}
	}
}

func TestCallsAreMeasuredOnBothSides(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{})
	g.ObserveSpans(spans(
		spec{trace: 1, id: 2, parent: 1, service: "front", kind: plait.SpanKindClient},
		spec{trace: 1, id: 3, parent: 2, service: "back", kind: plait.SpanKindServer},
		spec{trace: 1, id: 4, parent: 2, service: "back", kind: plait.SpanKindServer},
		spec{trace: 1, id: 5, service: "back", kind: plait.SpanKindServer},
		spec{trace: 1, id: 6, service: "back", kind: plait.SpanKindClient, attributes: text("db.system", "mysql")},
	))
	want := map[spanmetrics.Edge][4]uint64{
		edgeOf("front", "back", spanmetrics.ConnectionDirect):     {2, 0, 2, 2},
		edgeOf("user", "back", spanmetrics.ConnectionVirtualNode): {1, 0, 1, 0},
		edgeOf("back", "mysql", spanmetrics.ConnectionDatabase):   {1, 0, 1, 1},
	}
	if diff := cmp.Diff(want, g.graph()); diff != "" {
		t.Errorf("requests, failures, seconds of server and client (-want +got):\n%s", diff)
	}
}

func TestEndsThatStayAloneAreCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		span spec
		want uint64
	}{
		"a client that names nobody":     {spec{trace: 1, id: 2, service: "front", kind: plait.SpanKindClient}, 1},
		"a client that names its server": {spec{trace: 1, id: 2, service: "front", kind: plait.SpanKindClient, attributes: text("server.address", "x")}, 0},
		"a server":                       {spec{trace: 1, id: 2, parent: 1, service: "back", kind: plait.SpanKindServer}, 1},
		"a consumer with a link and a parent, once": {
			spec{trace: 1, id: 2, parent: 1, service: "back", kind: plait.SpanKindConsumer, links: []plait.Link{{TraceID: plait.TraceID{1}, SpanID: plait.SpanID{2}}}}, 1,
		},
	} {
		g, clock := newGenerator(t, Config{})
		g.ObserveSpans(spans(c.span))
		clock.advance(time.Minute)
		g.expire(clock.Now())
		if g.counts.unpaired != c.want {
			t.Errorf("%s: %d unpaired, want %d", name, g.counts.unpaired, c.want)
		}
	}
}

func TestTheServerWaitsForTheClientUntilTheDeadline(t *testing.T) {
	t.Parallel()
	g, clock := newGenerator(t, Config{PairWait: 10 * time.Second})
	g.ObserveSpans(spans(spec{trace: 1, id: 3, parent: 2, service: "back", kind: plait.SpanKindServer}))
	clock.advance(9 * time.Second)
	g.ObserveSpans(spans(spec{trace: 1, id: 2, service: "front", kind: plait.SpanKindClient}))
	g.ObserveSpans(spans(spec{trace: 2, id: 3, parent: 2, service: "back", kind: plait.SpanKindServer}))
	clock.advance(10 * time.Second)
	g.ObserveSpans(spans(spec{trace: 2, id: 2, service: "front", kind: plait.SpanKindClient}))
	if want := (map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 0, 1, 1}}); !maps.Equal(want, g.graph()) {
		t.Errorf("got %v", g.graph())
	}
}

func TestTheOldestEndsGoWhenTooManyWait(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{MaxPending: 2})
	for trace := range byte(3) {
		g.ObserveSpans(spans(spec{trace: trace, id: 2, service: "front", kind: plait.SpanKindClient}))
	}
	for _, trace := range []byte{2, 1, 0} {
		g.ObserveSpans(spans(spec{trace: trace, id: 3, parent: 2, service: "back", kind: plait.SpanKindServer}))
	}
	e := g.edges[edgeOf("front", "back", spanmetrics.ConnectionDirect)]
	if e == nil || e.requests != 2 || g.counts.unpaired != 1 {
		t.Errorf("%+v, %d unpaired", e, g.counts.unpaired)
	}
}
