package index

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
)

// How long what is not in use any more stays, for searches that have begun. They read heads at once, and
// segments until they end.
const (
	headsStay    = time.Minute
	segmentsStay = 5 * time.Minute
)

const (
	removeReplacedHeadsSQL = `
DELETE FROM plait_store.term_head
WHERE signal = $1 AND replaced_at < now() - $2::interval`

	removeReplacedSegmentsSQL = `
DELETE FROM plait_store.term_segment
WHERE signal = $1 AND replaced_at < now() - $2::interval`
)

func (x *Index) removeReplaced(ctx context.Context) error {
	for _, what := range []struct {
		sql   string
		stays time.Duration
	}{{removeReplacedHeadsSQL, headsStay}, {removeReplacedSegmentsSQL, segmentsStay}} {
		if _, err := x.pool.Exec(ctx, what.sql, int16(x.signal), what.stays); err != nil {
			return fmt.Errorf("remove what merges of the term index replaced: %w", pgerror.Read(err))
		}
	}
	return nil
}

const (
	shelvesSQL = `
SELECT shelf
FROM plait_store.term_head
WHERE signal = $1 AND replaced_at = 'infinity'
UNION
SELECT shelf
FROM plait_store.term_segment
WHERE signal = $1 AND replaced_at = 'infinity'`

	retireHeadsSQL = `
UPDATE plait_store.term_head
SET replaced_at = now()
WHERE signal = $1 AND shelf = ANY ($2) AND replaced_at = 'infinity'`

	retireSegmentsSQL = `
UPDATE plait_store.term_segment
SET replaced_at = now()
WHERE signal = $1 AND shelf = ANY ($2) AND replaced_at = 'infinity'`
)

// Retain takes the index of the shelves whose rows are gone out of use.
func (x *Index) Retain(ctx context.Context, kept func(partition.Shelf) bool) error {
	rows, err := x.pool.Query(ctx, shelvesSQL, int16(x.signal))
	if err != nil {
		return fmt.Errorf("list days of the term index: %w", pgerror.Read(err))
	}
	shelves, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("list days of the term index: %w", pgerror.Read(err))
	}
	shelves = slices.DeleteFunc(shelves, func(t time.Time) bool { return kept(partition.DayOf(t)) })
	if len(shelves) == 0 {
		return nil
	}
	for _, sql := range []string{retireHeadsSQL, retireSegmentsSQL} {
		if _, err := x.pool.Exec(ctx, sql, int16(x.signal), shelves); err != nil {
			return fmt.Errorf("retire the term index of %d days: %w", len(shelves), pgerror.Read(err))
		}
	}
	return nil
}
