package terms

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// How a shard writes a term: the difference of its hash to the one before, in Rice code, then the kind of
// entry. Two entries may have one hash.
//
//	0    one unit, as its number
//	10   up to 16 units, the newest first, as differences
//	110  a list, apart: how many units, how many bytes
//	111  durations of an operation, apart: how many units, how many bytes
//
// Most terms that tell much stand in one unit, and cost hash and number, some 27 bits. Long lists
// stand apart, so that a search for 20 reads only where they begin.
const (
	kindOne       = 0b0
	kindFew       = 0b01
	kindList      = 0b011
	kindDurations = 0b111
	maxFew        = 16
	fewBits       = 2
	shardTerms    = 512
)

// emitter writes terms in the order of their hashes.
type emitter struct {
	d      *Directory
	shards []byte
	lists  bitWriter
	w      bitWriter // of the current shard
	shard  int
	terms  int    // in it
	last   uint64 // hash
}

// newEmitter starts a segment of about so many terms. Hashes keep so many bits that a term that is not in the
// segment is found by one of 64 searches, or all that they have.
func newEmitter(d *Directory, terms, hashBits int) *emitter {
	d.hashBits = hashBits
	d.shardBits = min(maxShardBits, hashBits, bits.Len(uint(terms/shardTerms)))
	d.rice = min(max(0, hashBits-bits.Len(uint(terms))), maxHashBits-1)
	d.shardAt, d.listAt = []uint32{0}, []uint32{0}
	return &emitter{d: d}
}

// finalBits is how many bits hashes keep in a segment that is not merged again.
func finalBits(terms int) int { return min(maxHashBits, bits.Len(uint(terms))+6) }

// begin writes what comes before the units of a term.
func (e *emitter) begin(hash uint32, kind uint64, kindBits int) {
	for shard := int(uint64(hash) >> (e.d.hashBits - e.d.shardBits)); e.shard < shard; {
		e.endShard()
	}
	e.w.rice(uint64(hash)-e.last, e.d.rice)
	e.w.write(kind, kindBits)
	e.last = uint64(hash)
	e.terms++
	e.d.terms++
}

func (e *emitter) endShard() {
	e.w.align()
	if e.terms > 0 {
		e.shards = append(binary.AppendUvarint(e.shards, uint64(e.terms)), e.w.out...)
	}
	e.w.out, e.terms = e.w.out[:0], 0
	e.d.shardAt, e.d.listAt = append(e.d.shardAt, uint32(len(e.shards))), append(e.d.listAt, uint32(len(e.lists.out)))
	e.shard++
	e.last = uint64(e.shard) << (e.d.hashBits - e.d.shardBits)
}

// end writes what is left of the shards.
func (e *emitter) end() {
	for e.shard < 1<<e.d.shardBits {
		e.endShard()
	}
}

// term writes a term's units, sorted and each once.
func (e *emitter) term(hash uint32, units []uint32) {
	switch n := len(units); {
	case n == 1:
		e.begin(hash, kindOne, 1)
		e.w.write(uint64(units[0]), e.d.unitBits())
	case n <= maxFew:
		e.begin(hash, kindFew, 2)
		e.w.rice(uint64(n-2), fewBits)
		e.d.appendList(&e.w, units)
	default:
		e.begin(hash, kindList, 3)
		begin := len(e.lists.out)
		e.d.appendList(&e.lists, units)
		e.lists.align()
		e.w.number(uint64(n))
		e.w.number(uint64(len(e.lists.out) - begin))
	}
}

// unitBits is the length of a unit's number.
func (d *Directory) unitBits() int { return bits.Len(uint(max(d.units-1, 1))) }

// appendList appends units, which are sorted, the last first.
func (d *Directory) appendList(w *bitWriter, units []uint32) {
	k := riceBits(d.units, len(units))
	last := uint32(d.units)
	for _, u := range slices.Backward(units) {
		w.rice(uint64(last-u-1), k)
		last = u
	}
}

// timed is how long an operation took in a unit.
type timed struct {
	unit   uint32
	bucket uint8
}

// durationList is what is known of the durations of an operation.
type durationList struct {
	entries []timed
	total   int   // units with the operation, about
	floor   uint8 // entries below this bucket are not there
}

// How many units of an operation a segment keeps: the slowest eighth. Searches by duration mean these; a
// search for less asks for the operation, most of whose units fit.
const (
	keptShare = 8
	keptLeast = 64
)

// durations writes the durations of an operation. Each octave, a doubling, is a list of its own: a
// search for long durations reads no others.
func (e *emitter) durations(hash uint32, l *durationList) {
	l.cut()
	e.begin(hash, kindDurations, 3)
	begin := len(e.lists.out)
	octaves, lists := octavesOf(l.entries), bitWriter{}
	e.lists.number(uint64(l.total))
	e.lists.number(uint64(l.floor))
	e.lists.number(uint64(len(octaves)))
	for _, o := range octaves {
		start := len(lists.out)
		k := riceBits(e.d.units, len(o))
		last := uint32(e.d.units)
		for _, t := range o {
			lists.rice(uint64(last-t.unit-1), k)
			lists.write(uint64(t.bucket&3), 2)
			last = t.unit
		}
		lists.align()
		e.lists.number(uint64(o[0].bucket >> 2))
		e.lists.number(uint64(len(o)))
		e.lists.number(uint64(len(lists.out) - start))
	}
	e.lists.align()
	e.lists.out = append(e.lists.out, lists.out...)
	e.w.number(uint64(len(l.entries)))
	e.w.number(uint64(len(e.lists.out) - begin))
}

// cut leaves the longest duration of each unit, and of these the longest, whole buckets.
func (l *durationList) cut() {
	slices.SortFunc(l.entries, func(a, b timed) int { return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(b.bucket, a.bucket)) })
	l.entries = slices.CompactFunc(l.entries, func(a, b timed) bool { return a.unit == b.unit })
	slices.SortFunc(l.entries, func(a, b timed) int { return cmp.Compare(b.bucket, a.bucket) })
	keep := max(keptLeast, l.total/keptShare)
	if len(l.entries) <= keep {
		keep = len(l.entries)
	} else {
		l.floor = max(l.floor, l.entries[keep].bucket+1)
	}
	for keep > 0 && l.entries[keep-1].bucket < l.floor {
		keep--
	}
	l.entries = l.entries[:keep]
}

// octavesOf takes entries from the longest to the shortest apart, by doublings, and orders each from
// the newest unit.
func octavesOf(entries []timed) (octaves [][]timed) {
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].bucket>>2 == entries[0].bucket>>2 {
			n++
		}
		slices.SortFunc(entries[:n], func(a, b timed) int { return cmp.Compare(b.unit, a.unit) })
		octaves = append(octaves, entries[:n])
		entries = entries[n:]
	}
	return octaves
}
