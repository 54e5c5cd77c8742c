package thin

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
)

// mostForgotten bounds the ids that are in memory while the index of terms is made smaller. The index of a day of which more are gone
// stays as it is: a search that it leads to them finds no rows.
const mostForgotten = 4_000_000

const (
	countGoneSQL = `
SELECT gone
FROM plait_store.thinned_day
WHERE shelf = $1`

	goneSQL = `
SELECT unnest(low_ids)
FROM plait_store.thinned_trace
WHERE shelf = $1`

	indexedSQL = `
UPDATE plait_store.thinned_day
SET indexed = true
WHERE shelf = $1`
)

// thinIndex takes the traces that went with a day out of the index of terms.
func (t *Thinner) thinIndex(ctx context.Context, d partition.Day) error {
	gone, err := t.gone(ctx, d)
	if err != nil {
		return fmt.Errorf("read what went with %s: %w", d.Time().Format(time.DateOnly), pgerror.Read(err))
	}
	stays := func(id plait.TraceID) bool {
		_, found := slices.BinarySearch(gone, id.Low())
		return !found || binary.BigEndian.Uint64(id[:8]) == math.MaxUint64 // of records without a trace
	}
	for _, terms := range t.terms {
		if len(gone) == 0 {
			break
		}
		if err := t.whileNobodyMerges(ctx, func() error { return terms.Thin(ctx, d, stays) }); err != nil {
			return fmt.Errorf("take what went with %s out of the index of terms: %w", d.Time().Format(time.DateOnly), err)
		}
	}
	if _, err := t.pool.Exec(ctx, indexedSQL, d.Time()); err != nil {
		return fmt.Errorf("note that the index of terms was thinned: %w", pgerror.Read(err))
	}
	return nil
}

// gone returns the lower halves of the ids that went with a day, sorted; none where they are too many.
func (t *Thinner) gone(ctx context.Context, d partition.Day) ([]uint64, error) {
	var n int64
	if err := t.pool.QueryRow(ctx, countGoneSQL, d.Time()).Scan(&n); err != nil || n > mostForgotten {
		return nil, err
	}
	rows, err := t.pool.Query(ctx, goneSQL, d.Time())
	if err != nil {
		return nil, err
	}
	gone := make([]uint64, 0, n)
	var low int64
	_, err = pgx.ForEachRow(rows, []any{&low}, func() error {
		gone = append(gone, uint64(low))
		return nil
	})
	slices.Sort(gone)
	return gone, err
}

// turnPause is how long it is waited between two looks whether somebody merges.
const turnPause = 100 * time.Millisecond

// whileNobodyMerges does something to the index of terms while no gateway merges it: a merge takes away what is rewritten, and rewriting
// takes as much memory as a merge does.
func (t *Thinner) whileNobodyMerges(ctx context.Context, do func() error) error {
	for {
		done, failed := false, error(nil)
		err := partition.WhenElected(ctx, t.pool, partition.MergeLock, func() { done, failed = true, do() })
		if done || err != nil {
			return errors.Join(failed, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(turnPause):
		}
	}
}
