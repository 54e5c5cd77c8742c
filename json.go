package plait

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The canonical JSON of attribute values keeps what OTLP tells apart:
//
//	string   "text"
//	bool     true
//	int      42                      never with a point or exponent
//	double   42.0, 1e+300            always with a point or exponent
//	NaN, Inf {"$double":"NaN"}, {"$double":"Infinity"}, {"$double":"-Infinity"}
//	bytes    {"$bytes":"aGk="}
//	array    [1,"a"]
//	map      {"k":1}                 a key that starts with $ gets a second $
//	empty    null
//
// It holds no NUL (Postgres stores none) and only valid UTF-8: both become U+FFFD.
// Package canonical reads it back.

// AppendJSON appends the value's canonical JSON.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case KindString:
		return AppendJSONString(dst, v.str)
	case KindBool:
		return strconv.AppendBool(dst, v.num != 0)
	case KindInt:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case KindDouble:
		return appendJSONDouble(dst, v.Double())
	case KindBytes:
		dst = append(dst, `{"$bytes":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.str))
		return append(dst, `"}`...)
	case KindArray, KindMap:
		return append(dst, v.str...)
	}
	return append(dst, "null"...)
}

// Text is the value as a user reads it: strings bare, everything else as canonical
// JSON, the empty value as the empty string.
func (v Value) Text() string {
	switch v.kind {
	case KindString, KindArray, KindMap:
		return v.str
	case KindEmpty:
		return ""
	}
	return string(v.AppendJSON(nil))
}

func appendJSONDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `{"$double":"NaN"}`...)
	case math.IsInf(f, 1):
		return append(dst, `{"$double":"Infinity"}`...)
	case math.IsInf(f, -1):
		return append(dst, `{"$double":"-Infinity"}`...)
	}
	n := len(dst)
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	for _, c := range dst[n:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// AppendJSON appends the attributes as one JSON object with canonical values. A key that
// occurs more than once is written once, with its last value.
func (a Attributes) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	first := true
	for i := range a {
		if a.repeated(i) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendJSONString(dst, a[i].Key)
		dst = append(dst, ':')
		dst = a[i].Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

// repeated says whether a later attribute has the key of attribute i. Lists are short;
// long ones are made unique by whoever cleans (see Unique), so this stays linear for them.
func (a Attributes) repeated(i int) bool {
	if len(a) > uniqueScan {
		return false
	}
	for j := i + 1; j < len(a); j++ {
		if a[j].Key == a[i].Key {
			return true
		}
	}
	return false
}

// uniqueScan is the length up to which comparing all keys with one another is cheaper
// than a map.
const uniqueScan = 64

// Unique returns the attributes with every key once, keeping its last value and the order of
// the rest. It returns a itself when nothing repeats.
func (a Attributes) Unique() Attributes {
	if len(a) <= uniqueScan {
		for i := range a {
			if a.repeated(i) {
				return a.unique()
			}
		}
		return a
	}
	return a.unique()
}

func (a Attributes) unique() Attributes {
	last := make(map[string]int, len(a))
	for i := range a {
		last[a[i].Key] = i
	}
	if len(last) == len(a) {
		return a
	}
	out := make(Attributes, 0, len(last))
	for i := range a {
		if last[a[i].Key] == i {
			out = append(out, a[i])
		}
	}
	return out
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string, with NUL and invalid UTF-8 as U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		case 0:
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// MarshalJSON makes attributes a JSON object with canonical values.
func (a Attributes) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil), nil }

// MarshalJSON makes a value its canonical JSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// AppendJSONKey appends the key of a map value: as AppendJSONString, with a second $
// before a leading one, so that a map is never read as bytes or as a double.
func AppendJSONKey(dst []byte, key string) []byte {
	if strings.HasPrefix(key, "$") {
		key = "$" + key
	}
	return AppendJSONString(dst, key)
}
