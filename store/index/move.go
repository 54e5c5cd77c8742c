package index

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/terms"
)

const (
	headsOfShelfSQL = `
SELECT id, shelf, row_count, length(body), false
FROM plait_store.term_head
WHERE signal = $1 AND shelf = $2 AND replaced_at = 'infinity'`

	segmentsOfShelfSQL = `
SELECT id
FROM plait_store.term_segment
WHERE signal = $1 AND shelf = $2 AND replaced_at = 'infinity'`
)

// Move takes traces to another shelf, in the transaction that moves their rows there, with the terms that the index of
// the shelf of before has of them. Where that cannot be read, they are in the answer to every search of their time:
// a damaged index must not keep rows from being moved.
func (x *Index) Move(ctx context.Context, tx pgx.Tx, from, to partition.Shelf, traces []partition.Moved) error {
	heads, err := collectHeads(ctx, tx, headsOfShelfSQL, int16(x.signal), from.Time())
	if err != nil {
		return fmt.Errorf("list heads of the term index: %w", err)
	}
	rows, err := tx.Query(ctx, segmentsOfShelfSQL, int16(x.signal), from.Time())
	if err != nil {
		return fmt.Errorf("list segments of the term index: %w", pgerror.Read(err))
	}
	segments, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("list segments of the term index: %w", pgerror.Read(err))
	}
	unread := false
	for s, err := range x.partsOf(ctx, heads, segments, amongIDs(traces)) {
		if err != nil {
			unread = true
		} else if err := x.insertSegment(ctx, tx, to.Time(), s); err != nil {
			return fmt.Errorf("move %d traces in the term index: %w", len(traces), pgerror.Read(err))
		}
	}
	if unread {
		return x.keep(ctx, tx, to, traces)
	}
	return nil
}

// amongIDs tells the ids under which the index may have traces: rows may have come with half of one.
func amongIDs(traces []partition.Moved) func(plait.TraceID) bool {
	ids := make(map[plait.TraceID]struct{}, 2*len(traces))
	for _, t := range traces {
		half := t.TraceID
		clear(half[:8])
		ids[t.TraceID], ids[half] = struct{}{}, struct{}{}
	}
	return func(id plait.TraceID) bool {
		_, ok := ids[id]
		return ok
	}
}

// partsOf makes segments of what heads and segments have of some units. Each segment is read by itself: its units
// fill memory, those of all would be too many.
func (x *Index) partsOf(ctx context.Context, heads []headInfo, segments []int64, only func(plait.TraceID) bool) iter.Seq2[*terms.Segment, error] {
	part := func(fill func(*terms.Builder) error) (*terms.Segment, error) {
		b := terms.NewBuilder(x.hasher, x.signal.order())
		b.Only(only)
		if err := fill(b); err != nil || b.Units() == 0 {
			return nil, err
		}
		return b.Build(ctx, false)
	}
	return func(yield func(*terms.Segment, error) bool) {
		for len(heads) > 0 {
			some := heads[:someHeads(heads)]
			s, err := part(func(b *terms.Builder) error { return x.addHeads(ctx, b, some) })
			if (s != nil || err != nil) && !yield(s, err) {
				return
			}
			heads = heads[len(some):]
		}
		for _, id := range segments {
			s, err := part(func(b *terms.Builder) error { return x.addSegments(ctx, b, []int64{id}) })
			if (s != nil || err != nil) && !yield(s, err) {
				return
			}
		}
	}
}

// Thin takes the units of a shelf out of its segments whose ids do not stay. What is interrupted leaves some segments as they were.
func (x *Index) Thin(ctx context.Context, shelf partition.Shelf, stays func(plait.TraceID) bool) error {
	rows, err := x.pool.Query(ctx, segmentsOfShelfSQL, int16(x.signal), shelf.Time())
	if err != nil {
		return fmt.Errorf("list segments of the term index: %w", pgerror.Read(err))
	}
	segments, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("list segments of the term index: %w", pgerror.Read(err))
	}
	for _, id := range segments {
		b := terms.NewBuilder(x.hasher, x.signal.order())
		b.Only(stays)
		if err := x.addSegments(ctx, b, []int64{id}); err != nil {
			return fmt.Errorf("read a segment of the term index: %w", err)
		}
		if b.Units() == 0 {
			if _, err := x.pool.Exec(ctx, replaceSegmentsSQL, []int64{id}); err != nil {
				return fmt.Errorf("retire a segment of the term index: %w", pgerror.Read(err))
			}
			continue
		}
		segment, err := b.Build(ctx, true)
		if err != nil {
			return fmt.Errorf("thin a segment of the term index: %w", err)
		}
		if err := x.replace(ctx, replaceSegmentsSQL, []int64{id}, shelf.Time(), segment); err != nil {
			return fmt.Errorf("replace a segment of the term index: %w", err)
		}
	}
	return nil
}

// keep takes traces into the index of a shelf without their terms.
func (x *Index) keep(ctx context.Context, tx pgx.Tx, shelf partition.Shelf, traces []partition.Moved) error {
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
