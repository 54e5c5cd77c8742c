package metrics

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgcopy"
)

// copyBytes is how many bytes of rows one COPY of chunks has, about.
const copyBytes = 4 << 20

// compactionLock is the advisory lock of whoever compacts.
const compactionLock = 0x706c616974_21

// compact rewrites what is due of the head as chunks.
func (db *DB) compact(ctx context.Context) error { return db.compactHead(ctx, false) }

// CompactNow rewrites the whole head as chunks, whether it is due or not.
func (db *DB) CompactNow(ctx context.Context) error {
	if err := db.syncHead(ctx); err != nil {
		return err
	}
	return db.compactHead(ctx, true)
}

func (db *DB) compactHead(ctx context.Context, force bool) error {
	for {
		t := db.head.oldest(db.now(), db.config.HeadAge, force)
		if t == nil {
			return nil
		}
		start := time.Now()
		done, err := db.compactTable(ctx, t)
		if err != nil {
			return fmt.Errorf("compact %d samples: %w", t.size, err)
		}
		if !done {
			return nil // somebody else is at it: the next round sees what is left
		}
		db.head.drop(t)
		db.counters.compacted(t.size, time.Since(start))
	}
}

const (
	lockCompactionSQL = `SELECT pg_catalog.pg_try_advisory_xact_lock($1)`

	rowsLeftSQL = `SELECT id FROM plait_store.sample_head WHERE id = ANY ($1::int8[])`

	removeHeadRowsSQL = `DELETE FROM plait_store.sample_head WHERE id = ANY ($1::int8[])`

	readHeadRowsSQL = `
SELECT id, xact::text::int8, series, times, starts, values, histograms
FROM plait_store.sample_head
WHERE id = ANY ($1::int8[])
ORDER BY xact, id`
)

// compactTable replaces rows of sample_head by chunks in one transaction. It returns false when
// another gateway holds the lock.
func (db *DB) compactTable(ctx context.Context, t *memTable) (done bool, err error) {
	var fresh []*chunk
	err = pgx.BeginFunc(ctx, db.config.Write, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, lockCompactionSQL, int64(compactionLock)).Scan(&done); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if !done {
			return nil
		}
		left, series, err := samplesLeft(ctx, tx, t)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, removeHeadRowsSQL, left); err != nil {
			return fmt.Errorf("remove rows of the head: %w", err)
		}
		fresh, err = db.writeChunks(ctx, tx, series)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, c := range fresh {
		db.chunks.add(c)
	}
	return done, nil
}

// samplesLeft returns the rows of a table that no other gateway has compacted, and their samples:
// as a rule all of them, which are in memory, else they are read back.
func samplesLeft(ctx context.Context, tx pgx.Tx, t *memTable) ([]int64, map[int64]*samples, error) {
	rows, err := tx.Query(ctx, rowsLeftSQL, t.rows)
	if err != nil {
		return nil, nil, fmt.Errorf("look for rows of the head: %w", err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, nil, fmt.Errorf("look for rows of the head: %w", err)
	}
	if len(left) == len(t.rows) {
		return left, t.series, nil
	}
	series, err := readHeadRows(ctx, tx, left)
	return left, series, err
}

// readHeadRows reads rows of the head back.
func readHeadRows(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]*samples, error) {
	rows, err := tx.Query(ctx, readHeadRowsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read rows of the head: %w", err)
	}
	defer rows.Close()
	t := newMemTable(time.Time{})
	for rows.Next() {
		r := &headRow{}
		if err := r.decode(rows.RawValues()); err != nil {
			return nil, fmt.Errorf("read rows of the head: %w", err)
		}
		t.add(r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rows of the head: %w", err)
	}
	return t.series, nil
}

// writeChunks copies the chunks of all series and returns those that are worth caching: as many as
// half of the cache has room for.
func (db *DB) writeChunks(ctx context.Context, tx pgx.Tx, series map[int64]*samples) ([]*chunk, error) {
	var copied pgcopy.Rows
	var fresh []*chunk
	var memory int64
	for _, id := range slices.Sorted(maps.Keys(series)) {
		for _, c := range makeChunks(id, *series[id]) {
			first, _ := c.at(0)
			c.encode(&copied, db.config.Shelf("sample_chunk", time.UnixMilli(first)))
			if memory += c.memory(); memory < db.chunks.limit/2 {
				fresh = append(fresh, c.detached())
			}
			if len(copied.Bytes) > copyBytes {
				if err := copied.Flush(ctx, tx.Conn(), copyChunksSQL); err != nil {
					return nil, err
				}
			}
		}
	}
	return fresh, copied.Flush(ctx, tx.Conn(), copyChunksSQL)
}
