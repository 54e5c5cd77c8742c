package eval

import (
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// Narrowing is what a filter says of a row that holds one span: a condition that holds wherever the filter does.
// It is the filter's own where that asks for nothing beyond the span and its trace's summary.
func Narrowing(f traceql.Filter) (condition.Node, error) {
	n, err := Condition(f)
	if err != nil {
		return nil, err
	}
	return condition.Simplify(withoutTree(n, true)), nil
}

// withoutTree replaces what needs the tree by what the rest leaves possible: true where the condition may hold,
// and false below a negation.
func withoutTree(n condition.Node, possible condition.Const) condition.Node {
	switch n := n.(type) {
	case condition.And:
		all := make(condition.And, len(n))
		for i := range n {
			all[i] = withoutTree(n[i], possible)
		}
		return all
	case condition.Or:
		any := make(condition.Or, len(n))
		for i := range n {
			any[i] = withoutTree(n[i], possible)
		}
		return any
	case condition.Not:
		return condition.Not{Of: withoutTree(n.Of, !possible)}
	case condition.Leaf, condition.Computed:
		if asksTree(n) {
			return possible
		}
	}
	return n
}

// Candidates is the condition on traces by which a store narrows a search or a metrics query: it holds for every
// trace in which the query finds something, and for others. Match decides.
func Candidates(q *traceql.Query) (condition.Node, error) {
	var has condition.Node
	var err error
	if q.Metrics != nil {
		has, err = metricsCandidates(q.Metrics)
	} else {
		has, err = pipelineCandidates(q.Pipeline)
	}
	if err != nil {
		return nil, err
	}
	return condition.Simplify(has), nil
}

func metricsCandidates(m traceql.Metrics) (condition.Node, error) {
	switch m := m.(type) {
	case traceql.MetricsQuery:
		return pipelineCandidates(m.Pipeline)
	case traceql.MetricsArithmetic:
		left, err := metricsCandidates(m.Left)
		if err != nil {
			return nil, err
		}
		right, err := metricsCandidates(m.Right)
		return condition.Or{left, right}, err
	}
	return condition.Const(false), nil
}

func pipelineCandidates(p traceql.Pipeline) (condition.Node, error) {
	c, err := ofPipeline(p)
	if err != nil {
		return nil, err
	}
	return append(condition.And{condition.HasSpan{Of: c.each}}, c.trace...), nil
}

// candidates is what is known before a trace is read.
type candidates struct {
	trace condition.And  // of the trace
	each  condition.Node // of each span that is found
}

func ofPipeline(p traceql.Pipeline) (candidates, error) {
	all := candidates{each: condition.Const(true)}
	for _, stage := range p {
		s, ok := stage.(traceql.Spanset)
		if !ok {
			continue
		}
		c, err := ofSpanset(s)
		if err != nil {
			return candidates{}, err
		}
		all.trace = append(all.trace, c.trace...)
		all.each = condition.And{all.each, c.each}
	}
	return all, nil
}

func ofSpanset(s traceql.Spanset) (candidates, error) {
	switch s := s.(type) {
	case traceql.Filter:
		n, err := Narrowing(s)
		return candidates{each: n}, err
	case traceql.Wrapped:
		return ofPipeline(s.Of)
	case traceql.SpansetOperation:
		left, err := ofSpanset(s.Left)
		if err != nil {
			return candidates{}, err
		}
		right, err := ofSpanset(s.Right)
		return left.with(s.Op, right), err
	}
	return candidates{each: condition.Const(true)}, nil
}

func (c candidates) with(op traceql.Op, right candidates) candidates {
	if op == traceql.OpOr {
		return candidates{
			trace: condition.And{condition.Or{c.whole(), right.whole()}},
			each:  condition.Or{c.each, right.each},
		}
	}
	_, union, negated, structural := op.Structural()
	if negated {
		return right
	}
	both := candidates{trace: condition.And{c.whole(), right.whole()}, each: right.each}
	if union || !structural {
		both.each = condition.Or{c.each, right.each}
	}
	return both
}

// whole says that the trace has such a span.
func (c candidates) whole() condition.Node {
	return append(condition.And{condition.HasSpan{Of: c.each}}, c.trace...)
}
