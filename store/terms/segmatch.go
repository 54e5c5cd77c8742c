package terms

import (
	"cmp"
	"slices"
)

// units returns the units that fit a plan, and those that are in every answer.
func (o *opening) units(source Source, plan *Plan) (unitSet, error) {
	fitting, err := o.fitting(source, plan)
	if err != nil || o.Directory.always.count == 0 {
		return fitting, err
	}
	return newUnion([]unitSet{o.listed(source, octaveList{list: o.Directory.always}), fitting}), nil
}

func (o *opening) fitting(source Source, p *Plan) (unitSet, error) {
	switch p.kind {
	case everything:
		return allUnits{}, nil
	case anyTerm:
		return newUnion(o.withTerms(source, p.terms)), nil
	case unindexedText:
		if o.Directory.beyond.count > 0 {
			return o.listed(source, octaveList{list: o.Directory.beyond}), nil
		}
	case partOfWord:
		terms, ok := o.parts[p]
		if !ok {
			return allUnits{}, nil
		}
		return newUnion(o.withTerms(source, terms)), nil
	case slowerThan:
		return o.slower(source, p)
	case anyOf:
		sets := make([]unitSet, len(p.children))
		for i, c := range p.children {
			var err error
			if sets[i], err = o.fitting(source, c); err != nil {
				return nil, err
			}
		}
		return newUnion(sets), nil
	case allOf:
		return o.all(source, p.children)
	}
	return &knownUnits{}, nil
}

// all intersects plans, the narrowest first. Those that more than half of the units fit are left out: to read their
// lists would cost more than to compare some rows in vain.
func (o *opening) all(source Source, plans []*Plan) (unitSet, error) {
	counts := make(map[*Plan]int, len(plans))
	for _, p := range plans {
		counts[p] = o.count(p)
	}
	plans = slices.Clone(plans)
	slices.SortStableFunc(plans, func(a, b *Plan) int { return cmp.Compare(counts[a], counts[b]) })
	var sets intersection
	for i, p := range plans {
		if i > 0 && counts[p] > o.Directory.units/2 {
			break
		}
		set, err := o.fitting(source, p)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// listed returns the units of a list whose beginning has been read.
func (o *opening) listed(source Source, l octaveList) unitSet {
	return o.Directory.newListedUnits(source, o.ID, l, o.chunks[o.first(l.list)], 0, 0)
}

// withTerms returns the units of terms: one set of those that stand in shards, and each list.
func (o *opening) withTerms(source Source, terms []Term) (sets []unitSet) {
	var known []uint32
	for _, t := range terms {
		for _, p := range o.of(t, false) {
			if p.kind == kindList {
				sets = append(sets, o.listed(source, p.octaveList))
			} else {
				known = append(known, p.units...)
			}
		}
	}
	if len(known) > 0 {
		sets = append(sets, newKnownUnits(known))
	}
	return sets
}

// slower returns the units in which one of the operations took so long, or may have where the segment does not
// know.
func (o *opening) slower(source Source, p *Plan) (unitSet, error) {
	var sets []unitSet
	var unknown []Term
	for _, s := range p.slow {
		for _, l := range o.of(s.durations, true) {
			octaves, known, err := o.octaves(source, l.list, p.bucket)
			if err != nil {
				return nil, err
			}
			if sets = append(sets, octaves...); !known {
				unknown = append(unknown, s.term)
			}
		}
	}
	return newUnion(append(sets, o.withTerms(source, unknown)...)), nil
}

// octaves returns the units with durations from a bucket on; known is false if shorter ones are asked for than
// the segment has.
func (o *opening) octaves(source Source, l list, bucket uint8) (sets []unitSet, known bool, err error) {
	data := o.chunks[o.first(l)]
	durations, err := o.Directory.openDurations(data)
	if err != nil {
		return nil, false, err
	}
	if bucket < durations.floor {
		return nil, false, nil
	}
	for _, octave := range durations.octaves {
		if octave.octave < bucket>>2 {
			break
		}
		least := uint8(0)
		if octave.octave == bucket>>2 {
			least = bucket & 3
		}
		begin := data[min(octave.at, len(data)):min(octave.at+octave.size, len(data))]
		octave.at += l.at
		sets = append(sets, o.Directory.newListedUnits(source, o.ID, octave, begin, octaveBits, least))
	}
	return sets, true, nil
}
