package logs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/tally"
)

// maxStreamSteps bounds an answer: steps of resources, of some 100 bytes while they are added up.
const maxStreamSteps = 200_000

// LogStreams counts log records by resource and step, to the microsecond, in no order of resources. It is
// plait.ErrTooLarge when there are more than an answer has room for.
func (s *Reader) LogStreams(ctx context.Context, q query.LogStreams) ([]query.LogStream, error) {
	steps := tally.NewSteps(q.Range, q.Step, true)
	if steps.From >= steps.To {
		return nil, nil
	}
	type place struct{ resource, step int64 }
	sums := map[place]query.LogStep{}
	err := s.counted.Logs(ctx, steps, false, func(c *counts.LogCell) error {
		at := place{c.Resource, c.Minute}
		sum := sums[at]
		sum.Index, sum.Count, sum.Bytes = int(c.Minute), sum.Count+c.Count, sum.Bytes+c.Bytes
		sums[at] = sum
		if len(sums) > maxStreamSteps {
			return plait.Errorf(plait.ErrTooLarge, "the streams and steps are more than %d: make the step longer or the range shorter", maxStreamSteps)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byResource := map[int64][]query.LogStep{}
	for at, sum := range sums {
		byResource[at.resource] = append(byResource[at.resource], sum)
	}
	resources, err := s.entries.Resources.Entries(ctx, maps.Keys(byResource))
	if err != nil {
		return nil, fmt.Errorf("read the resources of log records: %w", err)
	}
	all := make([]query.LogStream, 0, len(byResource))
	for id, of := range byResource {
		slices.SortFunc(of, func(a, b query.LogStep) int { return cmp.Compare(a.Index, b.Index) })
		all = append(all, query.LogStream{Resource: resources[id], Steps: of})
	}
	return all, nil
}
