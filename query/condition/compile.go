package condition

import (
	"github.com/plaithq/plait"
)

// maxNodes bounds a tree, and with it the time that a row takes.
const maxNodes = 20_000

// MaxDepth is how deep conditions may stand in one another.
const MaxDepth = 1_000

// matcher says whether a row fits.
type matcher[V any] func(*V) bool

// Spans is a condition on spans, compiled. It may be used by several goroutines.
type Spans struct{ match matcher[SpanView] }

// SpanView is a span as conditions see it. What a condition does not touch (see Needs) may be left out.
type SpanView struct {
	Span *plait.Span
	// Parent is nil when there is none and when it is not known: no leaf about the parent is true then.
	Parent *plait.Span
	// Trace is nil when it is not known: no leaf about it is true then.
	Trace *plait.TraceSummary
	// Place is nil when it is not known: no leaf about it is true then.
	Place *Place
}

// CompileSpans compiles a condition on spans. An error is plait.ErrInvalid, and says which leaf cannot be
// asked, or plait.ErrTooLarge.
func CompileSpans(n Node) (*Spans, error) {
	m, err := compileTree(n, spanLeaf, func(n Node) (matcher[SpanView], error) {
		if computed, ok := n.(Computed); ok {
			return computed.matcher()
		}
		return nil, plait.Errorf(plait.ErrInvalid, "%s: a condition on one span asks for a span of the trace", n)
	})
	if err != nil {
		return nil, err
	}
	return &Spans{m}, nil
}

// Match says whether a span fits.
func (c *Spans) Match(v *SpanView) bool { return c.match(v) }

// Logs is a condition on log records, compiled. It may be used by several goroutines.
type Logs struct{ match matcher[plait.LogRecord] }

// CompileLogs compiles a condition on log records. Errors are those of CompileSpans.
func CompileLogs(n Node) (*Logs, error) {
	m, err := compileTree(n, logLeaf, func(n Node) (matcher[plait.LogRecord], error) {
		return nil, plait.Errorf(plait.ErrInvalid, "%s: a condition on log records asks for a span", n)
	})
	if err != nil {
		return nil, err
	}
	return &Logs{m}, nil
}

// Match says whether a log record fits.
func (c *Logs) Match(r *plait.LogRecord) bool { return c.match(r) }

// Traces is a condition on traces, compiled. It may be used by several goroutines.
type Traces struct{ match matcher[TraceView] }

// TraceView is a trace as conditions see it. Spans may be left out when no condition needs them.
type TraceView struct {
	Summary *plait.TraceSummary
	Spans   []plait.Span
}

// CompileTraces compiles a condition on traces. Errors are those of CompileSpans.
func CompileTraces(n Node) (*Traces, error) {
	m, err := compileTree(n, func(l Leaf) (matcher[TraceView], error) {
		m, err := traceLeaf(l, ofTrace)
		return func(v *TraceView) bool { return m(v.Summary) }, err
	}, someSpan)
	if err != nil {
		return nil, err
	}
	return &Traces{m}, nil
}

// Match says whether a trace fits.
func (c *Traces) Match(v *TraceView) bool { return c.match(v) }

// someSpan compiles HasSpan.
func someSpan(n Node) (matcher[TraceView], error) {
	has, ok := n.(HasSpan)
	if !ok {
		return nil, plait.Errorf(plait.ErrInvalid, "%s: a condition on a trace asks for values of a span", n)
	}
	one, err := CompileSpans(has.Of)
	if err != nil {
		return nil, err
	}
	parents := NeedsOf(has.Of).Parent != nil
	return func(v *TraceView) bool {
		var byID map[plait.SpanID]*plait.Span
		if parents {
			byID = make(map[plait.SpanID]*plait.Span, len(v.Spans))
			for i := range v.Spans {
				byID[v.Spans[i].SpanID] = &v.Spans[i]
			}
		}
		view := SpanView{Trace: v.Summary}
		for i := range v.Spans {
			view.Span, view.Parent = &v.Spans[i], nil
			if parents && !view.Span.ParentSpanID.IsZero() {
				view.Parent = byID[view.Span.ParentSpanID]
			}
			if one.match(&view) {
				return true
			}
		}
		return false
	}, nil
}

// compiler makes matchers of a tree's nodes.
type compiler[V any] struct {
	leaf  func(Leaf) (matcher[V], error)
	other func(Node) (matcher[V], error)
	nodes int
}

func compileTree[V any](n Node, leaf func(Leaf) (matcher[V], error), other func(Node) (matcher[V], error)) (matcher[V], error) {
	c := compiler[V]{leaf: leaf, other: other}
	return c.compile(n, 0)
}

func (c *compiler[V]) compile(n Node, depth int) (matcher[V], error) {
	if c.nodes++; c.nodes > maxNodes || depth > MaxDepth {
		return nil, plait.Errorf(plait.ErrTooLarge, "the condition has more than %d parts, or more than %d in one another", maxNodes, MaxDepth)
	}
	switch n := n.(type) {
	case nil:
		return nil, plait.Errorf(plait.ErrInvalid, "a part of the condition is missing")
	case Const:
		return func(*V) bool { return bool(n) }, nil
	case Leaf:
		return c.leaf(n)
	case Not:
		m, err := c.compile(n.Of, depth+1)
		return func(v *V) bool { return !m(v) }, err
	case And:
		all, err := c.each(n, depth)
		return func(v *V) bool {
			for _, m := range all {
				if !m(v) {
					return false
				}
			}
			return true
		}, err
	case Or:
		all, err := c.each(n, depth)
		return func(v *V) bool {
			for _, m := range all {
				if m(v) {
					return true
				}
			}
			return false
		}, err
	}
	return c.other(n)
}

func (c *compiler[V]) each(nodes []Node, depth int) ([]matcher[V], error) {
	all := make([]matcher[V], len(nodes))
	for i, n := range nodes {
		var err error
		if all[i], err = c.compile(n, depth+1); err != nil {
			return nil, err
		}
	}
	return all, nil
}
