package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
)

// anyAttribute asks for spans with an attribute of their own that fits one of some matchers. Which
// attribute sets have one is found out beforehand; of a span's own JSON, patterns tell what may fit.
type anyAttribute struct {
	wanted map[string]matchers  // of a key, any of them
	equal  []attributeCondition // those of wanted that ask for one value
	guess  attributeCondition   // as Postgres is asked
}

func (s *Store) newAnyAttribute(ctx context.Context, wanted []plait.Matcher) (anyAttribute, error) {
	a := anyAttribute{guess: attributeCondition{nested: []string{}, resources: []int64{}, sets: []int64{}}}
	var err error
	if a.wanted, err = compileMatchers(wanted); err != nil {
		return a, err
	}
	for _, m := range wanted {
		if m.Op == plait.MatchEqual {
			c := newAttributeCondition(m.Name, m.Value)
			a.equal = append(a.equal, c)
			a.guess.patterns, a.guess.nested = append(a.guess.patterns, c.patterns...), append(a.guess.nested, c.nested...)
			continue
		}
		a.guess.patterns = append(a.guess.patterns, likePattern(string(plait.AppendJSONString(nil, m.Name))+":"))
	}
	var bad error
	err = queryRows(ctx, s.readPool, func(v [][]byte) {
		if fits, err := a.in(string(v[1])); err != nil {
			bad = err
		} else if fits {
			a.guess.sets = append(a.guess.sets, readInt8(v[0]))
		}
	}, attributeSetsLikeSQL, planned, a.guess.patterns, a.guess.nested)
	if err == nil {
		err = bad
	}
	if err != nil {
		return a, fmt.Errorf("find attribute sets: %w", err)
	}
	slices.Sort(a.guess.sets)
	return a, nil
}

// fits compares what Postgres could only guess at.
func (a *anyAttribute) fits(row *storedSpan) (bool, error) {
	if _, ok := slices.BinarySearch(a.guess.sets, row.attributeSet); ok {
		return true, nil
	}
	return a.in(row.attributes)
}

// in says whether one of the attributes of a JSON object fits. Patterns are compared with their text.
func (a *anyAttribute) in(object string) (bool, error) {
	attributes, err := plait.ParseAttributes(object)
	if err != nil {
		return false, fmt.Errorf("read attributes: %w", err)
	}
	for i := range a.equal {
		if a.equal[i].in(attributes) {
			return true, nil
		}
	}
	for i := range attributes {
		for _, m := range a.wanted[attributes[i].Key] {
			if m.match(attributes[i].Value.Text()) {
				return true, nil
			}
		}
	}
	return false, nil
}
