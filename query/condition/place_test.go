package condition_test

import (
	"testing"

	. "github.com/plaithq/plait/query/condition"
)

func TestPlacesAreAskedWhereTheyAreKnown(t *testing.T) {
	t.Parallel()
	children := Field{Name: ChildCount}
	two := Leaf{Field: children, Op: OpEqual, Value: Int(2)}
	computed := Computed{Left: FieldOf(Field{Name: NestedSetLeft}), Op: OpGreater, Right: Arithmetic{FieldOf(children), '*', Constant(Int(3))}}
	view := SpanView{Span: spanWith(nil), Place: &Place{NestedSetLeft: 7, NestedSetRight: 12, NestedSetParent: 1, ChildCount: 2}}
	for _, n := range []Node{two, computed, Exists(children), Not{Leaf{Field{Name: NestedSetParent}, OpLess, Int(0)}}, NotEqual(Field{Name: NestedSetRight}, Float(1.5))} {
		c, err := CompileSpans(n)
		if err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		if !c.Match(&view) {
			t.Errorf("%s does not hold", n)
		}
		if _, negated := n.(Not); !negated && c.Match(&SpanView{Span: view.Span}) {
			t.Errorf("%s holds where the place is not known", n)
		}
	}
	if _, err := CompileSpans(Leaf{Field: Field{Name: ChildCount, Parent: true}, Op: OpEqual, Value: Int(2)}); err == nil {
		t.Error("the place of a parent is asked, want that it is refused")
	}
	if _, err := CompileTraces(two); err == nil {
		t.Error("a trace is asked for the place of a span, want that it is refused")
	}
}
