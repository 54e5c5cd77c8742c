package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/terms"
)

// When the heads of a shelf are merged: a search looks through each of them.
const (
	enoughRows  = 250_000
	enoughHeads = 256
	enoughAge   = time.Minute

	// mergedRows and mergedBytes bound what one merge takes from heads. It takes six times as much memory.
	mergedRows  = 2 * enoughRows
	mergedBytes = 24 << 20
)

// MergeEvery is how often it is worth a look whether there is something to merge.
const MergeEvery = 5 * time.Second

// Merge makes segments of heads and larger segments of small ones, until there is nothing to merge, and
// removes what was replaced some minutes ago. Should two gateways merge the same, one of them gives up.
// Nothing is lost when a merge is cut short: it is one transaction.
func (x *Index) Merge(ctx context.Context, today partition.Day) error {
	return errors.Join(x.mergeHeads(ctx), x.mergeSegments(ctx, today), x.removeReplaced(ctx))
}

const waitingHeadsSQL = `
SELECT id, shelf, row_count, length(body), clock_timestamp() - made_at > $2::interval
FROM plait_store.term_head
WHERE signal = $1 AND replaced_at = 'infinity'
ORDER BY shelf, made_at`

// headInfo is a head that waits.
type headInfo struct {
	id    int64
	shelf time.Time
	rows  int
	bytes int
	old   bool
}

// mergeHeads merges the heads of each shelf that has enough of them.
func (x *Index) mergeHeads(ctx context.Context) error {
	for {
		waiting, err := x.waitingHeads(ctx)
		if err != nil {
			return fmt.Errorf("list heads of the term index: %w", err)
		}
		x.instruments.heads.Set(float64(len(waiting)))
		again, failures := false, []error(nil)
		for group := range groups(waiting, func(h headInfo) int64 { return h.shelf.Unix() }) {
			if !enough(group) {
				continue
			}
			some := group[:someHeads(group)]
			if err := x.mergeSome(ctx, some); err != nil {
				failures = append(failures, fmt.Errorf("merge %d heads of the term index: %w", len(some), err))
				continue
			}
			x.instruments.mergedHeads.Inc()
			again = again || len(some) < len(group)
		}
		if !again || len(failures) > 0 {
			return errors.Join(failures...)
		}
	}
}

func (x *Index) waitingHeads(ctx context.Context) ([]headInfo, error) {
	rows, err := x.pool.Query(ctx, waitingHeadsSQL, int16(x.signal), enoughAge)
	if err != nil {
		return nil, pgerror.Read(err)
	}
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h headInfo, err error) {
		err = row.Scan(&h.id, &h.shelf, &h.rows, &h.bytes, &h.old)
		return h, err
	})
	return heads, pgerror.Read(err)
}

// groups yields what follows one another with the same key.
func groups[T any](all []T, key func(T) int64) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for len(all) > 0 {
			n := 1
			for n < len(all) && key(all[n]) == key(all[0]) {
				n++
			}
			if !yield(all[:n:n]) {
				return
			}
			all = all[n:]
		}
	}
}

func enough(heads []headInfo) bool {
	rows := 0
	for _, h := range heads {
		rows += h.rows
		if h.old || rows >= enoughRows {
			return true
		}
	}
	return len(heads) >= enoughHeads
}

// someHeads is how many of the heads one merge takes.
func someHeads(heads []headInfo) int {
	rows, bytes := 0, 0
	for i, h := range heads {
		if rows, bytes = rows+h.rows, bytes+h.bytes; i > 0 && (rows > mergedRows || bytes > mergedBytes) {
			return i
		}
	}
	return len(heads)
}

// mergeSome makes a segment of some heads.
func (x *Index) mergeSome(ctx context.Context, heads []headInfo) error {
	ids := make([]int64, len(heads))
	for i, h := range heads {
		ids[i] = h.id
	}
	bodies, err := load(ctx, x, x.heads, ids, headBodiesSQL, terms.ParseHead)
	if err != nil {
		return err
	}
	b := terms.NewBuilder(x.hasher, x.signal.order())
	for _, h := range bodies {
		b.AddHead(h)
	}
	segment, err := b.Build(ctx, false)
	if err != nil {
		return err
	}
	if err := x.replace(ctx, replaceHeadsSQL, ids, heads[0].shelf, segment); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		x.heads.Forget(id)
	}
	return nil
}

const (
	insertSegmentSQL = `
INSERT INTO plait_store.term_segment (id, first_time, last_time, replaced_at, shelf, row_count, unit_count, body_bytes, signal, directory, body)
VALUES ($1, $2, $3, 'infinity', $4, $5, $6, $7, $8, $9, $10)`

	replaceHeadsSQL = `
UPDATE plait_store.term_head
SET replaced_at = now()
WHERE id = ANY ($1) AND replaced_at = 'infinity'`

	replaceSegmentsSQL = `
UPDATE plait_store.term_segment
SET replaced_at = now()
WHERE id = ANY ($1) AND replaced_at = 'infinity'`
)

// errOvertaken says that another gateway has merged the same, or retention took it.
var errOvertaken = errors.New("another gateway was faster")

// replace stores a segment in place of what it was made of.
func (x *Index) replace(ctx context.Context, replaceSQL string, ids []int64, shelf time.Time, s *terms.Segment) error {
	return pgerror.Read(pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		replaced, err := tx.Exec(ctx, replaceSQL, ids)
		if err != nil {
			return err
		}
		if int(replaced.RowsAffected()) != len(ids) {
			return errOvertaken
		}
		_, err = tx.Exec(ctx, insertSegmentSQL, rand.Int64(), rowcodec.MicrosTime(s.From), rowcodec.MicrosTime(s.To), shelf,
			s.Rows, s.Units, len(s.Body), int16(x.signal), s.Directory, s.Body)
		return err
	}))
}

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
	for {
		all, err := x.listSegments(ctx)
		if err != nil {
			return fmt.Errorf("list segments of the term index: %w", err)
		}
		again := false
		for group := range groups(all, func(s segmentInfo) int64 { return s.shelf.Unix() }) {
			sizes := make([]terms.Size, len(group))
			for i, s := range group {
				sizes[i] = s.Size
			}
			ids, last := terms.ChooseMerge(sizes, closed(partition.DayOf(group[0].shelf), today))
			if len(ids) == 0 {
				continue
			}
			if err := x.mergeThese(ctx, ids, group[0].shelf, last); err != nil {
				return fmt.Errorf("merge %d segments of the term index: %w", len(ids), err)
			}
			x.instruments.mergedSegments.Inc()
			again = true
		}
		if !again {
			return nil
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
	directories, err := load(ctx, x, x.directories, ids, directoriesSQL, terms.ParseDirectory)
	if err != nil {
		return err
	}
	b := terms.NewBuilder(x.hasher, x.signal.order())
	for i, d := range directories {
		if err := b.AddSegment(ctx, ids[i], d, source{x.pool}); err != nil {
			return err
		}
	}
	segment, err := b.Build(ctx, last)
	if err != nil {
		return err
	}
	return x.replace(ctx, replaceSegmentsSQL, ids, shelf, segment)
}

const (
	removeReplacedHeadsSQL = `
DELETE FROM plait_store.term_head
WHERE signal = $1 AND replaced_at < now() - $2::interval`

	removeReplacedSegmentsSQL = `
DELETE FROM plait_store.term_segment
WHERE signal = $1 AND replaced_at < now() - $2::interval`
)

func (x *Index) removeReplaced(ctx context.Context) error {
	for _, sql := range []string{removeReplacedHeadsSQL, removeReplacedSegmentsSQL} {
		if _, err := x.pool.Exec(ctx, sql, int16(x.signal), replacedFor); err != nil {
			return fmt.Errorf("remove what merges of the term index replaced: %w", pgerror.Read(err))
		}
	}
	return nil
}

// Keep takes traces into the index whose rows were moved to another shelf, in the transaction that moved them.
// Their terms stay behind, so they are in the answer to every search of their time.
func (x *Index) Keep(ctx context.Context, tx pgx.Tx, shelf partition.Shelf, traces []partition.Moved) error {
	c := x.Collector()
	for _, t := range traces {
		c.Row(shelf, t.TraceID, t.First.UnixNano()).Unknown()
		c.Row(shelf, t.TraceID, t.Last.UnixNano())
	}
	var batch pgx.Batch
	c.Queue(&batch)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("keep %d traces in the term index: %w", len(traces), pgerror.Read(err))
	}
	return nil
}

const (
	headShelvesSQL = `
SELECT shelf
FROM plait_store.term_head
WHERE signal = $1
UNION
SELECT shelf
FROM plait_store.term_segment
WHERE signal = $1`

	dropHeadsSQL = `
DELETE FROM plait_store.term_head
WHERE signal = $1 AND shelf = ANY ($2)`

	dropSegmentsSQL = `
DELETE FROM plait_store.term_segment
WHERE signal = $1 AND shelf = ANY ($2)`
)

// Retain removes the index of the shelves whose rows are gone.
func (x *Index) Retain(ctx context.Context, kept func(partition.Shelf) bool) error {
	rows, err := x.pool.Query(ctx, headShelvesSQL, int16(x.signal))
	if err != nil {
		return fmt.Errorf("list days of the term index: %w", pgerror.Read(err))
	}
	shelves, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("list days of the term index: %w", pgerror.Read(err))
	}
	gone := slices.DeleteFunc(shelves, func(t time.Time) bool { return kept(partition.DayOf(t)) })
	if len(gone) == 0 {
		return nil
	}
	for _, sql := range []string{dropHeadsSQL, dropSegmentsSQL} {
		if _, err := x.pool.Exec(ctx, sql, int16(x.signal), gone); err != nil {
			return fmt.Errorf("remove the term index of %d days: %w", len(gone), pgerror.Read(err))
		}
	}
	return nil
}
