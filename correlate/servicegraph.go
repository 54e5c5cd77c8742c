package correlate

import (
	"context"
	"errors"
	"slices"

	"github.com/plaithq/plait"
)

// The samples of the service graph are calls, and a call is known by two spans: who called is
// told by the parent of the server's span. So the traces of candidates are read.

const (
	// edgeTraces bounds the traces that are read in search of a call between two services.
	edgeTraces = 200
	// edgeSpans bounds the spans that are read of each.
	edgeSpans = 5000
)

// userNode is the client of calls that come from outside, as Tempo's service graph names it.
const userNode = "user"

// peerKeys are the attributes by which a client names a server that records no spans.
var peerKeys = []string{"peer.service", "db.name", "db.namespace", "db.system", "db.system.name", "messaging.system", "server.address", "net.peer.name"}

// onEdge keeps the hits whose span is a call between the services asked for, one a trace, and
// completes their labels.
func (p *Pivots) onEdge(ctx context.Context, m *spanMetric, hits []MetricHit, limit int) ([]MetricHit, error) {
	var kept []MetricHit
	trees := map[plait.TraceID]*Tree{}
	seen := map[plait.TraceID]bool{}
	for _, h := range hits {
		if len(kept) == limit {
			break
		}
		if seen[h.TraceID] {
			continue
		}
		tree, ok := trees[h.TraceID]
		if !ok {
			if len(trees) == max(edgeTraces, limit) {
				break
			}
			var err error
			if tree, err = p.tree(ctx, h.TraceID); err != nil {
				return nil, err
			}
			trees[h.TraceID] = tree
		}
		client, server, ok := m.edge.find(tree, h.SpanID)
		if !ok {
			continue
		}
		seen[h.TraceID] = true
		h.Series = append(h.Series, plait.Label{Name: "client", Value: client}, plait.Label{Name: "server", Value: server})
		kept = append(kept, h)
	}
	return kept, nil
}

// tree reads a trace; one that is gone has an empty tree.
func (p *Pivots) tree(ctx context.Context, id plait.TraceID) (*Tree, error) {
	trace, err := p.traces.Trace(ctx, id, edgeSpans)
	if errors.Is(err, plait.ErrNotFound) {
		return BuildTree(nil), nil
	}
	if err != nil {
		return nil, err
	}
	return BuildTree(trace.Spans), nil
}

// find returns the ends of the call that a span is a side of, if they are the ones asked for.
func (e *edge) find(t *Tree, id plait.SpanID) (client, server string, ok bool) {
	for i := range t.Nodes {
		if s := t.Nodes[i].Span; s.SpanID != id || s.Kind != e.kind {
			continue
		}
		clients, servers := t.ends(i)
		for _, c := range clients {
			for _, s := range servers {
				if e.client.match(c) && e.server.match(s) {
					return c, s, true
				}
			}
		}
	}
	return "", "", false
}

// ends returns the names that the two ends of a call go by.
func (t *Tree) ends(i int) (clients, servers []string) {
	n := &t.Nodes[i]
	own := []string{n.Span.Resource.Service()}
	switch n.Span.Kind {
	case plait.SpanKindServer, plait.SpanKindConsumer:
		if n.Parent < 0 {
			return []string{userNode}, own
		}
		return []string{t.Nodes[n.Parent].Span.Resource.Service()}, own
	}
	for c := range t.Children(i) {
		if k := t.Nodes[c].Span.Kind; k == plait.SpanKindServer || k == plait.SpanKindConsumer {
			servers = append(servers, t.Nodes[c].Span.Resource.Service())
		}
	}
	for _, key := range peerKeys {
		if v, ok := n.Span.Attributes.Get(key); ok && !slices.Contains(servers, v.Text()) {
			servers = append(servers, v.Text())
		}
	}
	return own, servers
}
