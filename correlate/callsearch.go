package correlate

import (
	"context"
	"errors"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/spanmetrics"
)

// A call is known by two spans, so the traces of candidates are read.

const (
	// edgeTraces bounds the traces that are read in search of a call, from either side.
	edgeTraces = 200
	// edgeSpans bounds the spans that are read of each.
	edgeSpans = 5000
	// linksRead bounds the consumers whose links are read.
	linksRead = 1000
)

// spanRef names a span.
type spanRef struct {
	trace plait.TraceID
	span  plait.SpanID
}

// callSearch looks for calls of the edges that a metric's selector asks for.
type callSearch struct {
	pivots *Pivots
	metric *spanMetric
	query  spanQuestion // what a sample has to fit, apart from its edge
	limit  int
	budget int // of traces to read
	trees  map[plait.TraceID]*tracetree.Tree
	takers map[spanmetrics.Ref][]*plait.Span // consumers by the producers that they link to; nil: not read
	seen   map[plait.TraceID]bool
	hits   []MetricHit
}

// edgeMetric finds the spans that are the samples of a metric of the service graph.
func (p *Pivots) edgeMetric(ctx context.Context, m *spanMetric, q MetricQuestion) (answerOf, error) {
	s := &callSearch{pivots: p, metric: m, query: m.query, limit: q.Limit, trees: map[plait.TraceID]*tracetree.Tree{}, seen: map[plait.TraceID]bool{}}
	s.query.Range = q.Range
	if m.latency {
		bound(&s.query, q.Min, q.Max, 1)
	}
	failuresFirst := !m.latency && !m.failures
	var candidates []unusualSpan
	cut := false
	for _, question := range m.edge.questions(s.query) {
		found, more, err := p.candidates(ctx, question, failuresFirst)
		if err != nil {
			return answerOf{}, err
		}
		candidates, cut = append(candidates, found...), cut || more
	}
	rank(candidates, failuresFirst)
	if err := s.look(ctx, candidates, s.sample); err != nil || len(s.hits) >= q.Limit {
		return answerOf{hits: s.hits, cutShort: cut}, err
	}
	if question, ok := m.edge.fromOtherSide(); ok {
		question.Range = q.Range
		found, more, err := p.candidates(ctx, question, failuresFirst)
		if err != nil {
			return answerOf{}, err
		}
		cut = cut || more
		if err := s.look(ctx, found, s.otherSide); err != nil {
			return answerOf{}, err
		}
	}
	return answerOf{hits: s.hits, cutShort: cut}, nil
}

// look takes what the calls of candidates yield, one hit a trace.
func (s *callSearch) look(ctx context.Context, candidates []unusualSpan, take func(unusualSpan, *call) (unusualSpan, bool)) error {
	s.budget = max(edgeTraces, s.limit)
	for _, u := range candidates {
		if len(s.hits) >= s.limit {
			return nil
		}
		if s.seen[u.span.TraceID] || s.hopeless(u.span) {
			continue
		}
		found, err := s.calls(ctx, u.span)
		if err != nil {
			return err
		}
		for i := range found {
			hit, ok := take(u, &found[i])
			if !ok || s.seen[hit.span.TraceID] || !s.metric.edge.match(found[i].edge) {
				continue
			}
			e := found[i].edge
			s.seen[u.span.TraceID], s.seen[hit.span.TraceID] = true, true
			s.hits = append(s.hits, s.metric.hit(hit, plait.Labels{
				{Name: "client", Value: e.Client}, {Name: "connection_type", Value: e.ConnectionType.String()}, {Name: "server", Value: e.Server},
			}))
			break
		}
	}
	return nil
}

// sample takes a candidate that is a sample itself.
func (s *callSearch) sample(u unusualSpan, c *call) (unusualSpan, bool) {
	return u, s.metric.edge.sides.takes(c)
}

// otherSide takes the other side of a candidate's call, if that is a sample.
func (s *callSearch) otherSide(_ unusualSpan, c *call) (unusualSpan, bool) {
	if c.other == nil || !s.metric.edge.sides.takes(&call{server: !c.server, other: c.other}) {
		return unusualSpan{}, false
	}
	d, q := spanmetrics.DurationNanos(c.other), &s.query
	fits := d >= int64(q.Min) && (q.Max == 0 || d <= int64(q.Max)) &&
		(!s.metric.failed || c.other.Status == plait.StatusError) &&
		c.other.EndNanos >= q.Range.From.UnixNano() && (q.Range.To.IsZero() || c.other.StartNanos < q.Range.To.UnixNano())
	return unusualSpan{span: c.other}, fits
}

// hopeless says, before its trace is read, that no call of a span can match.
func (s *callSearch) hopeless(span *plait.Span) bool {
	e, side := s.metric.edge, spanmetrics.SideOf(span, spanmetrics.Clip(span.Resource.Service()))
	if spanmetrics.Answers(span.Kind) {
		return !side.Outermost() && !e.answered()
	}
	if side.Connection == spanmetrics.ConnectionDatabase || !e.answered() {
		edge, ok := spanmetrics.UnansweredEdge(side.Service, side.Peer, side.Connection)
		return !ok || !e.match(edge)
	}
	return false
}

// calls returns the calls that a span is a side of.
func (s *callSearch) calls(ctx context.Context, span *plait.Span) ([]call, error) {
	tree, err := s.tree(ctx, span.TraceID)
	if err != nil {
		return nil, err
	}
	i := indexOf(tree, span)
	if i < 0 {
		return nil, nil
	}
	span = tree.Nodes[i].Span
	linked, err := s.linked(ctx, span)
	return callsOf(span, append(tree.Spans(), linked...)), err
}

// tree reads a trace; one that is gone, or for which the budget is spent, has an empty tree.
func (s *callSearch) tree(ctx context.Context, id plait.TraceID) (*tracetree.Tree, error) {
	if tree, ok := s.trees[id]; ok {
		return tree, nil
	}
	if s.budget--; s.budget < 0 {
		return tracetree.Build(nil), nil
	}
	tree, err := s.pivots.tree(ctx, id)
	s.trees[id] = tree
	return tree, err
}

func (p *Pivots) tree(ctx context.Context, id plait.TraceID) (*tracetree.Tree, error) {
	trace, err := p.traces.Trace(ctx, id, edgeSpans)
	if errors.Is(err, plait.ErrNotFound) {
		return tracetree.Build(nil), nil
	}
	if err != nil {
		return nil, err
	}
	return tracetree.Build(trace.Spans), nil
}

// indexOf returns the index of a span's node, or -1.
func indexOf(t *tracetree.Tree, s *plait.Span) int {
	return slices.IndexFunc(t.Nodes, func(n tracetree.Node) bool {
		return n.Span.SpanID == s.SpanID && n.Span.Kind == s.Kind && n.Span.Resource.Service() == s.Resource.Service()
	})
}

// linked returns the spans of other traces that are the other sides of a span's calls by a link.
func (s *callSearch) linked(ctx context.Context, span *plait.Span) (all []*plait.Span, err error) {
	if span.Kind == plait.SpanKindProducer {
		if s.takers == nil {
			err = s.readTakers(ctx)
		}
		for _, taker := range s.takers[spanmetrics.Target{TraceID: span.TraceID, SpanID: span.SpanID}.Ref()] {
			if !spanmetrics.SameTrace(taker.TraceID, span.TraceID) {
				all = append(all, taker)
			}
		}
		return all, err
	}
	for _, l := range spanmetrics.LinksOf(span) {
		tree, err := s.tree(ctx, l.TraceID)
		if err != nil {
			return nil, err
		}
		for i := range tree.Nodes {
			if caller := tree.Nodes[i].Span; caller.SpanID == l.SpanID && spanmetrics.Calls(caller.Kind) && !spanmetrics.SameTrace(l.TraceID, span.TraceID) {
				all = append(all, caller)
			}
		}
	}
	return all, nil
}

// readTakers reads which consumers of the window link to their producers: the producer's trace does
// not tell that its message was taken.
func (s *callSearch) readTakers(ctx context.Context) error {
	s.takers = map[spanmetrics.Ref][]*plait.Span{}
	consumers, err := s.pivots.traces.Spans(ctx, query.Spans{
		Condition: query.Kind(plait.SpanKindConsumer), Range: s.query.Range, Order: query.NewestFirst, Page: query.Page{Limit: linksRead},
	})
	for i := range consumers {
		for _, l := range spanmetrics.LinksOf(&consumers[i]) {
			s.takers[l.Ref()] = append(s.takers[l.Ref()], &consumers[i])
		}
	}
	return err
}
