package index

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/terms"
)

const segmentsSQL = `
SELECT id, shelf, body_bytes, unit_count
FROM plait_store.term_segment
WHERE signal = $1 AND replaced_at = 'infinity'
ORDER BY shelf, id`

// segmentInfo is a segment that is in use.
type segmentInfo struct {
	terms.Size
	shelf time.Time
}

// mergeSegments merges the segments of each shelf, as long as there is something to merge.
func (x *Index) mergeSegments(ctx context.Context, today partition.Day) error {
	failures := map[int64]error{} // of a shelf, by the Unix time of its day
	for {
		all, err := x.listSegments(ctx)
		if err != nil {
			return fmt.Errorf("list segments of the term index: %w", err)
		}
		merged := false
		for group := range groups(all, func(s segmentInfo) int64 { return s.shelf.Unix() }) {
			shelf := group[0].shelf
			if failures[shelf.Unix()] != nil {
				continue
			}
			sizes := make([]terms.Size, len(group))
			for i, s := range group {
				sizes[i] = s.Size
			}
			ids, last := terms.ChooseMerge(sizes, closed(partition.DayOf(shelf), today))
			if len(ids) == 0 {
				continue
			}
			if err := x.mergeThese(ctx, ids, shelf, last); err != nil {
				failures[shelf.Unix()] = fmt.Errorf("merge %d segments of the term index: %w", len(ids), err)
				continue
			}
			x.instruments.mergedSegments.Inc()
			merged = true
		}
		if !merged {
			return errors.Join(slices.Collect(maps.Values(failures))...)
		}
	}
}

// closed says that hardly anything will come to a shelf any more: a day and its next one are over.
func closed(shelf, today partition.Day) bool {
	if shelf.Outside() {
		return shelf < partition.OutsideShelf(today-1)
	}
	return shelf < today-1
}

func (x *Index) listSegments(ctx context.Context) ([]segmentInfo, error) {
	rows, err := x.pool.Query(ctx, segmentsSQL, int16(x.signal))
	if err != nil {
		return nil, pgerror.Read(err)
	}
	bytes := 0
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s segmentInfo, err error) {
		err = row.Scan(&s.ID, &s.shelf, &s.Bytes, &s.Units)
		bytes += s.Bytes
		return s, err
	})
	x.instruments.segments.Set(float64(len(all)))
	x.instruments.bytes.Set(float64(bytes))
	return all, pgerror.Read(err)
}

// mergeThese makes a segment of some segments.
func (x *Index) mergeThese(ctx context.Context, ids []int64, shelf time.Time, last bool) error {
	b := terms.NewBuilder(x.hasher, x.signal.order())
	if err := x.addSegments(ctx, b, ids); err != nil {
		return err
	}
	segment, err := b.Build(ctx, last)
	if err != nil {
		return err
	}
	return x.replace(ctx, replaceSegmentsSQL, ids, shelf, segment)
}

// addSegments adds segments to what a builder makes.
func (x *Index) addSegments(ctx context.Context, b *terms.Builder, ids []int64) error {
	directories, err := load(ctx, x, x.directories, ids, directoriesSQL, terms.ParseDirectory)
	if err != nil {
		return err
	}
	for i, d := range directories {
		if err := b.AddSegment(ctx, ids[i], d, source{x.pool}); err != nil {
			return err
		}
	}
	return nil
}
