package thin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
)

// What is gone is remembered by the lower halves of its ids, 8 bytes each: an id is one of a list of those with the same low bits that began
// in the same hour of a day and of which the same share was kept, so that few are looked through to find one.

// lists is into how many lists the ids of a stratum are split.
const lists = 64

const (
	rememberDaySQL = `
INSERT INTO plait_store.thinned_day (shelf, thinned_at, indexed, probabilities, kept, kept_by_chance, gone, bytes_before, bytes_after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	rememberTracesSQL = `
INSERT INTO plait_store.thinned_trace (shelf, list, hour, low_ids) -- the column hour has the stratum
SELECT $1, (low_id & $2)::int2, stratum, array_agg(low_id)
FROM pg_temp.plait_thin
WHERE reason = '` + reasonGone + `'
GROUP BY 2, 3`

	findThinnedSQL = `
SELECT d.shelf, d.thinned_at, d.probabilities[t.hour + 1]
FROM plait_store.thinned_trace t
JOIN plait_store.thinned_day d ON d.shelf = t.shelf
WHERE t.list = $1 AND $2 = ANY (t.low_ids)
ORDER BY d.shelf DESC
LIMIT 1`

	thinnedShelvesSQL = `
SELECT shelf
FROM plait_store.thinned_day`
)

// rememberTraces notes which traces are gone.
func rememberTraces(ctx context.Context, r *partition.Rewriting) error {
	if _, err := r.Exec(ctx, rememberTracesSQL, r.Day.Time(), int64(lists-1)); err != nil {
		return fmt.Errorf("note what is gone: %w", err)
	}
	return nil
}

// rememberDay notes that the day is thinned.
func (t *Thinner) rememberDay(ctx context.Context, r *partition.Rewriting, v *verdicts, bytes partition.Rewritten) error {
	gone := v.traces[reasonGone]
	_, err := r.Exec(ctx, rememberDaySQL, r.Day.Time(), t.partitions.Now(), gone == 0, v.probabilities, v.kept(), v.traces[reasonChance], gone, bytes.Before, bytes.After)
	if err != nil {
		return fmt.Errorf("note that the day is thinned: %w", err)
	}
	return nil
}

// Find returns what is known of a trace that went when its day was thinned, or nil.
func (t *Thinner) Find(ctx context.Context, id plait.TraceID) (*plait.ThinnedTrace, error) {
	low := int64(id.Low())
	var found plait.ThinnedTrace
	err := t.pool.QueryRow(ctx, findThinnedSQL, int16(low&(lists-1)), low).Scan(&found.Day, &found.At, &found.KeptProbability)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for a thinned trace: %w", pgerror.Read(err))
	}
	return &found, nil
}

// Retain forgets the days whose rows are gone.
func (t *Thinner) Retain(ctx context.Context, kept func(partition.Shelf) bool) error {
	rows, err := t.pool.Query(ctx, thinnedShelvesSQL)
	if err != nil {
		return fmt.Errorf("list thinned days: %w", pgerror.Read(err))
	}
	shelves, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("list thinned days: %w", pgerror.Read(err))
	}
	for _, shelf := range shelves {
		if kept(partition.DayOf(shelf)) {
			continue
		}
		for _, table := range []string{"thinned_trace", "thinned_day"} {
			if _, err := t.pool.Exec(ctx, "DELETE FROM plait_store."+table+" WHERE shelf = $1", shelf); err != nil {
				return fmt.Errorf("forget a thinned day: %w", pgerror.Read(err))
			}
		}
	}
	return nil
}
