// Package eval says what TraceQL means, over traces that are in memory: which spans of a trace a search finds
// (Search). The API asks it about the traces that the store found for it. What the store narrows by are trees of query/condition, which the same package makes of a query:
// each candidate is then asked here, and only here it is decided.
//
// A comparison is false where a value is missing or of another type, and so is its opposite: both
// span.x = "a" and span.x != "a" are false of a span without x. But !(span.x = "a") is true of it.
//
// Evaluating reads a trace and keeps nothing of it: a search's memory is a few words for each span of the trace.
package eval

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// Search is a search, compiled. It may be used by several goroutines.
type Search struct {
	steps []step
	shown []shownField
	tree  bool
}

// NewSearch compiles a search. Errors are plait.ErrInvalid or plait.ErrTooLarge.
func NewSearch(q *traceql.Query) (*Search, error) {
	if q.Metrics != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: this is a metrics query, and no search")
	}
	c := compiler{}
	steps, err := c.pipeline(q.Pipeline)
	if err != nil {
		return nil, err
	}
	shown, err := shownFields(q.Pipeline)
	return &Search{steps: steps, shown: shown, tree: c.tree}, err
}

// SpanSet is some spans of a trace that go together.
type SpanSet struct {
	Spans []int // their places among the spans of the trace, ascending
	// Groups has the values by which by() split the spans, each under its text: by(name). A missing value is
	// the string nil.
	Groups plait.Attributes
}

// Found is what a search found in a trace.
type Found struct {
	Sets []SpanSet

	trace *trace
	shown []shownField
}

// Match searches a trace. It is nil where the search does not find it. Summary may be nil: it is then made of the
// spans. The trace must not change while what was found is in use.
func (s *Search) Match(t *condition.TraceView) *Found {
	of := newTrace(t, s.tree)
	groups := run(s.steps, of, of.all())
	if len(groups) == 0 {
		return nil
	}
	found := &Found{trace: of, shown: s.shown, Sets: make([]SpanSet, len(groups))}
	for i, g := range groups {
		found.Sets[i] = SpanSet{Spans: g.spans, Groups: g.keys}
	}
	return found
}

// walkPipeline visits the stages, and what stands in spansets.
func walkPipeline(p traceql.Pipeline, visit func(traceql.Stage)) {
	for _, s := range p {
		walkStage(s, visit)
	}
}

func walkStage(s traceql.Stage, visit func(traceql.Stage)) {
	visit(s)
	switch s := s.(type) {
	case traceql.SpansetOperation:
		walkStage(s.Left, visit)
		walkStage(s.Right, visit)
	case traceql.Wrapped:
		walkPipeline(s.Of, visit)
	}
}

// walkFields visits the fields of an expression.
func walkFields(e traceql.Expression, visit func(traceql.Field)) {
	switch e := e.(type) {
	case traceql.Field:
		visit(e)
	case traceql.Unary:
		walkFields(e.Of, visit)
	case traceql.Binary:
		walkFields(e.Left, visit)
		walkFields(e.Right, visit)
	case traceql.Aggregate:
		walkFields(e.Of, visit)
	}
}

// nested says that a field is a number of the span's place in its trace.
func nested(f traceql.Field) bool {
	switch f.Intrinsic() {
	case traceql.NestedSetLeft, traceql.NestedSetRight, traceql.NestedSetParent, traceql.ChildCount:
		return true
	}
	return false
}
