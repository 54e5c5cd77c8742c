package terms

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/plaithq/plait"
)

const (
	// maxUnitTerms bounds the terms of one unit in a block. A unit with more is in the answer to every search.
	maxUnitTerms = 64 << 10
	// maxBlockWords bounds the words of a block, in bytes. A unit with a word that had no place is in the
	// answer to every search for text.
	maxBlockWords = 256 << 10
	// maxWord is the longest word that is kept as a text, in bytes.
	maxWord = 64
)

// What a search has to know of a unit beside its terms.
const (
	always = 1 << iota // some of its terms are missing
	beyond             // some of its text is not indexed
)

// Block collects the terms of one commit, or of what part of it goes to one partition. The rows of a unit
// have to come one after the other. It belongs to one writer and may be used again after Reset.
type Block struct {
	hasher    *Hasher
	units     []unit
	terms     []Term // of all units, in their order
	durations []duration
	rows      int
	from, to  int64

	// seen drops terms that the current unit has, mostly: an entry holds the number of a unit and a term.
	seen   [2048]uint64
	serial uint64 // of the current unit, of all that this block ever had

	operations []Term
	operation  map[Term]int
	longest    []longest // of each operation

	words       []byte // each ends with a line feed
	word        map[uint64]struct{}
	recentWords [1024]uint64 // the hashes of some of them
}

// unit is a trace, or some log records without one.
type unit struct {
	id               plait.TraceID
	from, to         int64 // microseconds since 1970 of its first and last row
	terms, durations int
	flags            uint8
}

// duration is the longest that an operation took in a unit.
type duration struct {
	operation int
	bucket    uint8
}

// longest is where the duration of an operation is kept.
type longest struct {
	serial uint64
	at     int
}

// NewBlock makes an empty block.
func NewBlock(h *Hasher) *Block {
	b := &Block{hasher: h, operation: map[Term]int{}, word: map[uint64]struct{}{}}
	b.Reset()
	return b
}

// Reset empties the block.
func (b *Block) Reset() {
	b.units, b.terms, b.durations, b.rows = b.units[:0], b.terms[:0], b.durations[:0], 0
	b.operations, b.longest, b.words = b.operations[:0], b.longest[:0], b.words[:0]
	clear(b.operation)
	clear(b.word)
	clear(b.recentWords[:])
	if b.serial > math.MaxInt32 { // 32 bits of it tell units apart
		clear(b.seen[:])
		b.serial = 0
	}
	b.from, b.to = math.MaxInt64, math.MinInt64
}

// Rows is the number of rows.
func (b *Block) Rows() int { return b.rows }

// Range returns the times of the first and of the last row, in microseconds since 1970.
func (b *Block) Range() (from, to int64) { return b.from, b.to }

// Row begins a row of a unit, at a time in microseconds since 1970.
func (b *Block) Row(id plait.TraceID, micros int64) {
	if n := len(b.units); n == 0 || b.units[n-1].id != id {
		b.units = append(b.units, unit{id: id, from: micros, to: micros})
		b.serial++
	} else {
		u := &b.units[n-1]
		u.from, u.to = min(u.from, micros), max(u.to, micros)
	}
	b.rows++
	b.from, b.to = min(b.from, micros), max(b.to, micros)
}

// Add adds a term of the current row.
func (b *Block) Add(t Term) {
	key := b.serial<<32 | uint64(t)
	slot := &b.seen[t%Term(len(b.seen))]
	if *slot == key {
		return
	}
	*slot = key
	u := &b.units[len(b.units)-1]
	if u.terms == maxUnitTerms {
		u.flags |= always
		return
	}
	b.terms = append(b.terms, t)
	u.terms++
}

// Unknown says that terms of the current unit are missing: it is in the answer to every search.
func (b *Block) Unknown() { b.units[len(b.units)-1].flags |= always }

// ID adds the term of an id or number of the current row.
func (b *Block) ID(space Space, id int64) { b.Add(b.hasher.ID(space, id)) }

// Text adds the term of a text of the current row.
func (b *Block) Text(space Space, text string) { b.Add(b.hasher.Text(space, text)) }

// Duration adds how long the current row's operation took. A search by duration asks for this and not for
// terms.
func (b *Block) Duration(operation, nanos int64) {
	t := b.hasher.ID(OperationDurations, operation)
	n, ok := b.operation[t]
	if !ok {
		n = len(b.operations)
		b.operation[t] = n
		b.operations, b.longest = append(b.operations, t), append(b.longest, longest{})
	}
	bucket := bucketOf(nanos)
	if known := b.longest[n]; known.serial == b.serial {
		d := &b.durations[known.at]
		d.bucket = max(d.bucket, bucket)
		return
	}
	b.longest[n] = longest{b.serial, len(b.durations)}
	b.durations = append(b.durations, duration{n, bucket})
	b.units[len(b.units)-1].durations++
}

// bucketOf is a duration in quarters of a doubling. A longer one never has a lower bucket.
func bucketOf(nanos int64) uint8 {
	if nanos < 4 {
		return uint8(max(nanos, 0))
	}
	n := bits.Len64(uint64(nanos)) - 1
	return uint8(n<<2 | int(nanos>>(n-2))&3)
}

const headVersion = 1

// AppendTo appends the block as the body of a head: what ParseHead reads. A unit takes some 24 bytes, a
// term 4, the duration of an operation in a unit 2.
func (b *Block) AppendTo(dst []byte) []byte {
	for _, n := range []int{headVersion, b.rows, len(b.units), len(b.terms), len(b.operations), len(b.durations), len(b.words)} {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	dst = binary.AppendVarint(dst, b.from)
	for i := range b.units {
		u := &b.units[i]
		dst = append(dst, u.id[:]...)
		dst = binary.AppendUvarint(dst, uint64(u.from-b.from))
		dst = binary.AppendUvarint(dst, uint64(u.to-u.from))
		dst = binary.AppendUvarint(dst, uint64(u.terms)<<2|uint64(u.flags))
		dst = binary.AppendUvarint(dst, uint64(u.durations))
	}
	for _, t := range b.terms {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(t))
	}
	for _, t := range b.operations {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(t))
	}
	for _, d := range b.durations {
		dst = append(binary.AppendUvarint(dst, uint64(d.operation)), d.bucket)
	}
	return append(dst, b.words...)
}
