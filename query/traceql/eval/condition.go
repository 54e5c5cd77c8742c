package eval

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// maxUnscoped bounds how many attributes without a scope one computation may have: each may stand in two places,
// and all ways are asked.
const maxUnscoped = 4

// Condition is what a filter says of one span. It is exact, and may ask for the span's place in its trace and for
// its parent, which a row alone does not tell: Narrowing leaves these out.
func Condition(f traceql.Filter) (condition.Node, error) {
	if f.Of == nil {
		return condition.Const(true), nil
	}
	n, err := nodeOf(f.Of)
	if err != nil {
		return nil, err
	}
	return condition.Simplify(n), nil
}

func nodeOf(e traceql.Expression) (condition.Node, error) {
	switch e := e.(type) {
	case traceql.Static:
		return condition.Const(e.Bool()), nil
	case traceql.Field:
		return compareField(e, traceql.OpEqual, traceql.BoolOf(true))
	case traceql.Unary:
		// an attribute that is missing is no boolean, and not false
		if f, ok := e.Of.(traceql.Field); ok {
			return compareField(f, traceql.OpEqual, traceql.BoolOf(false))
		}
		n, err := nodeOf(e.Of)
		return condition.Not{Of: n}, err
	case traceql.Binary:
		if e.Op.Joins() {
			return joined(e)
		}
		return compared(e)
	}
	return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: %s is no condition", e)
}

// joined makes one And or Or of a chain of operators, which is as deep as it is long.
func joined(b traceql.Binary) (condition.Node, error) {
	var reversed []traceql.Expression
	op, e := b.Op, traceql.Expression(b)
	for {
		chain, ok := e.(traceql.Binary)
		if !ok || chain.Op != op {
			reversed = append(reversed, e)
			break
		}
		reversed = append(reversed, chain.Right)
		e = chain.Left
	}
	nodes := make([]condition.Node, 0, len(reversed))
	for i := len(reversed) - 1; i >= 0; i-- {
		n, err := nodeOf(reversed[i])
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if op == traceql.OpAnd {
		return condition.And(nodes), nil
	}
	return condition.Or(nodes), nil
}

// turned are the operators with their sides exchanged.
var turned = map[traceql.Op]traceql.Op{
	traceql.OpLess: traceql.OpGreater, traceql.OpLessOrEqual: traceql.OpGreaterOrEqual,
	traceql.OpGreater: traceql.OpLess, traceql.OpGreaterOrEqual: traceql.OpLessOrEqual,
	traceql.OpEqual: traceql.OpEqual, traceql.OpNotEqual: traceql.OpNotEqual,
}

// compared is a comparison: of a field with a constant where it is one, as that can be looked up.
func compared(b traceql.Binary) (condition.Node, error) {
	left, right, op := fold(b.Left), fold(b.Right), b.Op
	if _, constant := left.(traceql.Static); constant {
		if _, both := right.(traceql.Static); !both {
			left, right, op = right, left, turned[op]
		}
	}
	field, isField := left.(traceql.Field)
	if constant, ok := right.(traceql.Static); ok && isField {
		return compareField(field, op, constant)
	}
	return computed(left, op, right)
}

// fold computes what is constant: 10 * 1024.
func fold(e traceql.Expression) traceql.Expression {
	switch of := e.(type) {
	case traceql.Unary:
		if s, ok := fold(of.Of).(traceql.Static); ok && of.Op == traceql.OpSubtract {
			return foldTwo(traceql.IntOf(0), traceql.OpSubtract, s, e)
		}
	case traceql.Binary:
		if !of.Op.Arithmetic() {
			return e
		}
		left, right := fold(of.Left), fold(of.Right)
		a, ok := left.(traceql.Static)
		b, both := right.(traceql.Static)
		if ok && both {
			return foldTwo(a, of.Op, b, e)
		}
		return traceql.Binary{Op: of.Op, Left: left, Right: right}
	}
	return e
}

func foldTwo(a traceql.Static, op traceql.Op, b traceql.Static, as traceql.Expression) traceql.Expression {
	v, ok := condition.Compute(valueOfStatic(a), op[0], valueOfStatic(b))
	switch {
	case !ok:
		return as
	case v.Kind() == plait.KindDouble:
		return traceql.FloatOf(v.Double())
	case traceql.TypeOf(as) == traceql.TypeDuration:
		return traceql.DurationOf(time.Duration(v.Int()))
	}
	return traceql.IntOf(v.Int())
}

func valueOfStatic(s traceql.Static) plait.Value {
	switch s.Type {
	case traceql.TypeFloat:
		return plait.DoubleValue(s.Float)
	case traceql.TypeInt, traceql.TypeDuration:
		return plait.IntValue(s.Int)
	case traceql.TypeBool:
		return plait.BoolValue(s.Bool())
	}
	return plait.StringValue(textOf(s))
}

// textOf is a constant that is no number as a text.
func textOf(s traceql.Static) string {
	if s.Type == traceql.TypeString {
		return condition.Stored(s.Text)
	}
	return s.String()
}

func conditionValue(s traceql.Static) condition.Value {
	switch s.Type {
	case traceql.TypeBool:
		return condition.Bool(s.Bool())
	case traceql.TypeInt:
		return condition.Int(s.Int)
	case traceql.TypeFloat:
		return condition.Float(s.Float)
	case traceql.TypeDuration:
		return condition.Duration(time.Duration(s.Int))
	case traceql.TypeStatus:
		return condition.Status(plait.StatusCode(s.Int))
	case traceql.TypeKind:
		return condition.Kind(plait.SpanKind(s.Int))
	}
	return condition.String(textOf(s))
}

// compareField compares a field with a constant.
func compareField(f traceql.Field, op traceql.Op, with traceql.Static) (condition.Node, error) {
	if f.Intrinsic() == traceql.NestedSetParent {
		if n := rootOrNot(op, with); n != nil {
			return n, nil
		}
	}
	compare := func(of condition.Field) condition.Node { return compareOne(of, op, with) }
	if f.Scope == traceql.ScopeAny {
		own, shared := fieldIn(condition.SpanAttribute, f), fieldIn(condition.ResourceAttribute, f)
		return condition.Or{
			condition.And{condition.Exists(own), compare(own)},
			condition.And{condition.Absent(own), compare(shared)},
		}, nil
	}
	n := compare(conditionField(f))
	if i := f.Intrinsic(); (i == traceql.ScopeName || i == traceql.ScopeVersion) && fitsEmpty(op, with) {
		n = condition.Or{condition.Absent(conditionField(f)), n}
	}
	return n, nil
}

// fitsEmpty says whether the empty text compares so. It is what scopes without a name or a version have.
func fitsEmpty(op traceql.Op, with traceql.Static) bool {
	switch {
	case with.Type != traceql.TypeString:
		return false
	case op == traceql.OpRegexp || op == traceql.OpNotRegexp:
		return wholeText(with.Text).MatchString("") == (op == traceql.OpRegexp)
	}
	return allowed(op)(strings.Compare("", with.Text))
}

// rootOrNot is what nestedSetParent < 0 asks: whether the span has no parent. It is nil for other questions, which
// need the number.
func rootOrNot(op traceql.Op, with traceql.Static) condition.Node {
	parent := condition.Field{Name: condition.SpanParentID}
	switch least := with.Number(); {
	case op == traceql.OpLess && least == 0, op == traceql.OpLessOrEqual && least == -1, op == traceql.OpEqual && least == -1:
		return condition.Absent(parent)
	case op == traceql.OpGreaterOrEqual && least == 0, op == traceql.OpGreater && least == -1, op == traceql.OpNotEqual && least == -1:
		return condition.Exists(parent)
	}
	return nil
}

func compareOne(f condition.Field, op traceql.Op, with traceql.Static) condition.Node {
	value := conditionValue(with)
	if with.Type == traceql.TypeString && (op == traceql.OpEqual || op == traceql.OpNotEqual) {
		if id, ok := idValue(f.Name, with.Text); ok {
			value = id
		}
	}
	switch {
	case with.Type == traceql.TypeNil && op == traceql.OpEqual:
		return condition.Absent(f)
	case with.Type == traceql.TypeNil:
		return condition.Exists(f)
	}
	switch op {
	case traceql.OpNotEqual:
		return condition.NotEqual(f, value)
	case traceql.OpNotRegexp:
		return condition.NotRegexp(f, with.Text)
	case traceql.OpRegexp:
		return condition.Leaf{Field: f, Op: condition.OpRegexp, Value: condition.String(with.Text)}
	}
	return condition.Leaf{Field: f, Op: ops[op], Value: value}
}

var ops = map[traceql.Op]condition.Op{
	traceql.OpEqual: condition.OpEqual, traceql.OpLess: condition.OpLess, traceql.OpLessOrEqual: condition.OpLessOrEqual,
	traceql.OpGreater: condition.OpGreater, traceql.OpGreaterOrEqual: condition.OpGreaterOrEqual,
}

// idValue reads an id in any case and without leading zeros. It is not ok for fields that are none, and for
// texts that are none.
func idValue(name condition.Name, text string) (condition.Value, bool) {
	var trace plait.TraceID
	var span plait.SpanID
	switch name {
	case condition.TraceID, condition.LinkTraceID:
		if !padHex(trace[:], text) {
			return condition.Value{}, false
		}
		return condition.OfTrace(trace), true
	case condition.SpanID, condition.SpanParentID, condition.LinkSpanID:
		if !padHex(span[:], text) {
			return condition.Value{}, false
		}
		return condition.OfSpan(span), true
	}
	return condition.Value{}, false
}

func padHex(id []byte, text string) bool {
	if text == "" || len(text) > 2*len(id) {
		return false
	}
	_, err := hex.Decode(id, []byte(strings.Repeat("0", 2*len(id)-len(text))+text))
	return err == nil
}

// scopes are the places of attributes with a scope.
var scopes = map[traceql.Scope]condition.Name{
	traceql.ScopeSpan: condition.SpanAttribute, traceql.ScopeResource: condition.ResourceAttribute,
	traceql.ScopeEvent: condition.EventAttribute, traceql.ScopeLink: condition.LinkAttribute,
	traceql.ScopeScope: condition.ScopeAttribute,
}

var intrinsics = map[traceql.Intrinsic]condition.Name{
	traceql.Name: condition.SpanName, traceql.Status: condition.SpanStatus, traceql.StatusMessage: condition.SpanStatusMessage,
	traceql.Kind: condition.SpanKind, traceql.Duration: condition.SpanDuration, traceql.SpanID: condition.SpanID,
	traceql.ParentID: condition.SpanParentID, traceql.ParentSpan: condition.SpanParentID, traceql.ChildCount: condition.ChildCount,
	traceql.NestedSetLeft: condition.NestedSetLeft, traceql.NestedSetRight: condition.NestedSetRight,
	traceql.NestedSetParent: condition.NestedSetParent,
	traceql.RootName:        condition.TraceRootName, traceql.RootService: condition.TraceRootService,
	traceql.TraceDuration: condition.TraceDuration, traceql.TraceID: condition.TraceID,
	traceql.EventName: condition.EventName, traceql.EventSinceStart: condition.EventSinceStart,
	traceql.LinkTraceID: condition.LinkTraceID, traceql.LinkSpanID: condition.LinkSpanID,
	traceql.ScopeName: condition.ScopeName, traceql.ScopeVersion: condition.ScopeVersion,
}

// conditionField is a field that stands in one place.
func conditionField(f traceql.Field) condition.Field {
	if f.Scope == traceql.ScopeIntrinsic {
		return condition.Field{Name: intrinsics[f.Intrinsic()]}
	}
	return fieldIn(scopes[f.Scope], f)
}

func fieldIn(name condition.Name, f traceql.Field) condition.Field {
	return condition.Field{Name: name, Key: condition.Stored(f.Name), Parent: f.Parent}
}

// computed compares what has to be computed, or what stands in the span on both sides. An attribute without a
// scope stands in one of two places, so that there is a comparison for each way.
func computed(left traceql.Expression, op traceql.Op, right traceql.Expression) (condition.Node, error) {
	var unscoped []traceql.Field
	seen := map[traceql.Field]bool{}
	add := func(f traceql.Field) {
		if f.Scope == traceql.ScopeAny && !seen[f] {
			seen[f] = true
			unscoped = append(unscoped, f)
		}
	}
	walkFields(left, add)
	walkFields(right, add)
	if len(unscoped) > maxUnscoped {
		return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: not supported by Plait: a computation with more than %d attributes without a scope, "+
			"write span.%s or resource.%s", maxUnscoped, unscoped[0].Name, unscoped[0].Name)
	}
	var ways condition.Or
	for way := range 1 << len(unscoped) {
		stands := map[traceql.Field]condition.Name{}
		var all condition.And
		for i, f := range unscoped {
			own := fieldIn(condition.SpanAttribute, f)
			if way&(1<<i) == 0 {
				stands[f], all = condition.SpanAttribute, append(all, condition.Exists(own))
			} else {
				stands[f], all = condition.ResourceAttribute, append(all, condition.Absent(own))
			}
		}
		ways = append(ways, append(all, computedIn(left, op, right, stands)))
	}
	return ways, nil
}

// computedIn is one comparison, in which it is settled where attributes stand.
func computedIn(left traceql.Expression, op traceql.Op, right traceql.Expression, stands map[traceql.Field]condition.Name) condition.Node {
	if op == traceql.OpRegexp || op == traceql.OpNotRegexp {
		return constantRegexp(left, op, right)
	}
	a, b := expressionOf(left, stands), expressionOf(right, stands)
	with := func(op condition.Op) condition.Node { return condition.Computed{Left: a, Op: op, Right: b} }
	if op == traceql.OpNotEqual {
		return condition.And{
			condition.Or{with(condition.OpLess), with(condition.OpGreater)},
			condition.Not{Of: with(condition.OpEqual)},
		}
	}
	return with(ops[op])
}

// constantRegexp compares what is no field: a text that is written there. What is computed is no text.
func constantRegexp(left traceql.Expression, op traceql.Op, right traceql.Expression) condition.Node {
	text, ok := left.(traceql.Static)
	if !ok || text.Type != traceql.TypeString {
		return condition.Const(false)
	}
	fits := wholeText(right.(traceql.Static).Text)
	return condition.Const(fits.MatchString(text.Text) == (op == traceql.OpRegexp))
}

func expressionOf(e traceql.Expression, stands map[traceql.Field]condition.Name) condition.Expression {
	switch e := e.(type) {
	case traceql.Field:
		if e.Scope == traceql.ScopeAny {
			return condition.FieldOf(fieldIn(stands[e], e))
		}
		return condition.FieldOf(conditionField(e))
	case traceql.Unary:
		return condition.Arithmetic{Left: condition.Constant(condition.Int(0)), Op: '-', Right: expressionOf(e.Of, stands)}
	case traceql.Binary:
		return condition.Arithmetic{Left: expressionOf(e.Left, stands), Op: e.Op[0], Right: expressionOf(e.Right, stands)}
	case traceql.Static:
		if e.Type == traceql.TypeStatus || e.Type == traceql.TypeKind {
			return condition.Constant(condition.String(textOf(e)))
		}
		return condition.Constant(conditionValue(e))
	}
	return nil
}
