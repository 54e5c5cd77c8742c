package exemplars

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
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

func TestServiceGraph(t *testing.T) {
	t.Parallel()
	client := spec{trace: 1, id: 2, parent: 1, service: "front", kind: plait.SpanKindClient, took: time.Second}
	server := spec{trace: 1, id: 3, parent: 2, service: "back", kind: plait.SpanKindServer, took: time.Second / 2}
	with := func(s spec, change func(*spec)) spec { change(&s); return s }
	shared := func(s *spec) {
		s.id, s.parent, s.attributes = 2, 1, plait.Attributes{{Key: sharedKey, Value: plait.BoolValue(true)}}
	}
	tests := []struct {
		name     string
		requests [][]plait.Span
		want     map[spanmetrics.Edge][4]uint64
		unpaired uint64
	}{
		{
			"client before server", [][]plait.Span{spans(client), spans(server)},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 0, 1, 1}}, 0,
		},
		{
			"server before client", [][]plait.Span{spans(server), spans(client)},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 0, 1, 1}}, 0,
		},
		{
			"client fails", [][]plait.Span{spans(with(client, func(s *spec) { s.status = plait.StatusError }), server)},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 1, 1, 1}}, 0,
		},
		{
			"both fail", [][]plait.Span{spans(
				with(client, func(s *spec) { s.status = plait.StatusError }), with(server, func(s *spec) { s.status = plait.StatusError }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 1, 1, 1}}, 0,
		},
		{
			"root", [][]plait.Span{spans(with(server, func(s *spec) { s.parent = 0 }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("user", "back", spanmetrics.ConnectionVirtualNode): {1, 0, 1, 0}}, 0,
		},
		{
			"database", [][]plait.Span{spans(with(client, func(s *spec) {
				s.attributes = append(text("db.system", "postgresql"), text("server.address", "10.0.0.1")...)
			}))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "postgresql", spanmetrics.ConnectionDatabase): {1, 0, 1, 1}}, 0,
		},
		{
			"database with a name", [][]plait.Span{spans(with(client, func(s *spec) {
				s.attributes = append(text("db.system", "postgresql"), text("peer.service", "orders-db")...)
			}))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "orders-db", spanmetrics.ConnectionDatabase): {1, 0, 1, 1}}, 0,
		},
		{
			"service that sends no spans", [][]plait.Span{spans(with(client, func(s *spec) { s.attributes = text("server.address", "api.example.com") }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "api.example.com", spanmetrics.ConnectionVirtualNode): {1, 0, 1, 1}}, 0,
		},
		{"service without a name", [][]plait.Span{spans(client)}, map[spanmetrics.Edge][4]uint64{}, 1},
		{"client that sends no spans", [][]plait.Span{spans(server)}, map[spanmetrics.Edge][4]uint64{}, 1},
		{
			"message", [][]plait.Span{spans(
				with(client, func(s *spec) { s.kind = plait.SpanKindProducer }), with(server, func(s *spec) { s.kind = plait.SpanKindConsumer }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionMessaging): {1, 0, 1, 1}}, 0,
		},
		{
			"message to a trace of its own", [][]plait.Span{spans(
				with(client, func(s *spec) { s.kind = plait.SpanKindProducer }),
				with(server, func(s *spec) {
					s.trace, s.parent, s.kind = 9, 0, plait.SpanKindConsumer
					s.links = []plait.Link{{TraceID: plait.TraceID{15: 1}, SpanID: plait.SpanID{7: 2}}}
				}))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionMessaging): {1, 0, 1, 1}}, 0,
		},
		{
			"message that nobody took", [][]plait.Span{spans(with(client, func(s *spec) {
				s.kind, s.attributes = plait.SpanKindProducer, text("messaging.system", "kafka")
			}))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "kafka", spanmetrics.ConnectionMessaging): {1, 0, 1, 1}}, 0,
		},
		{
			"the same ids in another trace", [][]plait.Span{spans(client, with(server, func(s *spec) { s.trace = 2 }))},
			map[spanmetrics.Edge][4]uint64{}, 2,
		},
		{
			"message that a client sent", [][]plait.Span{spans(client, with(server, func(s *spec) { s.kind = plait.SpanKindConsumer }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionMessaging): {1, 0, 1, 1}}, 0,
		},
		{
			"both sides with one id, the client first", [][]plait.Span{spans(
				spec{trace: 1, id: 1, service: "edge", kind: plait.SpanKindClient}, client,
				with(server, func(s *spec) { s.id, s.parent = 2, 1 }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 0, 1, 1}}, 1,
		},
		{
			"both sides with one id, the server first", [][]plait.Span{spans(
				spec{trace: 1, id: 1, service: "edge", kind: plait.SpanKindClient}, with(server, shared), client)},
			map[spanmetrics.Edge][4]uint64{edgeOf("front", "back", spanmetrics.ConnectionDirect): {1, 0, 1, 1}}, 1,
		},
		{
			"the outermost server of which no client with the same id came",
			[][]plait.Span{spans(with(server, func(s *spec) { shared(s); s.parent = 0 }))},
			map[spanmetrics.Edge][4]uint64{edgeOf("user", "back", spanmetrics.ConnectionVirtualNode): {1, 0, 1, 0}}, 0,
		},
		{"inside of a service", [][]plait.Span{spans(with(client, func(s *spec) { s.kind = plait.SpanKindInternal }))}, map[spanmetrics.Edge][4]uint64{}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, clock := newGenerator(t, Config{})
			for _, request := range test.requests {
				g.ObserveSpans(request)
			}
			clock.advance(time.Minute)
			g.expire(clock.Now())
			if diff := cmp.Diff(test.want, g.graph()); diff != "" {
				t.Error(diff)
			}
			if g.counts.unpaired != test.unpaired || len(g.pairs.waiting) != 0 {
				t.Errorf("%d unpaired, want %d; %d wait", g.counts.unpaired, test.unpaired, len(g.pairs.waiting))
			}
		})
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
