package spans

import (
	"context"
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/traceid"
)

// lead is a condition on spans by which traces are found: every trace that fits has such a span. What else is asked of the
// trace is compared then.
type lead struct {
	of, rest condition.Node
}

// maxLeads bounds among how many conditions the one is chosen that leads a search: each is looked up.
const maxLeads = 8

// leadsOf returns what leads to the traces that fit a condition: one at least, and the same ones in the same order whenever
// it is asked.
func leadsOf(n condition.Node) ([]lead, error) {
	if n == nil {
		n = condition.Const(true)
	}
	if _, err := condition.CompileTraces(n); err != nil {
		return nil, err
	}
	leads := telling(condition.Simplify(n))
	return leads[:min(len(leads), maxLeads)], nil
}

// telling returns the leads of a condition. Where nothing leads it is every span.
func telling(n condition.Node) []lead {
	switch n := n.(type) {
	case condition.Const:
		return []lead{{of: n, rest: condition.Const(true)}}
	case condition.HasSpan:
		return []lead{{of: n.Of, rest: condition.Const(true)}}
	case condition.Leaf:
		if id, ok := traceAsked(n); ok {
			return []lead{{of: ofTrace(id), rest: n}}
		}
	case condition.Or:
		return []lead{tellingEither(n)}
	case condition.And:
		if leads := tellingEach(n); len(leads) > 0 {
			return leads
		}
	}
	return []lead{{of: condition.Const(true), rest: n}}
}

// tellingEither leads by the first lead of each alternative.
func tellingEither(n condition.Or) lead {
	either := make(condition.Or, len(n))
	rest := condition.Node(condition.Const(true))
	for i, each := range n {
		first := telling(each)[0]
		if first.of == condition.Const(true) {
			return lead{of: first.of, rest: n}
		}
		if first.rest != condition.Const(true) {
			rest = n
		}
		either[i] = first.of
	}
	return lead{of: either, rest: rest}
}

// tellingEach lists the leads of all parts, each with the other parts to be compared.
func tellingEach(n condition.And) (leads []lead) {
	for i, each := range n {
		for _, part := range telling(each) {
			if part.of == condition.Const(true) {
				continue
			}
			others := append(append(condition.And{}, n[:i]...), n[i+1:]...)
			if part.rest != condition.Const(true) {
				others = append(others, part.rest)
			}
			leads = append(leads, lead{of: part.of, rest: condition.Simplify(others)})
		}
	}
	return leads
}

// traceAsked is the trace of which a leaf wants the id.
func traceAsked(l condition.Leaf) (id plait.TraceID, ok bool) {
	if l.Field != (condition.Field{Name: condition.TraceID}) || l.Op != condition.OpEqual {
		return id, false
	}
	if l.Value.Type() == condition.TypeTraceID {
		return l.Value.TraceID(), true
	}
	err := id.UnmarshalText([]byte(l.Value.Str()))
	return id, err == nil && id.String() == l.Value.Str()
}

// ofTrace asks for the spans of a trace, those that came with half its id, too.
func ofTrace(id plait.TraceID) condition.Node {
	is := func(id plait.TraceID) condition.Node {
		return condition.Leaf{Field: condition.Field{Name: condition.TraceID}, Op: condition.OpEqual, Value: condition.OfTrace(id)}
	}
	return condition.Or{is(id), is(traceid.LowerHalf(id))}
}

// choose returns the lead by which the fewest traces are looked at, and its plan. Of those that are alike it is the first.
func (s *Reader) choose(ctx context.Context, leads []lead, walk search.Walk) (best int, plan *spanPlan, err error) {
	least := math.Inf(1)
	for i := range leads {
		p, err := s.newSpanPlan(ctx, leads[i].of)
		if err != nil {
			return 0, nil, err
		}
		if len(leads) == 1 {
			return 0, p, nil
		}
		within := walk
		p.narrows(&within)
		share, err := s.share(ctx, p, within)
		if err != nil {
			return 0, nil, err
		}
		if plan == nil || share < least {
			best, plan, least = i, p, share
		}
	}
	return best, plan, nil
}

// share is the part of all traces which a plan leads to, as far as is known before they are read.
func (s *Reader) share(ctx context.Context, p *spanPlan, within search.Walk) (float64, error) {
	switch {
	case p.impossible() || within.Done():
		return -1, nil
	case p.traces != nil:
		return 0, nil
	case p.terms.NarrowsNothing():
		return 1, nil
	}
	found, err := s.terms.Find(ctx, p.terms, within.From, within.To, false)
	if err != nil {
		return 0, err
	}
	e, err := found.Estimate(ctx)
	return float64(e.Fitting) / float64(max(e.Units, 1)), err
}
