package thrift

import "fmt"

// compactTypes are the types as the compact protocol numbers them. 1 and 2 are true and false.
var compactTypes = [...]Type{stop, Bool, Bool, Byte, I16, I32, I64, Double, String, List, Set, Map, Object, UUID}

func (r *Reader) typeOf(number byte) Type {
	if int(number) >= len(compactTypes) {
		r.failAt(r.pos-1, fmt.Sprintf("%d is no type of the compact protocol", number))
		return stop
	}
	return compactTypes[number]
}

// compactField reads what follows the first byte of a field. The number of a field is told by how much more it is than
// that of the field before.
func (r *Reader) compactField(s *Struct, head byte) {
	r.inHead = false
	if s.Type = r.typeOf(head & 0x0f); s.Type == stop {
		return
	}
	if more := head >> 4; more != 0 {
		s.ID += int16(more)
	} else {
		s.ID = int16(r.Int(I16))
	}
	if s.Type == Bool {
		r.inHead, r.truth = true, head&0x0f == 1
	}
}

// mapLen reads the head of a map.
func (r *Reader) mapLen() (key, value Type, n int) {
	at := r.pos
	if !r.compact {
		key, value = Type(r.byte()), Type(r.byte())
		return key, value, r.length(at, uint64(r.fixed32()), "map")
	}
	n = r.length(at, r.uvarint(), "map")
	if n == 0 {
		return stop, stop, 0
	}
	types := r.byte()
	return r.typeOf(types >> 4), r.typeOf(types & 0x0f), n
}

// uvarint reads a number of 7 bits a byte, the lowest first.
func (r *Reader) uvarint() (n uint64) {
	at := r.pos
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.failAt(at, "a number has more than 64 bits")
	return 0
}

func (r *Reader) fixed16() uint16 { return uint16(r.fixed(2)) }
func (r *Reader) fixed32() uint32 { return uint32(r.fixed(4)) }
func (r *Reader) fixed64() uint64 { return r.fixed(8) }

// fixed reads a number of n bytes, the highest first.
func (r *Reader) fixed(n int) (number uint64) {
	b := r.bytes(n)
	for i := range len(b) {
		number = number<<8 | uint64(b[i])
	}
	return number
}

func (r *Reader) byte() byte {
	b := r.bytes(1)
	if b == "" {
		return byte(stop)
	}
	return b[0]
}

// bytes reads n bytes; none on an error.
func (r *Reader) bytes(n int) string {
	if r.Err != nil {
		return ""
	}
	if n > len(r.body)-r.pos {
		r.failAt(len(r.body), "the message ends early")
		return ""
	}
	b := r.body[r.pos : r.pos+n]
	r.pos += n
	return b
}
