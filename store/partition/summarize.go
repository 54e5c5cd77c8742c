package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
)

// A search by time reads all of a partition that the summaries of block ranges (BRIN) do not cover. What came at full speed
// within a minute is hundreds of megabytes, so ranges are summarised as soon as they are full. The task of the upkeep goes over all
// indexes besides: it covers what a gateway left that ended, and the last range. The planner takes block ranges for worth their
// price only in a table that was analysed, so that is done once as soon as a table is worth it.

// summarizeEvery is how often it is looked for full ranges.
const summarizeEvery = 3 * time.Second

// rangeBlocks is pages_per_range of the indexes.
const rangeBlocks = 32

const (
	// A table that was dropped meanwhile has no size, and so no blocks.
	blockRangesSQL = `
SELECT x.indexrelid::int8, coalesce(pg_catalog.pg_relation_size(t.oid), 0) / pg_catalog.current_setting('block_size')::int8, t.relname::text, t.relpages = 0
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am a ON a.oid = c.relam
WHERE n.nspname = 'plait_store' AND a.amname = 'brin' AND c.relkind = 'i'`

	// A vacuum holds the lock that this takes, for minutes.
	hastySQL = `SELECT pg_catalog.set_config('lock_timeout', '100ms', true)`

	// An index that was dropped meanwhile has no ranges.
	summarizeRangesSQL = `
SELECT pg_catalog.count(pg_catalog.brin_summarize_range(c.oid, block))
FROM pg_catalog.generate_series($2::int8, $3::int8 - 1, $4::int8) block
JOIN pg_catalog.pg_class c ON c.oid = $1::int8`
)

// Ranges summarises the block ranges that have become full. It belongs to one goroutine.
type Ranges struct {
	keeper  *Keeper
	covered map[int64]int64 // the first block of each index that is not, nil before the first look
}

// NewRanges makes one that has not looked yet.
func (s *Keeper) NewRanges() *Ranges { return &Ranges{keeper: s} }

// KeepUp summarises until ctx ends, while no other gateway does.
func (r *Ranges) KeepUp(ctx context.Context) {
	tick := time.NewTicker(summarizeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var failed error
		err := WhenElected(ctx, r.keeper.pool, SummarizeLock, func() { failed = r.Summarize(ctx) })
		if err = errors.Join(err, failed); err != nil && ctx.Err() == nil {
			r.keeper.Failed("summarize", err)
		}
	}
}

// blockRanges are those of an index.
type blockRanges struct {
	index, blocks int64
	table         string
	unknown       bool // the table was never analysed
}

// Summarize summarises the ranges that have become full since it looked last, and analyses tables that have grown from
// nothing. Those that are being vacuumed wait for the next time. The first time it only looks.
func (r *Ranges) Summarize(ctx context.Context) error {
	rows, err := r.keeper.pool.Query(ctx, blockRangesSQL)
	if err != nil {
		return fmt.Errorf("list block ranges: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b blockRanges, err error) {
		err = row.Scan(&b.index, &b.blocks, &b.table, &b.unknown)
		return b, err
	})
	if err != nil {
		return fmt.Errorf("list block ranges: %w", err)
	}
	covered, first := make(map[int64]int64, len(all)), r.covered == nil
	var failures []error
	for _, b := range all {
		from, end := r.covered[b.index], b.blocks-b.blocks%rangeBlocks
		if !first && from < end {
			done, err := r.summarize(ctx, b.index, from, end)
			if err != nil {
				failures = append(failures, fmt.Errorf("summarize block ranges of %s: %w", b.table, err))
			}
			if !done {
				end = from
			}
		}
		covered[b.index] = end
	}
	r.covered = covered
	return errors.Join(append(failures, r.analyze(ctx, all))...)
}

// analyze analyses tables of which nothing is known.
func (r *Ranges) analyze(ctx context.Context, all []blockRanges) error {
	analyzed := make(map[string]bool)
	var failures []error
	for _, b := range all {
		if !b.unknown || b.blocks < analyzeMinPages || analyzed[b.table] {
			continue
		}
		analyzed[b.table] = true
		if _, err := r.keeper.pool.Exec(ctx, "ANALYZE (SKIP_LOCKED) "+pg.StoreTable(b.table)); err != nil && pgerror.Code(err) != pgerrcode.UndefinedTable {
			failures = append(failures, fmt.Errorf("analyze %s: %w", b.table, err))
		}
	}
	return errors.Join(failures...)
}

// summarize summarises ranges of one index. done is false where somebody else holds the table's lock.
func (r *Ranges) summarize(ctx context.Context, index, from, end int64) (done bool, err error) {
	err = pgx.BeginFunc(ctx, r.keeper.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, hastySQL); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, summarizeRangesSQL, index, from, end, rangeBlocks)
		return err
	})
	switch pgerror.Code(err) {
	case pgerrcode.LockNotAvailable:
		return false, nil
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedObject:
		return true, nil // dropped meanwhile
	}
	return err == nil, err
}
