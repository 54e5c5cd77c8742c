package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/terms"
)

// When the heads of a shelf are merged: a search looks through each of them.
const (
	enoughRows  = 250_000
	enoughHeads = 256
	enoughAge   = time.Minute

	// mergedRows and mergedBytes bound what one merge takes from heads, and with it its memory: of values that are all
	// different ten times as many bytes.
	mergedRows  = 2 * enoughRows
	mergedBytes = 12 << 20
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
	waiting, err := x.waitingHeads(ctx)
	if err != nil {
		return fmt.Errorf("list heads of the term index: %w", err)
	}
	x.instruments.heads.Set(float64(len(waiting)))
	var failures []error
	for group := range groups(waiting, func(h headInfo) int64 { return h.shelf.Unix() }) {
		for enough(group) {
			some := group[:someHeads(group)]
			if err := x.mergeSome(ctx, some); err != nil {
				failures = append(failures, fmt.Errorf("merge %d heads of the term index: %w", len(some), err))
				break
			}
			x.instruments.mergedHeads.Inc()
			x.instruments.heads.Sub(float64(len(some)))
			group = group[len(some):]
		}
	}
	return errors.Join(failures...)
}

func (x *Index) waitingHeads(ctx context.Context) ([]headInfo, error) {
	return collectHeads(ctx, x.pool, waitingHeadsSQL, int16(x.signal), enoughAge)
}

// querier is a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func collectHeads(ctx context.Context, db querier, sql string, args ...any) ([]headInfo, error) {
	rows, err := db.Query(ctx, sql, args...)
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
	b := terms.NewBuilder(x.hasher, x.signal.order())
	if err := x.addHeads(ctx, b, heads); err != nil {
		return err
	}
	segment, err := b.Build(ctx, false)
	if err != nil {
		return err
	}
	ids := headIDs(heads)
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

func headIDs(heads []headInfo) []int64 {
	ids := make([]int64, len(heads))
	for i, h := range heads {
		ids[i] = h.id
	}
	return ids
}

// addHeads adds heads to what a builder makes.
func (x *Index) addHeads(ctx context.Context, b *terms.Builder, heads []headInfo) error {
	bodies, err := load(ctx, x, x.heads, headIDs(heads), headBodiesSQL, terms.ParseHead)
	if err != nil {
		return err
	}
	for _, h := range bodies {
		b.AddHead(h)
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
		return x.insertSegment(ctx, tx, shelf, s)
	}))
}

func (x *Index) insertSegment(ctx context.Context, tx pgx.Tx, shelf time.Time, s *terms.Segment) error {
	_, err := tx.Exec(ctx, insertSegmentSQL, rand.Int64(), rowTime(s.From), rowTime(s.To), shelf,
		min(s.Rows, math.MaxInt32), s.Units, len(s.Body), int16(x.signal), s.Directory, s.Body)
	return err
}
