package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

// Planned makes pgx send a statement so that the server plans it for its arguments every
// time, as a search needs: conditions that do not restrict fold away, partial indexes and
// partitions are chosen by value.
const Planned = pgx.QueryExecModeCacheDescribe

// QueryRows runs a statement and hands every row's values, in Postgres's binary format, to
// scan, which copies what it keeps.
func QueryRows(ctx context.Context, pool *pgxpool.Pool, scan func(values [][]byte), sql string, args ...any) error {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return pgerror.Read(err)
	}
	defer rows.Close()
	for rows.Next() {
		scan(rows.RawValues())
	}
	return pgerror.Read(rows.Err())
}

// QueryUntil is QueryRows for a scan that says whether it wants more. When it does not, the statement
// is cancelled, which costs its connection: what remains may be far more than anybody can hold.
func QueryUntil(ctx context.Context, pool *pgxpool.Pool, scan func(values [][]byte) bool, sql string, args ...any) error {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return pgerror.Read(err)
	}
	defer rows.Close()
	for rows.Next() {
		if !scan(rows.RawValues()) {
			cancel()
			return nil
		}
	}
	return pgerror.Read(rows.Err())
}

// ReadPlanned reads in a transaction, after a statement that sets how the planner plans there.
func ReadPlanned(ctx context.Context, pool *pgxpool.Pool, settings string, read func(pgx.Tx) error) error {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return pgerror.Read(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was changed
	if _, err := tx.Exec(ctx, settings); err != nil {
		return pgerror.Read(err)
	}
	return pgerror.Read(read(tx))
}

// acquire takes a connection. Whoever gets none in time has not asked for too much: the database
// is away, or busy with others.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, plait.Errorf(plait.ErrUnavailable, "no connection in time: %w", err)
	}
	return conn, pgerror.Read(err)
}

// Optional is a parameter's value, or null for the type's zero value, which the optional
// conditions of a statement read as "any".
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// StoreTable quotes the name of a table of schema plait_store.
func StoreTable(name string) string { return pgx.Identifier{"plait_store", name}.Sanitize() }
