package dictionary

import (
	"slices"
	"strings"
	"testing"

	"github.com/plaithq/plait"
)

func TestDictionaryLargerThanItsBoundIsNotKept(t *testing.T) {
	t.Parallel()
	table := newTable(2000, func(s string) int { return len(s) })
	for id := range int64(10) {
		table.put(id, strings.Repeat("x", 100))
	}
	if !table.Whole() {
		t.Error("a small table is not whole")
	}
	for id := int64(10); id < 20; id++ {
		table.put(id, strings.Repeat("x", 100))
	}
	if _, ok := table.Get(0); ok || table.Whole() {
		t.Errorf("entry kept: %v, whole: %v", ok, table.Whole())
	}
	sets := newAttributeSets(2000)
	for id := range int64(20) {
		sets.put(id+1, plait.Attributes{{Key: "k", Value: plait.StringValue(strings.Repeat("x", int(100+id)))}})
	}
	if n := len(sets.keys) + len(sets.places); n > 0 || sets.Whole() {
		t.Errorf("%d kept, whole: %v", n, sets.Whole())
	}
}

func TestSetsAreFoundByTheAttributesTheyHave(t *testing.T) {
	t.Parallel()
	sets := newAttributeSets(1 << 20)
	one, two := plait.IntValue(1), plait.StringValue("two")
	sets.put(30, plait.Attributes{{Key: "a", Value: one}, {Key: "b", Value: two}})
	sets.put(10, plait.Attributes{{Key: "a", Value: two}})
	sets.put(20, plait.Attributes{{Key: "c", Value: one}})
	sets.put(20, plait.Attributes{{Key: "c", Value: one}})
	for _, c := range []struct {
		keys string
		v    plait.Value
		want []int64
	}{
		{"a", one, []int64{30}},
		{"a", two, []int64{10}},
		{"abc", one, []int64{20, 30}},
		{"abc", two, []int64{10, 30}},
		{"x", one, []int64{}},
	} {
		got := sets.Fitting(func(key string) bool { return strings.Contains(c.keys, key) }, func(a plait.Attribute) bool { return a.Value == c.v })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s with %s: %v, want %v", c.keys, c.v.Text(), got, c.want)
		}
	}
}
