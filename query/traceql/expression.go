package traceql

import "strings"

// Expression is what stands in braces, and what functions are asked about: Field, Static, Unary or Binary. In
// an AggregateFilter it may be an Aggregate too.
type Expression interface {
	// String writes the expression so that it is read back as it is.
	String() string
	expression()
}

// Op is an operator.
type Op string

// The operators of expressions.
const (
	OpAnd            Op = "&&"
	OpOr             Op = "||"
	OpEqual          Op = "="
	OpNotEqual       Op = "!="
	OpLess           Op = "<"
	OpLessOrEqual    Op = "<="
	OpGreater        Op = ">"
	OpGreaterOrEqual Op = ">="
	OpRegexp         Op = "=~" // the whole text fits the RE2 expression, in which a dot fits a line break
	OpNotRegexp      Op = "!~"
	OpAdd            Op = "+"
	OpSubtract       Op = "-"
	OpMultiply       Op = "*"
	OpDivide         Op = "/"
	OpModulo         Op = "%"
	OpPower          Op = "^"
	OpNot            Op = "!"
)

// The operators between spansets, beside && and ||. Their result is the spans of the right side that have such
// a relative on the left; with & before them those of both sides; with ! those of the right that have none.
const (
	OpDescendant Op = ">>" // right below left
	OpChild      Op = ">"
	OpAncestor   Op = "<<" // right above left
	OpParent     Op = "<"
	OpSibling    Op = "~"
)

// precedences tell which operator binds tighter.
var precedences = map[Op]int{
	OpAnd: 2, OpOr: 2,
	OpEqual: 3, OpNotEqual: 3, OpLess: 3, OpLessOrEqual: 3, OpGreater: 3, OpGreaterOrEqual: 3, OpRegexp: 3, OpNotRegexp: 3,
	OpAdd: 4, OpSubtract: 4,
	OpMultiply: 6, OpDivide: 6, OpModulo: 6,
	OpPower: 7,
}

const (
	precedenceOfNot  = 5
	precedenceOfSign = 8
	precedenceOfOne  = 9 // what needs no parentheses anywhere
)

// Comparison says that the operator compares two values.
func (o Op) Comparison() bool { return precedences[o] == 3 }

// Arithmetic says that the operator computes a number.
func (o Op) Arithmetic() bool { return precedences[o] > 3 }

// Joins says that the operator is && or ||.
func (o Op) Joins() bool { return o == OpAnd || o == OpOr }

// Unary is a negation: ! of a condition, - of a number that is no constant.
type Unary struct {
	Op Op
	Of Expression
}

func (Unary) expression() {}

// String writes the operator before its operand.
func (u Unary) String() string {
	if u.Op == OpNot {
		return string(u.Op) + within(u.Of, precedenceOfNot)
	}
	return string(u.Op) + within(u.Of, precedenceOfOne)
}

// Binary is an operator between two expressions.
type Binary struct {
	Op          Op
	Left, Right Expression
}

func (Binary) expression() {}

// String writes the operator between its operands. Chains of operators are as deep as they are long, so that
// the left side is walked in a loop.
func (b Binary) String() string {
	parts := []string{}
	for {
		own := precedences[b.Op]
		right := own + 1
		if b.Op == OpPower {
			right = own
		}
		parts = append(parts, within(b.Right, right), string(b.Op))
		left, ok := b.Left.(Binary)
		if !ok || precedence(left) < own || b.Op == OpPower {
			if b.Op == OpPower {
				own++
			}
			parts = append(parts, within(b.Left, own))
			break
		}
		b = left
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, " ")
}

// within writes an expression that stands where only what binds so tight may stand without parentheses.
func within(e Expression, tight int) string {
	if precedence(e) < tight {
		return "(" + e.String() + ")"
	}
	return e.String()
}

func precedence(e Expression) int {
	switch e := e.(type) {
	case Binary:
		return precedences[e.Op]
	case Unary:
		if e.Op == OpNot {
			return precedenceOfNot
		}
		return precedenceOfSign
	}
	return precedenceOfOne
}

// TypeOf is the type of an expression's values.
func TypeOf(e Expression) Type {
	switch e := e.(type) {
	case Static:
		return e.Type
	case Field:
		return e.Type()
	case Unary:
		if e.Op == OpNot {
			return TypeBool
		}
		return TypeOf(e.Of)
	case Binary:
		if !e.Op.Arithmetic() {
			return TypeBool
		}
		return typeOfArithmetic(e)
	case Aggregate:
		if e.Of == nil {
			return TypeInt
		}
		return TypeOf(e.Of)
	}
	return TypeAny
}

// typeOfArithmetic is a duration where one side is one: duration * 2 and traceDuration - duration are shown in
// seconds. A chain of operators is walked in a loop, as it is as deep as it is long.
func typeOfArithmetic(b Binary) Type {
	result := TypeInt
	for {
		result = wider(result, TypeOf(b.Right))
		left, ok := b.Left.(Binary)
		if !ok || !left.Op.Arithmetic() {
			return wider(result, TypeOf(b.Left))
		}
		b = left
	}
}

func wider(a, b Type) Type {
	for _, t := range [...]Type{TypeDuration, TypeAny, TypeFloat} {
		if a == t || b == t {
			return t
		}
	}
	return TypeInt
}
