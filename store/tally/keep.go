package tally

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
)

const (
	spansOfShelfSQL = `
SELECT body
FROM plait_store.tally
WHERE signal = 1 AND shelf = $1`

	keptSpansSQL = `
SELECT ` + spanRowColumns + `
FROM plait_store.span
WHERE shelf = $1 AND trace_id = ANY ($2) AND xmin = pg_current_xact_id()::xid`

	keptLogsSQL = `
SELECT ` + logRowColumns + `
FROM plait_store.log
WHERE shelf = $1 AND trace_id = ANY ($2) AND xmin = pg_current_xact_id()::xid`
)

// SpansOfShelf hands out what is counted of the spans of a shelf: cells in any order and maybe in parts. A cell is valid until the
// next one. use returns an error to end it.
func (t *Tally) SpansOfShelf(ctx context.Context, shelf partition.Shelf, use func(*counts.SpanCell) error) error {
	var bad error
	err := pg.QueryUntil(ctx, t.pool, func(v [][]byte) bool {
		err := counts.ReadSpans(v[0], func(c *counts.SpanCell) bool {
			bad = use(c)
			return bad == nil
		})
		bad = cmp.Or(bad, err)
		return bad == nil
	}, spansOfShelfSQL, shelf.Time())
	if err = cmp.Or(err, bad); err != nil {
		return fmt.Errorf("read the counts of a day's spans: %w", err)
	}
	return nil
}

// Keep counts the rows of traces that were moved to another shelf, in the transaction that moved them. Until
// the counts of the shelf that they left are gone with it, they are counted twice.
func (t *Tally) Keep(ctx context.Context, tx pgx.Tx, signal Signal, shelf partition.Shelf, traces []partition.Moved) error {
	ids := make([][16]byte, len(traces))
	for i := range traces {
		ids[i] = traces[i].TraceID
	}
	var batch pgx.Batch
	var err error
	if signal == Logs {
		c := NewLogCollector()
		err = each(ctx, tx, func(v [][]byte) error {
			_, key, bytes := logRow(v)
			c.Add(shelf, key, bytes)
			c.quarters.Lose() // their attributes are not read
			return nil
		}, keptLogsSQL, shelf.Time(), ids)
		c.Queue(&batch)
	} else {
		c := NewSpanCollector()
		err = each(ctx, tx, func(v [][]byte) error {
			_, key, nanos := spanRow(v)
			c.Add(shelf, key, nanos)
			return nil
		}, keptSpansSQL, shelf.Time(), ids)
		c.Queue(&batch)
	}
	if err == nil {
		err = pgerror.Read(tx.SendBatch(ctx, &batch).Close())
	}
	if err != nil {
		return fmt.Errorf("count the rows of %d traces that are kept: %w", len(traces), err)
	}
	return nil
}
