package search

import (
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/terms"
)

// MaxTerms bounds how many ids of a kind a plan for the term index asks for. Beyond them it does without.
const MaxTerms = 4_000

// AttributeTerms plans for rows that have an attribute as a leaf wants it, in their attribute set or by themselves.
// fits says whether a single attribute is as the leaf wants it.
func AttributeTerms(h *terms.Hasher, sets *dictionary.AttributeSets, l condition.Leaf, fits func(plait.Attribute) bool) *terms.Plan {
	row := attributeInRow(h, l)
	if row.NarrowsNothing() || !sets.Whole() {
		return terms.Everything()
	}
	ids := sets.Fitting(mayBeOf(l.Field), fits)
	if len(ids) > MaxTerms {
		return terms.Everything()
	}
	return terms.OneOf(h.AnyID(terms.AttributeSet, ids...), row)
}

// mayBeOf says which keys a field is looked up under.
func mayBeOf(f condition.Field) func(key string) bool {
	switch f.Lookup {
	case condition.LookupDotted:
		return func(key string) bool { return key == f.Key || strings.HasPrefix(f.Key, key+".") }
	case condition.LookupLabel:
		return func(string) bool { return true }
	case condition.LookupExact:
	}
	return func(key string) bool { return key == f.Key }
}

// attributeInRow asks for rows with the attribute among those that are in no set.
func attributeInRow(h *terms.Hasher, l condition.Leaf) *terms.Plan {
	if l.Field.Lookup == condition.LookupLabel && strings.Contains(l.Field.Key, "_") {
		return terms.Everything() // many keys read as the label
	}
	values, ok := l.Spellings()
	if !ok {
		return h.HasKey(l.Field.Key)
	}
	spelled := make([][]byte, len(values))
	for i, v := range values {
		spelled[i] = v.AppendJSON(nil)
	}
	return h.HasAttribute(l.Field.Key, spelled...)
}
