// Package pg opens connections to Postgres as the store needs them, and sends statements.
package pg

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgerror"
)

const (
	connectTimeout = 3 * time.Second
	idleTimeout    = time.Second // for the answer of a connection that was idle
	// A server process that has answered large questions keeps the memory that they took.
	readerLifetime  = 10 * time.Minute
	applicationName = "plait"
)

// sessionSQL fixes what must not depend on the defaults of the server, the database or the role.
// It is sent once the connection is made, and not with its start, where a pooler would refuse it.
// Some settings are not known to every version, and lz4 not to every build. What a role has too
// little memory for is sorted on disk; below 4 MB even small questions would.
const sessionSQL = `
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET search_path = '';
SET timezone = 'UTC';
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET default_transaction_isolation = 'read committed';
SET jit = off; -- compiling a plan over many partitions takes longer than running it
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM (VALUES ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('default_toast_compression', 'lz4'), ('work_mem', '4MB')) w (name, value)
JOIN pg_catalog.pg_settings s USING (name)
WHERE CASE s.name
	WHEN 'default_toast_compression' THEN 'lz4' = ANY (s.enumvals)
	WHEN 'work_mem' THEN s.setting::int8 < 4096
	ELSE true
END;
`

// fewConnectionsSQL lets Citus, where it is, ask a node through one connection and keep that. At its defaults a COPY opens one for
// each shard and closes it again, which takes three to five times as long as the writing.
const fewConnectionsSQL = `
SELECT pg_catalog.set_config(s.name, w.value, false)
FROM (VALUES ('citus.max_adaptive_executor_pool_size', '1'), ('citus.max_cached_conns_per_worker', '16')) w (name, value)
JOIN pg_catalog.pg_settings s USING (name);
`

// roleSQL is what else the sessions of a role need.
var roleSQL = map[string]string{
	"write": `SET synchronous_commit = on;` + fewConnectionsSQL,
	// Citus plans for the arguments: they tell on which node a trace is.
	"lookup": fewConnectionsSQL + `
SELECT pg_catalog.set_config('plan_cache_mode',
	CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') THEN 'auto' ELSE 'force_generic_plan' END, false);
SET max_parallel_workers_per_gather = 0; -- to start workers takes 5 ms
SET enable_seqscan = off;
SET enable_bitmapscan = off;`,
}

// SetSession makes connections begin with the settings of a role.
func SetSession(config *pgx.ConnConfig, role string) {
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTimeout {
		config.ConnectTimeout = connectTimeout
	}
	config.RuntimeParams["application_name"] = applicationName + " " + role
	config.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		return beginSession(ctx, conn, sessionSQL+roleSQL[role])
	}
}

// beginSession sends the settings. On a busy machine the role's own statement_timeout may end even
// this; it holds until the first of them is set.
func beginSession(ctx context.Context, conn *pgconn.PgConn, statements string) error {
	const attempts = 5
	first, _, _ := strings.Cut(statements, ";")
	var err error
	for range attempts {
		if _, err = conn.Exec(ctx, first).ReadAll(); err == nil {
			_, err = conn.Exec(ctx, statements).ReadAll()
		}
		if !slices.Contains([]string{pgerrcode.QueryCanceled, pgerrcode.LockNotAvailable}, pgerror.Code(err)) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("begin a session: %w", err)
	}
	return nil
}

// OpenPool makes a pool whose sessions see no schema by default, so that a statement which
// forgets to name one fails at once and not only where somebody set a search_path.
func OpenPool(ctx context.Context, url, role string, conns int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read database URL: %w", err)
	}
	config.MaxConns = int32(conns)
	SetSession(config.ConnConfig, role)
	// A connection that was idle is asked whether it lives. While the database hangs none does, and
	// they are asked one after the other.
	config.PingTimeout = idleTimeout
	if role != "write" {
		config.MaxConnLifetime, config.MaxConnLifetimeJitter = readerLifetime, readerLifetime/2
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool to %s: %w", role, err)
	}
	return pool, nil
}
