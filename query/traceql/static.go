package traceql

import (
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// Type is the type of an expression.
type Type uint8

// The types.
const (
	TypeAny Type = iota // known only when a span is there: of attributes
	TypeNil
	TypeBool
	TypeInt
	TypeFloat
	TypeDuration
	TypeString
	TypeStatus
	TypeKind
)

var typeNames = [...]string{"an attribute", "nil", "a condition", "an integer", "a number", "a duration", "a string", "a status", "a kind"}

// String names the type in messages.
func (t Type) String() string { return typeNames[t] }

// Numeric says that one can compute with it.
func (t Type) Numeric() bool { return t == TypeInt || t == TypeFloat || t == TypeDuration }

// Static is a constant. Statics compare with ==.
type Static struct {
	Type  Type
	Int   int64 // of an integer, a duration in nanoseconds, a status, a kind, or 1 for true
	Float float64
	Text  string // of a string
}

func (Static) expression() {}

// IntOf makes an integer.
func IntOf(i int64) Static { return Static{Type: TypeInt, Int: i} }

// FloatOf makes a number with a fraction.
func FloatOf(f float64) Static { return Static{Type: TypeFloat, Float: f} }

// DurationOf makes a duration.
func DurationOf(d time.Duration) Static { return Static{Type: TypeDuration, Int: int64(d)} }

// StringOf makes a string.
func StringOf(s string) Static { return Static{Type: TypeString, Text: s} }

// BoolOf makes true or false.
func BoolOf(b bool) Static {
	if b {
		return Static{Type: TypeBool, Int: 1}
	}
	return Static{Type: TypeBool}
}

// Bool is a boolean.
func (s Static) Bool() bool { return s.Int != 0 }

// Number is a number as a double; a duration in nanoseconds.
func (s Static) Number() float64 {
	if s.Type == TypeFloat {
		return s.Float
	}
	return float64(s.Int)
}

// String writes the constant so that it is read back as it is.
func (s Static) String() string {
	switch s.Type {
	case TypeNil:
		return "nil"
	case TypeBool:
		return strconv.FormatBool(s.Bool())
	case TypeInt:
		return strconv.FormatInt(s.Int, 10)
	case TypeFloat:
		text := strconv.FormatFloat(s.Float, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case TypeDuration:
		return time.Duration(s.Int).String()
	case TypeStatus:
		return plait.StatusCode(s.Int).String()
	case TypeKind:
		return plait.SpanKind(s.Int).String()
	}
	return strconv.Quote(s.Text)
}

// constants are the words that stand for values.
var constants = map[string]Static{
	"true": BoolOf(true), "false": BoolOf(false), "nil": {Type: TypeNil},
	"minInt": IntOf(-1 << 63), "maxInt": IntOf(1<<63 - 1),
}

func init() {
	for c := plait.StatusUnset; c <= plait.StatusError; c++ {
		constants[c.String()] = Static{Type: TypeStatus, Int: int64(c)}
	}
	for k := plait.SpanKindUnspecified; k <= plait.SpanKindConsumer; k++ {
		constants[k.String()] = Static{Type: TypeKind, Int: int64(k)}
	}
}

// units are those of durations, in nanoseconds.
var units = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond,
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
}
