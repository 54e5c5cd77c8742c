package condition

import (
	"math"
	"time"

	"github.com/plaithq/plait"
)

// Type says how a Value compares.
type Type uint8

// The types of values.
const (
	TypeNone     Type = iota // of operators that take no value
	TypeString               // with strings
	TypeText                 // with any value, by its text (plait.Value.Text)
	TypeSaid                 // with any value that says the same, as a user types it; OpEqual only
	TypeInt                  // with integers and doubles, as numbers
	TypeFloat                // with integers and doubles, as numbers
	TypeBool                 // with booleans
	TypeDuration             // in nanoseconds: with durations and numbers
	TypeTime                 // in nanoseconds since 1970: with times
	TypeKind                 // with kinds of spans
	TypeStatus               // with status codes
	TypeTraceID              // with ids of traces
	TypeSpanID               // with ids of spans
)

// Value is what a Leaf compares with. Values compare with ==.
type Value struct {
	text string
	bits uint64
	typ  Type
}

// Type tells how the value compares.
func (v Value) Type() Type { return v.typ }

// Str is the text of a string, of a text, and of what was said.
func (v Value) Str() string { return v.text }

// Int64 is the number of an integer, duration or time (in nanoseconds), kind or status code.
func (v Value) Int64() int64 { return int64(v.bits) }

// Float64 is a double.
func (v Value) Float64() float64 { return math.Float64frombits(v.bits) }

// Bool is a boolean.
func (v Value) Bool() bool { return v.bits != 0 }

// TraceID is the id of a trace.
func (v Value) TraceID() (id plait.TraceID) {
	copy(id[:], v.text)
	return id
}

// SpanID is the id of a span.
func (v Value) SpanID() (id plait.SpanID) {
	copy(id[:], v.text)
	return id
}

// String makes a value that compares with strings only.
func String(s string) Value { return Value{typ: TypeString, text: s} }

// Text makes a value that compares with the text of values of any type: 5 is the text of an integer, and
// 5.0 of a double. Lists and maps are their canonical JSON.
func Text(s string) Value { return Value{typ: TypeText, text: s} }

// Said makes a value of what a user types where no type is given. It equals what says the same, however
// that is written: 5 equals the integer, the double 5.0 and the string "5"; "5" in quotes only the
// string. Integers are compared to the last digit. A list equals what one of its members does.
func Said(s string) Value { return Value{typ: TypeSaid, text: s} }

// Int makes a value that compares with integers and doubles.
func Int(i int64) Value { return Value{typ: TypeInt, bits: uint64(i)} }

// Float makes a value that compares with integers and doubles.
func Float(f float64) Value {
	if f == 0 {
		f = 0 // of which there are two that are equal
	}
	return Value{typ: TypeFloat, bits: math.Float64bits(f)}
}

// Bool makes a value that compares with booleans.
func Bool(b bool) Value {
	if b {
		return Value{typ: TypeBool, bits: 1}
	}
	return Value{typ: TypeBool}
}

// Duration makes a value that compares with durations, and with numbers, which are nanoseconds then.
func Duration(d time.Duration) Value { return Value{typ: TypeDuration, bits: uint64(d)} }

// Time makes a value that compares with times, of nanoseconds since 1970.
func Time(nanos int64) Value { return Value{typ: TypeTime, bits: uint64(nanos)} }

// Kind makes a value that compares with the kinds of spans.
func Kind(k plait.SpanKind) Value { return Value{typ: TypeKind, bits: uint64(k)} }

// Status makes a value that compares with the status codes of spans.
func Status(c plait.StatusCode) Value { return Value{typ: TypeStatus, bits: uint64(c)} }

// OfTrace makes a value that compares with the ids of traces.
func OfTrace(id plait.TraceID) Value { return Value{typ: TypeTraceID, text: string(id[:])} }

// OfSpan makes a value that compares with the ids of spans.
func OfSpan(id plait.SpanID) Value { return Value{typ: TypeSpanID, text: string(id[:])} }

// numeric says that the value is a number.
func (v Value) numeric() bool {
	switch v.typ {
	case TypeInt, TypeFloat, TypeDuration, TypeTime:
		return true
	}
	return false
}

// isNaN says that nothing is less, equal or more.
func (v Value) isNaN() bool { return v.typ == TypeFloat && math.IsNaN(v.Float64()) }

// stored is the numeric, string or boolean value as an attribute has it.
func (v Value) stored() plait.Value {
	switch v.typ {
	case TypeInt, TypeDuration, TypeTime, TypeKind, TypeStatus:
		return plait.IntValue(v.Int64())
	case TypeFloat:
		return plait.DoubleValue(v.Float64())
	case TypeBool:
		return plait.BoolValue(v.Bool())
	case TypeString, TypeText, TypeSaid, TypeTraceID, TypeSpanID:
		return plait.StringValue(v.text)
	}
	return plait.Value{}
}
