package spans

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
)

// How a condition on spans is answered:
//
//  1. What it says of operations and resources is found out in the dictionaries (plan_entries.go). It leaves
//     lists of those whose spans may fit.
//  2. With what it says of times, durations and status, these narrow what Postgres reads.
//  3. With what it says of attributes, they become a plan for the term index (plan_terms.go).
//     A trace that it names by its id is read by that.
//  4. Rows that either of these finds are decoded as far as the condition looks at them, and compared (match.go).

// spanPlan is a condition on spans, and what narrows the search for those that fit.
type spanPlan struct {
	condition condition.Node // simplified
	needs     condition.Needs
	row       *condition.Spans // what a row by itself tells: all that fits the condition fits it
	whole     *condition.Spans // the condition, nil where the row tells all

	// Nil restricts nothing, an empty list fits nothing.
	operations []int64
	resources  []int64
	statuses   []int16
	traces     [][16]byte // under all their spellings
	// Nanoseconds. Nil does not bound.
	minDuration, maxDuration *int64
	from, to                 int64 // microseconds within which spans start, to is not within

	terms   *terms.Plan
	unnamed bool // spans that fit may have names in their rows
	exact   bool // what Postgres is asked is all of the condition, but for the nanoseconds at the ends of its time
}

// newSpanPlan makes a plan. A condition that cannot be asked is plait.ErrInvalid.
func (s *Reader) newSpanPlan(ctx context.Context, n condition.Node) (*spanPlan, error) {
	if n == nil {
		n = condition.Const(true)
	}
	if _, err := condition.CompileSpans(n); err != nil {
		return nil, err
	}
	n = condition.Simplify(n)
	p := &spanPlan{condition: n, needs: condition.NeedsOf(n)}
	rowOnly := n
	if p.needs.Parent != nil || p.needs.Trace() {
		rowOnly = weaker(n, false)
	}
	var err error
	if p.row, err = condition.CompileSpans(rowOnly); err == nil && (p.needs.Parent != nil || p.needs.Trace()) {
		p.whole, err = condition.CompileSpans(n)
	}
	if err != nil {
		return nil, err
	}
	p.bound()
	if p.traces, err = s.tracesNamed(ctx, n); err != nil {
		return nil, err
	}
	entries, err := s.entries.Catalog.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	return p, p.narrow(s.terms.Hasher(), entries)
}

// maxNamed bounds the traces that are looked up because a condition names them. More are not read by id.
const maxNamed = 1_000

// tracesNamed are the ids under which rows that fit are stored, where the condition names their traces; nil where it does not.
func (s *Reader) tracesNamed(ctx context.Context, n condition.Node) ([][16]byte, error) {
	values, ok := condition.Choices(n, condition.Field{Name: condition.TraceID})
	if !ok || len(values) > maxNamed {
		return nil, nil
	}
	ids := make([]plait.TraceID, 0, len(values))
	for _, v := range values {
		if id, ok := traceAsked(condition.Leaf{Field: condition.Field{Name: condition.TraceID}, Op: condition.OpEqual, Value: v}); ok {
			ids = append(ids, id)
		}
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, err
	}
	return spelled.Stored(), nil
}

// weaker is a condition that holds wherever the other does, without what only the span's parent or trace tells.
func weaker(n condition.Node, negated bool) condition.Node {
	switch n := n.(type) {
	case condition.And:
		return condition.And(eachWeaker(n, negated))
	case condition.Or:
		return condition.Or(eachWeaker(n, negated))
	case condition.Not:
		return condition.Not{Of: weaker(n.Of, !negated)}
	}
	if needs := condition.NeedsOf(n); needs.Parent != nil || needs.Trace() {
		return condition.Const(!negated)
	}
	return n
}

func eachWeaker(nodes []condition.Node, negated bool) []condition.Node {
	each := make([]condition.Node, len(nodes))
	for i, n := range nodes {
		each[i] = weaker(n, negated)
	}
	return each
}

// bound finds what the condition says of time, duration and status.
func (p *spanPlan) bound() {
	least, most := condition.Bounds(p.condition, condition.Field{Name: condition.SpanDuration})
	if least > math.MinInt64 {
		p.minDuration = &least
	}
	if most < math.MaxInt64 {
		p.maxDuration = &most
	}
	p.from, p.to = rowcodec.MinMicros, rowcodec.MaxMicros
	first, last := condition.Bounds(p.condition, condition.Field{Name: condition.SpanStart})
	if first > math.MinInt64 {
		p.from = max(p.from, rowcodec.FloorDiv(first, 1000))
	}
	if last < math.MaxInt64 {
		p.to = min(p.to, rowcodec.FloorDiv(last, 1000)+1)
	}
	for code := plait.StatusUnset; code <= plait.StatusError; code++ {
		if reduced := condition.Reduce(p.condition, statusKnown(code)); reduced != condition.Const(false) {
			p.statuses = append(p.statuses, int16(code))
		}
	}
	switch len(p.statuses) {
	case 0:
		p.statuses = []int16{}
	case int(plait.StatusError) + 1:
		p.statuses = nil
	}
}

// statusKnown tells what spans with a status code say about leaves.
func statusKnown(code plait.StatusCode) func(condition.Leaf) condition.Tristate {
	view := condition.SpanView{Span: &plait.Span{Status: code}}
	return func(l condition.Leaf) condition.Tristate {
		if l.Field != (condition.Field{Name: condition.SpanStatus}) {
			return condition.Unknown
		}
		return matches(l, &view)
	}
}

// matches says whether a leaf holds for a span.
func matches(l condition.Leaf, view *condition.SpanView) condition.Tristate {
	compiled, err := condition.CompileSpans(l)
	if err != nil {
		return condition.Unknown
	}
	return condition.Known(compiled.Match(view))
}

// impossible says that no span can fit.
func (p *spanPlan) impossible() bool {
	return p.condition == condition.Const(false) || p.from >= p.to ||
		p.traces != nil && len(p.traces) == 0 ||
		p.operations != nil && len(p.operations) == 0 ||
		p.statuses != nil && len(p.statuses) == 0 ||
		p.resources != nil && len(p.resources) == 0
}

// slowNanos is the least duration of the spans in the index span_slow.
const slowNanos = int64(time.Second)

// indexedByTime says that the spans that fit are those of an index in the order of time (span_error, span_slow), whatever
// their operation and resource.
func (p *spanPlan) indexedByTime() bool {
	errors := len(p.statuses) == 1 && p.statuses[0] == int16(plait.StatusError)
	slow := p.minDuration != nil && *p.minDuration >= slowNanos
	return p.exact && p.operations == nil && p.resources == nil && (errors || slow)
}

// everything says that every span fits.
func (p *spanPlan) everything() bool { return p.condition == condition.Const(true) }

// textNeeded says what of a row's text is looked at.
func (p *spanPlan) textNeeded() (attributes, extra bool) {
	n := &p.needs
	return n.Has(condition.SpanAttribute), n.Has(condition.SpanStatusMessage) || n.Has(condition.SpanName) && p.unnamed ||
		n.Has(condition.EventName) || n.Has(condition.EventSinceStart) || n.Has(condition.EventAttribute) ||
		n.Has(condition.LinkTraceID) || n.Has(condition.LinkSpanID) || n.Has(condition.LinkAttribute)
}

// timed says that the condition is about when spans start.
func (p *spanPlan) timed() bool { return p.from > rowcodec.MinMicros || p.to < rowcodec.MaxMicros }

// narrows cuts a walk to the times that the condition allows.
func (p *spanPlan) narrows(w *search.Walk) {
	w.From, w.To = max(w.From, p.from), min(w.To, p.to)
}

// spanConditionsSQL is what a plan asks of a row. The server plans it for its arguments, so that what is null folds
// away and what remains can use the partial indexes on errors and slow spans.
const spanConditionsSQL = `
    AND ($3::int8[] IS NULL OR operation = ANY ($3))
    AND ($4::int2[] IS NULL OR status = ANY ($4))
    AND ($5::int8[] IS NULL OR resource = ANY ($5))
    AND ($6::int8 IS NULL OR duration_ns >= $6)
    AND ($7::int8 IS NULL OR duration_ns <= $7)`

// The spans of a slice of time that fit, those of the calendar and those outside of it: apart, so that a slice of one
// day is in the order of an index without being sorted, however few spans the planner expects.
const (
	spansOfDaysSQL = `
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.DaysSQL + spanConditionsSQL
	spansOutsideSQL = `
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + partition.OutsideSQL + spanConditionsSQL
)

// arguments are those of the conditions.
func (p *spanPlan) arguments(from, to int64) []any {
	return []any{pg.Planned, rowcodec.MicrosTime(from), rowcodec.MicrosTime(to), p.operations, p.statuses, p.resources, p.minDuration, p.maxDuration}
}

// maxListed bounds how many ids stand in a statement or a plan: more narrow little, and cost much.
const maxListed = 10_000

// narrow finds out what the dictionaries tell.
func (p *spanPlan) narrow(h *terms.Hasher, entries *dictionary.Entries) error {
	k := newKnowledge(entries, p.condition)
	p.resources = k.fittingResources(p.condition)
	groups, all := k.groups(p.condition)
	t := termPlanner{hasher: h, entries: entries}
	plans := make([]*terms.Plan, 0, len(groups))
	listed, unnamed := []int64{}, all
	for _, g := range groups {
		listed = append(listed, g.operations...)
		unnamed = unnamed || g.unnamed
		plans = append(plans, t.group(g))
	}
	p.unnamed = unnamed
	p.terms = terms.OneOf(plans...)
	if !all && len(listed) <= maxListed {
		p.operations = listed
	}
	p.exact = p.isExact(groups) && (all || p.operations != nil)
	if t.err != nil {
		return fmt.Errorf("plan: %w", t.err)
	}
	return nil
}

// isExact says whether the lists and bounds are all that the condition says: each of its parts is one of them by itself, and
// no group has left anything of operations to be compared.
func (p *spanPlan) isExact(groups []operationGroup) bool {
	for _, g := range groups {
		needs := condition.NeedsOf(g.remaining)
		for _, f := range needs.Fields {
			if f.Name != condition.SpanStatus && f.Name != condition.SpanDuration && f.Name != condition.SpanStart && (f.Name != condition.ResourceAttribute || p.resources == nil) {
				return false
			}
		}
		if needs.Parent != nil {
			return false
		}
	}
	parts, ok := p.condition.(condition.And)
	if !ok {
		parts = condition.And{p.condition}
	}
	return !slices.ContainsFunc(parts, func(n condition.Node) bool { return !ofOneSort(n) })
}

// ofOneSort says whether a condition is about operations alone, resources alone, status alone, or a bound of the duration
// or of the start.
func ofOneSort(n condition.Node) bool {
	if l, ok := n.(condition.Leaf); ok && (l.Field.Name == condition.SpanDuration || l.Field.Name == condition.SpanStart) {
		least, most := condition.Bounds(l, l.Field)
		return l.Value.Type() != condition.TypeFloat && (least > math.MinInt64 || most < math.MaxInt64)
	}
	computed := false
	condition.Walk(n, func(n condition.Node) bool {
		_, is := n.(condition.Computed)
		computed = computed || is
		return true
	})
	if computed {
		return false
	}
	operation, resource, status := true, true, true
	for _, f := range condition.NeedsOf(n).Fields {
		operation = operation && (f.Name == condition.Service || f.Name == condition.SpanName || f.Name == condition.SpanKind)
		resource = resource && (f.Name == condition.Service || f.Name == condition.ResourceAttribute)
		status = status && f.Name == condition.SpanStatus
	}
	return operation || resource || status
}
