package terms

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/plaithq/plait"
)

// Head is what one commit brought, as a search and a merge read it.
type Head struct {
	rows       int
	from, to   int64
	units      []unit
	terms      []Term
	operations []Term
	durations  []duration
	words      []byte

	// filter has a bit for each term, at its lowest bits.
	filter []uint64
}

// ParseHead reads what Block.AppendTo wrote. The head does not keep the bytes.
func ParseHead(body []byte) (*Head, error) {
	r := varints{in: body}
	version := r.unsigned()
	h := &Head{rows: r.size(1 << 32)}
	units, terms, operations := r.size(len(body)/20), r.size(len(body)/4), r.size(len(body)/4)
	durations, words := r.size(len(body)/2), r.size(len(body))
	h.from = r.signed()
	if version != headVersion || r.bad {
		return nil, damaged("head")
	}
	h.to = h.from
	h.units = make([]unit, units)
	leftTerms, leftDurations := terms, durations
	for i := range h.units {
		u := &h.units[i]
		copy(u.id[:], r.bytes(len(u.id)))
		u.from = h.from + int64(r.unsigned())
		u.to = u.from + int64(r.unsigned())
		n := r.unsigned()
		u.flags, u.terms = uint8(n&3), int(min(n>>2, 1<<32))
		u.durations = r.size(leftDurations)
		leftTerms -= u.terms
		leftDurations -= u.durations
		if r.bad || leftTerms < 0 || u.from < h.from || u.to < u.from {
			return nil, damaged("head")
		}
		h.to = max(h.to, u.to)
	}
	h.terms = r.terms(terms)
	h.operations = r.terms(operations)
	h.durations = make([]duration, durations)
	for i := range h.durations {
		h.durations[i].operation = r.size(operations - 1)
		if b := r.bytes(1); b != nil {
			h.durations[i].bucket = b[0]
		}
	}
	h.words = bytes.Clone(r.bytes(words))
	if r.bad || len(r.in) > 0 || leftTerms != 0 || leftDurations != 0 || words > 0 && h.words[words-1] != wordEnd {
		return nil, damaged("head")
	}
	h.makeFilter()
	return h, nil
}

// Rows is the number of rows.
func (h *Head) Rows() int { return h.rows }

// Range returns the times of the first and of the last row, in microseconds since 1970.
func (h *Head) Range() (from, to int64) { return h.from, h.to }

// Size is what the head takes in memory, in bytes.
func (h *Head) Size() int {
	return 160 + 64*len(h.units) + 4*(len(h.terms)+len(h.operations)) + 16*len(h.durations) + len(h.words) + 8*len(h.filter)
}

// makeFilter takes a byte for each term: of eight terms that the head has not, seven are seen there.
func (h *Head) makeFilter() {
	h.filter = make([]uint64, 1<<bits.Len(uint(len(h.terms)/8)))
	for _, t := range h.terms {
		h.filter[int(t>>6)&(len(h.filter)-1)] |= 1 << (t & 63)
	}
}

func (h *Head) mayHave(t Term) bool {
	return h.filter[int(t>>6)&(len(h.filter)-1)]&(1<<(t&63)) != 0
}

// Unit is a trace, or some log records without one: all rows with the trace id.
type Unit struct {
	ID plait.TraceID
	// From and To are the times of its first and last row that a search knows of, in microseconds since
	// 1970. Units of segments may be a little longer than their rows.
	From, To int64
}

// varints reads numbers and bytes. What is not there reads as zero, and bad says so.
type varints struct {
	in  []byte
	bad bool
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.in)
	if n <= 0 {
		r.bad, r.in = true, nil
		return 0
	}
	r.in = r.in[n:]
	return v
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.in)
	if n <= 0 {
		r.bad, r.in = true, nil
		return 0
	}
	r.in = r.in[n:]
	return v
}

// size reads a number that is at most limit.
func (r *varints) size(limit int) int {
	v := r.unsigned()
	if limit < 0 || v > uint64(limit) {
		r.bad = true
		return 0
	}
	return int(v)
}

// bytes returns the next n bytes, or nil.
func (r *varints) bytes(n int) []byte {
	if n > len(r.in) {
		r.bad, r.in = true, nil
		return nil
	}
	b := r.in[:n:n]
	r.in = r.in[n:]
	return b
}

func (r *varints) terms(n int) []Term {
	b := r.bytes(4 * n)
	terms := make([]Term, len(b)/4)
	for i := range terms {
		terms[i] = Term(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return terms
}
