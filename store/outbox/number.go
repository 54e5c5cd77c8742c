package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgerror"
)

// How rows get their numbers.
//
// Transactions commit in another order than they begin, so whatever a row brings along (a time, the number of its transaction, one of a
// sequence) may be below what a cursor has passed when the row can first be read. Here a row gets its number when it is committed: who
// numbers rows holds a lock until his numbers are committed, and gives the next ones. So whoever reads a number can read all below it.

const (
	// lockEndSQL has no row when there is nothing to do, or another gateway is at it.
	lockEndSQL = `
SELECT position, total
FROM plait_store.outbox_end
WHERE signal = $1 AND EXISTS (SELECT 1 FROM plait_store.outbox WHERE signal = $1 AND position = 0)
FOR UPDATE SKIP LOCKED`

	numberSQL = `
UPDATE plait_store.outbox o
SET position = $2 + n.number, total = $3 + n.total
FROM (
	SELECT id, row_number() OVER w AS number, sum(record_count) OVER w AS total
	FROM (
		SELECT id, made_at, record_count
		FROM plait_store.outbox
		WHERE signal = $1 AND position = 0
		ORDER BY made_at, id
		LIMIT $4
	) fresh
	WINDOW w AS (ORDER BY made_at, id)
) n
WHERE o.id = n.id
RETURNING o.position, o.total`

	moveEndSQL = `
UPDATE plait_store.outbox_end
SET position = $2, total = $3
WHERE signal = $1`
)

// numberBite is how many rows are numbered in one transaction.
const numberBite = 5000

// Number numbers the rows of a signal that are committed, in the order in which they came.
func (o *Outbox) Number(ctx context.Context, s Signal) error {
	for again := true; again; {
		err := pgx.BeginFunc(ctx, o.pool, func(tx pgx.Tx) error {
			n, err := numberSome(ctx, tx, s)
			again = n == numberBite
			return err
		})
		if err != nil {
			return fmt.Errorf("number the outbox of %s: %w", s, pgerror.Read(err))
		}
	}
	return nil
}

// numberSome numbers some rows, and returns how many.
func numberSome(ctx context.Context, tx pgx.Tx, s Signal) (int, error) {
	var position, total int64
	err := tx.QueryRow(ctx, lockEndSQL, int16(s)).Scan(&position, &total)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	rows, err := tx.Query(ctx, numberSQL, int16(s), position, total, numberBite)
	if err != nil {
		return 0, err
	}
	n := 0
	var p, t int64
	if _, err = pgx.ForEachRow(rows, []any{&p, &t}, func() error {
		n++
		position, total = max(position, p), max(total, t)
		return nil
	}); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, moveEndSQL, int16(s), position, total)
	return n, err
}

const (
	removeDoneSQL = `
DELETE FROM plait_store.outbox
WHERE signal = $1 AND position > 0 AND position <= (SELECT min(position) FROM plait_store.forward_target WHERE signal = $1)`

	removeExpiredSQL = `
DELETE FROM plait_store.outbox
WHERE signal = $1 AND (made_at < $2 OR NOT EXISTS (SELECT 1 FROM plait_store.forward_target WHERE signal = $1))`

	removeRefusalsSQL = `
DELETE FROM plait_store.forward_refusal
WHERE signal = $1 AND refused_at < $2`

	removeTargetsSQL = `
DELETE FROM plait_store.forward_target
WHERE signal = $1 AND seen_at < $2`
)

// RemoveDone removes the rows that every target is done with.
func (o *Outbox) RemoveDone(ctx context.Context, s Signal) error {
	if _, err := o.pool.Exec(ctx, removeDoneSQL, int16(s)); err != nil {
		return fmt.Errorf("remove what was forwarded of %s: %w", s, pgerror.Read(err))
	}
	return nil
}

// Retain removes what is from before a time by the database's clock: rows, what targets refused, and targets that no gateway has in its settings
// since. What a target thereby misses it finds out by itself (Batch.Expired).
func (o *Outbox) Retain(ctx context.Context, s Signal, before time.Time) error {
	for _, sql := range []string{removeTargetsSQL, removeExpiredSQL, removeRefusalsSQL} {
		if _, err := o.pool.Exec(ctx, sql, int16(s), before); err != nil {
			return fmt.Errorf("remove what is too old to be forwarded of %s: %w", s, pgerror.Read(err))
		}
	}
	return nil
}
