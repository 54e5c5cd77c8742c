package condition

import "slices"

// Simplify returns a condition that fits the same rows and is easier to plan:
//
//   - Not stands on leaves, HasSpan and Computed only.
//   - No And stands in an And, no Or in an Or, and none has fewer than two conditions.
//   - Const is the whole condition or none of it.
//   - A regular expression that is a choice of few words is an Or of OpEqual, and one that is a word with
//     anything around it an OpContains.
//   - What is the same, what another condition of the And implies, and what another excludes, is gone:
//     service = "a" && service = "b" is false.
//
// Leaves come first, and otherwise the order is kept. Not each condition that fits nothing becomes false.
func Simplify(n Node) Node { return simplify(n, false) }

func simplify(n Node, negate bool) Node {
	switch n := n.(type) {
	case Not:
		return simplify(n.Of, !negate)
	case Const:
		return Const(bool(n) != negate)
	case Leaf:
		return simplifyLeaf(n, negate)
	case And:
		return junction(n, negate, negate)
	case Or:
		return junction(n, !negate, negate)
	case HasSpan:
		of := Simplify(n.Of)
		if of == Const(false) {
			return Const(negate)
		}
		return signed(HasSpan{of}, negate)
	}
	return signed(n, negate)
}

func signed(n Node, negate bool) Node {
	if negate {
		return Not{n}
	}
	return n
}

// simplifyLeaf makes leaves that ask the same the same leaf.
func simplifyLeaf(l Leaf, negate bool) Node {
	nature := l.Field.nature()
	if l.never() {
		return Const(negate)
	}
	if nature == aText && l.Value.typ == TypeText {
		l.Value.typ = TypeString
	}
	switch l.Op {
	case OpContainsFold, OpHasWord:
		l.Value.text = Fold(l.Value.text)
	case OpRegexp:
		if n := l.withoutRegexp(); n != nil {
			return simplify(n, negate)
		}
	}
	if l.Value.text == "" && (l.Op == OpContains || l.Op == OpContainsFold) {
		return simplifyLeaf(l.isThere(), negate)
	}
	if l.Op == OpExists && l.Field.always(l.Field.Name.facts().of) {
		return Const(!negate)
	}
	return literal{leaf: l}.turned(negate).node()
}

// isThere asks for any value that the leaf's operator could compare.
func (l Leaf) isThere() Leaf {
	if l.Field.nature() == anyValue && l.Value.typ == TypeString {
		return Leaf{Field: l.Field, Op: OpIsString}
	}
	return Leaf{Field: l.Field, Op: OpExists}
}

// withoutRegexp asks what a regular expression asks without one, if that can be.
func (l Leaf) withoutRegexp() Node {
	all, contained := regexpWords(l.Value.text)
	switch {
	case contained != nil:
		return Leaf{l.Field, OpContains, Value{typ: l.Value.typ, text: *contained}}
	case all == nil:
		return nil
	}
	or := make(Or, len(all))
	for i, word := range all {
		or[i] = Leaf{l.Field, OpEqual, Value{typ: l.Value.typ, text: word}}
	}
	return or
}

// maxCompared bounds how many leaves of a junction are compared with one another, and how often what is
// left is looked at again.
const (
	maxCompared = 64
	maxRounds   = 4
)

// junction simplifies an And, or an Or when either is set. An Or is what an And of the negations is not, so
// both are handled as the leaves of an And: in an Or, leaves are turned before and after.
func junction(nodes []Node, either, negate bool) Node {
	var parts []Node
	for _, n := range nodes {
		parts = spread(parts, simplify(n, negate), either)
	}
	for range maxRounds {
		var leaves []literal
		var others []Node
		for _, p := range parts {
			if p == Const(either) {
				return Const(either)
			}
			if l, ok := literalOf(p); ok {
				leaves = append(leaves, l.turned(either))
			} else if p != Const(!either) {
				others = append(others, p)
			}
		}
		kept, possible := conjoin(leaves)
		if !possible {
			return Const(either)
		}
		parts = parts[:0]
		for _, l := range kept {
			parts = append(parts, l.turned(either).node())
		}
		others = reduceOthers(others, kept, either)
		parts = append(parts, others...)
		if !slices.ContainsFunc(others, decides) {
			break
		}
	}
	if either {
		return Or(parts).folded()
	}
	return And(parts).folded()
}

// decides says that a condition became a leaf, or constant, and may decide others.
func decides(n Node) bool {
	_, isConst := n.(Const)
	_, isLeaf := literalOf(n)
	return isConst || isLeaf
}

// spread appends a condition, or those of one that is a junction of the same sort.
func spread(parts []Node, n Node, either bool) []Node {
	if and, ok := n.(And); ok && !either {
		return append(parts, and...)
	}
	if or, ok := n.(Or); ok && either {
		return append(parts, or...)
	}
	return append(parts, n)
}

// maxReduced bounds how many nodes are looked at again beside the leaves of a junction: each is as often as
// junctions stand in one another above it.
const maxReduced = 2_000

// reduceOthers takes out of conditions what the leaves beside them decide, and equal ones.
func reduceOthers(others []Node, kept []literal, either bool) (next []Node) {
	if len(kept) > maxCompared || size(others) > maxReduced {
		return others
	}
	known := func(l Leaf) Tristate { return knownBy(kept, l) }
	met := make(map[string]bool)
	for _, n := range others {
		for _, part := range spread(nil, Reduce(n, known), either) {
			if text := part.String(); !met[text] {
				met[text] = true
				next = append(next, part)
			}
		}
	}
	return next
}

func size(nodes []Node) (n int) {
	for _, each := range nodes {
		Walk(each, func(Node) bool { n++; return n <= maxReduced })
	}
	return n
}
