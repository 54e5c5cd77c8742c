package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgerror"
)

// excessSQL goes from the newest row to older ones, and ends where they hold more than the limit. It reads no row while the whole table does not.
const excessSQL = `
SELECT position, total
FROM (
	SELECT position, total, sum(octet_length(body)) OVER (ORDER BY position DESC ROWS UNBOUNDED PRECEDING) AS bytes
	FROM plait_store.outbox
	WHERE signal = $1 AND position > $2 AND (SELECT pg_catalog.pg_table_size('plait_store.outbox')) > $3
) o
WHERE bytes > $3
ORDER BY position DESC
LIMIT 1`

// Excess returns up to which place rows would have to go so that those behind it hold at most so many bytes, as they are stored. It is the place
// after which it looks where nothing has to go.
func (o *Outbox) Excess(ctx context.Context, s Signal, after Place, limit int64) (Place, error) {
	end := after
	err := o.pool.QueryRow(ctx, excessSQL, int16(s), after.Position, limit).Scan(&end.Position, &end.Total)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return after, fmt.Errorf("ask how much of %s waits to be forwarded: %w", s, pgerror.Read(err))
	}
	return end, nil
}

// staleSQL goes from the oldest row to younger ones, and ends before the first that is young enough.
const staleSQL = `
SELECT position, total
FROM plait_store.outbox
WHERE signal = $1 AND position > $2 AND position < coalesce((
	SELECT position
	FROM plait_store.outbox
	WHERE signal = $1 AND position > $2 AND made_at >= statement_timestamp() - $3::interval
	ORDER BY position
	LIMIT 1), 9223372036854775807)
ORDER BY position DESC
LIMIT 1`

// Stale returns up to which place all rows were committed longer ago than an age, by the database's clock. It is the place after which it looks where none
// was.
func (o *Outbox) Stale(ctx context.Context, s Signal, after Place, age time.Duration) (Place, error) {
	end := after
	err := o.pool.QueryRow(ctx, staleSQL, int16(s), after.Position, age).Scan(&end.Position, &end.Total)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return after, fmt.Errorf("ask how long %s wait to be forwarded: %w", s, pgerror.Read(err))
	}
	return end, nil
}
