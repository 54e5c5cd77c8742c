package terms

import (
	"cmp"
	"slices"
)

// Plan says what terms a row must have to fit. What it cannot say is left out: a search for a plan finds
// all units with a row that fits, and others.
type Plan struct {
	kind     planKind
	terms    []Term      // anyTerm
	part     wordPart    // partOfWord
	slow     []operation // slowerThan, by durations
	bucket   uint8       // slowerThan
	children []*Plan     // allOf, anyOf, together
}

type planKind uint8

const (
	everything planKind = iota
	nothing
	anyTerm
	partOfWord
	slowerThan
	unindexedText
	allOf
	anyOf
	together
)

// operation is one whose durations are asked for.
type operation struct{ durations, term Term }

// Everything is the plan that all units fit.
func Everything() *Plan { return &Plan{kind: everything} }

// Nothing is the plan that no unit fits, but for those whose terms are not all known.
func Nothing() *Plan { return &Plan{kind: nothing} }

// NarrowsNothing says whether all units fit: then there is no sense in a search.
func (p *Plan) NarrowsNothing() bool { return p.kind == everything }

// FitsNothing says whether no unit is known to fit.
func (p *Plan) FitsNothing() bool { return p.kind == nothing }

// Any asks for rows with one of the terms. There may be hundreds.
func Any(terms ...Term) *Plan {
	if len(terms) == 0 {
		return Nothing()
	}
	terms = slices.Clone(terms)
	slices.Sort(terms)
	return &Plan{kind: anyTerm, terms: slices.Compact(terms)}
}

// AnyID asks for rows with one of the ids or numbers.
func (h *Hasher) AnyID(space Space, ids ...int64) *Plan {
	terms := make([]Term, len(ids))
	for i, id := range ids {
		terms[i] = h.ID(space, id)
	}
	return Any(terms...)
}

// SlowerThan asks for rows of one of the operations that took at least so long. Where so short a duration
// is not indexed it asks for the operations: whoever writes Duration writes ID(Operation) too.
func (h *Hasher) SlowerThan(nanos int64, operations ...int64) *Plan {
	if len(operations) == 0 {
		return Nothing()
	}
	p := &Plan{kind: slowerThan, bucket: bucketOf(nanos)}
	for _, id := range operations {
		p.slow = append(p.slow, operation{h.ID(OperationDurations, id), h.ID(Operation, id)})
	}
	slices.SortFunc(p.slow, func(a, b operation) int { return cmp.Compare(a.durations, b.durations) })
	return p
}

// asksForDurations says whether durations are those of an operation that is asked for.
func (p *Plan) asksForDurations(of Term) bool {
	_, ok := slices.BinarySearchFunc(p.slow, of, func(o operation, t Term) int { return cmp.Compare(o.durations, t) })
	return ok
}

// All asks for rows that fit all of the plans.
func All(plans ...*Plan) *Plan {
	return combine(allOf, plans, everything, nothing)
}

// OneOf asks for rows that fit at least one of the plans.
func OneOf(plans ...*Plan) *Plan {
	var terms []Term
	rest := make([]*Plan, 0, len(plans))
	for _, p := range plans {
		if p.kind == anyTerm {
			terms = append(terms, p.terms...)
		} else {
			rest = append(rest, p)
		}
	}
	if len(terms) > 0 {
		rest = append(rest, Any(terms...))
	}
	return combine(anyOf, rest, nothing, everything)
}

// Together asks for units which, with all that belongs to them, have rows that fit each of the plans: for traces
// with such spans, whichever commits brought them. A search narrows by one of the plans, that with the
// fewest units.
func Together(plans ...*Plan) *Plan {
	return combine(together, plans, everything, nothing)
}

// combine drops plans that change nothing, and those that are not needed beside one that decides.
func combine(kind planKind, plans []*Plan, neutral, decisive planKind) *Plan {
	children := make([]*Plan, 0, len(plans))
	for _, p := range plans {
		switch p.kind {
		case decisive:
			return p
		case neutral:
		case kind:
			children = append(children, p.children...)
		default:
			children = append(children, p)
		}
	}
	switch len(children) {
	case 0:
		return &Plan{kind: neutral}
	case 1:
		return children[0]
	}
	return &Plan{kind: kind, children: children}
}

// chosen returns the plan with the one of each Together that has the least count.
func (p *Plan) chosen(count func(*Plan) int) *Plan {
	if len(p.children) == 0 {
		return p
	}
	children := make([]*Plan, len(p.children))
	for i, c := range p.children {
		children[i] = c.chosen(count)
	}
	if p.kind != together {
		return &Plan{kind: p.kind, children: children}
	}
	best, least := 0, 0
	for i, c := range children {
		if n := count(c); i == 0 || n < least {
			best, least = i, n
		}
	}
	return children[best]
}

// leaves calls visit for all parts of the plan that ask for terms.
func (p *Plan) leaves(visit func(*Plan)) {
	if len(p.children) == 0 {
		visit(p)
	}
	for _, c := range p.children {
		c.leaves(visit)
	}
}
