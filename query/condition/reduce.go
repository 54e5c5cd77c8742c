package condition

// Tristate is what is known of a leaf before a row is read.
type Tristate uint8

// What may be known.
const (
	Unknown Tristate = iota
	Holds            // for every row in question
	Fails            // for every row in question
)

// Not is the same of the negation.
func (t Tristate) Not() Tristate {
	switch t {
	case Holds:
		return Fails
	case Fails:
		return Holds
	}
	return Unknown
}

// Known is the Tristate of a truth.
func Known(holds bool) Tristate {
	if holds {
		return Holds
	}
	return Fails
}

// Reduce returns what remains to be compared in rows of which something is known: of all spans of an
// operation, of all records with a resource. It is a Const where nothing remains. The result means the
// same as the condition in every row for which what is known is true.
//
// Leaves that stand in HasSpan and fields that stand in Computed are not asked about.
func Reduce(n Node, known func(Leaf) Tristate) Node {
	switch n := n.(type) {
	case Leaf:
		switch known(n) {
		case Holds:
			return Const(true)
		case Fails:
			return Const(false)
		}
	case Not:
		return negated(Reduce(n.Of, known))
	case And:
		return And(reduceEach(n, known, false)).folded()
	case Or:
		return Or(reduceEach(n, known, true)).folded()
	}
	return n
}

// reduceEach stops at the condition that decides all.
func reduceEach(nodes []Node, known func(Leaf) Tristate, decisive Const) []Node {
	reduced := make([]Node, 0, len(nodes))
	for _, n := range nodes {
		n = Reduce(n, known)
		if n == decisive {
			return []Node{n}
		}
		reduced = append(reduced, n)
	}
	return reduced
}

// folded takes out what is constant, and the And itself where one condition or none is left. Those of an And
// in it become its own.
func (a And) folded() Node {
	kept := make(And, 0, len(a))
	for _, n := range a {
		switch n := n.(type) {
		case And:
			kept = append(kept, n...)
		case Const:
			if !n {
				return n
			}
		default:
			kept = append(kept, n)
		}
	}
	switch len(kept) {
	case 0:
		return Const(true)
	case 1:
		return kept[0]
	}
	return kept
}

// folded does for an Or what And's does.
func (o Or) folded() Node {
	kept := make(Or, 0, len(o))
	for _, n := range o {
		switch n := n.(type) {
		case Or:
			kept = append(kept, n...)
		case Const:
			if n {
				return n
			}
		default:
			kept = append(kept, n)
		}
	}
	switch len(kept) {
	case 0:
		return Const(false)
	case 1:
		return kept[0]
	}
	return kept
}

func negated(n Node) Node {
	switch n := n.(type) {
	case Const:
		return !n
	case Not:
		return n.Of
	}
	return Not{n}
}
