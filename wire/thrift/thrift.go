// Package thrift reads Thrift's binary and compact protocols field by field, where they lie, as package protobuf reads
// protobuf. The reader of Thrift's own library copies every string and does not say at which byte a message goes wrong.
// This one knows no message types, and asks for no memory.
//
// https://github.com/apache/thrift/tree/master/doc/specs
package thrift

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/plaithq/plait"
)

// Type is the type of a value, numbered as in the binary protocol.
type Type uint8

// The types.
const (
	stop   Type = 0
	Bool   Type = 2
	Byte   Type = 3
	Double Type = 4
	I16    Type = 6
	I32    Type = 8
	I64    Type = 10
	String Type = 11 // texts and bytes
	Object Type = 12 // a struct
	Map    Type = 13
	Set    Type = 14
	List   Type = 15
	UUID   Type = 16
)

// maxDepth bounds how deep skipped values may nest: Skip calls itself.
const maxDepth = 64

// Error says where a message cannot be read. It is a plait.ErrInvalid.
type Error struct {
	Offset int // in the body, in bytes
	What   string
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// Unwrap returns plait.ErrInvalid.
func (e *Error) Unwrap() error { return plait.ErrInvalid }

// Reader reads a message. The first error stays and ends every loop:
//
//	for s := (thrift.Struct{}); r.Field(&s); {
//		switch {
//		case s.Is(1, thrift.String):
//			name = r.Text()
//		default:
//			r.Skip(s.Type)
//		}
//	}
//	return r.Err
type Reader struct {
	body    string
	pos     int
	compact bool
	truth   bool // of a boolean field of the compact protocol, which has its value in its head
	inHead  bool

	// Err is the first error, an *Error; nil if there is none.
	Err error
}

// Struct is the state of a loop over a struct's fields.
type Struct struct {
	ID   int16
	Type Type
}

// Is says whether the field has a number and a type. A field of another type than is expected is to be skipped.
func (s *Struct) Is(id int16, t Type) bool { return s.ID == id && s.Type == t }

// Binary reads a message of the binary protocol.
func Binary(body string) Reader { return Reader{body: body} }

// Compact reads a message of the compact protocol.
func Compact(body string) Reader { return Reader{body: body, compact: true} }

// Fail notes an error at the byte that is read next, unless there is one already.
func (r *Reader) Fail(what string) { r.failAt(r.pos, what) }

func (r *Reader) failAt(offset int, what string) {
	if r.Err == nil {
		r.Err = &Error{Offset: offset, What: what}
	}
}

// End fails if anything follows.
func (r *Reader) End() {
	if r.pos < len(r.body) {
		r.Fail("the message has ended, and more follows")
	}
}

// Field moves to the value of a struct's next field. It returns false at the end and on an error.
func (r *Reader) Field(s *Struct) bool {
	head := r.byte()
	if r.compact {
		r.compactField(s, head)
	} else if s.Type = Type(head); head != byte(stop) {
		s.ID = int16(r.fixed16())
	}
	return r.Err == nil && head != byte(stop)
}

// Item says whether a list has a further item. n is what Len has returned, and is counted down.
func (r *Reader) Item(n *int) bool {
	*n--
	return r.Err == nil && *n >= 0
}

// Len reads the head of a list or a set.
func (r *Reader) Len() (item Type, n int) {
	at := r.pos
	head := r.byte()
	var size uint64
	if r.compact {
		item = r.typeOf(head & 0x0f)
		if size = uint64(head >> 4); size == 0x0f {
			size = r.uvarint()
		}
	} else {
		item, size = Type(head), uint64(r.fixed32())
	}
	return item, r.length(at, size, "list")
}

// length checks a number of items or bytes: each takes one byte at least.
func (r *Reader) length(at int, n uint64, of string) int {
	if left := len(r.body) - r.pos; r.Err == nil && n > uint64(left) {
		r.failAt(at, fmt.Sprintf("a %s of %d is longer than the %d bytes that follow", of, n, left))
	}
	if r.Err != nil {
		return 0
	}
	return int(n)
}

// Text reads a string or bytes; it aliases the body.
func (r *Reader) Text() string {
	at := r.pos
	var size uint64
	if r.compact {
		size = r.uvarint()
	} else {
		size = uint64(r.fixed32())
	}
	return r.bytes(r.length(at, size, "string"))
}

// Int reads a number of type I16, I32 or I64.
func (r *Reader) Int(t Type) int64 {
	if r.compact {
		n := r.uvarint()
		return int64(n>>1) ^ -int64(n&1)
	}
	switch t {
	case I16:
		return int64(int16(r.fixed16()))
	case I32:
		return int64(int32(r.fixed32()))
	}
	return int64(r.fixed64())
}

// Double reads a floating point number.
func (r *Reader) Double() float64 {
	n := r.fixed64()
	if r.compact { // which has the lowest byte first
		n = bits.ReverseBytes64(n)
	}
	return math.Float64frombits(n)
}

// Bool reads a truth value.
func (r *Reader) Bool() bool {
	if r.inHead {
		r.inHead = false
		return r.truth
	}
	return r.byte() == 1
}

// Skip passes over a value. Values that nest deeper than 64 levels are an error.
func (r *Reader) Skip(t Type) { r.skip(t, maxDepth) }

func (r *Reader) skip(t Type, depth int) {
	if depth == 0 {
		r.Fail(fmt.Sprintf("values nest deeper than %d levels", maxDepth))
		return
	}
	switch t {
	case Bool:
		r.Bool()
	case Byte:
		r.byte()
	case I16, I32, I64:
		r.Int(t)
	case Double:
		r.bytes(8)
	case UUID:
		r.bytes(16)
	case String:
		r.Text()
	case Object:
		for s := (Struct{}); r.Field(&s); {
			r.skip(s.Type, depth-1)
		}
	case List, Set:
		for item, n := r.Len(); r.Item(&n); {
			r.skip(item, depth-1)
		}
	case Map:
		for key, value, n := r.mapLen(); r.Item(&n); {
			r.skip(key, depth-1)
			r.skip(value, depth-1)
		}
	default:
		r.Fail(fmt.Sprintf("%d is no type", t))
	}
}
