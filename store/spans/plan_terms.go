package spans

import (
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
)

// termPlanner makes plans for the term index: what it leaves out is compared in the rows.
type termPlanner struct {
	hasher  *terms.Hasher
	entries *dictionary.Entries
	err     error
}

// group is the plan for the spans of some operations.
func (t *termPlanner) group(g operationGroup) *terms.Plan {
	known := !g.all && len(g.operations) <= search.MaxTerms
	of := t.node(g.remaining, g.operations)
	if !known {
		return of
	}
	return terms.All(t.hasher.AnyID(terms.Operation, g.operations...), of)
}

// node is the plan for a condition on spans of some operations.
func (t *termPlanner) node(n condition.Node, operations []int64) *terms.Plan {
	switch n := n.(type) {
	case condition.Const:
		if !n {
			return terms.Nothing()
		}
	case condition.And:
		return terms.All(t.each(n, operations)...)
	case condition.Or:
		return terms.OneOf(t.each(n, operations)...)
	case condition.Leaf:
		return t.leaf(n, operations)
	case condition.Not:
		l, ok := n.Of.(condition.Leaf)
		if ok && l == (condition.Leaf{Field: condition.Field{Name: condition.SpanParentID}, Op: condition.OpExists}) {
			return t.ofOperations(terms.RootOperation, operations)
		}
	}
	return terms.Everything()
}

func (t *termPlanner) each(nodes []condition.Node, operations []int64) []*terms.Plan {
	plans := make([]*terms.Plan, len(nodes))
	for i, n := range nodes {
		plans[i] = t.node(n, operations)
	}
	return plans
}

// ofOperations asks for spans that are somehow, of some operations. None are those of a dictionary that is not known.
func (t *termPlanner) ofOperations(space terms.Space, operations []int64) *terms.Plan {
	if len(operations) == 0 || len(operations) > search.MaxTerms {
		return terms.Everything()
	}
	return t.hasher.AnyID(space, operations...)
}

func (t *termPlanner) leaf(l condition.Leaf, operations []int64) *terms.Plan {
	if l.Field.Parent {
		return terms.Everything()
	}
	switch l.Field.Name {
	case condition.SpanStatus:
		if l.Op == condition.OpEqual && l.Value == condition.Status(plait.StatusError) {
			return t.ofOperations(terms.ErrorOperation, operations)
		}
	case condition.SpanDuration:
		least, _ := condition.Bounds(l, l.Field)
		if least > 0 && least < math.MaxInt64 && len(operations) > 0 && len(operations) <= search.MaxTerms {
			return t.hasher.SlowerThan(least, operations...)
		}
	case condition.SpanName: // of a span whose operation has none
		if values, ok := l.Spellings(); ok && t.entries.Operations.Whole() { // else the name may be an operation's
			plans := []*terms.Plan{}
			for _, v := range values {
				if v.Kind() == plait.KindString && v.Str() != "" {
					plans = append(plans, terms.Any(t.hasher.Text(terms.SpanName, v.Str())))
				}
			}
			if len(plans) > 0 && l.Value.Type() == condition.TypeString {
				return terms.OneOf(plans...)
			}
		}
	case condition.SpanAttribute:
		return t.attribute(l)
	}
	return terms.Everything()
}

// attribute asks for spans with an attribute in their set or in the row.
func (t *termPlanner) attribute(l condition.Leaf) *terms.Plan {
	compiled, err := condition.CompileSpans(l)
	if err != nil {
		t.err = err
		return terms.Everything()
	}
	span := plait.Span{Attributes: make(plait.Attributes, 1)}
	view := condition.SpanView{Span: &span}
	return search.AttributeTerms(t.hasher, t.entries.AttributeSets, nil, l, func(a plait.Attribute) bool {
		span.Attributes[0] = a
		return compiled.Match(&view)
	})
}
