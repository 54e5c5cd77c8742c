package exemplars

import (
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// edgeKey is what the series of the service graph are told apart by.
type edgeKey struct {
	client     string
	server     string
	connection connection
}

// connection is the label connection_type.
type connection uint8

const (
	direct      connection = iota // both sides are instrumented
	virtualNode                   // one side is known by the other's word only
	messaging
	database
)

var connectionLabels = [...]string{direct: "", virtualNode: "virtual_node", messaging: "messaging_system", database: "database"}

// user is the client of a server span that nobody called.
const user = "user"

// edge is the series of one edgeKey. A side that nobody measured has no observations.
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
	peer       string // clients: what their attributes call the other end
	connection connection
	server     bool
	failed     bool
	observed   observation
}

// observeSide joins a span to the other end of its call, or lets it wait for it.
func (g *Generator) observeSide(s *plait.Span, service string, o observation, now time.Time) {
	end := side{service: service, observed: o, failed: s.Status == plait.StatusError}
	switch s.Kind {
	case plait.SpanKindClient, plait.SpanKindProducer:
		end.peer, end.connection = peerOf(s)
		if end.connection == database {
			g.addEdge(&end, nil, now) // databases send no spans
			return
		}
		g.pair(pairKey{s.TraceID, s.SpanID}, &end, now)
	case plait.SpanKindServer, plait.SpanKindConsumer:
		end.server = true
		key := pairKey{s.TraceID, s.ParentSpanID}
		if s.ParentSpanID.IsZero() {
			if s.Kind == plait.SpanKindServer {
				g.addEdge(nil, &end, now)
				return
			}
			if len(s.Links) == 0 {
				return
			}
			// consumers of batches stand in traces of their own and link to the producers
			key = pairKey{s.Links[0].TraceID, s.Links[0].SpanID}
		}
		g.pair(key, &end, now)
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

// giveUp makes an edge of a client that knows whom it called, and counts what stays alone.
func (g *Generator) giveUp(end side, now time.Time) {
	if end.server || end.peer == "" {
		g.counts.unpaired++
		return
	}
	g.addEdge(&end, nil, now)
}

// addEdge counts a call. Where one end sent no span, its name is the other's word for it.
func (g *Generator) addEdge(client, server *side, now time.Time) {
	var key edgeKey
	switch {
	case client == nil:
		key = edgeKey{user, server.service, virtualNode}
	case server == nil:
		key = edgeKey{client.service, client.peer, max(client.connection, virtualNode)}
	default:
		key = edgeKey{client.service, server.service, client.connection}
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
func (g *Generator) newEdge(key edgeKey, now time.Time) *edge {
	if len(g.edges) >= g.config.MaxSeries {
		g.counts.folded++
		key.client, key.server = Other, Other
		if e := g.edges[key]; e != nil {
			return e
		}
	}
	key.client, key.server = g.names.keep(key.client), g.names.keep(key.server)
	e := &edge{made: now}
	g.edges[key] = e
	return e
}

// peerAttributes name the other end of a call, the best first.
var peerAttributes = [...]string{
	"peer.service",
	"db.name", "db.namespace", "db.system", "db.system.name",
	"messaging.system", "server.address", "net.peer.name", "network.peer.address",
}

// peerOf returns what a client span calls the other end, and what kind of call it is: direct when
// it may have been to a service that sends spans itself.
func peerOf(s *plait.Span) (peer string, c connection) {
	if s.Kind == plait.SpanKindProducer {
		c = messaging
	}
	best := len(peerAttributes)
	for i := range s.Attributes {
		a := &s.Attributes[i]
		if !peerPrefix(a.Key) || a.Value.Kind() != plait.KindString || a.Value.Str() == "" {
			continue
		}
		rank := slices.Index(peerAttributes[:], a.Key)
		if rank < 0 {
			continue
		}
		if strings.HasPrefix(a.Key, "db.") {
			c = database
		}
		if rank < best {
			best, peer = rank, a.Value.Str()
		}
	}
	return peer, c
}

// peerPrefix says whether a key may be in peerAttributes. Most are not, by their first letter.
func peerPrefix(key string) bool {
	if key == "" {
		return false
	}
	switch key[0] {
	case 'p', 'd', 'm', 's', 'n':
		return true
	}
	return false
}
