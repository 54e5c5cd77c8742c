package jsontext

import (
	"fmt"
	"strconv"
)

// Reader reads JSON and checks it. The first error stays and ends every loop:
//
//	for o := (jsontext.Object{}); r.Field(&o); {
//		switch o.Key {
//		case "name":
//			s.Name = r.Str()
//		default:
//			r.Skip()
//		}
//	}
//
// As in protobuf's JSON, null is the same as a field that is not there, unless Nulls says otherwise.
type Reader struct {
	Scanner
	// Err is the first error, nil if there is none.
	Err *Error
	// Nulls has Field stop at fields that are null, too.
	Nulls bool
	// Made counts the bytes of strings that do not alias the text, because they have escapes in it.
	Made int
}

// Of reads a text from its beginning.
func Of(text string) Reader { return Reader{Scanner: Scanner{Text: text}} }

// Error says where a text is not what was asked for.
type Error struct {
	Offset int // in the text, in bytes
	What   string
	Path   []string // the keys, and the indexes as "[3]", that lead there, the innermost first
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// Object is the state of a loop over an object's fields.
type Object struct {
	Key  string
	open bool
}

// Array is the state of a loop over an array's items.
type Array struct {
	Index int
	open  bool
}

// Fail notes an error at the byte that is read next, unless there is one already, and ends the reading.
func (r *Reader) Fail(what string) {
	if r.Err == nil {
		r.Err = &Error{Offset: r.Pos, What: what}
		r.Pos = len(r.Text)
	}
}

// FailAt is Fail for an error at a byte that was read.
func (r *Reader) FailAt(offset int, what string) {
	if r.Err == nil {
		r.Pos = offset
		r.Fail(what)
	}
}

// Field moves to the value of an object's next field.
func (r *Reader) Field(o *Object) bool {
	for {
		if r.Err != nil {
			if o.open {
				r.Err.Path = append(r.Err.Path, o.Key)
			}
			return false
		}
		if !r.nextItem(&o.open, '{', '}') {
			return false
		}
		o.open = false // an error in the key belongs to the object
		o.Key = r.Str()
		if r.Space(); !r.Take(':') {
			r.Fail("want : after a key")
		}
		if r.Err != nil {
			return false
		}
		o.open = true
		if r.Space(); r.Nulls || !r.Word("null") {
			return true
		}
	}
}

// Item moves to an array's next item. The index of the first is 0.
func (r *Reader) Item(a *Array) bool {
	if r.Err != nil {
		if a.open {
			r.Err.Path = append(r.Err.Path, "["+strconv.Itoa(a.Index)+"]")
		}
		return false
	}
	if a.open {
		a.Index++
	}
	return r.nextItem(&a.open, '[', ']')
}

// nextItem takes the opening bracket before the first item, the comma before another one, or the
// closing bracket. In place of all, null is nothing.
func (r *Reader) nextItem(open *bool, opening, closing byte) bool {
	r.Space()
	switch {
	case !*open:
		if r.Word("null") {
			return false
		}
		if !r.Take(opening) {
			r.Fail("want " + string(opening))
			return false
		}
		if r.Space(); r.Take(closing) {
			return false
		}
		*open = true
	case r.Take(closing):
		return false
	case !r.Take(','):
		*open = false
		r.Fail("want , or " + string(closing))
		return false
	}
	r.Space()
	return true
}

// End fails if anything but white space follows.
func (r *Reader) End() {
	if r.Space(); r.Err == nil && r.Pos < len(r.Text) {
		r.Fail("text after the end")
	}
}
