package jsonlines

import (
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// maxDepth bounds how deep values nest; what is deeper is a mark.
const maxDepth = 64

const tooDeep = "…"

// reader reads values of plain JSON.
type reader struct {
	jsontext.Reader
	written int // bytes of canonical JSON that was made
}

// value reads a value: objects and arrays become their canonical JSON.
func (r *reader) value() plait.Value {
	r.Space()
	switch c := r.Peek(); {
	case c == '"':
		return plait.StringValue(r.Str())
	case c == '{', c == '[':
		text := string(r.append(nil, maxDepth))
		r.written += len(text)
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

func (r *reader) number() plait.Value {
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
func (r *reader) append(b []byte, depth int) []byte {
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
	return r.value().AppendJSON(b)
}
