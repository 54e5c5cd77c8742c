package search

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
)

// ErrTooManyGroups says that an answer by groups and steps takes more memory than it may.
var ErrTooManyGroups = plait.Errorf(plait.ErrTooLarge,
	"the groups and steps take more memory than an answer may, or others leave none: ask for a longer step, a shorter range or fewer groups")

// OnlyFields is plait.ErrInvalid for a condition that looks at fields other than those.
func OnlyFields(n condition.Node, known ...condition.Name) error {
	needs := condition.NeedsOf(n)
	for _, f := range needs.Fields {
		if !slices.Contains(known, f.Name) {
			return plait.Errorf(plait.ErrInvalid, "%s is not counted by the minute", f)
		}
	}
	if needs.Parent != nil || needs.Spans != nil {
		return plait.Errorf(plait.ErrInvalid, "parents and traces are not counted by the minute")
	}
	return nil
}
