package condition

import "strings"

// literal is a leaf or its negation.
type literal struct {
	leaf    Leaf
	negated bool
}

func literalOf(n Node) (literal, bool) {
	switch n := n.(type) {
	case Leaf:
		return literal{leaf: n}, true
	case Not:
		l, ok := n.Of.(Leaf)
		return literal{leaf: l, negated: true}, ok
	}
	return literal{}, false
}

// turned is the negation, if so.
func (l literal) turned(so bool) literal {
	switch {
	case !so:
	case !l.negated && l.leaf.bound():
		l.leaf.Op = l.leaf.Op.opposite()
	default:
		l.negated = !l.negated
	}
	return l
}

// bound says that what a leaf does not fit, the opposite operator does: there is one value, and it is no NaN.
func (l Leaf) bound() bool {
	return l.Op.ordering() && l.Field.always(l.Field.Name.facts().of) && l.Field.single() && !l.Value.isNaN()
}

// opposite is the operator of the negation, where there is a value.
func (o Op) opposite() Op {
	switch o {
	case OpLess:
		return OpGreaterOrEqual
	case OpLessOrEqual:
		return OpGreater
	case OpGreater:
		return OpLessOrEqual
	}
	return OpLess
}

func (l literal) node() Node { return signed(l.leaf, l.negated) }

// conjoin leaves out of conditions that all hold those that others imply. It is not possible where one
// excludes another.
func conjoin(all []literal) (kept []literal, possible bool) {
	if len(all) > maxCompared {
		return conjoinMany(all)
	}
	for _, l := range all {
		switch known := knownBy(kept, l.leaf); {
		case known == Known(l.negated):
			return nil, false
		case known != Unknown:
			continue
		}
		rest := make([]literal, 0, len(kept)+1)
		for _, k := range kept {
			if knownBy([]literal{l}, k.leaf) != Known(!k.negated) {
				rest = append(rest, k)
			}
		}
		kept = append(rest, l)
	}
	return kept, true
}

// conjoinMany looks for the same leaves only.
func conjoinMany(all []literal) (kept []literal, possible bool) {
	negated := make(map[Leaf]bool, len(all))
	for _, l := range all {
		sign, met := negated[l.leaf]
		if met && sign != l.negated {
			return nil, false
		}
		if !met {
			negated[l.leaf] = l.negated
			kept = append(kept, l)
		}
	}
	return kept, true
}

// knownBy says what conditions that all hold say about a leaf.
func knownBy(all []literal, l Leaf) Tristate {
	for _, k := range all {
		if k.leaf.Field != l.Field {
			continue
		}
		if k.negated {
			if follows(l, k.leaf) == Holds {
				return Fails // for k's leaf would hold with it
			}
			continue
		}
		if known := follows(k.leaf, l); known != Unknown {
			return known
		}
		if follows(l, k.leaf) == Fails {
			return Fails // for k's leaf would not hold with it
		}
	}
	return Unknown
}

// follows says what a leaf that holds says about another of its field.
func follows(a, b Leaf) Tristate {
	switch {
	case a == b:
		return Holds
	case b.Op.unary():
		return followsType(a, b.Op)
	case a.Op == OpEqual:
		return followsEqual(a, b)
	case a.Op.ordering() && b.Op.ordering():
		return followsOrder(a, b)
	}
	return Unknown
}

// followsType says what a leaf that holds says about whether there is a value, and of which type.
func followsType(a Leaf, op Op) Tristate {
	var holds bool
	switch op {
	case OpExists:
		holds = a.Value.typ != TypeSaid || !newSaid(a.Value.text).fitsEmpty()
	case OpIsString:
		holds = a.Value.typ == TypeString
	case OpIsNumber:
		holds = a.Value.numeric()
	case OpIsBool:
		holds = a.Value.typ == TypeBool
	}
	if holds {
		return Holds
	}
	return Unknown
}

// followsEqual asks the value that there has to be. Of an attribute that is compared by its text there may
// be many, and there are values besides it.
func followsEqual(a, b Leaf) Tristate {
	if a.Value.typ == TypeSaid || b.Value.typ == TypeSaid {
		return Unknown
	}
	if a.Field.nature() == anyValue && (a.Value.typ == TypeText || b.Value.typ == TypeText) {
		return textFollows(a, b)
	}
	fits, ok := fitsValueOf(a, b)
	switch {
	case !ok:
		return Unknown
	case fits:
		return Holds
	case a.Field.single():
		return Fails
	}
	return Unknown
}

// textFollows compares leaves about the text of an attribute, which is one where the key is looked up
// exactly.
func textFollows(a, b Leaf) Tristate {
	if a.Value.typ != TypeText || b.Value.typ != TypeText {
		return Unknown
	}
	fits, ok := fitsValueOf(a, b)
	switch {
	case !ok:
		return Unknown
	case fits:
		return Holds
	case a.Field.Name.oneText() && a.Field.Lookup != LookupDotted:
		return Fails
	}
	return Unknown
}

// oneText says that a row has one attribute with a key, at most.
func (n Name) oneText() bool { return n != EventAttribute && n != LinkAttribute }

// fitsValueOf says whether what equals a's value is as b asks. It is not ok where that cannot be told.
func fitsValueOf(a, b Leaf) (fits, ok bool) {
	if n := a.Field.nature(); n == aTraceID || n == aSpanID {
		if a.Value.typ != TypeTraceID && a.Value.typ != TypeSpanID {
			return false, false
		}
		test, err := b.idTest()
		if err != nil {
			return false, false
		}
		var value id
		copy(value[:], a.Value.text)
		return test(value), true
	}
	if a.Value.typ != TypeString && a.Value.typ != TypeText && (b.Value.typ == TypeText || b.Value.typ == TypeString) ||
		a.Value.typ == TypeText && a.Field.nature() != aText && b.Value.typ != TypeText {
		return false, false // one asks of the number, the other of its text
	}
	test, err := b.valueTest()
	if err != nil {
		return false, false
	}
	return test(a.Value.stored()), true
}

// followsOrder compares bounds.
func followsOrder(a, b Leaf) Tristate {
	order, ok := compareBounds(a.Value, b.Value)
	if !ok {
		return Unknown
	}
	aLess, bLess := a.Op == OpLess || a.Op == OpLessOrEqual, b.Op == OpLess || b.Op == OpLessOrEqual
	if !aLess {
		order = -order // so that a's side is what is less
	}
	aWith, bWith := a.Op == OpLessOrEqual || a.Op == OpGreaterOrEqual, b.Op == OpLessOrEqual || b.Op == OpGreaterOrEqual
	if aLess == bLess {
		if order < 0 || order == 0 && (bWith || !aWith) {
			return Holds
		}
		return Unknown
	}
	if a.Field.single() && (order < 0 || order == 0 && (!aWith || !bWith)) {
		return Fails
	}
	return Unknown
}

// compareBounds is not ok where two values are not of one sort.
func compareBounds(a, b Value) (order int, ok bool) {
	if a.numeric() && b.numeric() {
		return compareNumber(a.stored(), b)
	}
	if a.typ == b.typ && (a.typ == TypeString || a.typ == TypeText) {
		return strings.Compare(a.text, b.text), true
	}
	return 0, false
}
