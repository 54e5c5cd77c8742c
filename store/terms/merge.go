package terms

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/bits"
	"slices"
)

// emitParts writes all terms, a part of the hashes at a time, and returns the units with words that are left
// out.
func (b *Builder) emitParts(ctx context.Context, e *emitter) (beyond []uint32, err error) {
	terms := 0
	for _, in := range b.inputs {
		terms += in.d.terms
	}
	partBits := bits.Len(uint(terms / partTerms))
	pairs := b.pairs
	var buffer []uint64
	for part := range uint64(1) << partBits {
		end := (part + 1) << (32 - partBits)
		n, _ := slices.BinarySearchFunc(pairs, end, func(p, end uint64) int {
			if p>>32 < end {
				return -1
			}
			return 1
		})
		current := pairs[:n]
		pairs = pairs[n:]
		durations := b.durations
		if len(b.inputs) > 0 {
			buffer = append(buffer[:0], current...)
			durations = map[Term]*durationList{}
			for t, l := range b.durations {
				if uint64(t) < end {
					durations[t] = l
					delete(b.durations, t)
				}
			}
			for i := range b.inputs {
				if buffer, err = b.inputs[i].appendPairs(ctx, buffer, durations, part<<(32-partBits), end); err != nil {
					return nil, fmt.Errorf("merge segments: %w", err)
				}
			}
			current = sortPairs(buffer)
		}
		beyond = b.emit(e, current, durations, beyond)
	}
	e.end()
	return beyond, nil
}

// emit writes terms and durations of one part.
func (b *Builder) emit(e *emitter, pairs []uint64, durations map[Term]*durationList, beyond []uint32) []uint32 {
	shift := 64 - e.d.hashBits
	operations := slices.Sorted(maps.Keys(durations))
	var units []uint32
	for len(pairs) > 0 {
		hash := pairs[0] >> shift
		for len(operations) > 0 && uint64(operations[0])<<32>>shift <= hash {
			e.durations(e.d.hash(operations[0]), durations[operations[0]])
			operations = operations[1:]
		}
		units = units[:0]
		n := 0
		for ; n < len(pairs) && pairs[n]>>shift == hash; n++ {
			units = append(units, uint32(pairs[n]))
			if len(b.left) > 0 {
				if _, ok := b.left[uint32(pairs[n]>>32)]; ok {
					beyond = append(beyond, uint32(pairs[n]))
				}
			}
		}
		pairs = pairs[n:]
		if len(units) > 1 {
			slices.Sort(units)
			units = slices.Compact(units)
		}
		e.term(uint32(hash), units)
	}
	for _, o := range operations {
		e.durations(e.d.hash(o), durations[o])
	}
	return beyond
}

// appendPairs reads the terms from one hash on and before another.
func (in *input) appendPairs(ctx context.Context, pairs []uint64, durations map[Term]*durationList, from, before uint64) ([]uint64, error) {
	d := in.d
	first, last := d.shard(Term(from)), d.shard(Term(before-1))
	lists := Range{in.id, int(d.listAt[first]), int(d.listAt[last+1] - d.listAt[first])}
	shards := Range{in.id, int(d.shardAt[first]), int(d.shardAt[last+1] - d.shardAt[first])}
	parts, err := in.source.Read(ctx, []Range{shards, lists})
	if err != nil {
		return nil, err
	}
	if len(parts) != 2 || len(parts[0]) != shards.Size || len(parts[1]) != lists.Size {
		return nil, damaged("segment")
	}
	for n := first; n <= last; n++ {
		at, size := d.shardRange(n)
		s, err := d.openShard(n, parts[0][at-shards.At:][:size])
		if err != nil {
			return nil, err
		}
		for s.next() {
			hash := s.hash << (32 - d.hashBits)
			if hash < from || hash >= before {
				continue
			}
			units := s.units
			if s.kind >= kindList {
				if s.listAt+s.size-lists.At > len(parts[1]) {
					return nil, damaged("shard")
				}
				data := parts[1][s.listAt-lists.At:][:s.size]
				if s.kind == kindDurations {
					if err := in.addDurations(durations, Term(hash), data); err != nil {
						return nil, err
					}
					continue
				}
				if units, err = d.wholeList(data, s.count); err != nil {
					return nil, err
				}
			}
			for _, u := range units {
				if n := in.units[u]; n != leftOut {
					pairs = append(pairs, hash<<32|uint64(n))
				}
			}
		}
		if s.err != nil {
			return nil, s.err
		}
	}
	return pairs, nil
}

// addDurations adds the durations of an operation, of which shorter ones may be missing.
func (in *input) addDurations(durations map[Term]*durationList, operation Term, data []byte) error {
	l := durations[operation]
	if l == nil {
		l = &durationList{}
		durations[operation] = l
	}
	o, err := in.d.openDurations(data)
	if err != nil {
		return err
	}
	l.total += o.total
	l.floor = max(l.floor, o.floor)
	for _, octave := range o.octaves {
		if octave.at+octave.size > len(data) {
			return damaged("durations")
		}
		r := in.d.openList(octave, data[octave.at:][:octave.size], octaveBits)
		for u := r.next(); u >= 0; u = r.next() {
			if n := in.units[u]; n != leftOut {
				l.entries = append(l.entries, timed{n, octave.octave<<2 | r.detail})
			}
		}
		if r.left > 0 {
			return damaged("durations")
		}
	}
	return nil
}

// assemble puts the parts of the segment together.
func (b *Builder) assemble(e *emitter, numbers, always, beyond []uint32, words []byte) (*Segment, error) {
	d := e.d
	specials := bitWriter{}
	for _, l := range []struct {
		units []uint32
		list  *list
	}{{always, &d.always}, {beyond, &d.beyond}} {
		slices.Sort(l.units)
		units := slices.Compact(l.units)
		begin := len(specials.out)
		if len(units) > 0 {
			d.appendList(&specials, units)
			specials.align()
		}
		l.list.count, l.list.size = len(units), len(specials.out)-begin
	}
	size := len(e.shards) + len(e.lists.out) + len(specials.out) + unitBytes*d.units + len(words)
	if size > maxBody {
		return nil, fmt.Errorf("build a segment: %d bytes are more than %d", size, maxBody)
	}
	body := make([]byte, 0, size)
	body = append(append(append(body, e.shards...), e.lists.out...), specials.out...)
	units := make([]uint32, d.units)
	for i, n := range numbers {
		units[n] = uint32(i)
	}
	d.sampleStep = max(16, d.units/256)
	for n, i := range units {
		at := len(body)
		body = d.appendUnit(body, &b.units[i])
		if n%d.sampleStep == 0 {
			key := binary.LittleEndian.Uint32(body[at+16:])
			if d.order == ByEnd {
				key += binary.LittleEndian.Uint32(body[at+20:])
			}
			d.samples = append(d.samples, key)
		}
	}
	body = append(body, words...)
	d.place(len(words))
	return &Segment{Directory: d.appendTo(nil), Body: body, Rows: d.rows, Units: d.units, From: d.from, To: d.to}, nil
}
