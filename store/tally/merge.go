package tally

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
)

// How counts are added up.
//
// The counts of commits wait a minute, or until they are many. What a merge makes of them is cut by
// hours, so that a question about an hour reads about an hour's cells. What was made of one hour is merged again
// when there are some of it, one level up, and for good when nothing came to the hour for a while. Levels
// bound how often a cell is written again, also for a sender that writes to all hours all the time.
const (
	enoughCommits = 256
	enoughAge     = time.Minute
	enoughMerged  = 8
	quietAge      = time.Hour
	lastLevel     = 4

	// mergedCells bounds what one merge reads, and with it its memory: some 100 MB. A body of so many cells
	// as whole stays as it is.
	mergedCells = 250_000
	wholeCells  = 50_000
	// soManyCells are worth a body of their own: one with fewer may be of several hours.
	soManyCells = 1000
)

// body is a row of the table, without what is counted.
type body struct {
	id     int64
	signal Signal
	shelf  time.Time
	hour   int64 // of its first minute, since 1970
	level  int   // how often it was merged
	cells  int
	old    bool // of a commit, it waited a minute; else: an hour
}

// group is what bodies have in common that are merged. Times of rows outside of the window lie
// anywhere: their hours are not told apart.
type group struct {
	signal Signal
	shelf  int64
	hour   int64
	level  int
}

func (b *body) group() group {
	g := group{signal: b.signal, shelf: b.shelf.Unix(), level: b.level}
	if b.level > 0 && !b.outside() {
		g.hour = b.hour
	}
	return g
}

func (b *body) outside() bool { return partition.DayOf(b.shelf).Outside() }

const unmergedSQL = `
SELECT id, signal, shelf, first_time, level, cell_count, clock_timestamp() - made_at > CASE WHEN level IN (0, 8) THEN $1::interval ELSE $2::interval END
FROM plait_store.tally
WHERE level < 4 OR level >= 8 AND level < 12
ORDER BY signal, shelf, made_at`

func (t *Tally) unmerged(ctx context.Context) ([]body, error) {
	rows, err := t.pool.Query(ctx, unmergedSQL, enoughAge, quietAge)
	if err != nil {
		return nil, pgerror.Read(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b body, err error) {
		var first time.Time
		err = row.Scan(&b.id, &b.signal, &b.shelf, &first, &b.level, &b.cells, &b.old)
		b.level -= b.signal.firstLevel()
		b.hour = rowcodec.FloorDiv(first.Unix(), 3600)
		return b, err
	})
	return all, pgerror.Read(err)
}

// Merge adds up counts, until there is nothing to merge. Should two gateways merge the same, one of
// them gives up. Nothing is lost when a merge is cut short: it is one transaction.
func (t *Tally) Merge(ctx context.Context) error {
	for again := true; again; {
		all, err := t.unmerged(ctx)
		if err != nil {
			return fmt.Errorf("list counts by the minute: %w", err)
		}
		t.report(all)
		again = false
		for _, some := range due(all) {
			if err := t.merge(ctx, some, some[0].level+1); err != nil {
				return fmt.Errorf("add up counts of %d commits or merges: %w", len(some), err)
			}
			again = true
		}
	}
	return t.mergeQuiet(ctx)
}

// report tells how many commits wait.
func (t *Tally) report(all []body) {
	waiting := map[Signal]int{Spans: 0, Logs: 0, Increments: 0}
	for _, b := range all {
		if b.level == 0 {
			waiting[b.signal]++
		}
	}
	for signal, n := range waiting {
		t.instruments.waiting.WithLabelValues(signal.String()).Set(float64(n))
	}
}

// due returns what is to be merged with one another.
func due(all []body) (merges [][]body) {
	groups := make(map[group][]body)
	var order []group
	for _, b := range all {
		g := b.group()
		if b.cells >= wholeCells {
			continue
		}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], b)
	}
	for _, g := range order {
		some := groups[g]
		commits := g.level == 0 && (len(some) >= enoughCommits || some[0].old)
		if commits || g.level > 0 && len(some) >= enoughMerged {
			merges = append(merges, some[:fitting(some)])
		}
	}
	return merges
}

// fitting is how many of some bodies one merge takes.
func fitting(some []body) int {
	cells := 0
	for i, b := range some {
		if cells += b.cells; cells > mergedCells {
			return i
		}
	}
	return len(some)
}

const ofHourSQL = `
SELECT id, cell_count
FROM plait_store.tally
WHERE signal = $1 AND shelf = $2 AND level > $5 AND last_time >= $3 AND first_time >= $3 AND first_time < $3 + interval '1 hour' AND cell_count < $4
ORDER BY made_at`

// mergeQuiet adds up what there is of hours to which nothing came for a while.
func (t *Tally) mergeQuiet(ctx context.Context) error {
	all, err := t.unmerged(ctx)
	if err != nil {
		return fmt.Errorf("list counts by the minute: %w", err)
	}
	quiet, order := make(map[group]bool), []body(nil)
	for _, b := range all {
		if b.level == 0 || b.outside() || b.cells >= wholeCells {
			continue
		}
		g := b.group()
		g.level = 0
		if _, met := quiet[g]; !met {
			quiet[g] = true
			order = append(order, b)
		}
		quiet[g] = quiet[g] && b.old
	}
	for _, b := range order {
		g := b.group()
		if g.level = 0; !quiet[g] {
			continue
		}
		if err := t.mergeHour(ctx, b); err != nil {
			return fmt.Errorf("add up counts of an hour: %w", err)
		}
	}
	return nil
}

// mergeHour adds up what there is of the hour in which a body begins.
func (t *Tally) mergeHour(ctx context.Context, like body) error {
	rows, err := t.pool.Query(ctx, ofHourSQL, int16(like.signal), like.shelf, time.Unix(like.hour*3600, 0), wholeCells, int16(like.signal.firstLevel()))
	if err != nil {
		return pgerror.Read(err)
	}
	some, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b body, err error) {
		b = like
		err = row.Scan(&b.id, &b.cells)
		return b, err
	})
	if err != nil || len(some) == 0 {
		return pgerror.Read(err)
	}
	return t.merge(ctx, some[:fitting(some)], lastLevel)
}

const takeSQL = `
DELETE FROM plait_store.tally
WHERE id = ANY ($1)
RETURNING body, quarters`

// errOvertaken says that another gateway has merged the same, or retention took it.
var errOvertaken = errors.New("another gateway was faster")

// merge puts bodies of a shelf together, in one transaction.
func (t *Tally) merge(ctx context.Context, some []body, level int) error {
	signal, shelf := some[0].signal, some[0].shelf
	ids := make([]int64, len(some))
	for i, b := range some {
		ids[i] = b.id
	}
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		sum, quarters, err := take(ctx, tx, signal, ids)
		if err != nil {
			return err
		}
		merged, err := cut(signal, shelf, sum.AppendTo(nil), quarters)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, insertSQL, merged.arguments(signal, level)...)
		return err
	})
	if err == nil {
		t.instruments.merges.WithLabelValues(signal.String()).Inc()
	}
	return pgerror.Read(err)
}

// take removes bodies, and returns their sum, by the minute and by the quarter: nil for all but log records.
func take(ctx context.Context, tx pgx.Tx, signal Signal, ids []int64) (cells, *counts.Quarters, error) {
	rows, err := tx.Query(ctx, takeSQL, ids)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	sum, n := signal.newCells(), 0
	var quarters *counts.Quarters
	if signal == Logs {
		quarters = counts.NewQuarters()
	}
	for rows.Next() {
		v := rows.RawValues()
		if err := sum.Merge(v[0]); err != nil {
			return nil, nil, err
		}
		if quarters != nil {
			if err := quarters.Merge(v[1]); err != nil {
				return nil, nil, err
			}
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	if n != len(ids) {
		return nil, nil, errOvertaken
	}
	return sum, quarters, nil
}

const (
	shelvesSQL = `
SELECT DISTINCT shelf
FROM plait_store.tally
WHERE signal = $1`

	dropSQL = `
DELETE FROM plait_store.tally
WHERE signal = $1 AND shelf = ANY ($2)`
)

// Retain removes the counts of the shelves whose rows are gone.
func (t *Tally) Retain(ctx context.Context, signal Signal, kept func(partition.Shelf) bool) error {
	rows, err := t.pool.Query(ctx, shelvesSQL, int16(signal))
	if err != nil {
		return fmt.Errorf("list days of counts: %w", pgerror.Read(err))
	}
	shelves, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("list days of counts: %w", pgerror.Read(err))
	}
	gone := slices.DeleteFunc(shelves, func(t time.Time) bool { return kept(partition.DayOf(t)) })
	if len(gone) == 0 {
		return nil
	}
	if _, err := t.pool.Exec(ctx, dropSQL, int16(signal), gone); err != nil {
		return fmt.Errorf("remove the counts of %d days: %w", len(gone), pgerror.Read(err))
	}
	return nil
}
