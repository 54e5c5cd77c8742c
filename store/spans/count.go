package spans

import (
	"context"
	"fmt"

	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// countedRows is how many spans a range may have, of any operation, for those that fit to be counted one by one.
const countedRows = 50_000

const countSpansSQL = `
SELECT count(*)
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL

// SpanCount tells how many spans fit that start in a range, whose both ends are needed. Of many it tells about how many, from the
// counts by the minute, and -1 where these do not tell what fits.
func (s *Reader) SpanCount(ctx context.Context, q query.Spans) (n int64, about bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("count spans: %w", err)
		}
	}()
	plan, err := s.newSpanPlan(ctx, q.Condition)
	if err != nil {
		return 0, false, err
	}
	walk := search.NewWalk(q.Range, false, s.now()) // for its ends
	plan.narrows(&walk)
	if plan.impossible() || walk.Done() {
		return 0, false, nil
	}
	all, fitting, err := s.countCells(ctx, plan, walk.From, walk.To)
	switch {
	case err != nil:
		return 0, false, err
	case all > countedRows && plan.exact:
		return int64(fitting + 0.5), true, nil
	case all > countedRows:
		return -1, true, nil
	case plan.exact:
		err = pg.QueryRows(ctx, s.search, func(v [][]byte) { n = rowcodec.Int8(v[0]) }, countSpansSQL, plan.arguments(walk.From, walk.To)...)
		return n, false, err
	}
	err = s.eachFitting(ctx, s.search, plan, func(rows []storedSpan) error {
		n += int64(len(rows))
		return nil
	}, heatmapRowsSQL, plan.arguments(walk.From, walk.To)...)
	return n, false, err
}

// countCells counts the spans of the minutes that a range touches, and about how many in the range fit: of a minute of which it
// touches a part, that part.
func (s *Reader) countCells(ctx context.Context, plan *spanPlan, from, to int64) (all int64, fitting float64, err error) {
	fits := plan.cells()
	err = s.tally.SpanMinutes(ctx, from, to, func(c *counts.SpanCell) error {
		all += c.Count
		if !fits(c) {
			return nil
		}
		begin := c.Minute * counts.MinuteMicros
		part := float64(min(to, begin+counts.MinuteMicros)-max(from, begin)) / float64(counts.MinuteMicros)
		for _, b := range c.Buckets {
			if plan.took(b.Index) {
				fitting += part * float64(b.Count)
			}
		}
		return nil
	})
	return all, fitting, err
}
