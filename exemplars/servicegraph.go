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
	late          *lateSeries
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
func (p *population) observeSide(s *plait.Span, service string, o *observation, now time.Time) {
	calls := spanmetrics.Calls(s.Kind)
	if !calls && !spanmetrics.Answers(s.Kind) {
		return
	}
	end := side{Side: spanmetrics.SideOf(s, service), observed: *o}
	switch {
	case !calls:
		p.observeServer(s, &end, now)
	case end.Connection == spanmetrics.ConnectionDatabase:
		p.addEdge(&end, nil, now) // databases send no spans
	default:
		p.observeClient(&end, now)
	}
	if p.pairs.waiting.full() || p.pairs.answered.full() {
		p.expirePairs(now)
	}
}

// observeClient answers the servers that wait for a client, and lets it stay for others.
func (p *population) observeClient(client *side, now time.Time) {
	first := p.pairs.ends[client.Ref()]
	if first.crowded(client.Target) {
		p.counts.unpaired++
		return
	}
	for waiting := range first.servers(client.Target) {
		client.shared = client.shared || waiting.Target == waiting.at
	}
	answered := false
	for waiting := range first.servers(client.Target) {
		if waiting.accepts(client) {
			p.addEdge(client, &waiting.side, now)
			p.pairs.remove(waiting)
			answered = true
		}
	}
	p.keepNames(client)
	if answered {
		first = p.pairs.ends[client.Ref()] // some are gone
	}
	if e := p.pairs.add(client.Target, first, client, now); answered {
		p.pairs.keep(e, now)
	}
}

// observeServer looks for the clients of a server's or consumer's span.
func (p *population) observeServer(s *plait.Span, server *side, now time.Time) {
	_, shared := s.Attributes.Get(sharedKey)
	parent := spanmetrics.Target{TraceID: s.TraceID, SpanID: s.ParentSpanID}
	switch {
	case shared || p.pairs.ends[server.Ref()].client(server.Target) != nil:
		// The client's side has the same id; the parent is the client's, whoever that is.
		server.byLink = true
		p.answer(server.Target, server, now)
	case server.Outermost():
		p.addEdge(nil, server, now)
	default:
		for i, link := range server.Links {
			if server.byLink = true; !slices.Contains(server.Links[:i], link) {
				p.answer(link, server, now)
			}
		}
		server.doubtful = server.byLink
		if server.byLink = false; !s.ParentSpanID.IsZero() && !slices.Contains(server.Links, parent) {
			p.answer(parent, server, now)
		}
	}
}

// answer completes a call if the client is there, else the server waits for it.
func (p *population) answer(t spanmetrics.Target, server *side, now time.Time) {
	first := p.pairs.ends[t.Ref()]
	client := first.client(t)
	switch {
	case client == nil:
		p.keepNames(server)
		p.pairs.add(t, first, server, now)
	case server.accepts(&client.side):
		client.shared = client.shared || server.Target == t
		p.addEdge(&client.side, server, now)
		p.pairs.keep(client, now)
	}
}

// keepNames makes the text of an end its own.
func (p *population) keepNames(s *side) {
	s.Service, s.Peer = p.names.keep(s.Service), p.names.keep(s.Peer)
}

// expirePairs gives up the ends that waited long enough, or that are too many.
func (p *population) expirePairs(now time.Time) {
	for {
		e, answered := p.pairs.overdue(now)
		if e == nil {
			return
		}
		if s := p.pairs.remove(e); !answered {
			p.giveUp(&s, now)
		}
	}
}

// giveUp makes an edge of a client that knows whom it called, and of a server that was called from
// outside, and counts what stays alone.
func (p *population) giveUp(s *side, now time.Time) {
	switch {
	case s.server() && s.Outermost():
		p.addEdge(nil, s, now)
	case s.server() || s.Peer == "":
		if !s.doubtful {
			p.counts.unpaired++
		}
	default:
		p.addEdge(s, nil, now)
	}
}

// addEdge counts a call. Where one end sent no span, its name is the other's word for it.
func (p *population) addEdge(client, server *side, now time.Time) {
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
	e := p.edges[key]
	if e == nil {
		e = p.newEdge(key, now)
	}
	e.seen = now
	if p.late != nil {
		p.late.call(e.late, client, server)
		return
	}
	n := adjusted(client, server)
	e.requests += uint64(n)
	if client != nil {
		e.observe(&e.client, p.bounds, client, n)
		if server == nil { // the client's view of the server is the only one there is
			e.server.observe(p.bounds, &client.observed, n)
		}
	}
	if server != nil {
		e.observe(&e.server, p.bounds, server, n)
	}
	if failed(client, server) {
		e.failed += uint64(n)
	}
}

// adjusted is of how many calls one stands: what the side says that was kept more rarely. One of them may be nil.
func adjusted(client, server *side) int64 {
	n := int64(1)
	if client != nil {
		n = max(n, client.observed.adjusted)
	}
	if server != nil {
		n = max(n, server.observed.adjusted)
	}
	return n
}

// failed says whether a call failed on either side; one of them may be nil.
func failed(client, server *side) bool {
	return client != nil && client.Failed || server != nil && server.Failed
}

func (e *edge) observe(h *histogram, b *bounds, end *side, n int64) {
	h.observe(b, &end.observed, n)
	if end.Failed {
		e.failedExample.offer(&end.observed.example)
	}
}

// edgeBytes is what the labels of an edge take of Config.MaxLabelBytes.
func edgeBytes(key spanmetrics.Edge) int { return len(key.Client) + len(key.Server) }

func edgeLabelsOf(key spanmetrics.Edge) plait.Labels {
	return plait.Labels{
		{Name: spanmetrics.LabelClient, Value: key.Client}, {Name: spanmetrics.LabelConnectionType, Value: key.ConnectionType.String()},
		{Name: spanmetrics.LabelServer, Value: key.Server},
	}
}

// newEdge makes room for a key, or finds the series into which it is folded.
func (p *population) newEdge(key spanmetrics.Edge, now time.Time) *edge {
	if len(p.edges) >= p.config.MaxSeries || p.labels.edges+edgeBytes(key) > p.config.MaxLabelBytes {
		p.counts.folded++
		key.Client, key.Server = spanmetrics.Other, spanmetrics.Other
		if e := p.edges[key]; e != nil {
			return e
		}
	}
	key.Client, key.Server = p.names.keep(key.Client), p.names.keep(key.Server)
	e := &edge{made: now}
	if p.late != nil {
		e.late = newLateSeries(edgeLabelsOf(key))
	}
	p.edges[key] = e
	p.labels.edges += edgeBytes(key)
	return e
}
