package jsontext

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Str reads a string. What is no UTF-8 in the text is none in the string either.
func (r *Reader) Str() string {
	if r.Space(); !r.Take('"') {
		r.Fail("want a string")
		return ""
	}
	start := r.Pos
	for i := start; i < len(r.Text); i++ {
		switch c := r.Text[i]; {
		case c == '"':
			r.Pos = i + 1
			return r.Text[start:i]
		case c == '\\':
			r.Pos = i
			return r.unescape(start)
		case c < ' ':
			r.FailAt(i, "control character in a string")
			return ""
		}
	}
	r.Fail("a string does not end")
	return ""
}

// unescape reads the rest of a string that began at start and has its first escape at Pos.
func (r *Reader) unescape(start int) string {
	out := append(make([]byte, 0, r.Pos-start+64), r.Text[start:r.Pos]...)
	for r.Err == nil && r.Pos < len(r.Text) {
		c := r.Text[r.Pos]
		if c < ' ' {
			r.Fail("control character in a string")
			return ""
		}
		r.Pos++
		switch c {
		case '"':
			r.Made += len(out)
			return unsafe.String(unsafe.SliceData(out), len(out))
		case '\\':
			out = r.escape(out)
		default:
			out = append(out, c)
		}
	}
	r.Fail("a string does not end")
	return ""
}

// simpleEscapes are the escapes of one character, and what they stand for.
var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape appends what the escape after a backslash stands for.
func (r *Reader) escape(out []byte) []byte {
	if r.Pos == len(r.Text) {
		return out
	}
	c := r.Text[r.Pos]
	r.Pos++
	if simple := simpleEscapes[c]; simple != 0 {
		return append(out, simple)
	}
	if c != 'u' {
		r.Fail("bad escape in a string")
		return out
	}
	first := r.hex4()
	if !utf16.IsSurrogate(first) {
		return utf8.AppendRune(out, first)
	}
	if mark := r.Pos; r.Word(`\u`) {
		if pair := utf16.DecodeRune(first, r.hex4()); pair != utf8.RuneError {
			return utf8.AppendRune(out, pair)
		}
		if r.Err == nil {
			r.Pos = mark
		}
	}
	return utf8.AppendRune(out, utf8.RuneError)
}

func (r *Reader) hex4() rune {
	if r.Err == nil && len(r.Text)-r.Pos >= 4 {
		digits := r.Text[r.Pos : r.Pos+4]
		if v, err := strconv.ParseUint(digits, 16, 32); err == nil && !strings.ContainsAny(digits, "+-_") {
			r.Pos += 4
			return rune(v)
		}
	}
	r.Fail(`want four hexadecimal digits after \u`)
	return 0
}

// Number reads a number, and says whether it has neither a fraction nor an exponent.
func (r *Reader) Number() (text string, whole bool) {
	r.Space()
	start := r.Pos
	whole = true
	r.Take('-')
	ok := r.Take('0') || r.digits()
	if r.Take('.') {
		whole = false
		ok = ok && r.digits()
	}
	if r.Take('e') || r.Take('E') {
		whole = false
		_ = r.Take('+') || r.Take('-')
		ok = ok && r.digits()
	}
	if !ok || r.Pos < len(r.Text) && inNumber(r.Text[r.Pos]) {
		r.FailAt(start, "want a number")
		return "", false
	}
	return r.Text[start:r.Pos], whole
}

// digits passes over digits, and says whether there are any.
func (r *Reader) digits() bool {
	start := r.Pos
	for r.Pos < len(r.Text) && r.Text[r.Pos]-'0' <= 9 {
		r.Pos++
	}
	return r.Pos > start
}

func inNumber(c byte) bool {
	return c-'0' <= 9 || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}
