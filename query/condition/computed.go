package condition

import (
	"cmp"
	"math"
	"math/bits"
	"strings"

	"github.com/plaithq/plait"
)

// Computed compares two expressions over a span's fields: span.a = span.b, or
// span:duration > trace:duration * 0.5. It is true when some value of the one and some value of the other
// compare so: numbers with numbers, texts with texts, booleans with booleans (false is less). An
// expression has no value where one of its fields has none. What is not equal is less or greater.
type Computed struct {
	Left  Expression
	Op    Op // OpEqual, OpLess, OpLessOrEqual, OpGreater or OpGreaterOrEqual
	Right Expression
}

func (Computed) node() {}

// Expression is a side of a Computed: FieldOf, Constant or Arithmetic.
type Expression interface {
	// String is the expression as a log shows it.
	String() string
	// source returns what gives the expression's values.
	source(depth int) (reader[SpanView], error)
}

// FieldOf is the value of a field. Kinds, status codes and ids are texts. Of an array all elements count.
type FieldOf Field

// Constant is a number, a duration in nanoseconds, a string or a boolean.
type Constant Value

// Arithmetic computes with two numbers. Integers stay integers as long as they fit: 1 / 2 is 0.
type Arithmetic struct {
	Left  Expression
	Op    byte // one of + - * / % ^
	Right Expression
}

func (c Computed) matcher() (matcher[SpanView], error) {
	if c.Op != OpEqual && !c.Op.ordering() || c.Left == nil || c.Right == nil {
		return nil, plait.Errorf(plait.ErrInvalid, "the comparison of two expressions with %s is none", c.Op)
	}
	left, err := c.Left.source(0)
	if err != nil {
		return nil, err
	}
	right, err := c.Right.source(0)
	if err != nil {
		return nil, err
	}
	allows := c.Op.allows()
	return func(v *SpanView) bool {
		return left(v, func(a plait.Value) bool {
			return right(v, func(b plait.Value) bool {
				order, ok := compareValues(a, b)
				return ok && allows(order)
			})
		})
	}, nil
}

// compareValues compares two values of one type. It is not ok where their types are not the same.
func compareValues(a, b plait.Value) (order int, ok bool) {
	switch {
	case isNumber(a) && b.Kind() == plait.KindInt:
		return compareNumber(a, Int(b.Int()))
	case isNumber(a) && b.Kind() == plait.KindDouble:
		return compareNumber(a, Float(b.Double()))
	case a.Kind() != b.Kind():
		return 0, false
	case a.Kind() == plait.KindString:
		return strings.Compare(a.Str(), b.Str()), true
	case a.Kind() == plait.KindBool:
		return cmp.Compare(a.Int(), b.Int()), true
	}
	return 0, false
}

func (f FieldOf) source(int) (reader[SpanView], error) {
	value := Text("")
	switch Field(f).nature() {
	case anyValue, aText:
		value = String("")
	case aNumber, aDuration, aTime:
		value = Int(0)
	}
	leaf := Leaf{Field(f), OpEqual, value}
	if leaf.Field.Name.OfTrace() {
		err := leaf.check(ofSpan)
		read := traceReaders[leaf.Field.Name]
		return func(v *SpanView, fits test) bool { return v.Trace != nil && read(v.Trace, fits) }, err
	}
	if err := leaf.check(ofSpan); err != nil {
		return nil, err
	}
	if leaf.Field.Name.OfPlace() {
		return placeReader(leaf.Field.Name), nil
	}
	read := leaf.spanReader()
	if ids := spanIDReaders[leaf.Field.Name]; ids != nil {
		read = textOfIDs(leaf.Field.nature(), ids)
	}
	return func(v *SpanView, fits test) bool {
		span := v.Span
		if f.Parent {
			span = v.Parent
		}
		return span != nil && read(span, anyElement(fits))
	}, nil
}

func textOfIDs(n nature, ids idReader[plait.Span]) reader[plait.Span] {
	return func(s *plait.Span, fits test) bool {
		return ids(s, func(found id) bool {
			if n == aSpanID {
				return fits(plait.StringValue(plait.SpanID(found[:8]).String()))
			}
			return fits(plait.StringValue(plait.TraceID(found).String()))
		})
	}
}

func (c Constant) source(int) (reader[SpanView], error) {
	value := Value(c)
	switch value.typ {
	case TypeInt, TypeFloat, TypeDuration, TypeTime, TypeString, TypeBool:
		return func(_ *SpanView, fits test) bool { return fits(value.stored()) }, nil
	}
	return nil, plait.Errorf(plait.ErrInvalid, "%s: nothing can be computed with it", value)
}

func (a Arithmetic) source(depth int) (reader[SpanView], error) {
	if depth > MaxDepth || a.Left == nil || a.Right == nil || strings.IndexByte("+-*/%^", a.Op) < 0 {
		return nil, plait.Errorf(plait.ErrInvalid, "an expression is incomplete, or has more than %d parts in one another", MaxDepth)
	}
	left, err := a.Left.source(depth + 1)
	if err != nil {
		return nil, err
	}
	right, err := a.Right.source(depth + 1)
	if err != nil {
		return nil, err
	}
	return func(v *SpanView, fits test) bool {
		return left(v, func(x plait.Value) bool {
			return right(v, func(y plait.Value) bool {
				result, ok := compute(x, a.Op, y)
				return ok && fits(result)
			})
		})
	}, nil
}

// Compute computes with two numbers, as Arithmetic does. It is not ok where an operand is no number, and for
// what has no result: 1 / 0.
func Compute(left plait.Value, op byte, right plait.Value) (plait.Value, bool) {
	return compute(left, op, right)
}

// Compare compares two values of one type, as Computed does: negative where a is less. It is not ok where their
// types are not the same; integers and doubles are numbers both.
func Compare(a, b plait.Value) (order int, ok bool) { return compareValues(a, b) }

// compute is not ok where an operand is no number, and for what has no result.
func compute(x plait.Value, op byte, y plait.Value) (plait.Value, bool) {
	if !isNumber(x) || !isNumber(y) {
		return plait.Value{}, false
	}
	if x.Kind() == plait.KindInt && y.Kind() == plait.KindInt {
		if op == '/' || op == '%' {
			return divide(x.Int(), op, y.Int())
		}
		if i, ok := computeInt(x.Int(), op, y.Int()); ok {
			return plait.IntValue(i), true
		}
	}
	f, g := asDouble(x), asDouble(y)
	switch op {
	case '+':
		f += g
	case '-':
		f -= g
	case '*':
		f *= g
	case '/':
		f /= g
	case '%':
		f = math.Mod(f, g)
	case '^':
		f = math.Pow(f, g)
	}
	return plait.DoubleValue(f), !math.IsNaN(f) && !math.IsInf(f, 0)
}

func asDouble(v plait.Value) float64 {
	if v.Kind() == plait.KindInt {
		return float64(v.Int())
	}
	return v.Double()
}

func divide(x int64, op byte, y int64) (plait.Value, bool) {
	switch {
	case y == 0:
		return plait.Value{}, false
	case op == '%':
		return plait.IntValue(x % y), true
	}
	return plait.IntValue(x / y), true
}

// computeInt is not ok where the result is no integer of 64 bits.
func computeInt(x int64, op byte, y int64) (int64, bool) {
	switch op {
	case '+':
		sum := x + y
		return sum, (sum > x) == (y > 0)
	case '-':
		difference := x - y
		return difference, (difference < x) == (y > 0)
	case '*':
		return multiply(x, y)
	}
	if y < 0 {
		return 0, false
	}
	return power(x, y)
}

func power(x, y int64) (result int64, ok bool) {
	for result, ok = 1, true; ok && y > 0; y >>= 1 {
		if y&1 == 1 {
			result, ok = multiply(result, x)
		}
		if ok && y > 1 {
			x, ok = multiply(x, x)
		}
	}
	return result, ok
}

func multiply(x, y int64) (int64, bool) {
	high, low := bits.Mul64(magnitude(x), magnitude(y))
	product := x * y
	if (x < 0) == (y < 0) {
		return product, high == 0 && low <= math.MaxInt64
	}
	return product, high == 0 && low <= 1<<63
}

func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}
