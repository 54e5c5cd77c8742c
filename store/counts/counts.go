// Package counts has spans and log records counted by the minute, and log records by the quarter of one too, for questions
// about all of them: how many a second, how slow, how many lines a service writes. A commit's rows become cells, as many bytes
// as are stored with them; cells of many commits are added to fewer. Nothing is estimated: counts and sums are those of the rows.
//
// Rows have at most as many cells as there are rows, so hostile telemetry grows the counts no faster than the
// tables. The package is pure: the store writes and reads the bytes.
package counts

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// ErrDamaged says that bytes are not what was written.
var ErrDamaged = errors.New("counts are damaged")

// MinuteMicros is a minute in microseconds, which times of Postgres are in.
const MinuteMicros = int64(60_000_000)

// QuarterMicros is a quarter of a minute in microseconds.
const QuarterMicros = MinuteMicros / 4

// MinuteOf returns the minute since 1970 in which a time lies, given in nanoseconds since 1970.
func MinuteOf(nanos int64) int64 { return cellOf(nanos, MinuteMicros) }

// QuarterOf does so with quarters of a minute.
func QuarterOf(nanos int64) int64 { return cellOf(nanos, QuarterMicros) }

// cellOf numbers parts of time that last so many microseconds.
func cellOf(nanos, micros int64) int64 {
	length := micros * 1000
	n := nanos / length
	if nanos%length < 0 {
		n--
	}
	return n
}

// add adds numbers that are not negative, to at most the greatest.
func add(a, b int64) int64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxInt64
}

// idTable numbers ids in the order of their values.
type idTable []int64

func newIDTable(ids []int64) idTable {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (t idTable) number(id int64) uint64 {
	i, _ := slices.BinarySearch(t, id)
	return uint64(i)
}

func (t idTable) appendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(t)))
	for _, id := range t {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(id))
	}
	return dst
}

// reader reads what was appended. What is not there reads as zero, and bad says so.
type reader struct {
	in  []byte
	bad bool
}

func (r *reader) fail() {
	r.in, r.bad = nil, true
}

func (r *reader) unsigned() uint64 {
	if len(r.in) > 0 && r.in[0] < 0x80 { // as most are
		v := uint64(r.in[0])
		r.in = r.in[1:]
		return v
	}
	v, n := binary.Uvarint(r.in)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.in = r.in[n:]
	return v
}

// number reads a number that is at most limit.
func (r *reader) number(limit int64) int64 {
	v := r.unsigned()
	if limit < 0 || v > uint64(limit) {
		r.fail()
		return 0
	}
	return int64(v)
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.in)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.in = r.in[n:]
	return v
}

func (r *reader) ids() idTable {
	n := int(r.number(int64(len(r.in) / 8)))
	table := make(idTable, n)
	for i := range table {
		if len(r.in) < 8 {
			r.fail()
			return nil
		}
		table[i] = int64(binary.LittleEndian.Uint64(r.in))
		r.in = r.in[8:]
	}
	return table
}

// id reads the number of an id.
func (r *reader) id(table idTable) int64 {
	n := r.number(int64(len(table)) - 1)
	if r.bad {
		return 0
	}
	return table[n]
}

// minutes writes and reads minutes that do not go back: the first, then differences.
type minutes struct {
	last  int64
	known bool
}

func (m *minutes) appendTo(dst []byte, minute int64) []byte {
	if !m.known {
		m.last, m.known = minute, true
		return binary.AppendVarint(dst, minute)
	}
	dst = binary.AppendUvarint(dst, uint64(minute-m.last))
	m.last = minute
	return dst
}

func (m *minutes) read(r *reader) int64 {
	if !m.known {
		m.last, m.known = r.signed(), true
		return m.last
	}
	m.last += int64(r.unsigned())
	return m.last
}

// ordered is what a cell is sorted by: its minute, then the numbers of its ids, which are in the order of their ids, and
// what else is in its key. It has no pointers, so it moves fast.
type ordered struct {
	minute int64
	ids    uint64 // two numbers
	rest   uint32
	at     int32 // the cell's place in a list
}

func newOrdered(minute int64, first, second, rest uint64, at int) ordered {
	return ordered{minute, first<<32 | second, uint32(rest), int32(at)}
}

func sortCells(cells []ordered) {
	slices.SortFunc(cells, func(a, b ordered) int {
		switch {
		case a.minute != b.minute:
			return cmp.Compare(a.minute, b.minute)
		case a.ids != b.ids:
			return cmp.Compare(a.ids, b.ids)
		}
		return cmp.Compare(a.rest, b.rest)
	})
}

// appendTo appends minute and ids and the rest of a key.
func (o *ordered) appendTo(dst []byte, at *minutes) []byte {
	dst = binary.AppendUvarint(at.appendTo(dst, o.minute), o.ids>>32)
	return binary.AppendUvarint(binary.AppendUvarint(dst, o.ids&math.MaxUint32), uint64(o.rest))
}

// slab has cells that are made many at a time and used again after a reset, up to some.
type slab[C any] struct {
	chunks [][]C
	used   int // cells
}

const (
	chunkCells = 256
	keptChunks = 16
)

// next is a cell with what it had before.
func (s *slab[C]) next() *C {
	chunk, at := s.used/chunkCells, s.used%chunkCells
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]C, chunkCells))
	}
	s.used++
	return &s.chunks[chunk][at]
}

func (s *slab[C]) reset() {
	if s.used = 0; len(s.chunks) > keptChunks {
		s.chunks = append([][]C(nil), s.chunks[:keptChunks]...)
	}
}
