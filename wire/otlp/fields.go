package otlp

// tag is a protobuf field's number and wire type as they are encoded.
type tag uint32

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// maxTag is the largest tag: field numbers have 29 bits.
const maxTag = 1<<32 - 1

// fields walks the fields of a protobuf message that lies in a larger body, so that positions
// are those of the body:
//
//	for f.next() {
//		switch f.tag { … }
//	}
//	return f.err
//
// A known field number with another wire type has another tag and is skipped as unknown, which
// is what protobuf asks for.
type fields struct {
	body string
	pos  int
	end  int
	err  error

	tag  tag
	num  uint64 // value of a varint or fixed field
	from int    // bytes fields: where they begin and end in the body
	to   int
}

// next reads the next field. It returns false at the end and on an error. Nearly all fields
// have a tag and a length of one byte, which are read in place.
func (f *fields) next() bool {
	if f.pos >= f.end {
		return false
	}
	start := f.pos
	t := uint64(f.body[start])
	if t < 0x80 {
		f.pos++
	} else if t = f.varint(); t > maxTag {
		return f.fail(start, "field tag is cut off or out of range")
	}
	if t < 1<<3 {
		return f.fail(start, "field number is 0")
	}
	f.tag = tag(t)
	if t&7 != wireBytes {
		return f.number(start)
	}
	n := uint64(varintEnd)
	if f.pos < f.end {
		if n = uint64(f.body[f.pos]); n < 0x80 {
			f.pos++
		} else {
			n = f.varint()
		}
	}
	if f.pos > f.end || n > uint64(f.end-f.pos) {
		return f.fail(start, "field is longer than what is left of its message")
	}
	f.from = f.pos
	f.pos += int(n)
	f.to = f.pos
	return true
}

// number reads the value of a field that is no bytes field.
func (f *fields) number(start int) bool {
	var size int
	switch f.tag & 7 {
	case wireVarint:
		f.num = f.varint()
		if f.pos > f.end {
			return f.fail(start, "number is cut off or too long")
		}
		return true
	case wireFixed64:
		size = 8
	case wireFixed32:
		size = 4
	default:
		return f.fail(start, "wire type is none that OTLP uses")
	}
	if f.end-f.pos < size {
		return f.fail(start, "number is cut off")
	}
	if size == 8 {
		f.num = littleEndian(f.body[f.pos:]) | littleEndian(f.body[f.pos+4:])<<32
	} else {
		f.num = littleEndian(f.body[f.pos:])
	}
	f.pos += size
	return true
}

func littleEndian(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// repeats reads the next field if it is another item of the one that was read last.
func (f *fields) repeats() bool {
	return f.pos < f.end && tag(f.body[f.pos]) == f.tag && f.next()
}

// following returns how many more items of the field that was read last follow directly.
func (f *fields) following() (n int) {
	for ahead := *f; ahead.repeats(); {
		n++
	}
	return n
}

func (f *fields) fail(offset int, what string) bool {
	f.err = &malformed{offset: offset, what: what}
	return false
}

// varintEnd is the value of a varint that is cut off or longer than ten bytes. The position is then behind
// the end, so that it is told from the number.
const varintEnd = 1<<64 - 1

func (f *fields) varint() uint64 {
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

// text is the content of a bytes field; it aliases the body.
func (f *fields) text() string { return f.body[f.from:f.to] }

// message walks the message in a bytes field.
func (f *fields) message() fields { return fields{body: f.body, pos: f.from, end: f.to} }
