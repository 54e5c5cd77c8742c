// Package jsonvalue reads values of plain JSON into the vocabulary's: objects and lists become their canonical text.
package jsonvalue

import (
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// maxDepth bounds how deep values nest; what is deeper is a mark.
const maxDepth = 64

const tooDeep = "…"

// Reader reads values.
type Reader struct {
	jsontext.Reader
	// Written counts the bytes of canonical JSON that was made.
	Written int
}

// Of reads a text from its beginning.
func Of(text string) Reader { return Reader{Reader: jsontext.Of(text)} }

// Value reads a value. A number is an integer unless it has a fraction or an exponent, a double if it has, and a text
// where it is beyond all doubles. null is the empty value.
func (r *Reader) Value() plait.Value {
	r.Space()
	switch c := r.Peek(); {
	case c == '"':
		return plait.StringValue(r.Str())
	case c == '{', c == '[':
		text := string(r.append(nil, maxDepth))
		r.Written += len(text)
		if c == '[' {
			return plait.ArrayValue(text)
		}
		return plait.MapValue(text)
	case c == '-', c >= '0' && c <= '9':
		return r.number()
	case r.Word("true"):
		return plait.BoolValue(true)
	case r.Word("false"):
		return plait.BoolValue(false)
	case r.Word("null"):
	default:
		r.Fail("want a value")
	}
	return plait.Value{}
}

func (r *Reader) number() plait.Value {
	text, whole := r.Number()
	if i, err := strconv.ParseInt(text, 10, 64); whole && err == nil {
		return plait.IntValue(i)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return plait.StringValue(text) // beyond all doubles
	}
	return plait.DoubleValue(f)
}

// append writes a value canonically.
func (r *Reader) append(b []byte, depth int) []byte {
	r.Space()
	c := r.Peek()
	if depth == 0 && (c == '{' || c == '[') {
		r.Skip()
		return plait.AppendJSONString(b, tooDeep)
	}
	switch c {
	case '{':
		b = append(b, '{')
		from := len(b)
		for o := (jsontext.Object{}); r.Field(&o); {
			if len(b) > from {
				b = append(b, ',')
			}
			b = append(plait.AppendJSONKey(b, o.Key), ':')
			b = r.append(b, depth-1)
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		from := len(b)
		for a := (jsontext.Array{}); r.Item(&a); {
			if len(b) > from {
				b = append(b, ',')
			}
			b = r.append(b, depth-1)
		}
		return append(b, ']')
	}
	return r.Value().AppendJSON(b)
}
