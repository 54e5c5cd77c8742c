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
// Keys are those of all rows, for labels; nil where nobody knows them. fits says whether a single attribute is as the leaf wants it.
func AttributeTerms(h *terms.Hasher, sets *dictionary.AttributeSets, keys *dictionary.RecordKeys, l condition.Leaf, fits func(plait.Attribute) bool) *terms.Plan {
	row := attributeInRow(h, keys, l)
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
		return func(key string) bool { return mayReadAs(f.Key, key) != nothing }
	case condition.LookupExact:
	}
	return func(key string) bool { return key == f.Key }
}

// attributeInRow asks for rows with the attribute among those that are in no set.
func attributeInRow(h *terms.Hasher, known *dictionary.RecordKeys, l condition.Leaf) *terms.Plan {
	if l.Field.Lookup != condition.LookupLabel {
		return attributeOfKey(h, l.Field.Key, l)
	}
	keys, maps, ok := keysOfLabel(known, l.Field.Key)
	if !ok {
		return terms.Everything()
	}
	plans := make([]*terms.Plan, 0, len(keys)+len(maps))
	for _, key := range keys {
		plans = append(plans, attributeOfKey(h, key, l))
	}
	for _, key := range maps {
		plans = append(plans, h.HasKey(key))
	}
	return terms.OneOf(plans...)
}

// attributeOfKey asks for rows whose attribute of a key is as a leaf wants it.
func attributeOfKey(h *terms.Hasher, key string, l condition.Leaf) *terms.Plan {
	values, ok := l.Spellings()
	if !ok {
		return h.HasKey(key)
	}
	spelled := make([][]byte, len(values))
	for i, v := range values {
		spelled[i] = v.AppendJSON(nil)
	}
	return h.HasAttribute(key, spelled...)
}
