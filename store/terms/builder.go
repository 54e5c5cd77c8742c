package terms

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

const (
	// maxSegmentWords bounds the words of a segment, in bytes. Beyond it the longest are left out, which are the
	// least like language; units that have them are in the answer to every search for text.
	maxSegmentWords = 2 << 20
	// partTerms is how many terms of segments are merged at a time: it bounds the memory.
	partTerms = 256 << 10
)

// Source reads parts of the bodies of segments.
type Source interface {
	// Read returns the bytes of each range. All are asked for at once: reading is one statement.
	Read(ctx context.Context, ranges []Range) ([][]byte, error)
}

// Range is a part of the body of a segment.
type Range struct {
	Segment  int64 // the segment's id
	At, Size int   // in bytes
}

// Builder makes a segment of heads, or of heads and segments. It holds in memory the units of all, some 100 bytes
// each, the heads with 16 bytes more for each term of a unit, and of segments a part at a time.
type Builder struct {
	hasher *Hasher
	order  Order
	rows   int
	index  map[plait.TraceID]uint32
	units  []Unit
	only   func(plait.TraceID) bool // nil: all

	always, beyond []uint32
	heads          []addedHead
	pairs          []uint64 // of heads: hash in the upper half, unit in the lower
	durations      map[Term]*durationList
	words          map[string]struct{}
	left           map[uint32]struct{} // hashes of words that are left out
	inputs         []input
}

// addedHead is a head that is merged.
type addedHead struct {
	*Head
	numbers []uint32 // of each unit of the head, its number here
}

// input is a segment that is merged.
type input struct {
	id     int64
	d      *Directory
	source Source
	units  []uint32 // of each unit of the segment, its number here
}

// NewBuilder makes a builder of a segment whose units are in the order. All heads and segments of an index
// have the same order and the same hasher.
func NewBuilder(h *Hasher, order Order) *Builder {
	return &Builder{hasher: h, order: order, index: map[plait.TraceID]uint32{}, durations: map[Term]*durationList{}, words: map[string]struct{}{}}
}

// Only makes the segment one of some units alone, those whose ids belong to it: call it first. Its rows still count those of all.
func (b *Builder) Only(belongs func(plait.TraceID) bool) { b.only = belongs }

// Rows is the number of rows so far.
func (b *Builder) Rows() int { return b.rows }

// Units is the number of units so far. A segment may have 16 million.
func (b *Builder) Units() int { return len(b.units) }

// leftOut stands for the number of a unit that the segment is not to have.
const leftOut = math.MaxUint32

// unit returns the number of a unit, which may be known from another head or segment.
func (b *Builder) unit(u Unit) uint32 {
	if b.only != nil && !b.only(u.ID) {
		return leftOut
	}
	n, ok := b.index[u.ID]
	if !ok {
		n = uint32(len(b.units))
		b.index[u.ID] = n
		b.units = append(b.units, u)
		return n
	}
	known := &b.units[n]
	known.From, known.To = min(known.From, u.From), max(known.To, u.To)
	return n
}

// AddHead adds what one commit brought. The builder keeps the head until it builds.
func (b *Builder) AddHead(h *Head) {
	b.rows += h.rows
	added := addedHead{h, make([]uint32, len(h.units))}
	durations := h.durations
	for i := range h.units {
		u := &h.units[i]
		n := b.unit(Unit{u.id, u.from, u.to})
		added.numbers[i] = n
		if n != leftOut {
			b.addUnit(h, u.flags, n, durations[:u.durations])
		}
		durations = durations[u.durations:]
	}
	b.addWords(string(h.words))
	b.heads = append(b.heads, added)
}

// addUnit adds what a head says of a unit beside its terms.
func (b *Builder) addUnit(h *Head, flags uint8, n uint32, durations []duration) {
	if flags&always != 0 {
		b.always = append(b.always, n)
	}
	if flags&beyond != 0 {
		b.beyond = append(b.beyond, n)
	}
	for _, d := range durations {
		l := b.durationsOf(h.operations[d.operation])
		l.total++
		l.entries = append(l.entries, timed{n, d.bucket})
	}
}

// pair makes the pairs of all heads, whose units have got their numbers, and lets go of the heads.
func (b *Builder) pair(numbers []uint32) {
	size := 0
	for _, h := range b.heads {
		size += len(h.terms)
	}
	pairs := make([]uint64, 0, size)
	for _, h := range b.heads {
		terms := h.terms
		for i, u := range h.numbers {
			own := terms[:h.units[i].terms]
			terms = terms[len(own):]
			if u == leftOut {
				continue
			}
			for _, t := range own {
				pairs = append(pairs, uint64(t)<<32|uint64(numbers[u]))
			}
		}
	}
	b.heads, b.pairs = nil, sortPairs(pairs)
}

func (b *Builder) durationsOf(operation Term) *durationList {
	l := b.durations[operation]
	if l == nil {
		l = &durationList{}
		b.durations[operation] = l
	}
	return l
}

func (b *Builder) addWords(text string) {
	for w := range strings.Lines(text) {
		b.words[w] = struct{}{}
	}
}

// AddSegment adds a segment that was built before.
func (b *Builder) AddSegment(ctx context.Context, id int64, d *Directory, source Source) error {
	parts, err := source.Read(ctx, []Range{
		{id, d.unitsAt, unitBytes * d.units},
		{id, d.wordsAt, d.size - d.wordsAt},
		{id, d.always.at, d.always.size},
		{id, d.beyond.at, d.beyond.size},
	})
	if err != nil {
		return fmt.Errorf("read a segment to merge it: %w", err)
	}
	if len(parts) != 4 || len(parts[0]) != unitBytes*d.units || d.order != b.order {
		return damaged("segment")
	}
	in := input{id, d, source, make([]uint32, d.units)}
	for i := range in.units {
		in.units[i] = b.unit(d.unit(parts[0][unitBytes*i:]))
	}
	for i, to := range []*[]uint32{&b.always, &b.beyond} {
		units, err := d.wholeList(parts[2+i], []list{d.always, d.beyond}[i].count)
		if err != nil {
			return err
		}
		for _, u := range units {
			if n := in.units[u]; n != leftOut {
				*to = append(*to, n)
			}
		}
	}
	b.addWords(string(parts[1]))
	b.rows += d.rows
	b.inputs = append(b.inputs, in)
	return nil
}

// Build makes the segment. A last one is not going to be merged: it keeps fewer bits of each term's hash.
// The builder is of no use after that.
func (b *Builder) Build(ctx context.Context, last bool) (*Segment, error) {
	if len(b.units) > maxUnits {
		return nil, fmt.Errorf("build a segment: %d units are more than %d", len(b.units), maxUnits)
	}
	d := &Directory{order: b.order, rows: b.rows, units: len(b.units)}
	numbers := b.arrange(d)
	b.pair(numbers)
	terms, hashBits := distinct(b.pairs)+len(b.durations), maxHashBits
	for _, in := range b.inputs {
		terms += in.d.terms
		hashBits = min(hashBits, in.d.hashBits)
		for i, n := range in.units {
			if n != leftOut {
				in.units[i] = numbers[n]
			}
		}
	}
	if last {
		hashBits = min(hashBits, finalBits(terms))
	}
	for _, l := range b.durations {
		for i := range l.entries {
			l.entries[i].unit = numbers[l.entries[i].unit]
		}
	}
	words := b.wordsThatFit()
	always, beyond := renumber(b.always, numbers), renumber(b.beyond, numbers)
	e := newEmitter(d, terms, hashBits)
	more, err := b.emitParts(ctx, e)
	if err != nil {
		return nil, err
	}
	return b.assemble(e, numbers, always, append(beyond, more...), words)
}

// arrange orders the units and returns the number of each in that order.
func (b *Builder) arrange(d *Directory) (numbers []uint32) {
	order := make([]uint32, len(b.units))
	d.from, d.to = math.MaxInt64, math.MinInt64
	for i := range b.units {
		u := &b.units[i]
		order[i] = uint32(i)
		d.from, d.to = min(d.from, u.From), max(d.to, u.To)
		d.longest = max(d.longest, u.To-u.From)
	}
	if len(b.units) == 0 {
		d.from, d.to = 0, 0
	}
	d.shift = tickShift(d.to - d.from)
	slices.SortFunc(order, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(b.key(x), b.key(y)), slices.Compare(b.units[x].ID[:], b.units[y].ID[:]))
	})
	numbers = make([]uint32, len(b.units))
	for n, i := range order {
		numbers[i] = uint32(n)
	}
	return numbers
}

// key is the time by which a unit has its place.
func (b *Builder) key(i uint32) int64 {
	if b.order == ByEnd {
		return b.units[i].To
	}
	return b.units[i].From
}

// wordsThatFit returns the words in order, and notes the hashes of those that are left out.
func (b *Builder) wordsThatFit() []byte {
	words, size := make([]string, 0, len(b.words)), 0
	for w := range b.words {
		words = append(words, w)
		size += len(w)
	}
	if size > maxSegmentWords {
		b.left = map[uint32]struct{}{}
		slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	}
	for size > maxSegmentWords {
		w := words[len(words)-1]
		b.left[uint32(b.hasher.Text(word, w[:len(w)-1]))] = struct{}{}
		words, size = words[:len(words)-1], size-len(w)
	}
	slices.Sort(words)
	return []byte(strings.Join(words, ""))
}

func renumber(units, numbers []uint32) []uint32 {
	for i, u := range units {
		units[i] = numbers[u]
	}
	return units
}

// distinct counts the hashes of sorted pairs.
func distinct(pairs []uint64) (n int) {
	for i, p := range pairs {
		if i == 0 || p>>32 != pairs[i-1]>>32 {
			n++
		}
	}
	return n
}

// sortPairs sorts by the upper half. It may return another slice than it was given.
func sortPairs(pairs []uint64) []uint64 {
	const digit, digits = 11, 3
	var at [digits][1 << digit]int
	for _, p := range pairs {
		for i := range digits {
			at[i][p>>(32+digit*i)&(1<<digit-1)]++
		}
	}
	other := make([]uint64, len(pairs))
	for i := range digits {
		shift, sum := 32+digit*i, 0
		for j, n := range at[i] {
			at[i][j] = sum
			sum += n
		}
		for _, p := range pairs {
			d := p >> shift & (1<<digit - 1)
			other[at[i][d]] = p
			at[i][d]++
		}
		pairs, other = other, pairs
	}
	return pairs
}
