package spans

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/search"
)

// traceCheck compares traces with what their spans one by one do not tell.
type traceCheck struct {
	compiled *condition.Traces
	summary  *condition.Traces // what summaries tell of it: all that fits fits it
	spans    bool              // which are looked at
}

// newTraceCheck compares with a condition, nil where all traces fit.
func newTraceCheck(n condition.Node) (c *traceCheck, err error) {
	if n == condition.Const(true) {
		return nil, nil
	}
	c = &traceCheck{spans: condition.NeedsOf(n).Spans != nil}
	if c.compiled, err = condition.CompileTraces(n); err != nil {
		return nil, err
	}
	c.summary, err = condition.CompileTraces(ofSummaries(n, false))
	return c, err
}

// ofSummaries is a condition that holds wherever the other does, and looks at summaries only.
func ofSummaries(n condition.Node, negated bool) condition.Node {
	switch n := n.(type) {
	case condition.And:
		each := make(condition.And, len(n))
		for i := range n {
			each[i] = ofSummaries(n[i], negated)
		}
		return each
	case condition.Or:
		each := make(condition.Or, len(n))
		for i := range n {
			each[i] = ofSummaries(n[i], negated)
		}
		return each
	case condition.Not:
		return condition.Not{Of: ofSummaries(n.Of, !negated)}
	case condition.HasSpan:
		if negated {
			return condition.Const(false)
		}
		return withSpan(n.Of)
	}
	return n
}

// withSpan is what the summary of a trace says that has a span of some kind.
func withSpan(n condition.Node) condition.Node {
	switch n := n.(type) {
	case condition.Const:
		return n
	case condition.And:
		each := make(condition.And, len(n))
		for i := range n {
			each[i] = withSpan(n[i])
		}
		return each
	case condition.Or:
		each := make(condition.Or, len(n))
		for i := range n {
			each[i] = withSpan(n[i])
		}
		return each
	case condition.Leaf:
		switch {
		case namesService(n):
			return condition.Leaf{Field: condition.Field{Name: condition.TraceServices}, Op: condition.OpEqual, Value: n.Value}
		case n == condition.Leaf{Field: condition.Field{Name: condition.SpanStatus}, Op: condition.OpEqual, Value: condition.Status(plait.StatusError)}:
			return condition.Leaf{Field: condition.Field{Name: condition.TraceErrorCount}, Op: condition.OpGreater, Value: condition.Int(0)}
		}
	}
	return condition.Const(true)
}

// spansCompared bounds the spans that are decoded together. A trace that has more is compared by those of its spans
// that tell most.
const spansCompared = 20_000

// fitting returns those of some traces that fit. It uses the memory of summaries.
func (c *traceCheck) fitting(ctx context.Context, s *Reader, summaries []plait.TraceSummary) ([]plait.TraceSummary, error) {
	summaries = slices.DeleteFunc(summaries, func(t plait.TraceSummary) bool { return !c.summary.Match(&condition.TraceView{Summary: &t}) })
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
			if of, n, _, err = s.spansOf(ctx, summaries[:n]); err != nil {
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
// 20,000 spans by their summaries, or of one trace of any size, of which those come that tell most. It reads as many of the first
// traces as there is room for, one at least, and says how many. Spans that were sent twice come twice. A trace that retention has removed is left out. cut says that
// spans of these traces were left out.
func (s *Reader) SpansOf(ctx context.Context, summaries []plait.TraceSummary) (of map[plait.TraceID][]plait.Span, read int, cut bool, err error) {
	of, read, cut, err = s.spansOf(ctx, summaries)
	if errors.Is(err, plait.ErrNotFound) {
		return nil, 1, false, nil
	}
	return of, read, cut, err
}

// spansOf is SpansOf where all traces are known to be there.
func (s *Reader) spansOf(ctx context.Context, summaries []plait.TraceSummary) (of map[plait.TraceID][]plait.Span, read int, cut bool, err error) {
	for read = len(summaries); read > 1; read /= 2 {
		var room bool
		if of, room, err = s.spansTogether(ctx, summaries[:read]); err != nil {
			return nil, 0, false, fmt.Errorf("read traces: %w", err)
		}
		if room {
			spans := 0
			for _, some := range of {
				spans += len(some)
			}
			return of, read, spans >= 2*spansCompared, nil
		}
	}
	id := summaries[0].TraceID
	trace, err := s.Trace(ctx, id, spansCompared)
	if err != nil {
		return nil, 0, false, err
	}
	return map[plait.TraceID][]plait.Span{id: trace.Spans}, 1, trace.Truncated, nil
}

// spansTogether reads the spans of traces, unless there is no room for their rows.
func (s *Reader) spansTogether(ctx context.Context, summaries []plait.TraceSummary) (of map[plait.TraceID][]plait.Span, room bool, err error) {
	ids := make([]plait.TraceID, len(summaries))
	for i := range summaries {
		ids[i] = summaries[i].TraceID
	}
	spelled, err := s.ids.Spell(ctx, ids...)
	if err != nil {
		return nil, false, err
	}
	var rows []storedSpan
	memory := search.NewMemory(ctx)
	err = pg.QueryUntil(ctx, s.lookup, func(v [][]byte) bool {
		rows = append(rows, scanSpan(v))
		return memory.Take(rows[len(rows)-1].size())
	}, traceSpansSQL, spelled.Stored(), 2*spansCompared)
	if err != nil || !memory.Left() {
		memory.GiveBack()
		return nil, false, err
	}
	spans, err := s.decodeSpans(ctx, rows)
	if err != nil {
		return nil, false, err
	}
	of = make(map[plait.TraceID][]plait.Span, len(ids))
	for i := range rows {
		for _, asked := range spelled[rows[i].traceID] {
			of[asked] = append(of[asked], spans[i])
		}
	}
	return of, true, nil
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
