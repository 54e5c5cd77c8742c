package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

func TestADatabaseOfHarshSettingsIsOpenedWrittenAndRead(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	admin := connect(t, url)
	name := pgx.Identifier{selectOne[string](t, admin, `SELECT pg_catalog.current_database()`)}.Sanitize()
	for _, setting := range []string{
		"statement_timeout = '40ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '10s'",
		"work_mem = '64kB'", "search_path = 'pg_temp'", "default_transaction_isolation = 'serializable'", "timezone = 'Asia/Kathmandu'",
		"standard_conforming_strings = off", "synchronous_commit = off", "jit = on", "plan_cache_mode = 'force_custom_plan'",
		"default_toast_compression = 'pglz'", "client_encoding = 'LATIN1'", "datestyle = 'German'", "bytea_output = 'escape'",
	} {
		exec(t, admin, `ALTER DATABASE `+name+` SET `+setting)
	}
	s := storetest.Open(t, url)
	g := shop.NewGenerator(1, time.Now())
	traces, logs := g.Traces(2000), g.Logs(2000)
	if _, err := s.WriteTraces(t.Context(), traces); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), logs); err != nil {
		t.Fatal(err)
	}
	writeAt(t, s, 7, time.Now())
	if err := s.Upkeep(t.Context()); err != nil {
		t.Error(err)
	}
	if trace, err := s.Trace(t.Context(), traces.Spans[0].TraceID, 100); err != nil || len(trace.Spans) == 0 {
		t.Errorf("trace %+v, %v", trace, err)
	}
	if found, _, err := s.Logs(t.Context(), query.Logs{Page: query.Page{Limit: 10}}); err != nil || len(found) != 10 {
		t.Errorf("%d log records, %v", len(found), err)
	}
	s.Close()
	storetest.Open(t, url)
}

func TestADatabaseOfAnotherEncodingIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	address := storetest.Empty(t)
	admin := connect(t, address)
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		name := selectOne[string](t, admin, `SELECT pg_catalog.current_database()`) + "_" + strings.ToLower(encoding)
		quoted := pgx.Identifier{name}.Sanitize()
		exec(t, admin, `CREATE DATABASE `+quoted+` ENCODING '`+encoding+`' LOCALE 'C' TEMPLATE template0`)
		t.Cleanup(func() {
			conn, err := pgx.Connect(context.Background(), address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(context.Background(), `DROP DATABASE `+quoted+` WITH (FORCE)`); err != nil {
				t.Error(err)
			}
		})
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name
		_, err = store.Open(t.Context(), store.Config{DatabaseURL: u.String()})
		if !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), encoding) || !strings.Contains(err.Error(), "CREATE DATABASE") {
			t.Errorf("opening a database of %s: %v", encoding, err)
		}
		if schemas := selectOne[int64](t, connect(t, u.String()), `SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname LIKE 'plait%'`); schemas != 0 {
			t.Errorf("%d schemas were made in it", schemas)
		}
	}
}

func TestADatabaseThatTakesNoWritesIsNotReadyAndSaysSo(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, admin := storetest.Open(t, url), connect(t, url)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("before: %v", err)
	}
	name := pgx.Identifier{selectOne[string](t, admin, `SELECT pg_catalog.current_database()`)}.Sanitize()
	exec(t, admin, `ALTER DATABASE `+name+` SET default_transaction_read_only = on`)
	exec(t, admin, `SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
		WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()`)
	var err error
	for range 20 { // the pool has dead connections at first
		if err = s.Ping(t.Context()); err != nil && strings.Contains(err.Error(), "takes no writes") {
			break
		}
	}
	if !errors.Is(err, plait.ErrUnavailable) || !strings.Contains(err.Error(), "takes no writes") {
		t.Errorf("ping of a read-only database: %v", err)
	}
	if _, err := store.Open(t.Context(), store.Config{DatabaseURL: url}); err == nil || !strings.Contains(err.Error(), "default_transaction_read_only") {
		t.Errorf("opening a read-only database: %v", err)
	}
}
