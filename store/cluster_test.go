package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/citus"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// skipOnCitus skips a test of what a cluster does otherwise.
func skipOnCitus(t *testing.T, why string) {
	t.Helper()
	if storetest.OnCitus() {
		t.Skip(why)
	}
}

func distribute(t *testing.T, url string, o citus.Options) (lines []string, err error) {
	t.Helper()
	o.Report = func(line string) { lines = append(lines, line) }
	err = store.Distribute(t.Context(), url, o)
	return lines, err
}

func TestOnePostgresIsNoCluster(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "the database is one of a cluster")
	_, err := distribute(t, storetest.URL(t), citus.Options{Shards: 32})
	if !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), "Citus") {
		t.Errorf("spread over one Postgres: %v, want an error that asks for Citus", err)
	}
}

func TestADatabaseThatIsSpreadIsLeftAlone(t *testing.T) {
	t.Parallel()
	if !storetest.OnCitus() {
		t.Skip("PLAIT_TEST_CITUS names no workers")
	}
	url := storetest.URL(t)
	for range 2 {
		lines, err := distribute(t, url, citus.Options{Shards: 8})
		if err != nil || !slices.Contains(lines, "every table is where it belongs") {
			t.Errorf("%q, %v", lines, err)
		}
	}
	status, err := store.ClusterStatus(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range status.Tables {
		if table.Missing {
			t.Errorf("%s is not %s", table.Table, table.Place)
		}
	}
}

func TestPartitionsOfLaterDaysAreSpread(t *testing.T) {
	t.Parallel()
	if !storetest.OnCitus() {
		t.Skip("PLAIT_TEST_CITUS names no workers")
	}
	url := storetest.URL(t)
	c := &clock{now: time.Now()}
	s, conn := storetest.Open(t, url, storetest.Now(c.read)), connect(t, url)
	c.move(48 * time.Hour)
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lost := faults(t, conn, localPartitionsSQL); len(lost) > 0 {
		t.Errorf("on the coordinator alone: %q", lost)
	}
}

func count(t *testing.T, conn *pgx.Conn, sql string) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const localPartitionsSQL = `
SELECT coalesce(array_agg(c.relname::text), '{}')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
JOIN pg_catalog.pg_dist_partition p ON p.logicalrelid = i.inhparent
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_dist_partition d WHERE d.logicalrelid = c.oid)`

func TestAFilledDatabaseIsSpreadWithItsRows(t *testing.T) {
	t.Parallel()
	if !storetest.OnCitus() {
		t.Skip("PLAIT_TEST_CITUS names no workers")
	}
	url := storetest.Empty(t)
	if err := store.Migrate(t.Context(), url, store.MigrateUp); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s, conn := storetest.Open(t, url), connect(t, url)
	spans := shop.NewGenerator(1, now).Traces(100)
	if _, err := s.WriteTraces(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	role := newRoleName(t, url)
	if _, err := store.EnsureReader(t.Context(), url, store.ReaderRole{Name: role, Password: "from before"}); err != nil {
		t.Fatal(err)
	}
	planned, err := distribute(t, url, citus.Options{Shards: 4, DryRun: true})
	if err != nil || count(t, conn, `SELECT count(*) FROM pg_catalog.pg_dist_partition`) != 0 {
		t.Fatalf("a dry run changed something, or failed: %v", err)
	}
	if want := "SELECT create_reference_table('plait_store.resource');"; !slices.Contains(planned, want) {
		t.Errorf("a dry run printed %q, want among it %q", planned, want)
	}
	before := count(t, conn, `SELECT count(*) FROM plait.spans`)
	if _, err := distribute(t, url, citus.Options{Shards: 4}); err != nil {
		t.Fatal(err)
	}
	if after := count(t, conn, `SELECT count(*) FROM plait.spans`); after != before || after == 0 {
		t.Errorf("%d spans, %d before they were spread", after, before)
	}
	if left := count(t, conn, `SELECT sum(pg_relation_size(relid))::int8 FROM pg_partition_tree('plait_store.span')`); left != 0 {
		t.Errorf("the coordinator still has %d bytes of spans", left)
	}
	if got := count(t, connect(t, readerURL(t, url, role, "from before")), `SELECT count(*) FROM plait.spans`); got != before {
		t.Errorf("a reader from before sees %d spans of %d", got, before)
	}
}
