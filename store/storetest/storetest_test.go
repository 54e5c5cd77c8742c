package storetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	first, second := connect(t, storetest.URL(t)), connect(t, storetest.URL(t))
	if _, err := first.Exec(t.Context(), `CREATE TABLE plait_store.only_here ()`); err != nil {
		t.Fatal(err)
	}
	if got := queryText(t, second, `SELECT coalesce(to_regclass('plait_store.only_here')::text, 'none')`); got != "none" {
		t.Errorf("a table of one database is in the other: %s", got)
	}
}

func TestDatabaseIsMigratedAndHasNoSearchPath(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.URL(t))
	if got := queryText(t, conn, `SELECT coalesce(to_regclass('plait.spans')::text, 'none')`); got != "plait.spans" {
		t.Errorf("the view plait.spans is %s", got)
	}
	if got := queryText(t, conn, `SHOW search_path`); got != `""` {
		t.Errorf("search_path is %s", got)
	}
}

func TestEmptyDatabaseHasNoSchemaOfPlait(t *testing.T) {
	t.Parallel()
	conn := connect(t, storetest.Empty(t))
	const count = `SELECT count(*)::text FROM pg_catalog.pg_namespace WHERE nspname LIKE 'plait%'`
	if got := queryText(t, conn, count); got != "0" {
		t.Errorf("there are %s schemas of Plait", got)
	}
}

func TestTwoStoresShareADatabase(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	for range 2 {
		if err := storetest.Open(t, url).Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func queryText(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestStoresOpenWithAndWithoutOptions(t *testing.T) {
	t.Parallel()
	storetest.New(t)
	storetest.New(t, storetest.Retention(48*time.Hour))
}
