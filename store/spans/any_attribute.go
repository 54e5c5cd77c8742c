package spans

import (
	"context"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// anyAttribute asks for spans with an attribute of their own that fits one of some matchers. Which
// attribute sets have one is found out beforehand; of a span's own JSON, patterns tell what may fit.
type anyAttribute struct {
	wanted map[string]matchers             // of a key, any of them
	equal  []dictionary.AttributeCondition // those of wanted that ask for one value
	guess  dictionary.AttributeCondition   // as Postgres is asked
}

func (s *Reader) newAnyAttribute(ctx context.Context, wanted []plait.Matcher) (anyAttribute, error) {
	a := anyAttribute{guess: dictionary.AttributeCondition{Nested: []string{}, Resources: []int64{}, Sets: []int64{}}}
	var err error
	if a.wanted, err = compileMatchers(wanted); err != nil {
		return a, err
	}
	for _, m := range wanted {
		if m.Op == plait.MatchEqual {
			c := dictionary.NewAttributeCondition(m.Name, m.Value)
			a.equal = append(a.equal, c)
			a.guess.Patterns, a.guess.Nested = append(a.guess.Patterns, c.Patterns...), append(a.guess.Nested, c.Nested...)
			continue
		}
		a.guess.Patterns = append(a.guess.Patterns, pg.LikePattern(string(plait.AppendJSONString(nil, m.Name))+":"))
	}
	var bad error
	err = pg.QueryRows(ctx, s.search, func(v [][]byte) {
		if fits, err := a.in(string(v[1])); err != nil {
			bad = err
		} else if fits {
			a.guess.Sets = append(a.guess.Sets, rowcodec.Int8(v[0]))
		}
	}, dictionary.AttributeSetsLikeSQL, pg.Planned, a.guess.Patterns, a.guess.Nested)
	if err == nil {
		err = bad
	}
	if err != nil {
		return a, fmt.Errorf("find attribute sets: %w", err)
	}
	slices.Sort(a.guess.Sets)
	return a, nil
}

// fits compares what Postgres could only guess at.
func (a *anyAttribute) fits(row *storedSpan) (bool, error) {
	if _, ok := slices.BinarySearch(a.guess.Sets, row.attributeSet); ok {
		return true, nil
	}
	return a.in(row.attributes)
}

// in says whether one of the attributes of a JSON object fits. Patterns are compared with their text.
func (a *anyAttribute) in(object string) (bool, error) {
	attributes, err := canonical.ParseAttributes(object)
	if err != nil {
		return false, fmt.Errorf("read attributes: %w", err)
	}
	for i := range a.equal {
		if a.equal[i].In(attributes) {
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
