package datadog

import (
	"fmt"
	"math"

	"github.com/tinylib/msgp/msgp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
)

// reader reads MessagePack where it lies: texts alias it. The first error stays and ends every loop. nil stands for
// whatever is not there, as some tracers write it. What the library has for whole values is not used: it calls itself
// for each level that a value nests, up to 100,000 of them.
type reader struct {
	body []byte
	rest []byte
	err  error
}

func readerOf(body []byte) reader { return reader{body: body, rest: body} }

// pos is the byte that is read next.
func (r *reader) pos() int { return len(r.body) - len(r.rest) }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = plait.Errorf(plait.ErrInvalid, "byte %d: %s", r.pos(), fmt.Sprintf(format, args...))
	}
}

// read takes what a function of msgp has read.
func read[T any](r *reader, from func([]byte) (T, []byte, error), want string) (v T) {
	if r.err != nil || r.null() {
		return v
	}
	got, rest, err := from(r.rest)
	switch {
	case err != nil && len(r.rest) == 0, err == msgp.ErrShortBytes: //nolint:errorlint // msgp returns it as it is
		r.fail("the body ends early")
		return v
	case err != nil:
		r.fail("%s, want %s", msgp.NextType(r.rest), want)
		return v
	}
	r.rest = rest
	return got
}

// null passes over a nil.
func (r *reader) null() bool {
	if len(r.rest) == 0 || msgp.NextType(r.rest) != msgp.NilType {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// list reads the head of a list. Its items take a byte each at least.
func (r *reader) list() int {
	return r.length(read(r, msgp.ReadArrayHeaderBytes, "a list"), 1, "list")
}

// object reads the head of a map.
func (r *reader) object() int {
	return r.length(read(r, msgp.ReadMapHeaderBytes, "a map"), 2, "map")
}

func (r *reader) length(n uint32, least int, of string) int {
	if uint64(n)*uint64(least) > uint64(len(r.rest)) {
		r.fail("a %s of %d is longer than the %d bytes that follow", of, n, len(r.rest))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// next counts down the items of a list or a map that are left, and says whether there is one.
func (r *reader) next(n *int) bool {
	*n--
	return r.err == nil && *n >= 0
}

// text reads a string, or bytes, which stand for one.
func (r *reader) text() string {
	from := msgp.ReadStringZC
	if len(r.rest) > 0 && msgp.NextType(r.rest) == msgp.BinType {
		from = msgp.ReadBytesZC
	}
	return batch.Text(read(r, from, "a string"))
}

// number reads a whole number. Those beyond int64 are ids, and keep their bits.
func (r *reader) number() int64 {
	if len(r.rest) > 0 && msgp.NextType(r.rest) == msgp.UintType {
		return int64(read(r, msgp.ReadUint64Bytes, "a whole number"))
	}
	return read(r, msgp.ReadInt64Bytes, "a whole number")
}

// value reads a number as an attribute has it: an integer wherever it is whole, since tracers write all of their
// numbers as doubles.
func (r *reader) value() plait.Value {
	switch t := r.kind(); t {
	case msgp.Float64Type, msgp.Float32Type:
		f := read(r, msgp.ReadFloat64Bytes, "a number")
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return plait.IntValue(int64(f))
		}
		return plait.DoubleValue(f)
	default:
		return plait.IntValue(r.number())
	}
}

func (r *reader) kind() msgp.Type {
	if len(r.rest) == 0 {
		return msgp.InvalidType
	}
	return msgp.NextType(r.rest)
}

// truth reads a truth value.
func (r *reader) truth() bool { return read(r, msgp.ReadBoolBytes, "true or false") }

// skip passes over a value, however deep it nests, and returns a reader of it.
func (r *reader) skip() reader {
	from := r.pos()
	for pending := uint64(1); pending > 0 && r.err == nil; pending-- {
		switch t := r.kind(); t {
		case msgp.MapType:
			pending += 2 * uint64(r.object())
		case msgp.ArrayType:
			pending += uint64(r.list())
		default:
			r.skipScalar(t)
		}
	}
	return reader{body: r.body[:r.pos()], rest: r.body[from:r.pos()]}
}

func (r *reader) skipScalar(t msgp.Type) {
	rest, err := msgp.Skip(r.rest) // which calls itself for what nests only
	switch {
	case err == msgp.ErrShortBytes: //nolint:errorlint // msgp returns it as it is
		r.fail("the body ends early")
	case err != nil:
		r.fail("%s that cannot be read", t)
	default:
		r.rest = rest
	}
}
