package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/plaithq/plait"
)

// attributeCondition asks for an attribute with a value, given as the text that a user types:
// 500 fits the integer, the double and the string. An attribute stands in a resource, in an
// attribute set, or with the record itself. Which entries of the first two fit is found out
// beforehand; of a record's own JSON, patterns tell what may fit, and in tells what does.
type attributeCondition struct {
	key, text string
	number    float64
	isNumber  bool

	patterns  []string // of JSON text that may hold the attribute
	resources []int64  // sorted ids of entries that hold it
	sets      []int64
}

func newAttributeCondition(key, text string) attributeCondition {
	key, text = cleanText(key), cleanText(text)
	c := attributeCondition{key: key, text: text}
	var values []string
	if text == "" {
		values = append(values, "null")
	} else {
		values = append(values, text) // booleans, integers, bytes, arrays, maps
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		c.number, c.isNumber = number, true
		values = append(values, string(plait.DoubleValue(number).AppendJSON(nil)))
		if whole := int64(number); float64(whole) == number {
			values = append(values, strconv.FormatInt(whole, 10))
		}
	}
	values = append(values, string(plait.AppendJSONString(nil, text)))
	prefix := string(plait.AppendJSONString(nil, key)) + ":"
	for _, v := range values {
		if pattern := likePattern(prefix + v); !slices.Contains(c.patterns, pattern) {
			c.patterns = append(c.patterns, pattern)
		}
	}
	return c
}

// in says whether one of the attributes is the one.
func (c *attributeCondition) in(attributes plait.Attributes) bool {
	v, ok := attributes.Get(c.key)
	if !ok {
		return false
	}
	switch v.Kind() {
	case plait.KindInt:
		return v.Text() == c.text || c.isNumber && float64(v.Int()) == c.number
	case plait.KindDouble:
		return v.Text() == c.text || c.isNumber && v.Double() == c.number
	}
	return v.Text() == c.text
}

// inDictionary says whether a record with the resource and attribute set has the attribute.
func (c *attributeCondition) inDictionary(resource, attributeSet int64) bool {
	if _, ok := slices.BinarySearch(c.resources, resource); ok {
		return true
	}
	_, ok := slices.BinarySearch(c.sets, attributeSet)
	return ok
}

const (
	resourcesLikeSQL = `
SELECT id, attributes
FROM plait_store.resource
WHERE attributes LIKE ANY ($1)`

	attributeSetsLikeSQL = `
SELECT id, attributes
FROM plait_store.attribute_set
WHERE attributes LIKE ANY ($1)`
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
	}, sql, planned, c.patterns)
	slices.Sort(ids)
	return ids, cmp.Or(err, bad)
}
