package partition

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pg"
)

// How a partition goes.
//
// DROP TABLE of a partition waits for every transaction that has read its parent, and whoever
// comes later waits for it: one forgotten session would stop all ingest. So a partition is first
// detached, concurrently: from then on no question reads it that is asked anew, and those that
// began earlier are waited for without being in anybody's way. When they take too long, the
// partition is left as it is, leaving, and the next round goes on with it.
//
// Citus has no detaching concurrently. There a partition is detached under a lock for which is waited a
// second at most, again and again.

// detachPatience is how long one round waits for readers of a partition.
const detachPatience = "1s"

// dropExpired drops a partition, or does the next step towards it, and says whether it is gone.
func (s *Keeper) dropExpired(ctx context.Context, conn *pgx.Conn, t table, d Day, state attachment) (bool, error) {
	parent, name := pg.StoreTable(t.root), pg.StoreTable(t.partition(d))
	if state == attached {
		late, err := s.holdsRetained(ctx, conn, t, d)
		if err != nil || late {
			return false, err
		}
		if err := s.pin(ctx, conn, t, d); err != nil {
			return false, err
		}
	}
	spread, err := isSpread(ctx, conn)
	if err != nil {
		return false, err
	}
	switch {
	case state == attached && spread:
		err = withLockTimeout(ctx, conn, "ALTER TABLE "+parent+" DETACH PARTITION "+name)
	case state == attached:
		err = withPatience(ctx, conn, "ALTER TABLE "+parent+" DETACH PARTITION "+name+" CONCURRENTLY")
	case state == leaving:
		err = withPatience(ctx, conn, "ALTER TABLE "+parent+" DETACH PARTITION "+name+" FINALIZE")
	}
	if err != nil {
		return false, err
	}
	return true, withLockTimeout(ctx, conn, "DROP TABLE IF EXISTS "+name)
}

// isSpreadSQL says whether the database is one of a Citus cluster.
const isSpreadSQL = `SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus')`

func isSpread(ctx context.Context, conn *pgx.Conn) (spread bool, err error) {
	if err := conn.QueryRow(ctx, isSpreadSQL).Scan(&spread); err != nil {
		return false, fmt.Errorf("look for Citus: %w", err)
	}
	return spread, nil
}

// withPatience runs a statement that cannot be in a transaction and waits a while at most for others.
func withPatience(ctx context.Context, conn *pgx.Conn, statement string) error {
	if _, err := conn.Exec(ctx, "SET lock_timeout = '"+detachPatience+"'"); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, statement)
	_, resetErr := conn.Exec(context.WithoutCancel(ctx), "SET lock_timeout = 0")
	return errors.Join(err, resetErr)
}

// holdsRetained says whether a partition by day of arrival holds rows of a time that is within
// the retention still: those that came while the database's clock was behind.
func (s *Keeper) holdsRetained(ctx context.Context, conn *pgx.Conn, t table, d Day) (holds bool, err error) {
	if t.key == byShelf {
		return false, nil
	}
	today := DayOf(s.Now())
	first, end := t.oldest(today).Time(), (today + daysAhead + 1).Time()
	sql := fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %s WHERE %[2]s >= $1 AND %[2]s < $2)", pg.StoreTable(t.partition(d)), pgx.Identifier{t.time}.Sanitize())
	if err := conn.QueryRow(ctx, sql, first, end).Scan(&holds); err != nil {
		return false, fmt.Errorf("look for rows that came while a clock was behind: %w", err)
	}
	return holds, nil
}
