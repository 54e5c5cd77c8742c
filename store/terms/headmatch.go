package terms

import (
	"maps"
	"slices"
)

// matcher finds the units of heads that fit a plan. It goes through the terms of a head once, for all terms
// of the plan.
type matcher struct {
	hasher *Hasher
	plan   *Plan
	wanted map[Term][]*Plan // leaves
	coarse [1 << 10]uint64  // a bit for the upper half of each wanted term
	words  bool             // the plan asks for parts of words
}

func newMatcher(h *Hasher, plan *Plan) *matcher {
	m := &matcher{hasher: h, plan: plan, wanted: map[Term][]*Plan{}}
	plan.leaves(func(leaf *Plan) {
		m.words = m.words || leaf.kind == partOfWord
		for _, t := range leaf.terms {
			m.want(t, leaf)
		}
	})
	return m
}

func (m *matcher) want(t Term, leaf *Plan) {
	m.wanted[t] = append(m.wanted[t], leaf)
	m.coarse[t>>22] |= 1 << (t >> 16 & 63)
}

// fewTerms is up to how many a head's filter is asked for each.
const fewTerms = 32

// find returns the units that fit, in the order in which they stand.
func (m *matcher) find(h *Head) []Unit {
	if m.words && len(h.words) > 0 {
		m = m.withWords(h)
	}
	var numbers []int
	if m.mayFit(h, m.plan) {
		numbers = m.units(h, m.plan, m.scan(h))
	}
	for i := range h.units {
		if h.units[i].flags&always != 0 {
			numbers = append(numbers, i)
		}
	}
	slices.Sort(numbers)
	var found []Unit
	for _, n := range slices.Compact(numbers) {
		u := &h.units[n]
		found = append(found, Unit{u.id, u.from, u.to})
	}
	return found
}

// withWords also asks for the words of a head that have the parts.
func (m *matcher) withWords(h *Head) *matcher {
	with := *m
	with.wanted = maps.Clone(m.wanted)
	m.plan.leaves(func(leaf *Plan) {
		if leaf.kind != partOfWord {
			return
		}
		words, ok := leaf.part.find(h.words)
		if !ok {
			with.want(m.hasher.ID(freeText, 0), leaf)
		}
		for _, w := range words {
			with.want(m.hasher.Text(word, string(w)), leaf)
		}
	})
	return &with
}

// mayFit says whether the head's filter leaves it possible that a unit fits.
func (m *matcher) mayFit(h *Head, p *Plan) bool {
	switch p.kind {
	case nothing:
		return false
	case anyTerm:
		return len(p.terms) > fewTerms || slices.ContainsFunc(p.terms, h.mayHave)
	case partOfWord:
		return len(h.words) > 0
	case allOf:
		return !slices.ContainsFunc(p.children, func(c *Plan) bool { return !m.mayFit(h, c) })
	case anyOf:
		return slices.ContainsFunc(p.children, func(c *Plan) bool { return m.mayFit(h, c) })
	}
	return true
}

// scan returns the units with a term of each leaf.
func (m *matcher) scan(h *Head) map[*Plan][]int {
	found := map[*Plan][]int{}
	at := 0
	for n := range h.units {
		end := at + h.units[n].terms
		for _, t := range h.terms[at:end] {
			if m.coarse[t>>22]&(1<<(t>>16&63)) == 0 {
				continue
			}
			for _, leaf := range m.wanted[t] {
				if units := found[leaf]; len(units) == 0 || units[len(units)-1] != n {
					found[leaf] = append(units, n)
				}
			}
		}
		at = end
	}
	return found
}

// units returns the units that fit a plan, in order.
func (m *matcher) units(h *Head, p *Plan, found map[*Plan][]int) []int {
	switch p.kind {
	case everything:
		return h.unitsThat(func(*unit) bool { return true })
	case unindexedText:
		return h.unitsThat(func(u *unit) bool { return u.flags&beyond != 0 })
	case anyTerm, partOfWord:
		return found[p]
	case slowerThan:
		return h.slower(p)
	case anyOf:
		var all []int
		for _, c := range p.children {
			all = append(all, m.units(h, c, found)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	case allOf:
		all := m.units(h, p.children[0], found)
		for _, c := range p.children[1:] {
			if len(all) == 0 {
				return nil
			}
			other := m.units(h, c, found)
			both := make([]int, 0, min(len(all), len(other)))
			for _, n := range all {
				if _, ok := slices.BinarySearch(other, n); ok {
					both = append(both, n)
				}
			}
			all = both
		}
		return all
	}
	return nil
}

func (h *Head) unitsThat(fit func(*unit) bool) (numbers []int) {
	for n := range h.units {
		if fit(&h.units[n]) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// slower returns the units in which one of the operations took so long.
func (h *Head) slower(p *Plan) (numbers []int) {
	wanted := make([]bool, len(h.operations))
	for i, t := range h.operations {
		wanted[i] = p.asksForDurations(t)
	}
	at := 0
	for n := range h.units {
		end := at + h.units[n].durations
		if slices.ContainsFunc(h.durations[at:end], func(d duration) bool { return wanted[d.operation] && d.bucket >= p.bucket }) {
			numbers = append(numbers, n)
		}
		at = end
	}
	return numbers
}
