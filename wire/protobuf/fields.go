// Package protobuf reads protobuf messages field by field, where they lie. The decoders of package
// wire use it for what a gateway reads all day: a reader that makes no objects costs a tenth of one
// that builds the message, and it says at which byte a message goes wrong. It knows no message types.
//
// https://protobuf.dev/programming-guides/encoding/
package protobuf

import (
	"fmt"

	"github.com/plaithq/plait"
)

// Tag is a field's number and wire type as they are encoded: number<<3 | type.
type Tag uint32

// Wire types.
const (
	Varint     = 0
	Fixed64    = 1
	Bytes      = 2
	startGroup = 3
	endGroup   = 4
	Fixed32    = 5
)

// maxTag is the largest tag: field numbers have 29 bits.
const maxTag = 1<<32 - 1

// Fields walks the fields of a message that lies in a larger body, so that positions are those of the
// body:
//
//	for f.Next() {
//		switch f.Tag { … }
//	}
//	return f.Err
//
// A known field number with another wire type has another tag and is skipped as unknown, which
// is what protobuf asks for. A copy of Fields reads on from the same place by itself.
type Fields struct {
	body string
	pos  int
	end  int

	// Err is why Next ended before the message did, an *Error.
	Err error
	// Tag is that of the field that was read last.
	Tag Tag
	// Num is the value of a varint or fixed field.
	Num uint64
	// From is where the content of a bytes field begins in the body. It ends at Pos.
	From int
}

// Error says where a message cannot be read. It is a plait.ErrInvalid.
type Error struct {
	Offset int // in the body
	What   string
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// Unwrap returns plait.ErrInvalid.
func (e *Error) Unwrap() error { return plait.ErrInvalid }

// Of walks a message that is the whole body.
func Of(body string) Fields { return Fields{body: body, end: len(body)} }

// Between walks the message between two positions of a body.
func Between(body string, from, to int) Fields { return Fields{body: body, pos: from, end: to} }

// Next reads the next field. It returns false at the end and on an error. Nearly all fields
// have a tag of one byte and a length of one or two, which are read in place.
func (f *Fields) Next() bool {
	at := f.pos
	if at >= f.end {
		return false
	}
	t := f.body[at]
	at++
	if left := f.end - at; t >= 1<<3 && t < 0x80 && left > 0 {
		switch t & 7 {
		case Bytes:
			n := int(f.body[at])
			if at++; n >= 0x80 && left > 1 {
				n += int(f.body[at])<<7 - 0x80
				at++
			}
			if n < 1<<14 && n <= f.end-at {
				f.Tag, f.From, f.pos = Tag(t), at, at+n
				return true
			}
		case Varint:
			f.Tag, f.pos = Tag(t), at
			if f.Num = f.varint(); f.pos <= f.end {
				return true
			}
			f.pos = at - 1
		case Fixed64:
			if left >= 8 {
				f.Tag, f.Num, f.pos = Tag(t), Uint64(f.body[at:]), at+8
				return true
			}
		}
	}
	return f.next()
}

// next is Next for fields of any length, and for mistakes.
func (f *Fields) next() bool {
	start := f.pos
	t := f.varint()
	switch {
	case t > maxTag:
		return f.fail(start, "field tag is cut off or out of range")
	case t < 1<<3:
		return f.fail(start, "field number is 0")
	}
	f.Tag = Tag(t)
	switch t & 7 {
	case Bytes:
		n := f.varint()
		if f.pos > f.end || n > uint64(f.end-f.pos) {
			return f.fail(start, "field is longer than what is left of its message")
		}
		f.From = f.pos
		f.pos += int(n)
	case Varint:
		if f.Num = f.varint(); f.pos > f.end {
			return f.fail(start, "number is cut off or too long")
		}
	case Fixed64:
		if f.Len() < 8 {
			return f.fail(start, "number is cut off")
		}
		f.Num = Uint64(f.body[f.pos:])
		f.pos += 8
	case Fixed32:
		if f.Len() < 4 {
			return f.fail(start, "number is cut off")
		}
		f.Num = uint64(uint32At(f.body[f.pos:]))
		f.pos += 4
	case startGroup:
		return f.group(start)
	case endGroup:
		return f.fail(start, "a group ends that has not begun")
	default:
		return f.fail(start, "wire type is none of protobuf's")
	}
	return true
}

// maxGroups bounds how deep groups nest, as protobuf's own readers do with messages.
const maxGroups = 100

// group passes over a group, of which messages of today have none. As a field that nobody knows it is
// valid.
func (f *Fields) group(start int) bool {
	tag, open := f.Tag, []Tag{f.Tag}
	for len(open) > 0 {
		if f.pos >= f.end {
			return f.fail(start, "a group does not end")
		}
		at := f.pos
		t := f.varint()
		switch {
		case t > maxTag || t < 1<<3:
			return f.fail(at, "field tag is cut off or out of range")
		case t&7 == startGroup && len(open) == maxGroups:
			return f.fail(at, "groups nest too deep")
		case t&7 == startGroup:
			open = append(open, Tag(t))
		case t&7 == endGroup && Tag(t)>>3 != open[len(open)-1]>>3:
			return f.fail(at, "a group ends that has not begun")
		case t&7 == endGroup:
			open = open[:len(open)-1]
		default:
			f.pos = at
			if !f.Next() {
				return false
			}
		}
	}
	f.Tag = tag
	return true
}

// Uint64 reads a number of eight bytes, as fixed64 fields and doubles have it.
func Uint64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func uint32At(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// Repeats reads the next field if it is another item of the one that was read last, and has a tag of
// one byte.
func (f *Fields) Repeats() bool {
	return f.pos < f.end && Tag(f.body[f.pos]) == f.Tag && f.Next()
}

// PassRun reads on to the last of the bytes fields with the same tag that follow directly, and returns
// how many it passed. Those with a tag or a length of more than one byte end the run.
func (f *Fields) PassRun() (passed int) {
	at := f.pos
	for at < f.end-1 && Tag(f.body[at]) == f.Tag {
		n := int(f.body[at+1])
		if n >= 0x80 || at+2+n > f.end {
			break
		}
		f.From = at + 2
		at += 2 + n
		passed++
	}
	f.pos = at
	return passed
}

// Following returns how many more items of the field that was read last follow directly.
func (f *Fields) Following() (n int) {
	for ahead := *f; ahead.Repeats(); {
		n++
	}
	return n
}

// NextNumber reads the next number of a list of varints that a message of its own holds (a packed
// field) into Num. It returns false at the end and on an error.
func (f *Fields) NextNumber() bool {
	if f.pos >= f.end {
		return false
	}
	at := f.pos
	if f.Num = f.varint(); f.pos > f.end {
		return f.fail(at, "number is cut off or too long")
	}
	return true
}

func (f *Fields) fail(offset int, what string) bool {
	f.Err = &Error{Offset: offset, What: what}
	return false
}

// varintEnd is the value of a varint that is cut off or longer than ten bytes. The position is then behind
// the end, so that it is told from the number.
const varintEnd = 1<<64 - 1

func (f *Fields) varint() uint64 {
	var v uint64
	for i := range 10 {
		if f.pos >= f.end {
			break
		}
		b := f.body[f.pos]
		f.pos++
		if i == 9 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v
		}
	}
	f.pos = f.end + 1
	return varintEnd
}

// Pos is where the next field begins in the body, and the one that was read last ends.
func (f *Fields) Pos() int { return f.pos }

// Len is how many bytes are left.
func (f *Fields) Len() int { return f.end - f.pos }

// Rest is the bytes that are left; it aliases the body.
func (f *Fields) Rest() string { return f.body[f.pos:f.end] }

// Body is the body in which the message lies.
func (f *Fields) Body() string { return f.body }

// Text is the content of a bytes field; it aliases the body.
func (f *Fields) Text() string { return f.body[f.From:f.pos] }

// Message walks the message in a bytes field.
func (f *Fields) Message() Fields { return Fields{body: f.body, pos: f.From, end: f.pos} }
