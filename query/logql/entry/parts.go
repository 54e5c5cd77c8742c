package entry

import "github.com/plaithq/plait/query/condition"

// Parts are conditions that no two fit the same record and that together fit what a condition does: what has an
// id is asked for by itself, since an index of its own knows it, apart from the text that may stand in a line.
func Parts(n condition.Node) []condition.Node {
	and, ok := n.(condition.And)
	if !ok {
		and = condition.And{n}
	}
	for i, of := range and {
		or, ok := of.(condition.Or)
		if !ok {
			continue
		}
		var ids, others condition.Or
		for _, alternative := range or {
			if hasID(alternative) {
				ids = append(ids, alternative)
			} else {
				others = append(others, alternative)
			}
		}
		if len(ids) == 0 || len(others) == 0 {
			continue
		}
		with := func(part ...condition.Node) condition.Node {
			return condition.Simplify(append(append(condition.And{}, part...), append(append(condition.And{}, and[:i]...), and[i+1:]...)...))
		}
		return []condition.Node{with(ids), with(others, condition.Not{Of: ids})}
	}
	return []condition.Node{n}
}

// hasID says that a condition fits nothing but records with an id.
func hasID(n condition.Node) bool {
	switch n := n.(type) {
	case condition.Leaf:
		return n.Op == condition.OpEqual && (n.Field.Name == condition.LogTraceID || n.Field.Name == condition.LogSpanID)
	case condition.And:
		for _, of := range n {
			if hasID(of) {
				return true
			}
		}
	}
	return false
}
