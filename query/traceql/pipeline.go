package traceql

import "strings"

// Pipeline is one stage after another: each takes the span sets of the one before. The first takes all spans of
// a trace.
type Pipeline []Stage

// Stage is a Spanset, AggregateFilter, By, Select or Coalesce.
type Stage interface {
	// String writes the stage as it stands in a pipeline.
	String() string
	stage()
}

// Spanset says which spans of a trace are found: Filter, SpansetOperation or Wrapped.
type Spanset interface {
	Stage
	spanset()
}

// Filter finds the spans for which a condition holds, all where Of is nil.
type Filter struct{ Of Expression }

// SpansetOperation joins what two spansets find. Op is && or ||, or one of the structural operators, which may
// have & or ! before it.
type SpansetOperation struct {
	Op          Op
	Left, Right Spanset
}

// Wrapped is a pipeline in parentheses beside another one.
type Wrapped struct{ Of Pipeline }

// AggregateFilter keeps the span sets whose aggregates compare so: count() > 3.
type AggregateFilter struct{ Of Binary }

// By splits span sets by the value of an expression.
type By struct{ Of Expression }

// Select names what is shown of the spans. It leaves none out.
type Select struct{ Fields []Field }

// Coalesce makes one span set of those that By made.
type Coalesce struct{}

func (Filter) stage()           {}
func (SpansetOperation) stage() {}
func (Wrapped) stage()          {}
func (AggregateFilter) stage()  {}
func (By) stage()               {}
func (Select) stage()           {}
func (Coalesce) stage()         {}

func (Filter) spanset()           {}
func (SpansetOperation) spanset() {}
func (Wrapped) spanset()          {}

// AggregateOp is a function over the spans of a span set.
type AggregateOp string

// The aggregates.
const (
	Count AggregateOp = "count"
	Sum   AggregateOp = "sum"
	Min   AggregateOp = "min"
	Max   AggregateOp = "max"
	Avg   AggregateOp = "avg"
)

// Aggregate is a number made of the spans of a span set. Spans without a number are left out.
type Aggregate struct {
	Op AggregateOp
	Of Expression // nil for Count
}

func (Aggregate) expression() {}

// String writes the function and what it is asked about.
func (a Aggregate) String() string {
	if a.Of == nil {
		return string(a.Op) + "()"
	}
	return string(a.Op) + "(" + a.Of.String() + ")"
}

// String writes the condition in braces.
func (f Filter) String() string {
	if f.Of == nil {
		return "{ }"
	}
	return "{ " + f.Of.String() + " }"
}

// Structural says that the operator asks for a relative, which one, and whether with & or ! before it.
func (o Op) Structural() (relative Op, union, negated, ok bool) {
	text := string(o)
	if o == OpAnd || o == OpOr {
		return "", false, false, false
	}
	if rest, found := strings.CutPrefix(text, "&"); found {
		text, union = rest, true
	} else if rest, found := strings.CutPrefix(text, "!"); found {
		text, negated = rest, true
	}
	switch relative = Op(text); relative {
	case OpDescendant, OpChild, OpAncestor, OpParent, OpSibling:
		return relative, union, negated, true
	}
	return "", false, false, false
}

// String writes the operator between its sides.
func (s SpansetOperation) String() string {
	parts := []string{}
	for {
		right := spansetWithin(s.Right, s.Op, true)
		if _, filter := s.Right.(Filter); filter && wraps(s.Left) {
			right = "(" + right + ")"
		}
		parts = append(parts, right, string(s.Op))
		left, ok := s.Left.(SpansetOperation)
		if !ok || left.Op.Joins() && !s.Op.Joins() {
			parts = append(parts, spansetWithin(s.Left, s.Op, false))
			break
		}
		s = left
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, " ")
}

// spansetWithin writes a side of an operator: in parentheses where it would be taken apart without them.
func spansetWithin(s Spanset, op Op, right bool) string {
	inner, ok := s.(SpansetOperation)
	if ok && (inner.Op.Joins() && !op.Joins() || right && inner.Op.Joins() == op.Joins()) {
		return "(" + s.String() + ")"
	}
	return s.String()
}

// String writes the pipeline in parentheses.
func (w Wrapped) String() string { return "(" + w.Of.String() + ")" }

// String writes the comparison.
func (a AggregateFilter) String() string { return a.Of.String() }

// String writes the stage.
func (b By) String() string { return "by(" + b.Of.String() + ")" }

// String writes the fields with commas between them.
func (s Select) String() string { return "select(" + list(s.Fields) + ")" }

// String writes the stage.
func (Coalesce) String() string { return "coalesce()" }

// String writes the stages with | between them.
func (p Pipeline) String() string {
	stages := make([]string, len(p))
	for i, s := range p {
		stages[i] = s.String()
	}
	return strings.Join(stages, " | ")
}

// String writes the query so that it is read back as it is.
func (q *Query) String() string {
	var text string
	if q.Metrics != nil {
		text = q.Metrics.String()
	} else {
		text = q.Pipeline.String()
	}
	if len(q.Hints) == 0 {
		return text
	}
	hints := make([]string, len(q.Hints))
	for i, h := range q.Hints {
		hints[i] = h.Name + "=" + h.Value.String()
	}
	return text + " with(" + strings.Join(hints, ", ") + ")"
}

func list[E interface{ String() string }](of []E) string {
	texts := make([]string, len(of))
	for i, e := range of {
		texts[i] = e.String()
	}
	return strings.Join(texts, ", ")
}
