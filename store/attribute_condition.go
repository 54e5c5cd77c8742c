package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// attributeCondition asks for an attribute with a value, given as the text that a user types
// (see wantedValue). A key with dots is looked for as it is, and in maps: order.id is the member id
// of order, too, also where order is a list of maps. An attribute stands in a resource, in an
// attribute set, or with the record itself. Which entries of the first two fit is found out
// beforehand; of a record's own JSON, patterns tell what may fit, and in tells what does.
type attributeCondition struct {
	key    string
	wanted wantedValue

	patterns  []string // of JSON text that may hold the attribute
	nested    []string // of JSON text that may hold it in a map or a list
	holds     string   // what all of that text has in it, empty where nothing is known
	resources []int64  // sorted ids of entries that hold it
	sets      []int64
}

// maxKeyDots bounds in how many places a key may be split into those of maps.
const maxKeyDots = 8

func newAttributeCondition(key, text string) attributeCondition {
	c := attributeCondition{key: cleanText(key), wanted: newWantedValue(cleanText(text)), nested: []string{}}
	spellings := c.wanted.spellings()
	c.holds = commonText(spellings)
	for _, v := range spellings {
		c.whole(string(v))
		c.within(c.key, "[", string(v))
		for outer := range outerKeys(c.key) {
			c.within(outer, "{", string(v))
			c.within(outer, "[", string(v))
		}
	}
	if c.wanted.nested != nil {
		c.holds = ""
		for _, open := range []string{"[", "{"} {
			c.within(c.key, open, "")
			for outer := range outerKeys(c.key) {
				c.within(outer, open, "")
			}
		}
	}
	return c
}

// commonText is a spelling that all have within them, without its quotes; empty where there is none. Most
// rows lack it, and to see that takes less time than to compare them with one pattern.
func commonText(spellings [][]byte) string {
	for _, s := range spellings {
		s = bytes.Trim(s, `"`)
		if !slices.ContainsFunc(spellings, func(other []byte) bool { return !bytes.Contains(other, s) }) {
			return string(s)
		}
	}
	return ""
}

// whole adds the patterns of the key with a value that is all of it: what has no quotes around it is
// followed by a comma, or by the end of the attributes.
func (c *attributeCondition) whole(value string) {
	member := string(plait.AppendJSONString(nil, c.key)) + ":" + value
	if value[len(value)-1] == '"' || value[len(value)-1] == '}' {
		c.patterns = add(c.patterns, likePattern(member))
		return
	}
	c.patterns = add(add(c.patterns, likePattern(member+",")), likePattern(member+"}"))
}

// within adds the pattern of a key whose value begins with a bracket, and holds something.
func (c *attributeCondition) within(key, begin, holds string) {
	c.nested = add(c.nested, likePattern(string(plait.AppendJSONString(nil, key))+":"+begin)+strings.TrimPrefix(likePattern(holds), "%"))
}

func add(patterns []string, p string) []string {
	if slices.Contains(patterns, p) {
		return patterns
	}
	return append(patterns, p)
}

// nestingSQL says whether attributes may have a map or a list among their values. Few have, and there are
// many patterns for what is in one.
const nestingSQL = `(strpos(attributes, '":{') > 0 OR strpos(attributes, '":[') > 0)`

// outerKeys are what stands before the dots of a key, with what stands behind.
func outerKeys(key string) iter.Seq2[string, string] {
	return func(yield func(outer, inner string) bool) {
		for i, dots := 0, 0; i < len(key) && dots < maxKeyDots; i++ {
			if key[i] != '.' {
				continue
			}
			if dots++; !yield(key[:i], key[i+1:]) {
				return
			}
		}
	}
}

// in says whether one of the attributes is the one.
func (c *attributeCondition) in(attributes plait.Attributes) bool {
	return c.under(attributes, c.key)
}

func (c *attributeCondition) under(attributes plait.Attributes, key string) bool {
	if v, ok := attributes.Get(key); ok && c.wanted.fits(v) {
		return true
	}
	for outer, inner := range outerKeys(key) {
		if v, ok := attributes.Get(outer); ok && c.inside(v, inner) {
			return true
		}
	}
	return false
}

// inside looks for the rest of a key in a map, or in the maps of a list.
func (c *attributeCondition) inside(v plait.Value, key string) bool {
	switch v.Kind() {
	case plait.KindMap:
		if strings.HasPrefix(key, "$") {
			key = "$" + key // as plait.AppendJSONKey writes it
		}
		members, err := plait.ParseAttributes(v.Str())
		return err == nil && c.under(members, key)
	case plait.KindArray:
		return slices.ContainsFunc(elements(v), func(member plait.Value) bool {
			return member.Kind() == plait.KindMap && c.inside(member, key)
		})
	}
	return false
}

// inDictionary says whether a record with the resource and attribute set has the attribute.
func (c *attributeCondition) inDictionary(resource, attributeSet int64) bool {
	if _, ok := slices.BinarySearch(c.resources, resource); ok {
		return true
	}
	_, ok := slices.BinarySearch(c.sets, attributeSet)
	return ok
}

// attributesFit says whether a record has the attributes of all conditions.
func attributesFit(conditions []attributeCondition, resource, attributeSet int64, own string) (bool, error) {
	var attributes plait.Attributes
	for i := range conditions {
		c := &conditions[i]
		if c.inDictionary(resource, attributeSet) {
			continue
		}
		if attributes == nil {
			var err error
			if attributes, err = plait.ParseAttributes(own); err != nil {
				return false, fmt.Errorf("read attributes: %w", err)
			}
		}
		if !c.in(attributes) {
			return false, nil
		}
	}
	return true, nil
}

const (
	resourcesLikeSQL = `
SELECT id, attributes
FROM plait_store.resource
WHERE attributes LIKE ANY ($1) OR ` + nestingSQL + ` AND attributes LIKE ANY ($2)`

	attributeSetsLikeSQL = `
SELECT id, attributes
FROM plait_store.attribute_set
WHERE attributes LIKE ANY ($1) OR ` + nestingSQL + ` AND attributes LIKE ANY ($2)`
)

// attributeConditions makes conditions of attributes whose values are texts, the rarest first.
func (s *Store) attributeConditions(ctx context.Context, attributes []plait.Attribute) ([]attributeCondition, error) {
	conditions := make([]attributeCondition, 0, len(attributes))
	for _, a := range attributes {
		c := newAttributeCondition(a.Key, a.Value.Text())
		var err error
		if c.resources, err = s.entriesWith(ctx, &c, resourcesLikeSQL); err != nil {
			return nil, fmt.Errorf("find resources with attribute %s: %w", a.Key, err)
		}
		if c.sets, err = s.entriesWith(ctx, &c, attributeSetsLikeSQL); err != nil {
			return nil, fmt.Errorf("find attribute sets with attribute %s: %w", a.Key, err)
		}
		conditions = append(conditions, c)
	}
	slices.SortStableFunc(conditions, func(a, b attributeCondition) int {
		return cmp.Compare(len(a.resources)+len(a.sets), len(b.resources)+len(b.sets))
	})
	return conditions, nil
}

// entriesWith returns the sorted ids of the dictionary entries that have the attribute.
func (s *Store) entriesWith(ctx context.Context, c *attributeCondition, sql string) ([]int64, error) {
	ids := []int64{}
	var bad error
	err := queryRows(ctx, s.readPool, func(v [][]byte) {
		attributes, err := plait.ParseAttributes(string(v[1]))
		if err != nil {
			bad = err
		} else if c.in(attributes) {
			ids = append(ids, readInt8(v[0]))
		}
	}, sql, planned, c.patterns, c.nested)
	slices.Sort(ids)
	return ids, cmp.Or(err, bad)
}
