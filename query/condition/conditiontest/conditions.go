// Package conditiontest makes random conditions and random telemetry for tests, over so few words that a
// condition often fits something and seldom everything. What does not hold is shown in its smallest form:
// the generators are those of rapid, which shrinks, and which repeats a run by its seed.
//
// A planner is tested like this: draw Telemetry and write it, draw a condition, and compare what the planner
// answers with the rows for which condition.Spans.Match is true.
package conditiontest

import (
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// maxDepth is how deep conditions stand in one another.
const maxDepth = 4

// OnSpans makes conditions on spans, which always compile.
func OnSpans() *rapid.Generator[condition.Node] {
	return rapid.Custom(func(t *rapid.T) condition.Node { return root(t, spanLeaf) })
}

// OnLogs makes conditions on log records, which always compile.
func OnLogs() *rapid.Generator[condition.Node] {
	return rapid.Custom(func(t *rapid.T) condition.Node { return root(t, logLeaf) })
}

// OnTraces makes conditions on traces, which always compile.
func OnTraces() *rapid.Generator[condition.Node] {
	return rapid.Custom(func(t *rapid.T) condition.Node { return root(t, traceLeaf) })
}

// root makes a tree, and now and then one of few leaves about one field: there it shows what they imply.
func root(t *rapid.T, leaf func(*rapid.T) condition.Node) condition.Node {
	if rapid.IntRange(0, 2).Draw(t, "root") < 2 {
		return tree(t, maxDepth, oftenOfOneField(leaf))
	}
	nodes := []condition.Node{leaf(t)}
	if first, ok := nodes[0].(condition.Leaf); ok {
		nodes = append(nodes, onField(t, first.Field))
	}
	for i := range nodes {
		if rapid.Bool().Draw(t, "negated") {
			nodes[i] = condition.Not{Of: nodes[i]}
		}
	}
	if rapid.Bool().Draw(t, "or") {
		return condition.Or(nodes)
	}
	return condition.And(nodes)
}

func tree(t *rapid.T, depth int, leaf func(*rapid.T) condition.Node) condition.Node {
	choice := 0
	if depth > 0 {
		choice = rapid.IntRange(0, 9).Draw(t, "node")
	}
	switch choice {
	case 1, 2, 3:
		return condition.And(several(t, depth, leaf))
	case 4, 5, 6:
		return condition.Or(several(t, depth, leaf))
	case 7:
		return condition.Not{Of: tree(t, depth-1, leaf)}
	case 8:
		if rapid.IntRange(0, 3).Draw(t, "const") == 0 {
			return condition.Const(rapid.Bool().Draw(t, "holds"))
		}
	}
	return leaf(t)
}

func several(t *rapid.T, depth int, leaf func(*rapid.T) condition.Node) []condition.Node {
	nodes := make([]condition.Node, rapid.IntRange(0, 3).Draw(t, "conditions"))
	for i := range nodes {
		nodes[i] = tree(t, depth-1, leaf)
	}
	return nodes
}

// oftenOfOneField makes every other leaf ask about the field of one before it, since conditions imply and
// exclude one another only where they are about the same.
func oftenOfOneField(leaf func(*rapid.T) condition.Node) func(*rapid.T) condition.Node {
	var fields []condition.Field
	return func(t *rapid.T) condition.Node {
		if len(fields) > 0 && rapid.Bool().Draw(t, "the same field") {
			return onField(t, one(t, fields))
		}
		n := leaf(t)
		if l, ok := n.(condition.Leaf); ok {
			fields = append(fields, l.Field)
		}
		return n
	}
}

func onField(t *rapid.T, f condition.Field) condition.Node {
	var l condition.Leaf
	switch {
	case f.Name.Keyed(), f.Path != "":
		l = onAttribute(t, f)
	case slices.Contains(textFields, f.Name), slices.Contains(logTextFields, f.Name):
		l = ofText(t, f)
	case slices.Contains(numberFields, f.Name):
		l = ofNumber(t, f, duration(t))
	case slices.Contains(idFields, f.Name), slices.Contains(logIDFields, f.Name):
		l = ofID(t, f.Name)
	case f.Name == condition.SpanKind, f.Name == condition.SpanStatus:
		l = ofEnumeration(t, f.Name)
	case f.Name == condition.LogSeverity:
		l = ofNumber(t, f, condition.Int(int64(rapid.IntRange(0, 24).Draw(t, "severity"))))
	default:
		l = ofNumber(t, f, condition.Time(start(t)))
	}
	l.Field = f
	return l
}

// How fields compare, by what they have.
var (
	textFields = []condition.Name{condition.SpanName, condition.SpanStatusMessage, condition.Service, condition.EventName,
		condition.ScopeName, condition.ScopeVersion, condition.TraceRootName, condition.TraceRootService, condition.TraceServices}
	logTextFields = []condition.Name{condition.LogBody, condition.LogBody, condition.LogBody, condition.LogSeverityText, condition.LogLevel,
		condition.LogEventName, condition.Service, condition.ScopeName, condition.ScopeVersion}
	numberFields = []condition.Name{condition.SpanDuration, condition.EventSinceStart, condition.TraceDuration,
		condition.TraceSpanCount, condition.TraceErrorCount}
	idFields        = []condition.Name{condition.TraceID, condition.SpanID, condition.SpanParentID, condition.LinkTraceID, condition.LinkSpanID}
	logIDFields     = []condition.Name{condition.LogTraceID, condition.LogSpanID}
	spanAttributes  = []condition.Name{condition.SpanAttribute, condition.SpanAttribute, condition.ResourceAttribute, condition.EventAttribute, condition.LinkAttribute, condition.ScopeAttribute}
	logAttributes   = []condition.Name{condition.LogAttribute, condition.LogAttribute, condition.ResourceAttribute, condition.ScopeAttribute}
	traceTextFields = []condition.Name{condition.TraceRootName, condition.TraceRootService, condition.TraceServices}
	traceNumbers    = []condition.Name{condition.TraceDuration, condition.TraceSpanCount, condition.TraceErrorCount}
)

func spanLeaf(t *rapid.T) condition.Node {
	switch rapid.IntRange(0, 9).Draw(t, "leaf") {
	case 0, 1:
		return ofParent(t, ofText(t, condition.Field{Name: one(t, textFields)}))
	case 2:
		return ofParent(t, ofNumber(t, condition.Field{Name: one(t, numberFields)}, duration(t)))
	case 3:
		return ofParent(t, ofNumber(t, condition.Field{Name: condition.SpanStart}, condition.Time(start(t))))
	case 4:
		return ofParent(t, ofEnumeration(t, one(t, []condition.Name{condition.SpanKind, condition.SpanStatus})))
	case 5:
		return ofParent(t, ofID(t, one(t, idFields)))
	case 6:
		if rapid.Bool().Draw(t, "computed") {
			return computed(t)
		}
	}
	return ofParent(t, ofAttribute(t, one(t, spanAttributes)))
}

func logLeaf(t *rapid.T) condition.Node {
	switch rapid.IntRange(0, 9).Draw(t, "leaf") {
	case 0, 1, 2:
		return ofText(t, condition.Field{Name: one(t, logTextFields)})
	case 3:
		return ofNumber(t, condition.Field{Name: condition.LogSeverity}, condition.Int(int64(rapid.IntRange(0, 24).Draw(t, "severity"))))
	case 4:
		return ofNumber(t, condition.Field{Name: one(t, []condition.Name{condition.LogTime, condition.LogObserved})}, condition.Time(start(t)))
	case 5:
		return ofID(t, one(t, logIDFields))
	case 6:
		return inBody(t)
	}
	return ofAttribute(t, one(t, logAttributes))
}

func traceLeaf(t *rapid.T) condition.Node {
	switch rapid.IntRange(0, 5).Draw(t, "leaf") {
	case 0:
		return ofText(t, condition.Field{Name: one(t, traceTextFields)})
	case 1:
		return ofNumber(t, condition.Field{Name: one(t, traceNumbers)}, duration(t))
	case 2:
		return ofID(t, condition.TraceID)
	}
	return condition.HasSpan{Of: tree(t, 2, oftenOfOneField(spanLeaf))}
}

// ofParent asks the parent instead, now and then.
func ofParent(t *rapid.T, n condition.Node) condition.Node {
	l, ok := n.(condition.Leaf)
	if !ok || l.Field.Name.OfTrace() {
		return n
	}
	l.Field.Parent = rapid.IntRange(0, 4).Draw(t, "of parent") == 4
	return l
}

func ofText(t *rapid.T, f condition.Field) condition.Leaf {
	op := one(t, []condition.Op{condition.OpEqual, condition.OpEqual, condition.OpExists, condition.OpLess, condition.OpGreaterOrEqual,
		condition.OpRegexp, condition.OpSearch, condition.OpContains, condition.OpContainsFold, condition.OpHasWord})
	return textLeaf(t, f, op, one(t, []func(string) condition.Value{condition.String, condition.Text}))
}

func textLeaf(t *rapid.T, f condition.Field, op condition.Op, value func(string) condition.Value) condition.Leaf {
	switch op {
	case condition.OpExists, condition.OpIsString, condition.OpIsNumber, condition.OpIsBool:
		return condition.Leaf{Field: f, Op: op}
	case condition.OpRegexp, condition.OpSearch:
		return condition.Leaf{Field: f, Op: op, Value: value(one(t, expressions))}
	case condition.OpContains, condition.OpContainsFold, condition.OpHasWord:
		return condition.Leaf{Field: f, Op: op, Value: value(one(t, partsOfTexts))}
	}
	return condition.Leaf{Field: f, Op: op, Value: value(one(t, texts))}
}

var comparing = []condition.Op{condition.OpEqual, condition.OpLess, condition.OpLessOrEqual, condition.OpGreater, condition.OpGreaterOrEqual}

func ofNumber(t *rapid.T, f condition.Field, v condition.Value) condition.Leaf {
	return condition.Leaf{Field: f, Op: one(t, comparing), Value: v}
}

func ofEnumeration(t *rapid.T, name condition.Name) condition.Leaf {
	f := condition.Field{Name: name}
	if rapid.IntRange(0, 3).Draw(t, "by name") == 3 {
		return condition.Leaf{Field: f, Op: condition.OpRegexp, Value: condition.Text(one(t, []string{"server|client", "error", "(un|re)set", ".*"}))}
	}
	if name == condition.SpanKind {
		return condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Kind(kind(t))}
	}
	return condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Status(status(t))}
}

func ofID(t *rapid.T, name condition.Name) condition.Leaf {
	l := condition.Leaf{Field: condition.Field{Name: name}, Op: condition.OpExists}
	if rapid.IntRange(0, 3).Draw(t, "exists") == 0 {
		return l
	}
	l.Op = condition.OpEqual
	if rapid.IntRange(0, 3).Draw(t, "as text") == 3 {
		l.Op, l.Value = condition.OpRegexp, condition.String(one(t, []string{".*1", "c0ff.*", "[0-9a-f]+"}))
		return l
	}
	switch name {
	case condition.TraceID, condition.LinkTraceID, condition.LogTraceID:
		l.Value = condition.OfTrace(traceID(t))
	default:
		l.Value = condition.OfSpan(spanID(t))
	}
	return l
}

func ofAttribute(t *rapid.T, in condition.Name) condition.Leaf {
	f := condition.Field{Name: in, Key: one(t, keys)}
	switch rapid.IntRange(0, 5).Draw(t, "lookup") {
	case 0:
		f.Lookup, f.Key = condition.LookupDotted, one(t, dottedKeys)
	case 1:
		f.Lookup, f.Key = condition.LookupLabel, one(t, labels)
	case 2:
		f.Path = one(t, paths)
	}
	return onAttribute(t, f)
}

func onAttribute(t *rapid.T, f condition.Field) condition.Leaf {
	op := one(t, []condition.Op{condition.OpExists, condition.OpIsString, condition.OpIsNumber, condition.OpIsBool, condition.OpEqual, condition.OpEqual,
		condition.OpEqual, condition.OpLess, condition.OpGreaterOrEqual, condition.OpRegexp, condition.OpSearch, condition.OpContains, condition.OpHasWord})
	switch op {
	case condition.OpEqual:
		return condition.Leaf{Field: f, Op: op, Value: anyValue(t)}
	case condition.OpLess, condition.OpGreaterOrEqual:
		if rapid.Bool().Draw(t, "number") {
			return condition.Leaf{Field: f, Op: op, Value: number(t)}
		}
	}
	return textLeaf(t, f, op, one(t, []func(string) condition.Value{condition.String, condition.Text}))
}

func inBody(t *rapid.T) condition.Leaf {
	return onAttribute(t, condition.Field{Name: condition.LogBody, Path: one(t, []string{"/id", "/user/name", "/list/0", "/~0~1"})})
}

// anyValue is one of any type that OpEqual takes of an attribute.
func anyValue(t *rapid.T) condition.Value {
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 0:
		return condition.Text(one(t, texts))
	case 1:
		return condition.Said(one(t, said))
	case 2, 3:
		return number(t)
	case 4:
		return condition.Bool(rapid.Bool().Draw(t, "bool"))
	}
	return condition.String(one(t, texts))
}

func number(t *rapid.T) condition.Value {
	switch rapid.IntRange(0, 2).Draw(t, "number type") {
	case 0:
		return condition.Float(one(t, doubles))
	case 1:
		return condition.Duration(time.Duration(one(t, integers)))
	}
	return condition.Int(one(t, integers))
}

func computed(t *rapid.T) condition.Node {
	side := func() condition.Expression {
		switch rapid.IntRange(0, 3).Draw(t, "side") {
		case 0:
			return condition.Constant(one(t, []condition.Value{condition.Int(5), condition.Float(0.5), condition.String("x"), condition.Bool(true)}))
		case 1:
			return condition.FieldOf{Name: condition.SpanDuration}
		}
		return condition.FieldOf(condition.Attribute(one(t, spanAttributes), one(t, keys)))
	}
	c := condition.Computed{Left: side(), Op: one(t, comparing), Right: side()}
	if rapid.Bool().Draw(t, "arithmetic") {
		c.Right = condition.Arithmetic{Left: c.Right, Op: one(t, []byte("+-*/%^")), Right: side()}
	}
	return c
}

func duration(t *rapid.T) condition.Value {
	nanos := one(t, nanos)
	switch rapid.IntRange(0, 6).Draw(t, "duration type") {
	case 0:
		return condition.Int(nanos)
	case 1:
		return condition.Float(float64(nanos) + 0.5)
	case 2:
		return condition.Float(math.NaN())
	}
	return condition.Duration(time.Duration(nanos))
}

// one draws from a list; the first is the simplest.
func one[T any](t *rapid.T, of []T) T { return of[rapid.IntRange(0, len(of)-1).Draw(t, "one of")] }

func kind(t *rapid.T) plait.SpanKind {
	return plait.SpanKind(rapid.IntRange(0, 5).Draw(t, "kind"))
}

func status(t *rapid.T) plait.StatusCode {
	return plait.StatusCode(rapid.IntRange(0, 2).Draw(t, "status"))
}
