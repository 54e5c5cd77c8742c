package eval

import (
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// group is a span set on its way through a pipeline.
type group struct {
	spans []int // ascending
	keys  plait.Attributes
}

// step is a stage, compiled: it makes span sets of span sets. Those that are empty are left out.
type step func(t *trace, groups []group) []group

// run leads spans through steps.
func run(steps []step, t *trace, spans []int) []group {
	if len(spans) == 0 {
		return nil
	}
	groups := []group{{spans: spans}}
	for _, s := range steps {
		if groups = s(t, groups); len(groups) == 0 {
			return nil
		}
	}
	return groups
}

func (c *compiler) pipeline(p traceql.Pipeline) ([]step, error) {
	steps := make([]step, 0, len(p))
	for _, stage := range p {
		s, err := c.stage(stage)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (c *compiler) stage(s traceql.Stage) (step, error) {
	switch s := s.(type) {
	case traceql.Spanset:
		find, err := c.spanset(s)
		return each(func(t *trace, g group) (group, bool) {
			g.spans = find(t, g.spans).spans()
			return g, len(g.spans) > 0
		}), err
	case traceql.AggregateFilter:
		fits, err := c.aggregateFilter(s)
		return each(func(t *trace, g group) (group, bool) { return g, fits(t, g.spans) }), err
	case traceql.By:
		return c.by(s)
	case traceql.Coalesce:
		return coalesce, nil
	case traceql.Select:
		return each(func(_ *trace, g group) (group, bool) { return g, true }), nil
	}
	return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: not supported by Plait: the stage %s", s)
}

func each(of func(*trace, group) (group, bool)) step {
	return func(t *trace, groups []group) []group {
		kept := groups[:0:0]
		for _, g := range groups {
			if g, ok := of(t, g); ok {
				kept = append(kept, g)
			}
		}
		return kept
	}
}

func coalesce(t *trace, groups []group) []group {
	all := make(mask, len(t.spans))
	for _, g := range groups {
		for _, i := range g.spans {
			all[i] = true
		}
	}
	return []group{{spans: all.spans()}}
}

// missing is the value of spans that have none.
var missing = plait.StringValue("nil")

func (c *compiler) by(b traceql.By) (step, error) {
	read, err := c.value(b.Of)
	if err != nil {
		return nil, err
	}
	name := b.String()
	return func(t *trace, groups []group) []group {
		var split []group
		for _, g := range groups {
			begin, place := len(split), map[plait.Value]int{}
			for _, i := range g.spans {
				v, ok := read(&t.spans[i])
				if !ok {
					v = missing
				}
				at, ok := place[v]
				if !ok {
					at = len(split) - begin
					place[v] = at
					keys := append(append(plait.Attributes{}, g.keys...), plait.Attribute{Key: name, Value: v})
					split = append(split, group{keys: keys})
				}
				split[begin+at].spans = append(split[begin+at].spans, i)
			}
		}
		return split
	}, nil
}

// aggregate computes a number of spans. It is not ok where no span has a value.
type aggregate func(t *trace, spans []int) (plait.Value, bool)

// aggregateFilter compiles a comparison of aggregates.
func (c *compiler) aggregateFilter(a traceql.AggregateFilter) (func(*trace, []int) bool, error) {
	left, err := c.aggregate(a.Of.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.aggregate(a.Of.Right)
	if err != nil {
		return nil, err
	}
	allows := allowed(a.Of.Op)
	return func(t *trace, spans []int) bool {
		x, ok := left(t, spans)
		if !ok {
			return false
		}
		y, ok := right(t, spans)
		if !ok {
			return false
		}
		order, ok := condition.Compare(x, y)
		return ok && allows(order)
	}, nil
}

// allowed says which orders of two values an operator allows.
func allowed(op traceql.Op) func(order int) bool {
	switch op {
	case traceql.OpLess:
		return func(order int) bool { return order < 0 }
	case traceql.OpLessOrEqual:
		return func(order int) bool { return order <= 0 }
	case traceql.OpGreater:
		return func(order int) bool { return order > 0 }
	case traceql.OpGreaterOrEqual:
		return func(order int) bool { return order >= 0 }
	case traceql.OpNotEqual:
		return func(order int) bool { return order != 0 }
	}
	return func(order int) bool { return order == 0 }
}

func (c *compiler) aggregate(e traceql.Expression) (aggregate, error) {
	switch e := e.(type) {
	case traceql.Static:
		constant := valueOfStatic(e)
		return func(*trace, []int) (plait.Value, bool) { return constant, true }, nil
	case traceql.Unary:
		return c.aggregate(traceql.Binary{Op: traceql.OpSubtract, Left: traceql.IntOf(0), Right: e.Of})
	case traceql.Binary:
		left, err := c.aggregate(e.Left)
		if err != nil {
			return nil, err
		}
		right, err := c.aggregate(e.Right)
		if err != nil {
			return nil, err
		}
		return func(t *trace, spans []int) (plait.Value, bool) {
			x, ok := left(t, spans)
			if !ok {
				return plait.Value{}, false
			}
			y, ok := right(t, spans)
			if !ok {
				return plait.Value{}, false
			}
			return condition.Compute(x, e.Op[0], y)
		}, nil
	case traceql.Aggregate:
		return c.aggregateOf(e)
	}
	return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: %s is no number of a span set", strconv.Quote(e.String()))
}

func (c *compiler) aggregateOf(a traceql.Aggregate) (aggregate, error) {
	if a.Op == traceql.Count {
		return func(_ *trace, spans []int) (plait.Value, bool) { return plait.IntValue(int64(len(spans))), true }, nil
	}
	read, err := c.value(a.Of)
	if err != nil {
		return nil, err
	}
	return func(t *trace, spans []int) (plait.Value, bool) {
		var result plait.Value
		count := int64(0)
		for _, i := range spans {
			v, ok := read(&t.spans[i])
			if !ok || v.Kind() != plait.KindInt && v.Kind() != plait.KindDouble {
				continue
			}
			if count++; count == 1 {
				result = v
				continue
			}
			result = accumulate(a.Op, result, v)
		}
		if count > 0 && a.Op == traceql.Avg {
			return condition.Compute(result, '/', plait.DoubleValue(float64(count)))
		}
		return result, count > 0
	}, nil
}

// accumulate takes one more value into a sum, a least or a greatest one.
func accumulate(op traceql.AggregateOp, so, v plait.Value) plait.Value {
	order, _ := condition.Compare(v, so)
	switch {
	case op == traceql.Min && order < 0, op == traceql.Max && order > 0:
		return v
	case op == traceql.Min, op == traceql.Max:
		return so
	}
	sum, ok := condition.Compute(so, '+', v)
	if !ok {
		return so
	}
	return sum
}
