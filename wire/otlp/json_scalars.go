package otlp

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
)

// Scalars as protobuf's JSON spells them: numbers may be strings, enumerations are numbers or
// names, bytes are base64.

func (r *jsonReader) boolean() bool {
	r.Space()
	switch {
	case r.Word("true"):
		return true
	case r.Word("false"):
	default:
		r.Fail("want true or false")
	}
	return false
}

// numeral reads a number, or a string that holds one, as text.
func (r *jsonReader) numeral() string {
	if r.Space(); r.Peek() == '"' {
		return r.str()
	}
	s, _ := r.Number()
	return s
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// integer reads a whole number, which may be a string and may have an exponent. What lies outside of
// the range of int64 is clamped to it.
func (r *jsonReader) integer() int64 {
	r.Space()
	start := r.Pos
	s := r.numeral()
	if r.Err != nil {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err == nil || strings.HasSuffix(err.Error(), strconv.ErrRange.Error()) {
		return v
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || !allNumeral(s) {
		r.FailAt(start, "want a whole number")
		return 0
	}
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// allNumeral keeps the spellings out that only Go reads, such as 0x1p4 and Inf.
func allNumeral(s string) bool { return strings.Trim(s, "+-.0123456789Ee") == "" }

// count reads an unsigned 32-bit number and clamps it.
func (r *jsonReader) count() uint32 { return uint32(min(max(r.integer(), 0), math.MaxUint32)) }

// double reads a floating point number, which may be a string.
func (r *jsonReader) double() float64 {
	r.Space()
	start := r.Pos
	s := r.numeral()
	if r.Err != nil {
		return 0
	}
	switch s {
	case "NaN":
		return math.NaN()
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) || !allNumeral(s) {
		r.FailAt(start, "want a number")
		return 0
	}
	return f
}

// enumNames are the names of an enumeration, in capitals and without the prefix that they share.
type enumNames struct {
	prefix  string
	numbers map[string]int32
}

// number returns what a name stands for. People write names without their prefix and in any case.
func (e enumNames) number(name string) (int32, bool) {
	if len(name) > maxEnumName {
		return 0, false
	}
	name = strings.ToUpper(strings.TrimSpace(name))
	n, ok := e.numbers[strings.TrimPrefix(name, e.prefix)]
	return n, ok
}

// maxEnumName is longer than any name of OTLP.
const maxEnumName = 64

// enum reads an enumeration's number, or the name of one. It returns a name that it does not know.
func (r *jsonReader) enum(names enumNames) (n int32, unknown string) {
	if r.Space(); r.Peek() == '"' {
		mark := r.Pos
		s := r.str()
		if r.Err == nil && (!allDigits(s) || s == "") {
			n, ok := names.number(s)
			if !ok && s != "" {
				unknown = s
			}
			return n, unknown
		}
		r.Pos = mark
	}
	return int32(min(max(r.integer(), -1), math.MaxInt32)), ""
}

// binary reads base64 in either alphabet, with or without padding.
func (r *jsonReader) binary() string {
	r.Space()
	start := r.Pos
	s := strings.TrimRight(r.str(), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	b, err := encoding.DecodeString(s)
	if err != nil && r.Err == nil {
		r.FailAt(start, "want base64")
		return ""
	}
	return view(b)
}
