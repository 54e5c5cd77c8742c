package dictionary

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// AttributeCondition asks for an attribute with a value, given as the text that a user types
// (see wantedValue). A key with dots is looked for as it is, and in maps: order.id is the member id
// of order, too, also where order is a list of maps. An attribute stands in a resource, in an
// attribute set, or with the record itself. Which entries of the first two fit is found out
// beforehand; of a record's own JSON, patterns tell what may fit, and in tells what does.
type AttributeCondition struct {
	key    string
	wanted wantedValue

	Patterns  []string // of JSON text that may hold the attribute
	Nested    []string // of JSON text that may hold it in a map or a list
	Holds     string   // what all of that text has in it, empty where nothing is known
	Resources []int64  // sorted ids of entries that hold it
	Sets      []int64
}

// maxKeyDots bounds in how many places a key may be split into those of maps.
const maxKeyDots = 8

// NewAttributeCondition returns the condition that an attribute has a value which a text names, without the
// dictionary entries that fulfil it.
func NewAttributeCondition(key, text string) AttributeCondition {
	c := AttributeCondition{key: rowcodec.CleanText(key), wanted: newWantedValue(rowcodec.CleanText(text)), Nested: []string{}}
	spellings := c.wanted.spellings()
	c.Holds = commonText(spellings)
	for _, v := range spellings {
		c.whole(string(v))
		c.within(c.key, "[", string(v))
		for outer := range outerKeys(c.key) {
			c.within(outer, "{", string(v))
			c.within(outer, "[", string(v))
		}
	}
	if c.wanted.nested != nil {
		c.Holds = ""
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
func (c *AttributeCondition) whole(value string) {
	member := string(plait.AppendJSONString(nil, c.key)) + ":" + value
	if value[len(value)-1] == '"' || value[len(value)-1] == '}' {
		c.Patterns = add(c.Patterns, pg.LikePattern(member))
		return
	}
	c.Patterns = add(add(c.Patterns, pg.LikePattern(member+",")), pg.LikePattern(member+"}"))
}

// within adds the pattern of a key whose value begins with a bracket, and holds something.
func (c *AttributeCondition) within(key, begin, holds string) {
	c.Nested = add(c.Nested, pg.LikePattern(string(plait.AppendJSONString(nil, key))+":"+begin)+strings.TrimPrefix(pg.LikePattern(holds), "%"))
}

func add(patterns []string, p string) []string {
	if slices.Contains(patterns, p) {
		return patterns
	}
	return append(patterns, p)
}

// NestingSQL says whether attributes may have a map or a list among their values. Few have, and there are
// many patterns for what is in one.
const NestingSQL = `(strpos(attributes, '":{') > 0 OR strpos(attributes, '":[') > 0)`

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

// In says whether one of the attributes is the one.
func (c *AttributeCondition) In(attributes plait.Attributes) bool {
	return c.under(attributes, c.key)
}

func (c *AttributeCondition) under(attributes plait.Attributes, key string) bool {
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
func (c *AttributeCondition) inside(v plait.Value, key string) bool {
	switch v.Kind() {
	case plait.KindMap:
		if strings.HasPrefix(key, "$") {
			key = "$" + key // as plait.AppendJSONKey writes it
		}
		members, err := canonical.ParseAttributes(v.Str())
		return err == nil && c.under(members, key)
	case plait.KindArray:
		return slices.ContainsFunc(elements(v), func(member plait.Value) bool {
			return member.Kind() == plait.KindMap && c.inside(member, key)
		})
	}
	return false
}

// inDictionary says whether a record with the resource and attribute set has the attribute.
func (c *AttributeCondition) inDictionary(resource, attributeSet int64) bool {
	if _, ok := slices.BinarySearch(c.Resources, resource); ok {
		return true
	}
	_, ok := slices.BinarySearch(c.Sets, attributeSet)
	return ok
}

// AttributesFit says whether a record has the attributes of all conditions.
func AttributesFit(conditions []AttributeCondition, resource, attributeSet int64, own string) (bool, error) {
	var attributes plait.Attributes
	for i := range conditions {
		c := &conditions[i]
		if c.inDictionary(resource, attributeSet) {
			continue
		}
		if attributes == nil {
			var err error
			if attributes, err = canonical.ParseAttributes(own); err != nil {
				return false, fmt.Errorf("read attributes: %w", err)
			}
		}
		if !c.In(attributes) {
			return false, nil
		}
	}
	return true, nil
}

const (
	resourcesLikeSQL = `
SELECT id, attributes
FROM plait_store.resource
WHERE attributes LIKE ANY ($1) OR ` + NestingSQL + ` AND attributes LIKE ANY ($2)`

	// AttributeSetsLikeSQL finds the attribute sets whose text fits LIKE patterns, $1, or, with a map or an array, $2.
	AttributeSetsLikeSQL = `
SELECT id, attributes
FROM plait_store.attribute_set
WHERE attributes LIKE ANY ($1) OR ` + NestingSQL + ` AND attributes LIKE ANY ($2)`
)

// AttributeConditions makes conditions of attributes whose values are texts, the rarest first.
func (d *Reader) AttributeConditions(ctx context.Context, attributes []plait.Attribute) ([]AttributeCondition, error) {
	conditions := make([]AttributeCondition, 0, len(attributes))
	for _, a := range attributes {
		c := NewAttributeCondition(a.Key, a.Value.Text())
		var err error
		if c.Resources, err = d.entriesWith(ctx, &c, resourcesLikeSQL); err != nil {
			return nil, fmt.Errorf("find resources with attribute %s: %w", a.Key, err)
		}
		if c.Sets, err = d.entriesWith(ctx, &c, AttributeSetsLikeSQL); err != nil {
			return nil, fmt.Errorf("find attribute sets with attribute %s: %w", a.Key, err)
		}
		conditions = append(conditions, c)
	}
	slices.SortStableFunc(conditions, func(a, b AttributeCondition) int {
		return cmp.Compare(len(a.Resources)+len(a.Sets), len(b.Resources)+len(b.Sets))
	})
	return conditions, nil
}

// entriesWith returns the sorted ids of the dictionary entries that have the attribute.
func (d *Reader) entriesWith(ctx context.Context, c *AttributeCondition, sql string) ([]int64, error) {
	ids := []int64{}
	var bad error
	err := pg.QueryRows(ctx, d.search, func(v [][]byte) {
		attributes, err := canonical.ParseAttributes(string(v[1]))
		if err != nil {
			bad = err
		} else if c.In(attributes) {
			ids = append(ids, rowcodec.Int8(v[0]))
		}
	}, sql, pg.Planned, c.Patterns, c.Nested)
	slices.Sort(ids)
	return ids, cmp.Or(err, bad)
}
