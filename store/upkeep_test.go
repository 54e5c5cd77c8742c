package store_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// schemaSQL describes everything in Plait's schemas.
const schemaSQL = `
SELECT c.relname || ' ' || c.relkind::text || ' ' || coalesce(pg_catalog.pg_get_viewdef(c.oid), '') || coalesce((
		SELECT pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
			|| ' ' || a.attnotnull::text || ' ' || a.attcompression::text, ', ' ORDER BY a.attnum)
		FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0), '')
	|| CASE WHEN c.relkind IN ('i', 'I') THEN pg_catalog.pg_get_indexdef(c.oid) ELSE '' END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('plait', 'plait_store') AND c.relkind NOT IN ('t')
ORDER BY 1`

func schemaOf(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), schemaSQL)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestMigrationsGoUpDownAndUp(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	conn := connect(t, url)
	before := schemaOf(t, conn)
	if err := store.Migrate(t.Context(), url, store.MigrateDown); err != nil {
		t.Fatal(err)
	}
	if left := schemaOf(t, conn); len(left) > 2 { // the migrations' own table and its index
		t.Errorf("left after going down:\n%s", strings.Join(left, "\n"))
	}
	if version, dirty, err := store.MigrationVersion(t.Context(), url); version != 0 || dirty || err != nil {
		t.Errorf("version %d, dirty %v, error %v after going down", version, dirty, err)
	}
	if err := store.Migrate(t.Context(), url, store.MigrateUp); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(before, schemaOf(t, conn)); diff != "" {
		t.Errorf("schema after up, down, up (-before +after):\n%s", diff)
	}
}

func TestSeveralGatewaysOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), store.Config{DatabaseURL: url})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.WriteTraces(t.Context(), shop.NewGenerator(uint64(i), time.Now()).Traces(50)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	conn := connect(t, url)
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 150 {
		t.Errorf("%d spans, want 150", got)
	}
}

// partitionsOf returns the days for which a table has partitions: those of one name, such as span or span_outside.
func partitionsOf(t *testing.T, conn *pgx.Conn, table string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT pg_catalog.right(c.relname, 8)
		FROM pg_catalog.pg_inherits i
		JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
		WHERE c.relname ~ ('^' || $1 || '_[0-9]{8}$')`, table)
	if err != nil {
		t.Fatal(err)
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(days)
	return days
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// liveUntil lets a store do its upkeep day by day, until a time.
func liveUntil(t *testing.T, s *store.Store, c *clock, until time.Time) {
	t.Helper()
	for {
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := until.Sub(c.read())
		if left <= 0 {
			return
		}
		c.move(min(left, 24*time.Hour))
	}
}

func TestPartitionsFollowTheClockAndRetention(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(36*time.Hour)), connect(t, url)
	want := []string{"20260227", "20260228", "20260301", "20260302", "20260303", "20260304"}
	if got := partitionsOf(t, conn, "span"); !slices.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
	if got := partitionsOf(t, conn, "span_outside"); !slices.Equal(got, want[2:]) {
		t.Errorf("partitions by arrival %v, want %v", got, want[2:])
	}

	g := shop.NewGenerator(1, c.read())
	today, lastYear := g.Traces(10), g.Traces(10)
	for i := range lastYear.Spans {
		lastYear.Spans[i].StartNanos -= int64(365 * 24 * time.Hour)
		lastYear.Spans[i].EndNanos -= int64(365 * 24 * time.Hour)
	}
	for _, traces := range []*plait.Traces{today, lastYear} {
		if _, err := s.WriteTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		days           int
		spans, entries int64
	}{{0, 20, 1}, {2, 20, 1}, {3, 0, 1}, {10, 0, 0}} {
		liveUntil(t, s, c, time.Date(2026, 3, 1+step.days, 12, 0, 0, 0, time.UTC))
		if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != step.spans {
			t.Errorf("%d spans after %d days, want %d", got, step.days, step.spans)
		}
		if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.scope`); got != step.entries {
			t.Errorf("%d scopes after %d days, want %d", got, step.days, step.entries)
		}
	}
	want = []string{"20260309", "20260310", "20260311", "20260312", "20260313", "20260314"}
	if got := partitionsOf(t, conn, "log"); !slices.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
}

func TestEntriesInUseAreRefreshedOnceADay(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(24*time.Hour)), connect(t, url)
	for range 12 {
		if _, err := s.WriteTraces(t.Context(), shop.NewGenerator(1, c.read()).Traces(30)); err != nil {
			t.Fatal(err)
		}
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		last := selectOne[time.Time](t, conn, `SELECT min(last_used) FROM plait_store.scope`)
		if want := c.read().Truncate(24 * time.Hour); !last.Equal(want) {
			t.Errorf("last use %v, want %v", last, want)
		}
		c.move(24 * time.Hour)
	}
}

func TestRowsWithoutAPartitionGoOutsideAndThePartitionComesBack(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	today := now.UTC().Format("20060102")
	for _, table := range []string{"span", "log", "trace_fragment"} {
		exec(t, conn, `DROP TABLE plait_store.`+table+`_`+today)
	}
	g := shop.NewGenerator(1, now)
	g.Window = time.Second
	if _, err := s.WriteTraces(t.Context(), g.Traces(10)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), g.Logs(10)); err != nil {
		t.Fatal(err)
	}
	if got := selectOne[int64](t, conn, `SELECT (SELECT count(*) FROM plait.spans) + (SELECT count(*) FROM plait.logs)`); got != 20 {
		t.Errorf("%d rows stored, want 20", got)
	}
}

func TestAClockFarAheadOfThePartitionsGoesOutside(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read)), connect(t, url)
	c.move(30 * 24 * time.Hour) // the upkeep has not run for a month
	if _, err := s.WriteTraces(t.Context(), shop.NewGenerator(1, c.read()).Traces(10)); err != nil {
		t.Fatal(err)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 10 {
		t.Errorf("%d spans stored, want 10", got)
	}
}

func TestUpkeepAnalysesSummarisesAndFreezes(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "each node keeps up its own rows")
	url := storetest.URL(t)
	c := &clock{now: time.Now()}
	s, conn := storetest.Open(t, url, storetest.Now(c.read)), connect(t, url)
	g := shop.NewGenerator(1, c.now)
	g.Window = time.Second
	if _, err := s.WriteTraces(t.Context(), g.Traces(6000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := func(column string) int64 {
		return selectOne[int64](t, conn, `SELECT max(`+column+`)::int8 FROM pg_catalog.pg_class WHERE relname LIKE 'span\_2%' AND relkind = 'r'`)
	}
	if got := state("reltuples"); got != 6000 {
		t.Errorf("the planner thinks of %d rows, want 6000", got)
	}
	if got := state("relallvisible"); got != 0 {
		t.Errorf("%d pages frozen of a day that is not over", got)
	}
	liveUntil(t, s, c, c.read().Add(48*time.Hour))
	if state("relallvisible") != state("relpages") {
		t.Errorf("%d pages of %d frozen after the day", state("relallvisible"), state("relpages"))
	}
}
