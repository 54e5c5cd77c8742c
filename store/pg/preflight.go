package pg

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
)

// minServerVersion is the oldest Postgres that Plait runs on, as server_version_num has it.
const minServerVersion = 150000

const serverSQL = `
SELECT pg_catalog.current_database(),
       pg_catalog.current_setting('server_version_num'),
       pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_encoding'),
       pg_catalog.current_setting('transaction_read_only')`

// CheckServer refuses a database that Plait cannot work with, and says what to do about it.
func CheckServer(ctx context.Context, conn *pgx.Conn, config *pgx.ConnConfig) error {
	answer, err := askPlainly(ctx, conn, serverSQL)
	if err != nil {
		return fmt.Errorf("ask the server what it is: %w", err)
	}
	database, version, encoding, readOnly := answer[0], answer[2], answer[3], answer[4]
	number, err := strconv.Atoi(answer[1])
	if err != nil {
		return fmt.Errorf("read the server's version: %w", err)
	}
	switch {
	case number < minServerVersion:
		return plait.Errorf(plait.ErrInvalid, "the server is Postgres %s, and Plait needs 15 or newer", version)
	case encoding != "UTF8":
		return plait.Errorf(plait.ErrInvalid, "the database %s has the encoding %s, and telemetry is UTF-8: make one with "+
			"CREATE DATABASE %s_utf8 ENCODING 'UTF8' TEMPLATE template0, and name it in --database-url", database, encoding, database)
	case readOnly == "on":
		return plait.Errorf(plait.ErrUnavailable, "the database %s takes no writes: it is a standby, or default_transaction_read_only is on: name the primary in --database-url, "+
			"or turn that setting off", database)
	}
	return checkPooler(ctx, conn, config)
}

// checkPooler refuses a pooler that gives one session of the server to several clients in turn, as
// PgBouncer does in transaction mode: locks, settings and prepared statements belong to a session.
// A pooler makes up the process id that it tells when a client connects. If behind two clients of
// it there is one server process, they share it.
func checkPooler(ctx context.Context, conn *pgx.Conn, config *pgx.ConnConfig) error {
	const looks = 5
	for range looks {
		first, err := backendOf(ctx, conn)
		if err != nil {
			return err
		}
		if first == strconv.FormatUint(uint64(conn.PgConn().PID()), 10) {
			return nil
		}
		other, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return plait.Errorf(plait.ErrUnavailable, "connect a second time: %w", err)
		}
		second, err := backendOf(ctx, other)
		_ = other.Close(ctx) // it was there for its answer
		if err != nil {
			return err
		}
		if again, err := backendOf(ctx, conn); err != nil || second == first || again != first {
			return errors.Join(err, plait.Errorf(plait.ErrInvalid, "the database is behind a pooler in transaction mode, and Plait needs sessions of its own: name Postgres itself in "+
				"--database-url, or a pool with pool_mode = session"))
		}
	}
	return nil
}

func backendOf(ctx context.Context, conn *pgx.Conn) (string, error) {
	answer, err := askPlainly(ctx, conn, `SELECT pg_catalog.pg_backend_pid()`)
	if err != nil {
		return "", fmt.Errorf("ask for the server's process: %w", err)
	}
	return answer[0], nil
}

// askPlainly returns the one row of a question, as text. It prepares nothing, which a pooler may not
// be able to pass on.
func askPlainly(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	row := results[0].Rows[0]
	texts := make([]string, len(row))
	for i := range row {
		texts[i] = string(row[i])
	}
	return texts, nil
}
