package exemplars

import (
	"slices"
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
	spanmetrics.Side
	shared   bool // clients: a server has its id, so what is below that id is the server's
	byLink   bool // servers: it is a link or its own id that leads to the client
	doubtful bool // servers: it may well be that its client is no client, see spanmetrics' rule 3
	observed observation
}

func (s *side) server() bool { return spanmetrics.Answers(s.Kind) }

// accepts says whether a server answers the client that it was led to.
func (s *side) accepts(client *side) bool {
	return s.Accepts(&client.Side, s.byLink) && (s.byLink || !client.shared)
}

// sharedKey is the attribute that the Zipkin decoder gives to the server's side of a span whose id
// the client's side has too.
const sharedKey = "zipkin.shared"

// observeSide joins a span to the other ends of its calls, or lets it wait for them.
func (g *Generator) observeSide(s *plait.Span, service string, o *observation, now time.Time) {
	calls := spanmetrics.Calls(s.Kind)
	if !calls && !spanmetrics.Answers(s.Kind) {
		return
	}
	end := side{Side: spanmetrics.SideOf(s, service), observed: *o}
	switch {
	case !calls:
		g.observeServer(s, &end, now)
	case end.Connection == spanmetrics.ConnectionDatabase:
		g.addEdge(&end, nil, now) // databases send no spans
	default:
		g.observeClient(&end, now)
	}
	if g.pairs.waiting.full() || g.pairs.answered.full() {
		g.expirePairs(now)
	}
}

// observeClient answers the servers that wait for a client, and lets it stay for others.
func (g *Generator) observeClient(client *side, now time.Time) {
	first := g.pairs.ends[client.Ref()]
	if first.crowded(client.Target) {
		g.counts.unpaired++
		return
	}
	for waiting := range first.servers(client.Target) {
		client.shared = client.shared || waiting.Target == waiting.at
	}
	answered := false
	for waiting := range first.servers(client.Target) {
		if waiting.accepts(client) {
			g.addEdge(client, &waiting.side, now)
			g.pairs.remove(waiting)
			answered = true
		}
	}
	g.keepNames(client)
	if answered {
		first = g.pairs.ends[client.Ref()] // some are gone
	}
	if e := g.pairs.add(client.Target, first, client, now); answered {
		g.pairs.keep(e, now)
	}
}

// observeServer looks for the clients of a server's or consumer's span.
func (g *Generator) observeServer(s *plait.Span, server *side, now time.Time) {
	_, shared := s.Attributes.Get(sharedKey)
	parent := spanmetrics.Target{TraceID: s.TraceID, SpanID: s.ParentSpanID}
	switch {
	case shared || g.pairs.ends[server.Ref()].client(server.Target) != nil:
		// The client's side has the same id; the parent is the client's, whoever that is.
		server.byLink = true
		g.answer(server.Target, server, now)
	case server.Outermost():
		g.addEdge(nil, server, now)
	default:
		for i, link := range server.Links {
			if server.byLink = true; !slices.Contains(server.Links[:i], link) {
				g.answer(link, server, now)
			}
		}
		server.doubtful = server.byLink
		if server.byLink = false; !s.ParentSpanID.IsZero() && !slices.Contains(server.Links, parent) {
			g.answer(parent, server, now)
		}
	}
}

// answer completes a call if the client is there, else the server waits for it.
func (g *Generator) answer(t spanmetrics.Target, server *side, now time.Time) {
	first := g.pairs.ends[t.Ref()]
	client := first.client(t)
	switch {
	case client == nil:
		g.keepNames(server)
		g.pairs.add(t, first, server, now)
	case server.accepts(&client.side):
		client.shared = client.shared || server.Target == t
		g.addEdge(&client.side, server, now)
		g.pairs.keep(client, now)
	}
}

// keepNames makes the text of an end its own.
func (g *Generator) keepNames(s *side) {
	s.Service, s.Peer = g.names.keep(s.Service), g.names.keep(s.Peer)
}

// expirePairs gives up the ends that waited long enough, or that are too many.
func (g *Generator) expirePairs(now time.Time) {
	for {
		e, answered := g.pairs.overdue(now)
		if e == nil {
			return
		}
		if s := g.pairs.remove(e); !answered {
			g.giveUp(&s, now)
		}
	}
}

// giveUp makes an edge of a client that knows whom it called, and of a server that was called from
// outside, and counts what stays alone.
func (g *Generator) giveUp(s *side, now time.Time) {
	switch {
	case s.server() && s.Outermost():
		g.addEdge(nil, s, now)
	case s.server() || s.Peer == "":
		if !s.doubtful {
			g.counts.unpaired++
		}
	default:
		g.addEdge(s, nil, now)
	}
}

// addEdge counts a call. Where one end sent no span, its name is the other's word for it.
func (g *Generator) addEdge(client, server *side, now time.Time) {
	var key spanmetrics.Edge
	switch {
	case client == nil:
		key = spanmetrics.OutsideEdge(server.Peer, server.Service)
	case server == nil:
		var named bool
		if key, named = spanmetrics.UnansweredEdge(client.Service, client.Peer, client.Connection); !named {
			return
		}
	default:
		key = spanmetrics.Answered(&client.Side, &server.Side)
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
	if client != nil && client.Failed || server != nil && server.Failed {
		e.failed++
	}
}

func (e *edge) observe(h *histogram, b *bounds, end *side) {
	h.observe(b, &end.observed)
	if end.Failed {
		e.failedExample.offer(&end.observed.example)
	}
}

// edgeBytes is what the labels of an edge take of Config.MaxLabelBytes.
func edgeBytes(key spanmetrics.Edge) int { return len(key.Client) + len(key.Server) }

// newEdge makes room for a key, or finds the series into which it is folded.
func (g *Generator) newEdge(key spanmetrics.Edge, now time.Time) *edge {
	if len(g.edges) >= g.config.MaxSeries || g.labels.edges+edgeBytes(key) > g.config.MaxLabelBytes {
		g.counts.folded++
		key.Client, key.Server = spanmetrics.Other, spanmetrics.Other
		if e := g.edges[key]; e != nil {
			return e
		}
	}
	key.Client, key.Server = g.names.keep(key.Client), g.names.keep(key.Server)
	e := &edge{made: now}
	g.edges[key] = e
	g.labels.edges += edgeBytes(key)
	return e
}
