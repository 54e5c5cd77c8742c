package plait

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseAttributes reads back what AppendJSON wrote. The empty string is no attributes.
// Strings of the result alias text where they hold no escapes.
func ParseAttributes(text string) (Attributes, error) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	p := jsonParser{text: text}
	a, err := p.attributes()
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(text) {
		return nil, p.errorf("text after the attributes")
	}
	return a, nil
}

// ParseValue reads back what Value.AppendJSON wrote. Strings of the result alias text where
// they hold no escapes.
func ParseValue(text string) (Value, error) {
	p := jsonParser{text: text}
	p.space()
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(text) {
		return Value{}, p.errorf("text after the value")
	}
	return v, nil
}

// jsonParser reads canonical JSON in one pass. A trace of 20,000 spans holds some hundred
// thousand attributes, for which encoding/json's tokens cost ten times as much. Only strings
// with escapes and nested values are left to that package.
type jsonParser struct {
	text string
	pos  int
}

func (p *jsonParser) errorf(format string, args ...any) error {
	return fmt.Errorf("attribute JSON at byte %d: %s: %w", p.pos, fmt.Sprintf(format, args...), ErrInvalid)
}

// attributes reads an object whose values are attribute values.
func (p *jsonParser) attributes() (Attributes, error) {
	p.space()
	if !p.take('{') {
		return nil, p.errorf("want an object")
	}
	if p.space(); p.take('}') {
		return nil, nil
	}
	// most attributes take 24 bytes of text and more
	out := make(Attributes, 0, min(len(p.text)/24+1, 64))
	for {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, Attribute{Key: key, Value: v})
		p.space()
		if p.take('}') {
			return out, nil
		}
		if !p.take(',') {
			return nil, p.errorf("want , or } after an attribute")
		}
	}
}

// key reads a key and its colon, with the space around them.
func (p *jsonParser) key() (string, error) {
	p.space()
	key, err := p.str()
	if err != nil {
		return "", err
	}
	p.space()
	if !p.take(':') {
		return "", p.errorf("want : after a key")
	}
	p.space()
	return key, nil
}

func (p *jsonParser) value() (Value, error) {
	if p.pos == len(p.text) {
		return Value{}, p.errorf("want a value")
	}
	switch c := p.text[p.pos]; {
	case c == '"':
		s, err := p.str()
		return StringValue(s), err
	case c == '[' || c == '{':
		return p.nested()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, word := range jsonWords {
		if strings.HasPrefix(p.text[p.pos:], word.text) {
			p.pos += len(word.text)
			return word.value, nil
		}
	}
	return Value{}, p.errorf("want a value")
}

var jsonWords = [...]struct {
	text  string
	value Value
}{
	{"null", Value{}},
	{"true", BoolValue(true)},
	{"false", BoolValue(false)},
}

// str reads a string literal.
func (p *jsonParser) str() (string, error) {
	end, plain := p.stringEnd(p.pos)
	if end < 0 {
		return "", p.errorf("want a string")
	}
	literal := p.text[p.pos:end]
	if body := literal[1 : len(literal)-1]; plain && utf8.ValidString(body) {
		p.pos = end
		return body, nil
	}
	var s string
	if err := json.Unmarshal([]byte(literal), &s); err != nil {
		return "", p.errorf("%v", err)
	}
	p.pos = end
	return s, nil
}

// stringEnd returns the position after the string literal that begins at start, and whether
// it is free of escapes and control characters. The end is -1 when there is no literal.
func (p *jsonParser) stringEnd(start int) (end int, plain bool) {
	if start >= len(p.text) || p.text[start] != '"' {
		return -1, false
	}
	plain = true
	for i := start + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			return i + 1, plain
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			plain = false
		}
	}
	return -1, false
}

// nested reads an array, a map, bytes, or a double that JSON has no number for.
func (p *jsonParser) nested() (Value, error) {
	start, depth := p.pos, 0
	for i := start; i < len(p.text); {
		switch p.text[i] {
		case '"':
			end, _ := p.stringEnd(i)
			if end < 0 {
				return Value{}, p.errorf("a string does not end")
			}
			i = end
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		i++
		if depth == 0 {
			return p.nestedValue(p.text[start:i])
		}
	}
	return Value{}, p.errorf("an array or map does not end")
}

func (p *jsonParser) nestedValue(text string) (Value, error) {
	if !json.Valid([]byte(text)) {
		return Value{}, p.errorf("bad array or map")
	}
	v, err := parseNested(text)
	if err != nil {
		return Value{}, p.errorf("%v", err)
	}
	p.pos += len(text)
	return v, nil
}

// parseNested tells bytes and non-finite doubles from maps. A map's own keys cannot
// be mistaken for them because AppendJSONKey escapes a leading $.
func parseNested(text string) (Value, error) {
	if text[0] == '[' {
		return ArrayValue(text), nil
	}
	inner, closed := strings.CutSuffix(text, `"}`)
	if s, ok := strings.CutPrefix(inner, `{"$bytes":"`); ok && closed {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return Value{}, err
		}
		return BytesValue(string(b)), nil
	}
	if s, ok := strings.CutPrefix(inner, `{"$double":"`); ok && closed {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return Value{}, err
		}
		return DoubleValue(f), nil
	}
	return MapValue(text), nil
}

// number reads a number as JSON spells it: an integer without point and exponent, a double
// with one of them.
func (p *jsonParser) number() (Value, error) {
	i, integer := p.pos, true
	if p.text[i] == '-' {
		i++
	}
	digits := p.digits(i)
	if digits == i || p.text[i] == '0' && digits > i+1 {
		return Value{}, p.errorf("bad number")
	}
	i = digits
	if i < len(p.text) && p.text[i] == '.' {
		integer = false
		if digits = p.digits(i + 1); digits == i+1 {
			return Value{}, p.errorf("bad number")
		}
		i = digits
	}
	if i < len(p.text) && (p.text[i] == 'e' || p.text[i] == 'E') {
		integer = false
		i++
		if i < len(p.text) && (p.text[i] == '+' || p.text[i] == '-') {
			i++
		}
		if digits = p.digits(i); digits == i {
			return Value{}, p.errorf("bad number")
		}
		i = digits
	}
	v, err := parseNumber(p.text[p.pos:i], integer)
	if err != nil {
		return Value{}, p.errorf("%v", err)
	}
	p.pos = i
	return v, nil
}

func parseNumber(text string, integer bool) (Value, error) {
	if integer {
		i, err := strconv.ParseInt(text, 10, 64)
		return IntValue(i), err
	}
	f, err := strconv.ParseFloat(text, 64)
	return DoubleValue(f), err
}

// digits returns the position after the digits that begin at i.
func (p *jsonParser) digits(i int) int {
	for i < len(p.text) && p.text[i] >= '0' && p.text[i] <= '9' {
		i++
	}
	return i
}

// take steps over c when it is next.
func (p *jsonParser) take(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *jsonParser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}
