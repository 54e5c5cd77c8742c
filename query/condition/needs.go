package condition

import (
	"cmp"
	"slices"
)

// Needs says what of a row a condition looks at, so that no more is read and decoded.
type Needs struct {
	// Fields are all fields but those of the parent, each once, sorted.
	Fields []Field
	// Parent is what is needed of the span's parent, as fields of a span; nil when nothing is.
	Parent *Needs
	// Spans is what is needed of the spans of a trace; nil when nothing is.
	Spans *Needs
}

// NeedsOf returns what a condition looks at.
func NeedsOf(n Node) Needs {
	var needs Needs
	needs.add(n)
	needs.sort()
	return needs
}

// Has says whether a field of some name is needed.
func (n *Needs) Has(name Name) bool {
	return slices.ContainsFunc(n.Fields, func(f Field) bool { return f.Name == name })
}

// Trace says whether values of the whole trace are needed.
func (n *Needs) Trace() bool {
	return slices.ContainsFunc(n.Fields, func(f Field) bool { return f.Name.OfTrace() })
}

func (n *Needs) add(tree Node) {
	Walk(tree, func(node Node) bool {
		switch node := node.(type) {
		case Leaf:
			n.addField(node.Field)
		case Computed:
			n.addExpression(node.Left)
			n.addExpression(node.Right)
		case HasSpan:
			if n.Spans == nil {
				n.Spans = &Needs{}
			}
			n.Spans.add(node.Of)
			return false
		}
		return true
	})
}

func (n *Needs) addExpression(e Expression) {
	switch e := e.(type) {
	case FieldOf:
		n.addField(Field(e))
	case Arithmetic:
		n.addExpression(e.Left)
		n.addExpression(e.Right)
	}
}

func (n *Needs) addField(f Field) {
	if !f.Parent {
		n.Fields = append(n.Fields, f)
		return
	}
	if n.Parent == nil {
		n.Parent = &Needs{}
	}
	f.Parent = false
	n.Parent.Fields = append(n.Parent.Fields, f)
}

func (n *Needs) sort() {
	if n == nil {
		return
	}
	slices.SortFunc(n.Fields, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Lookup, b.Lookup), cmp.Compare(a.Path, b.Path))
	})
	n.Fields = slices.Compact(n.Fields)
	n.Parent.sort()
	n.Spans.sort()
}
