package eval

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// mask says of each span of a trace whether it is among some.
type mask []bool

func (m mask) spans() []int {
	var spans []int
	for i, in := range m {
		if in {
			spans = append(spans, i)
		}
	}
	return spans
}

func (m mask) empty() bool {
	for _, in := range m {
		if in {
			return false
		}
	}
	return true
}

// finder finds spans of a trace among some.
type finder func(t *trace, among []int) mask

// compiler makes steps of stages, and learns on the way whether they ask for the tree.
type compiler struct{ tree bool }

// condition compiles what is asked of one span.
func (c *compiler) condition(f traceql.Filter) (*condition.Spans, error) {
	n, err := Condition(f)
	if err != nil {
		return nil, err
	}
	c.tree = c.tree || asksTree(n)
	return condition.CompileSpans(n)
}

// asksTree says whether a condition looks at more of the trace than the span and its summary.
func asksTree(n condition.Node) bool {
	needs := condition.NeedsOf(n)
	if needs.Parent != nil {
		return true
	}
	for _, f := range needs.Fields {
		if f.Name.OfPlace() {
			return true
		}
	}
	return false
}

func (c *compiler) spanset(s traceql.Spanset) (finder, error) {
	switch s := s.(type) {
	case traceql.Filter:
		return c.filter(s)
	case traceql.Wrapped:
		steps, err := c.pipeline(s.Of)
		if err != nil {
			return nil, err
		}
		return func(t *trace, among []int) mask {
			found := make(mask, len(t.spans))
			for _, g := range run(steps, t, among) {
				for _, i := range g.spans {
					found[i] = true
				}
			}
			return found
		}, nil
	case traceql.SpansetOperation:
		return c.operation(s)
	}
	return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: %s finds no spans", s)
}

func (c *compiler) filter(f traceql.Filter) (finder, error) {
	fits, err := c.condition(f)
	if err != nil {
		return nil, err
	}
	return func(t *trace, among []int) mask {
		found := make(mask, len(t.spans))
		for _, i := range among {
			found[i] = fits.Match(&t.spans[i])
		}
		return found
	}, nil
}

func (c *compiler) operation(s traceql.SpansetOperation) (finder, error) {
	left, err := c.spanset(s.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.spanset(s.Right)
	if err != nil {
		return nil, err
	}
	if s.Op.Joins() {
		both := s.Op == traceql.OpAnd
		return func(t *trace, among []int) mask {
			a, b := left(t, among), right(t, among)
			if both && (a.empty() || b.empty()) {
				return make(mask, len(t.spans))
			}
			return a.or(b)
		}, nil
	}
	relative, union, negated, ok := s.Op.Structural()
	if !ok {
		return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: not supported by Plait: the operator %s", s.Op)
	}
	c.tree = true
	return func(t *trace, among []int) mask {
		a, b := left(t, among), right(t, among)
		have := t.related(relative, a)
		found := make(mask, len(t.spans))
		for i := range found {
			found[i] = b[i] && have[i] != negated
		}
		if !union {
			return found
		}
		have = t.related(inverse[relative], b)
		for i := range found {
			found[i] = found[i] || a[i] && have[i]
		}
		return found
	}, nil
}

func (m mask) or(other mask) mask {
	for i := range m {
		m[i] = m[i] || other[i]
	}
	return m
}

var inverse = map[traceql.Op]traceql.Op{
	traceql.OpDescendant: traceql.OpAncestor, traceql.OpAncestor: traceql.OpDescendant,
	traceql.OpChild: traceql.OpParent, traceql.OpParent: traceql.OpChild, traceql.OpSibling: traceql.OpSibling,
}

// related says which spans have a relative among some: an ancestor for >>, a parent for >, something below them
// for <<, a child for <, a sibling for ~.
func (t *trace) related(op traceql.Op, to mask) mask {
	have := make(mask, len(t.spans))
	switch op {
	case traceql.OpDescendant:
		for _, i := range t.order {
			if p := t.parent[i]; p >= 0 {
				have[i] = to[p] || have[p]
			}
		}
	case traceql.OpChild:
		for i, p := range t.parent {
			have[i] = p >= 0 && to[p]
		}
	case traceql.OpAncestor:
		for n := len(t.order) - 1; n >= 0; n-- {
			if p := t.parent[t.order[n]]; p >= 0 {
				have[p] = have[p] || to[t.order[n]] || have[t.order[n]]
			}
		}
	case traceql.OpParent:
		for i, p := range t.parent {
			if p >= 0 && to[i] {
				have[p] = true
			}
		}
	case traceql.OpSibling:
		t.haveSiblings(to, have)
	}
	return have
}

func (t *trace) haveSiblings(to, have mask) {
	among := map[plait.SpanID]int{}
	for i, in := range to {
		if group, ok := t.siblings(i); ok && in {
			among[group]++
		}
	}
	for i := range have {
		if group, ok := t.siblings(i); ok {
			others := among[group]
			if to[i] {
				others--
			}
			have[i] = others > 0
		}
	}
}
