package jsontext

import "unicode/utf8"

// Skip passes over any value, however deep it nests: it calls itself never, and keeps a bit for each object
// or array that is open, so that it takes an eighth of the text at most.
func (r *Reader) Skip() {
	r.Space()
	start := r.Pos
	var few [8]uint64
	open := brackets{bits: few[:0]}
	for r.Err == nil {
		switch c := r.Peek(); {
		case c == '{' || c == '[':
			r.Pos++
			if r.Space(); r.Take(c + 2) { // } and ] are two behind { and [
				break
			}
			open.push(c == '{')
			if c == '[' || r.key() {
				r.Space()
				continue
			}
		case r.Pos == len(r.Text):
			r.Fail("a value does not end")
		case !r.scalar(c):
			r.FailAt(start, "malformed value")
		}
		if r.ends(&open, start); open.depth == 0 {
			return
		}
	}
}

// ends takes what follows a value inside of objects and arrays, up to the next value in them.
func (r *Reader) ends(open *brackets, start int) {
	for r.Err == nil && open.depth > 0 {
		object := open.object()
		switch c := r.Next(); {
		case c == '}' && object, c == ']' && !object:
			open.depth--
		case c == ',':
			if r.Space(); !object || r.key() {
				r.Space()
			}
			return
		case c == 0:
			r.Fail("a value does not end")
		default:
			r.FailAt(start, "malformed value")
		}
	}
}

// key passes over the key of an object's field.
func (r *Reader) key() bool {
	r.passString()
	if r.Space(); r.Err == nil && !r.Take(':') {
		r.Fail("want : after a key")
	}
	return r.Err == nil
}

// passString passes over a string and makes none.
func (r *Reader) passString() {
	if !r.Take('"') {
		r.Fail("want a string")
	}
	for r.Err == nil && r.Pos < len(r.Text) {
		c := r.Text[r.Pos]
		if c < ' ' {
			r.Fail("control character in a string")
			return
		}
		switch r.Pos++; c {
		case '"':
			return
		case '\\':
			var few [utf8.UTFMax]byte
			r.escape(few[:0])
		}
	}
	r.Fail("a string does not end")
}

// scalar passes over a string, number or word.
func (r *Reader) scalar(first byte) bool {
	if first == '"' {
		r.passString()
		return true
	}
	if r.Word("true") || r.Word("false") || r.Word("null") {
		return true
	}
	if first != '-' && first-'0' > 9 {
		return false
	}
	r.Number()
	return true
}

// brackets is a stack of what is open: a bit each, set for objects.
type brackets struct {
	bits  []uint64
	depth int
}

func (b *brackets) push(object bool) {
	word, bit := b.depth/64, uint64(1)<<(b.depth%64)
	if word == len(b.bits) {
		b.bits = append(b.bits, 0)
	}
	b.bits[word] &^= bit
	if object {
		b.bits[word] |= bit
	}
	b.depth++
}

// object says whether the innermost is an object.
func (b *brackets) object() bool {
	last := b.depth - 1
	return b.bits[last/64]>>(last%64)&1 != 0
}
