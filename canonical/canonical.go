// Package canonical reads back the canonical JSON of attribute values, which package plait writes
// (plait.Value.AppendJSON says how it keeps apart what OTLP does). The store reads its rows with it, and
// whoever looks into a value that is an array or a map.
package canonical

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// ParseAttributes reads an object whose members are attributes. The empty string is no attributes. Strings
// of the result alias the text where they hold no escapes. The error is plait.ErrInvalid.
func ParseAttributes(text string) (plait.Attributes, error) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	r := readerOf(text)
	if r.Space(); r.Peek() != '{' {
		r.Fail("want an object")
	}
	var out plait.Attributes
	for o := (jsontext.Object{}); r.Field(&o); {
		if out == nil { // most attributes take 24 bytes of text and more
			out = make(plait.Attributes, 0, min(len(text)/24+1, 64))
		}
		out = append(out, plait.Attribute{Key: o.Key, Value: r.value()})
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return out, nil
}

// ParseValue reads one value. Strings of the result alias the text where they hold no escapes. The error is
// plait.ErrInvalid.
func ParseValue(text string) (plait.Value, error) {
	r := readerOf(text)
	r.Space()
	v := r.value()
	if err := r.end(); err != nil {
		return plait.Value{}, err
	}
	return v, nil
}

type reader struct{ jsontext.Reader }

// readerOf reads a text of valid UTF-8: what is none becomes U+FFFD.
func readerOf(text string) reader {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	r := reader{jsontext.Of(text)}
	r.Nulls = true
	return r
}

// end returns the error of the reading, one of them that there is more text.
func (r *reader) end() error {
	if r.End(); r.Err != nil {
		return plait.Errorf(plait.ErrInvalid, "attribute JSON at %w", r.Err)
	}
	return nil
}

func (r *reader) value() plait.Value {
	switch c := r.Peek(); {
	case c == '"':
		return plait.StringValue(r.Str())
	case c == '[' || c == '{':
		return r.nested()
	case c == '-' || c-'0' <= 9:
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

// number reads an integer, which has neither a fraction nor an exponent, or a double, which has one.
func (r *reader) number() plait.Value {
	start := r.Pos
	text, whole := r.Number()
	if whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return plait.IntValue(i)
		}
	} else if f, err := strconv.ParseFloat(text, 64); err == nil {
		return plait.DoubleValue(f)
	}
	r.FailAt(start, "number out of range")
	return plait.Value{}
}

// nested reads an array or a map, whose text is the value, or what stands in the shape of a map: bytes, and
// doubles that JSON has no number for. A map's own keys cannot be mistaken for them because
// plait.AppendJSONKey escapes a leading $.
func (r *reader) nested() plait.Value {
	start := r.Pos
	if r.Skip(); r.Err != nil {
		return plait.Value{}
	}
	text := r.Text[start:r.Pos]
	if text[0] == '[' {
		return plait.ArrayValue(text)
	}
	inner, closed := strings.CutSuffix(text, `"}`)
	if s, ok := strings.CutPrefix(inner, `{"$bytes":"`); ok && closed {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			r.FailAt(start, "bytes that are no base64")
		}
		return plait.BytesValue(string(b))
	}
	if s, ok := strings.CutPrefix(inner, `{"$double":"`); ok && closed {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			r.FailAt(start, "a double that is no number")
		}
		return plait.DoubleValue(f)
	}
	return plait.MapValue(text)
}
