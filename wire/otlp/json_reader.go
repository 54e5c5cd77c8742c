package otlp

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// jsonReader reads JSON from left to right and builds no tree. Strings without escapes alias
// the text. The first error stays and ends every loop:
//
//	for o := (jsonObject{}); r.field(&o); {
//		switch o.key {
//		case "name":
//			s.Name = r.str()
//		default:
//			r.skip()
//		}
//	}
//
// As in protobuf's JSON, null is the same as a field that is not there.
type jsonReader struct {
	text  string
	pos   int
	err   *malformed
	nulls bool // fields that are null are told like others

	ledger  series.Ledger
	refused error // by the ledger
}

// jsonObject is the state of a loop over an object's fields.
type jsonObject struct {
	key  string
	open bool
}

// jsonArray is the state of a loop over an array's items.
type jsonArray struct {
	index int
	open  bool
}

func (r *jsonReader) fail(what string) {
	if r.err == nil {
		r.err = &malformed{at: protobuf.Error{Offset: r.pos, What: what}}
		r.pos = len(r.text)
	}
}

// account asks for the memory of what is read. When there is none the reading ends.
func (r *jsonReader) account(bytes int) {
	if err := r.ledger.Take(bytes); err != nil && r.refused == nil {
		r.refused = err
		r.fail("no memory")
	}
}

// failure is the reader's error, nil if there is none.
func (r *jsonReader) failure() error {
	if r.refused != nil {
		return r.refused
	}
	if r.err == nil {
		return nil
	}
	return r.err
}

// field moves to the value of an object's next field that is not null.
func (r *jsonReader) field(o *jsonObject) bool {
	for {
		if r.err != nil {
			if o.open {
				r.err.path = append(r.err.path, o.key)
			}
			return false
		}
		if !r.nextItem(&o.open, '{', '}') {
			return false
		}
		o.open = false // an error in the key belongs to the object
		o.key = r.str()
		if r.space(); !r.take(':') {
			r.fail("want : after a key")
		}
		if r.err != nil {
			return false
		}
		o.open = true
		if r.nulls || !r.null() {
			return true
		}
	}
}

// item moves to an array's next item. The index of the first is 0.
func (r *jsonReader) item(a *jsonArray) bool {
	if r.err != nil {
		if a.open {
			r.err.path = append(r.err.path, "["+strconv.Itoa(a.index)+"]")
		}
		return false
	}
	if a.open {
		a.index++
	}
	return r.nextItem(&a.open, '[', ']')
}

// nextItem takes the opening bracket before the first item, the comma before another one, or the
// closing bracket.
func (r *jsonReader) nextItem(open *bool, opening, closing byte) bool {
	r.space()
	switch {
	case !*open:
		if r.null() {
			return false
		}
		if !r.take(opening) {
			r.fail("want " + string(opening))
			return false
		}
		if r.space(); r.take(closing) {
			return false
		}
		*open = true
	case r.take(closing):
		return false
	case !r.take(','):
		*open = false
		r.fail("want , or " + string(closing))
		return false
	}
	r.space()
	return true
}

func (r *jsonReader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return
		}
	}
}

func (r *jsonReader) take(c byte) bool {
	if r.pos < len(r.text) && r.text[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *jsonReader) word(w string) bool {
	if strings.HasPrefix(r.text[r.pos:], w) {
		r.pos += len(w)
		return true
	}
	return false
}

func (r *jsonReader) null() bool {
	r.space()
	return r.word("null")
}

// end fails if anything but space follows.
func (r *jsonReader) end() {
	if r.space(); r.err == nil && r.pos < len(r.text) {
		r.fail("text after the end")
	}
}

// str reads a string.
func (r *jsonReader) str() string {
	if r.space(); !r.take('"') {
		r.fail("want a string")
		return ""
	}
	start := r.pos
	for i := start; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			r.pos = i + 1
			return r.text[start:i]
		case c == '\\':
			r.pos = i
			return r.unescape(start)
		case c < ' ':
			r.pos = i
			r.fail("control character in a string")
			return ""
		}
	}
	r.fail("a string does not end")
	return ""
}

// unescape reads the rest of a string that began at start and has its first escape at pos.
func (r *jsonReader) unescape(start int) string {
	out := append(make([]byte, 0, r.pos-start+64), r.text[start:r.pos]...)
	for r.err == nil && r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch {
		case c == '"':
			r.account(len(out))
			return view(out)
		case c == '\\':
			out = r.escape(out)
		case c < ' ':
			r.fail("control character in a string")
		default:
			out = append(out, c)
		}
	}
	r.fail("a string does not end")
	return ""
}

// simpleEscapes are the escapes of one character, and what they stand for.
var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape appends what the escape after a backslash stands for.
func (r *jsonReader) escape(out []byte) []byte {
	if r.pos == len(r.text) {
		return out
	}
	c := r.text[r.pos]
	r.pos++
	if simple := simpleEscapes[c]; simple != 0 {
		return append(out, simple)
	}
	if c != 'u' {
		r.fail("bad escape in a string")
		return out
	}
	first := r.hex4()
	if !utf16.IsSurrogate(first) {
		return utf8.AppendRune(out, first)
	}
	if mark := r.pos; r.word(`\u`) {
		if pair := utf16.DecodeRune(first, r.hex4()); pair != utf8.RuneError {
			return utf8.AppendRune(out, pair)
		}
		if r.err == nil {
			r.pos = mark
		}
	}
	return utf8.AppendRune(out, utf8.RuneError)
}

func (r *jsonReader) hex4() rune {
	if r.err == nil && len(r.text)-r.pos >= 4 {
		if v, err := strconv.ParseUint(r.text[r.pos:r.pos+4], 16, 32); err == nil && !strings.ContainsAny(r.text[r.pos:r.pos+4], "+-_") {
			r.pos += 4
			return rune(v)
		}
	}
	r.fail(`want four hexadecimal digits after \u`)
	return 0
}
