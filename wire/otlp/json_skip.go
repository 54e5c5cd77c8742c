package otlp

import "strings"

// skip passes over any value, however deep it nests: it keeps a byte for each array or object that is
// open, and calls itself never.
func (r *jsonReader) skip() {
	r.space()
	start := r.pos
	var open []byte // the closing brackets that are due
	for r.err == nil {
		if r.pos == len(r.text) {
			r.fail("a value does not end")
			return
		}
		switch c := r.text[r.pos]; c {
		case '{', '[':
			r.pos++
			open = append(open, c+2) // } and ] are two behind { and [
			if r.space(); r.take(c + 2) {
				open = open[:len(open)-1]
			} else if c == '[' || r.key() {
				r.space()
				continue
			}
		default:
			if !r.skipScalar(c) {
				r.malformedFrom(start)
			}
		}
		open = r.skipEnds(open, start)
		if len(open) == 0 {
			return
		}
	}
}

// skipEnds takes what follows a value inside of arrays and objects, up to the next value in them. It
// returns those that are still open.
func (r *jsonReader) skipEnds(open []byte, start int) []byte {
	for r.err == nil && len(open) > 0 {
		last := len(open) - 1
		r.space()
		switch {
		case r.pos == len(r.text):
			r.fail("a value does not end")
		case r.take(open[last]):
			open = open[:last]
		case r.take(','):
			if r.space(); open[last] == ']' || r.key() {
				r.space()
				return open
			}
		default:
			r.malformedFrom(start)
		}
	}
	return open
}

// key passes over the key of an object's field.
func (r *jsonReader) key() bool {
	r.str()
	if r.space(); r.err == nil && !r.take(':') {
		r.fail("want : after a key")
	}
	return r.err == nil
}

// skipScalar passes over a string, number or word.
func (r *jsonReader) skipScalar(first byte) bool {
	if first == '"' {
		r.str()
		return true
	}
	if r.word("true") || r.word("false") || r.word("null") {
		return true
	}
	start := r.pos
	for r.pos < len(r.text) && strings.IndexByte("+-.0123456789Ee", r.text[r.pos]) >= 0 {
		r.pos++
	}
	return validNumber(r.text[start:r.pos])
}

func (r *jsonReader) malformedFrom(start int) {
	r.pos = start
	r.fail("malformed value")
}
