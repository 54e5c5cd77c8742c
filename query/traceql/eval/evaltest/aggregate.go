package evaltest

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

func (n Trace) aggregate(e traceql.Expression, spans []int) (plait.Value, bool) {
	switch e := e.(type) {
	case traceql.Static:
		return n.values(e, 0, false)[0], true
	case traceql.Binary:
		a, ok := n.aggregate(e.Left, spans)
		b, both := n.aggregate(e.Right, spans)
		if !ok || !both {
			return plait.Value{}, false
		}
		return condition.Compute(a, string(e.Op)[0], b)
	case traceql.Aggregate:
		return n.aggregateOf(e, spans)
	}
	panic(e)
}

func (n Trace) aggregateOf(a traceql.Aggregate, spans []int) (plait.Value, bool) {
	if a.Op == "count" {
		return plait.IntValue(int64(len(spans))), true
	}
	var values []plait.Value
	sum := plait.IntValue(0)
	for _, i := range spans {
		for _, v := range n.values(a.Of, i, false) {
			if total, ok := condition.Compute(sum, '+', v); ok {
				sum, values = total, append(values, v)
			}
		}
	}
	if len(values) == 0 {
		return plait.Value{}, false
	}
	byOrder := func(a, b plait.Value) int {
		order, _ := condition.Compare(a, b)
		return order
	}
	switch a.Op {
	case "min":
		return slices.MinFunc(values, byOrder), true
	case "max":
		return slices.MaxFunc(values, byOrder), true
	case "avg":
		return condition.Compute(sum, '/', plait.DoubleValue(float64(len(values))))
	}
	return sum, true
}
