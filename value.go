package plait

import (
	"math"
	"slices"
)

// ValueKind tells the types of OTLP's AnyValue apart.
type ValueKind uint8

// The kinds of Value. KindEmpty is an AnyValue in which nothing is set.
const (
	KindEmpty ValueKind = iota
	KindString
	KindBool
	KindInt
	KindDouble
	KindBytes
	KindArray
	KindMap
)

// Value is one OTLP AnyValue in 32 bytes and without pointers of its own into a
// tree: arrays and maps are held as their canonical JSON text (see AppendJSON),
// which is also how they are stored. The zero Value is the empty AnyValue.
type Value struct {
	str  string // KindString, KindBytes: the bytes; KindArray, KindMap: JSON text
	num  uint64 // KindBool, KindInt, KindDouble: the bits
	kind ValueKind
}

// StringValue makes a string value.
func StringValue(s string) Value { return Value{kind: KindString, str: s} }

// BoolValue makes a boolean value.
func BoolValue(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// IntValue makes an integer value.
func IntValue(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// DoubleValue makes a floating point value.
func DoubleValue(f float64) Value { return Value{kind: KindDouble, num: math.Float64bits(f)} }

// BytesValue makes a value of raw bytes, held in a string so that it may alias a
// request body.
func BytesValue(b string) Value { return Value{kind: KindBytes, str: b} }

// ArrayValue makes an array from its canonical JSON text.
func ArrayValue(json string) Value { return Value{kind: KindArray, str: json} }

// MapValue makes a key-value list from its canonical JSON text.
func MapValue(json string) Value { return Value{kind: KindMap, str: json} }

// Kind tells which accessor applies.
func (v Value) Kind() ValueKind { return v.kind }

// Str returns the text of a string, the raw bytes of a bytes value, or the canonical
// JSON of an array or map.
func (v Value) Str() string { return v.str }

// Bool returns a boolean value.
func (v Value) Bool() bool { return v.num != 0 }

// Int returns an integer value.
func (v Value) Int() int64 { return int64(v.num) }

// Double returns a floating point value.
func (v Value) Double() float64 { return math.Float64frombits(v.num) }

// Attribute is a key with its value. It belongs to a span, a log record, an event, a
// link, a scope or a resource; what belongs to a series is a Label.
type Attribute struct {
	Key   string
	Value Value
}

// Attributes is an OTLP attribute list in the order in which it came.
type Attributes []Attribute

// Get returns the value of the last attribute with the key.
func (a Attributes) Get(key string) (Value, bool) {
	for i := range slices.Backward(a) {
		if a[i].Key == key {
			return a[i].Value, true
		}
	}
	return Value{}, false
}
