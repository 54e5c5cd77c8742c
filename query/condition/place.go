package condition

import "github.com/plaithq/plait"

// Place is where a span stands in the tree of its trace, as TraceQL numbers it: a walk through the tree, depth
// first, counts from 1 and gives each span a number on the way down and one on the way up.
type Place struct {
	NestedSetLeft, NestedSetRight int64 // of the span: down and up
	NestedSetParent               int64 // NestedSetLeft of its parent, -1 for a root
	ChildCount                    int64
}

// OfPlace says whether a span's field is one of its place. No such field is known of one row: who reads rows
// alone leaves them out of the conditions that he asks.
func (n Name) OfPlace() bool { return n >= NestedSetLeft && n <= ChildCount }

// field reads a field of a place.
func (p *Place) field(n Name) plait.Value {
	switch n {
	case NestedSetLeft:
		return plait.IntValue(p.NestedSetLeft)
	case NestedSetRight:
		return plait.IntValue(p.NestedSetRight)
	case NestedSetParent:
		return plait.IntValue(p.NestedSetParent)
	}
	return plait.IntValue(p.ChildCount)
}

// placeReader reads a field of a span's place. It has no value where the place is not known.
func placeReader(n Name) reader[SpanView] {
	return func(v *SpanView, fits test) bool { return v.Place != nil && fits(v.Place.field(n)) }
}
