package terms

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// opening is a segment while it is found out where the units of a plan's terms are. That takes three readings,
// each for many segments at once: of words, when parts of words are asked for; of shards, which tell
// how many units each term has; and of the beginning of lists.
type opening struct {
	Stored
	parts    map[*Plan][]Term // of a leaf that asks for parts of words; absent: too many
	postings map[Term][]posting
	chunks   map[Range][]byte // the beginnings of lists
}

// posting is what a shard says of a term.
type posting struct {
	kind  int
	units []uint32 // those that stand in the shard
	octaveList
}

// readBytes bounds what is asked for at a time.
const readBytes = 4 << 20

// closeBy is how far apart two ranges may be for both to be read as one, in bytes.
const closeBy = 1 << 10

// readAll reads ranges in pieces of readBytes, and hands each over.
func readAll(ctx context.Context, source Source, ranges []Range, use func(Range, []byte) error) error {
	for len(ranges) > 0 {
		n, size := 0, 0
		for n < len(ranges) && (n == 0 || size+ranges[n].Size <= readBytes) {
			size += ranges[n].Size
			n++
		}
		parts, err := source.Read(ctx, ranges[:n])
		if err != nil {
			return err
		}
		for i, r := range ranges[:n] {
			if i >= len(parts) || len(parts[i]) != r.Size {
				return damaged("segment")
			}
			if err := use(r, parts[i]); err != nil {
				return err
			}
		}
		ranges = ranges[n:]
	}
	return nil
}

// lookUp reads what the shards of some segments say of the terms of a plan.
func lookUp(ctx context.Context, h *Hasher, source Source, plan *Plan, segments []Stored) ([]*opening, error) {
	openings := make([]*opening, len(segments))
	byID := make(map[int64]*opening, len(segments))
	for i, s := range segments {
		openings[i] = &opening{Stored: s, parts: map[*Plan][]Term{}, postings: map[Term][]posting{}, chunks: map[Range][]byte{}}
		byID[s.ID] = openings[i]
	}
	if err := findWords(ctx, h, source, plan, openings); err != nil {
		return nil, err
	}
	var ranges []Range
	wanted := make(map[int64][]Term, len(segments))
	for _, o := range openings {
		wanted[o.ID] = o.wanted(plan)
		ranges = append(ranges, o.shards(wanted[o.ID])...)
	}
	err := readAll(ctx, source, ranges, func(r Range, data []byte) error {
		return byID[r.Segment].find(wanted[r.Segment], r, data)
	})
	return openings, err
}

// findWords looks up the parts of words among the words of the segments.
func findWords(ctx context.Context, h *Hasher, source Source, plan *Plan, openings []*opening) error {
	var leaves []*Plan
	plan.leaves(func(leaf *Plan) {
		if leaf.kind == partOfWord {
			leaves = append(leaves, leaf)
		}
	})
	if len(leaves) == 0 {
		return nil
	}
	byID := map[int64]*opening{}
	var ranges []Range
	for _, o := range openings {
		byID[o.ID] = o
		if size := o.Directory.size - o.Directory.wordsAt; size > 0 {
			ranges = append(ranges, Range{o.ID, o.Directory.wordsAt, size})
			continue
		}
		for _, leaf := range leaves {
			o.parts[leaf] = nil
		}
	}
	return readAll(ctx, source, ranges, func(r Range, data []byte) error {
		for _, leaf := range leaves {
			words, ok := leaf.part.find(data)
			if !ok {
				continue
			}
			terms := make([]Term, len(words))
			for i, w := range words {
				terms[i] = h.Text(word, string(w))
			}
			byID[r.Segment].parts[leaf] = terms
		}
		return nil
	})
}

// wanted returns all terms that the plan asks for in the segment, in order.
func (o *opening) wanted(plan *Plan) []Term {
	set := map[Term]struct{}{}
	plan.leaves(func(leaf *Plan) {
		for _, t := range leaf.terms {
			set[t] = struct{}{}
		}
		for _, t := range o.parts[leaf] {
			set[t] = struct{}{}
		}
		for _, s := range leaf.slow {
			set[s.durations], set[s.term] = struct{}{}, struct{}{}
		}
	})
	return slices.Sorted(maps.Keys(set))
}

// shards returns where the shards of sorted terms stand.
func (o *opening) shards(terms []Term) (ranges []Range) {
	last := -1
	for _, t := range terms {
		shard := o.Directory.shard(t)
		if shard == last {
			continue
		}
		last = shard
		at, size := o.Directory.shardRange(shard)
		if size == 0 {
			continue
		}
		if n := len(ranges); n > 0 && at-ranges[n-1].At-ranges[n-1].Size < closeBy && at+size-ranges[n-1].At < readBytes {
			ranges[n-1].Size = at + size - ranges[n-1].At
			continue
		}
		ranges = append(ranges, Range{o.ID, at, size})
	}
	return ranges
}

// find looks up terms in the shards of a range. Of two terms whose hashes the segment has cut to the same bits
// both get what stands there.
func (o *opening) find(terms []Term, r Range, data []byte) error {
	d := o.Directory
	for i := 0; i < len(terms); {
		shard := d.shard(terms[i])
		end := i
		for end < len(terms) && d.shard(terms[end]) == shard {
			end++
		}
		at, size := d.shardRange(shard)
		if at >= r.At && at+size <= r.At+r.Size && size > 0 {
			s, err := d.openShard(shard, data[at-r.At:][:size])
			if err != nil {
				return err
			}
			if err := o.findInShard(terms[i:end], s); err != nil {
				return err
			}
		}
		i = end
	}
	return nil
}

func (o *opening) findInShard(terms []Term, s *shardReader) error {
	for len(terms) > 0 && s.next() {
		for len(terms) > 0 && uint64(o.Directory.hash(terms[0])) < s.hash {
			terms = terms[1:]
		}
		for _, t := range terms {
			if uint64(o.Directory.hash(t)) != s.hash {
				break
			}
			o.postings[t] = append(o.postings[t], posting{s.kind, slices.Clone(s.units), octaveList{list: list{s.listAt, s.size, s.count}}})
		}
	}
	return s.err
}

// of returns what the shards said of a term's units, or of its durations.
func (o *opening) of(t Term, durations bool) (found []posting) {
	for _, p := range o.postings[t] {
		if (p.kind == kindDurations) == durations {
			found = append(found, p)
		}
	}
	return found
}

// first is where the beginning of a list is read.
func (o *opening) first(l list) Range { return Range{o.ID, l.at, min(l.size, firstChunk)} }

// count returns how many units fit a plan at most.
func (o *opening) count(p *Plan) (n int) {
	all := o.Directory.units
	switch p.kind {
	case everything:
		return all
	case nothing:
		return 0
	case unindexedText:
		return o.Directory.beyond.count
	case anyTerm:
		n = o.countTerms(p.terms)
	case partOfWord:
		terms, ok := o.parts[p]
		if !ok {
			return all
		}
		n = o.countTerms(terms)
	case slowerThan:
		for _, s := range p.slow {
			for _, l := range o.of(s.durations, true) {
				n += o.countSlower(l, s.term, p.bucket)
			}
		}
	case anyOf:
		for _, c := range p.children {
			n += o.count(c)
		}
	case allOf, together:
		n = all
		for _, c := range p.children {
			n = min(n, o.count(c))
		}
	}
	return min(n, all)
}

// countSlower counts the units of an operation with durations from a bucket on. Before the beginning of their list
// is read, it takes all that the segment has.
func (o *opening) countSlower(l posting, operation Term, bucket uint8) (n int) {
	data, ok := o.chunks[o.first(l.list)]
	if !ok {
		return l.count
	}
	d, err := o.Directory.openDurations(data)
	if err != nil {
		return l.count
	}
	if bucket < d.floor {
		return o.countTerms([]Term{operation})
	}
	for _, octave := range d.octaves {
		if octave.octave >= bucket>>2 {
			n += octave.count
		}
	}
	return n
}

func (o *opening) countTerms(terms []Term) (n int) {
	for _, t := range terms {
		for _, p := range o.of(t, false) {
			n += p.count
		}
	}
	return n
}

// readLists reads the beginnings of all lists that a plan needs.
func readLists(ctx context.Context, source Source, plan *Plan, openings []*opening) error {
	byID := map[int64]*opening{}
	var ranges []Range
	for _, o := range openings {
		byID[o.ID] = o
		for _, l := range o.lists(plan) {
			ranges = append(ranges, o.first(l))
		}
	}
	slices.SortFunc(ranges, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.At, b.At))
	})
	return readAll(ctx, source, slices.Compact(ranges), func(r Range, data []byte) error {
		byID[r.Segment].chunks[r] = data
		return nil
	})
}

// lists returns the lists that a plan needs.
func (o *opening) lists(plan *Plan) (lists []list) {
	special := []list{o.Directory.always}
	plan.leaves(func(leaf *Plan) {
		if leaf.kind == unindexedText {
			special = append(special, o.Directory.beyond)
		}
	})
	for _, l := range special {
		if l.size > 0 {
			lists = append(lists, l)
		}
	}
	for _, t := range o.wanted(plan) {
		for _, p := range o.postings[t] {
			if p.kind >= kindList {
				lists = append(lists, p.list)
			}
		}
	}
	return lists
}
