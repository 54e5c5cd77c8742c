package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// endWaiting ends the session of a gateway that waits for a lock which the test holds: to the
// database that is what a kill of the gateway looks like, at a moment of the test's choice.
func endWaiting(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for {
		ended := selectOne[int64](t, conn, `
			SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
			WHERE datname = pg_catalog.current_database() AND application_name LIKE 'plait %' AND wait_event_type = 'Lock'`)
		if ended > 0 {
			return
		}
	}
}

// holding begins a transaction that holds a lock.
func holding(t *testing.T, url, lock string) (release func()) {
	t.Helper()
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), lock); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestAGatewayKilledWhileItCompactsLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	killed, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now().UnixMilli()
	series := plait.SeriesData{Labels: plait.Labels{{Name: "__name__", Value: "up"}}}
	for i := range int64(50) {
		series.Samples = append(series.Samples, plait.Sample{TimeMillis: now + i, Value: float64(i)})
	}
	if _, err := killed.WriteMetrics(t.Context(), &plait.Metrics{Series: []plait.SeriesData{series}}); err != nil {
		t.Fatal(err)
	}
	release := holding(t, url, `LOCK TABLE plait_store.sample_chunk IN SHARE MODE`) // its rows of the head are removed, the chunks not written
	ended := make(chan error, 1)
	go func() { ended <- killed.Metrics().CompactNow(t.Context()) }()
	endWaiting(t, conn)
	if err := <-ended; err == nil {
		t.Error("the compaction that was killed ended well")
	}
	release()
	for _, s := range []*store.Store{storetest.Open(t, url), killed} {
		if got := selectOne[int64](t, conn, `SELECT count(DISTINCT time) FROM plait.samples`); got != 50 {
			t.Errorf("%d samples, want 50", got)
		}
		if err := s.Metrics().CompactNow(t.Context()); err != nil {
			t.Error(err)
		}
		if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.samples`); got != 50 {
			t.Errorf("%d samples after a compaction, want 50", got)
		}
	}
}

func TestAGatewayKilledWhileItMakesPartitionsLeavesNoneHalfMade(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	killed, conn := storetest.Open(t, url, storetest.Now(c.read)), connect(t, url)
	c.move(48 * time.Hour)
	release := holding(t, url, `LOCK TABLE plait_store.log IN SHARE UPDATE EXCLUSIVE MODE`) // those of span are made, those of log not attached
	ended := make(chan error, 1)
	go func() { ended <- killed.MakePartitions(t.Context()) }()
	endWaiting(t, conn)
	if err := <-ended; err == nil {
		t.Error("the making that was killed ended well")
	}
	release()
	s := storetest.Open(t, url, storetest.Now(c.read))
	writeAt(t, s, 1, c.read())
	expectRows(t, conn, "after the next start", 1)
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE nspname = 'plait_store' AND relkind = 'r' AND NOT relispartition AND relname ~ '_[0-9]{8}$'`); got != 0 {
		t.Errorf("%d tables are made and not attached", got)
	}
	if got, want := partitionsOf(t, conn, "log"), partitionsOf(t, conn, "span"); len(got) != len(want) {
		t.Errorf("partitions of log %v, of span %v", got, want)
	}
}

func TestAGatewayKilledWhileItDropsAPartitionLeavesItToTheNext(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	retention := storetest.Retention(24 * time.Hour)
	killed, conn := storetest.Open(t, url, storetest.Now(c.read), retention), connect(t, url)
	pinned := plait.TraceID{1, 15: 1}
	pinnedTrace(t, killed, pinned, pinned, c.read())
	writeAt(t, killed, 1, c.read())
	liveUntil(t, killed, c, c.read().Add(24*time.Hour))
	end := reading(t, url)
	c.move(24 * time.Hour)
	ended := make(chan error, 1)
	go func() { ended <- killed.Upkeep(t.Context()) }()
	endWaiting(t, conn) // it waits for the reader
	if err := <-ended; err == nil {
		t.Error("the retention that was killed ended well")
	}
	end()
	liveUntil(t, storetest.Open(t, url, storetest.Now(c.read), retention), c, c.read())
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM pg_catalog.pg_class WHERE relname IN ('span_20260228', 'span_20260301') AND relkind = 'r'`); got != 0 {
		t.Errorf("%d expired partitions are left", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got > 1 {
		t.Errorf("%d spans are left, want none but what an exemplar points to", got)
	}
}
