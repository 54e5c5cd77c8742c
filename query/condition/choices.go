package condition

import "slices"

// Choices returns the values one of which a field equals in every row that fits, each once: the ids by which
// rows are found. It is not ok where the condition does not say, and there are none where nothing fits. What
// stands in HasSpan is said of other rows and not looked at. A simplified condition tells more.
func Choices(n Node, f Field) (values []Value, ok bool) {
	switch n := n.(type) {
	case Const:
		return nil, !bool(n)
	case Leaf:
		if n.Field == f && n.Op == OpEqual {
			return []Value{n.Value}, true
		}
	case And:
		for _, each := range n {
			if some, known := Choices(each, f); known && (!ok || len(some) < len(values)) {
				values, ok = some, true
			}
		}
		return values, ok
	case Or:
		for _, each := range n {
			some, known := Choices(each, f)
			if !known {
				return nil, false
			}
			for _, v := range some {
				if !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
		}
		return values, true
	}
	return nil, false
}

// Replace returns a condition with others in place of its leaves: what with returns for each. It does not go
// into HasSpan.
func Replace(n Node, with func(Leaf) Node) Node {
	switch n := n.(type) {
	case Leaf:
		return with(n)
	case Not:
		return Not{Replace(n.Of, with)}
	case And:
		return And(replaceEach(n, with))
	case Or:
		return Or(replaceEach(n, with))
	}
	return n
}

func replaceEach(nodes []Node, with func(Leaf) Node) []Node {
	replaced := make([]Node, len(nodes))
	for i, n := range nodes {
		replaced[i] = Replace(n, with)
	}
	return replaced
}
