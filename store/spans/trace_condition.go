package spans

import (
	"context"
	"errors"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
)

// splitTraceCondition makes of a condition on traces one on spans, which every trace that fits has one of, and what
// has to be compared of the traces that are found by it. That is nil where nothing has.
func splitTraceCondition(n condition.Node) (of condition.Node, rest *traceCheck, err error) {
	if n == nil {
		n = condition.Const(true)
	}
	if _, err := condition.CompileTraces(n); err != nil {
		return nil, nil, err
	}
	n = condition.Simplify(n)
	of, remaining := telling(n)
	if remaining == condition.Const(true) {
		return of, nil, nil
	}
	compiled, err := condition.CompileTraces(remaining)
	return of, &traceCheck{compiled: compiled, spans: condition.NeedsOf(remaining).Spans != nil}, err
}

// telling returns a condition on spans, and what it leaves of one on traces.
func telling(n condition.Node) (of, remaining condition.Node) {
	switch n := n.(type) {
	case condition.Const:
		return n, condition.Const(true)
	case condition.HasSpan:
		return n.Of, condition.Const(true)
	case condition.Or:
		either := make(condition.Or, len(n))
		remaining = condition.Const(true)
		for i, each := range n {
			part, left := telling(each)
			if part == condition.Const(true) {
				return part, n
			}
			if left != condition.Const(true) {
				remaining = n
			}
			either[i] = part
		}
		return either, remaining
	case condition.And:
		for i, each := range n {
			part, left := telling(each)
			if part == condition.Const(true) {
				continue
			}
			others := append(append(condition.And{}, n[:i]...), n[i+1:]...)
			if left != condition.Const(true) {
				others = append(others, left)
			}
			return part, others
		}
	}
	return condition.Const(true), n
}

// traceCheck compares traces with what their spans one by one do not tell.
type traceCheck struct {
	compiled *condition.Traces
	spans    bool // which are looked at
}

// spansCompared bounds the spans that are decoded together. A trace that has more is compared by those of its spans
// that tell most.
const spansCompared = 20_000

// fitting returns those of some traces that fit. It uses the memory of summaries.
func (c *traceCheck) fitting(ctx context.Context, s *Reader, summaries []plait.TraceSummary) ([]plait.TraceSummary, error) {
	kept := summaries[:0]
	for len(summaries) > 0 {
		n, spans := 1, summaries[0].SpanCount
		for n < len(summaries) && spans+summaries[n].SpanCount <= spansCompared {
			spans += summaries[n].SpanCount
			n++
		}
		var of map[plait.TraceID][]plait.Span
		if c.spans {
			var err error
			if of, _, err = s.spansOf(ctx, summaries[:n]); err != nil {
				return nil, err
			}
		}
		for i := range summaries[:n] {
			if c.compiled.Match(&condition.TraceView{Summary: &summaries[i], Spans: of[summaries[i].TraceID]}) {
				kept = append(kept, summaries[i])
			}
		}
		summaries = summaries[n:]
	}
	return kept, nil
}

// SpansOf reads the spans of some traces together, in no order, for who looks at traces whole: of up to
// 20,000 spans by their summaries, or of one trace of any size, of which those come that tell most. Spans that were sent
// twice come twice. A trace that retention has removed is left out. cut says that spans were left out.
func (s *Reader) SpansOf(ctx context.Context, summaries []plait.TraceSummary) (of map[plait.TraceID][]plait.Span, cut bool, err error) {
	of, cut, err = s.spansOf(ctx, summaries)
	if errors.Is(err, plait.ErrNotFound) {
		return nil, false, nil
	}
	return of, cut, err
}

// spansOf is SpansOf where all traces are known to be there.
func (s *Reader) spansOf(ctx context.Context, summaries []plait.TraceSummary) (of map[plait.TraceID][]plait.Span, cut bool, err error) {
	if len(summaries) == 1 {
		id := summaries[0].TraceID
		trace, err := s.Trace(ctx, id, spansCompared)
		if err != nil {
			return nil, false, err
		}
		return map[plait.TraceID][]plait.Span{id: trace.Spans}, trace.Truncated, nil
	}
	ids := make([]plait.TraceID, len(summaries))
	for i := range summaries {
		ids[i] = summaries[i].TraceID
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, false, fmt.Errorf("read traces: %w", err)
	}
	var rows []storedSpan
	err = pg.QueryRows(ctx, s.lookup, func(v [][]byte) { rows = append(rows, scanSpan(v)) }, traceSpansSQL, spelled.Stored(), 2*spansCompared)
	if err != nil {
		return nil, false, fmt.Errorf("read traces: %w", err)
	}
	spans, err := s.decodeSpans(ctx, rows)
	if err != nil {
		return nil, false, fmt.Errorf("read traces: %w", err)
	}
	of = make(map[plait.TraceID][]plait.Span, len(ids))
	for i := range rows {
		for _, asked := range spelled[rows[i].traceID] {
			of[asked] = append(of[asked], spans[i])
		}
	}
	return of, len(rows) == 2*spansCompared, nil
}

// fragmentsTell says whether a condition on spans is one that the fragments of traces tell: on the time of their start,
// and a service.
func fragmentsTell(n condition.Node) (service string, ok bool) {
	parts, isAnd := n.(condition.And)
	if !isAnd {
		parts = condition.And{n}
	}
	for _, part := range parts {
		if part == condition.Const(true) {
			continue
		}
		l, isLeaf := part.(condition.Leaf)
		switch {
		case !isLeaf:
			return "", false
		case l.Field == condition.Field{Name: condition.SpanStart}:
		case namesService(l) && service == "":
			service = l.Value.Str()
		default:
			return "", false
		}
	}
	return service, true
}

// namesService says whether a leaf asks for spans of one service, by the name that fragments have.
func namesService(l condition.Leaf) bool {
	if l.Op != condition.OpEqual || l.Value.Type() != condition.TypeString || l.Value.Str() == "" || len(l.Value.Str()) >= dictionary.MaxIndexedText-4 {
		return false
	}
	attribute := condition.Attribute(condition.ResourceAttribute, "service.name")
	return l.Field == condition.Field{Name: condition.Service} || l.Field == attribute && l.Value.Str() != plait.ServiceUnknown
}
