package exemplars

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// edge is the series of one edge of the service graph. A side that nobody measured has no observations.
type edge struct {
	failed        uint64
	requests      uint64
	client        histogram
	server        histogram
	failedExample exemplar
	made          time.Time
	seen          time.Time
	written       written
}

// side is one end of a call: a client or producer span, or a server or consumer span.
type side struct {
	service    string
	peer       string                     // clients: what their attributes call the other end
	connection spanmetrics.ConnectionType // clients: how it is connected
	server     bool
	outermost  bool // servers: without a parent
	messages   bool // producers and consumers
	failed     bool
	observed   observation
}

// sharedKey is the attribute that the Zipkin decoder gives to the server's side of a span whose id
// the client's side has too.
const sharedKey = "zipkin.shared"

// observeSide joins a span to the other end of its call, or lets it wait for it.
func (g *Generator) observeSide(s *plait.Span, service string, o observation, now time.Time) {
	end := side{service: service, observed: o, failed: s.Status == plait.StatusError}
	switch s.Kind {
	case plait.SpanKindClient, plait.SpanKindProducer:
		end.messages = s.Kind == plait.SpanKindProducer
		end.peer, end.connection = spanmetrics.PeerOf(s.Kind, s.Attributes)
		if end.connection == spanmetrics.ConnectionDatabase {
			g.addEdge(&end, nil, now) // databases send no spans
			return
		}
		g.pair(pairKey{s.TraceID, s.SpanID}, &end, now)
	case plait.SpanKindServer, plait.SpanKindConsumer:
		end.server = true
		end.messages = s.Kind == plait.SpanKindConsumer
		end.outermost = s.Kind == plait.SpanKindServer && s.ParentSpanID.IsZero()
		g.observeServer(s, &end, now)
	}
}

// observeServer looks for the client of a server's or consumer's span.
func (g *Generator) observeServer(s *plait.Span, end *side, now time.Time) {
	own := pairKey{s.TraceID, s.SpanID}
	_, marked := s.Attributes.Get(sharedKey)
	switch {
	case marked || g.pairs.holds(own, false):
		// The client's side has the same id; the parent is the client's, whoever that is.
		g.pair(own, end, now)
	case !s.ParentSpanID.IsZero():
		g.pair(pairKey{s.TraceID, s.ParentSpanID}, end, now)
	case end.outermost:
		g.addEdge(nil, end, now)
	case len(s.Links) > 0:
		// consumers of batches stand in traces of their own and link to the producers
		g.pair(pairKey{s.Links[0].TraceID, s.Links[0].SpanID}, end, now)
	}
}

// pair completes a call if its other end waits, else the end waits.
func (g *Generator) pair(key pairKey, end *side, now time.Time) {
	other, ok := g.pairs.take(key, !end.server)
	switch {
	case !ok:
		end.service, end.peer = g.names.keep(end.service), g.names.keep(end.peer)
		g.pairs.add(key, end, now)
		for g.pairs.full() {
			g.giveUp(g.pairs.oldest(), now)
		}
	case end.server:
		g.addEdge(&other, end, now)
	default:
		g.addEdge(end, &other, now)
	}
}

// expirePairs gives up the ends that waited long enough.
func (g *Generator) expirePairs(now time.Time) {
	for g.pairs.expired(now) {
		g.giveUp(g.pairs.oldest(), now)
	}
}

// giveUp makes an edge of a client that knows whom it called, and of a server that was called from
// outside, and counts what stays alone.
func (g *Generator) giveUp(end side, now time.Time) {
	switch {
	case end.server && end.outermost:
		g.addEdge(nil, &end, now)
	case end.server || end.peer == "":
		g.counts.unpaired++
	default:
		g.addEdge(&end, nil, now)
	}
}

// addEdge counts a call. Where one end sent no span, its name is the other's word for it.
func (g *Generator) addEdge(client, server *side, now time.Time) {
	var key spanmetrics.Edge
	switch {
	case client == nil:
		key = spanmetrics.UserEdge(server.service)
	case server == nil:
		key, _ = spanmetrics.UnansweredEdge(client.service, client.peer, client.connection)
	default:
		key = spanmetrics.AnsweredEdge(client.service, server.service, client.messages || server.messages)
	}
	e := g.edges[key]
	if e == nil {
		e = g.newEdge(key, now)
	}
	e.seen = now
	e.requests++
	if client != nil {
		e.observe(&e.client, &g.bounds, client)
		if server == nil { // the client's view of the server is the only one there is
			e.server.observe(&g.bounds, &client.observed)
		}
	}
	if server != nil {
		e.observe(&e.server, &g.bounds, server)
	}
	if client != nil && client.failed || server != nil && server.failed {
		e.failed++
	}
}

func (e *edge) observe(h *histogram, b *bounds, end *side) {
	h.observe(b, &end.observed)
	if end.failed {
		e.failedExample.offer(&end.observed.example)
	}
}

// newEdge makes room for a key, or finds the series into which it is folded.
func (g *Generator) newEdge(key spanmetrics.Edge, now time.Time) *edge {
	if len(g.edges) >= g.config.MaxSeries {
		g.counts.folded++
		key.Client, key.Server = Other, Other
		if e := g.edges[key]; e != nil {
			return e
		}
	}
	key.Client, key.Server = g.names.keep(key.Client), g.names.keep(key.Server)
	e := &edge{made: now}
	g.edges[key] = e
	return e
}
