package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// spansAt are n spans of a time.
func spansAt(seed uint64, at time.Time, n int) *plait.Traces {
	g := shop.NewGenerator(seed, at)
	g.Window = time.Nanosecond
	traces := g.Traces(n)
	for i := range traces.Spans {
		took := traces.Spans[i].EndNanos - traces.Spans[i].StartNanos
		traces.Spans[i].StartNanos = at.UnixNano()
		traces.Spans[i].EndNanos = at.UnixNano() + took
	}
	return traces
}

// logsAt are n log records of a time.
func logsAt(seed uint64, at time.Time, n int) *plait.Logs {
	logs := shop.NewGenerator(seed, at).Logs(n)
	for i := range logs.Records {
		logs.Records[i].TimeNanos = at.UnixNano()
	}
	return logs
}

// writeAt writes a span, a log record, a sample and an exemplar of a time.
func writeAt(t *testing.T, s *store.Store, seed uint64, at time.Time) {
	t.Helper()
	if _, err := s.WriteTraces(t.Context(), spansAt(seed, at, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteLogs(t.Context(), logsAt(seed, at, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteMetrics(t.Context(), &plait.Metrics{Series: []plait.SeriesData{{
		Labels:    plait.Labels{{Name: "__name__", Value: "up"}},
		Samples:   []plait.Sample{{TimeMillis: at.UnixMilli(), Value: 1}},
		Exemplars: []plait.Exemplar{{TimeNanos: at.UnixNano(), Value: 1, TraceID: plait.TraceID{9}}},
	}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Metrics().CompactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// expectRows compares how many rows each public view has.
func expectRows(t *testing.T, conn *pgx.Conn, when string, want int64) {
	t.Helper()
	for _, view := range []string{"spans", "logs", "traces", "samples", "exemplars"} {
		if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.`+view); got != want {
			t.Errorf("%s: plait.%s has %d rows, want %d", when, view, got, want)
		}
	}
}

func TestWhatIsOlderThanTheRetentionIsKeptForItAfterItsArrival(t *testing.T) {
	t.Parallel()
	const retention = 7 * 24 * time.Hour
	midnight := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct{ opened, arrives, happened time.Time }{
		"after midnight, before the retention of the day has run": {
			midnight.Add(-time.Hour), midnight.Add(time.Minute), midnight.Add(-retention - time.Hour)},
		"on the last day of a partition": {
			midnight.Add(-12 * time.Hour), midnight.Add(-time.Hour), midnight.Add(-retention - 20*time.Hour)},
		"a moment too old, just before midnight": {
			midnight.Add(-time.Hour), midnight.Add(-time.Second), midnight.Add(-retention - 2*time.Second)},
		"at a gateway that was down over midnight": {
			midnight.Add(2 * time.Minute), midnight.Add(2 * time.Minute), midnight.Add(-retention - time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.URL(t)
			c := &clock{now: midnight.Add(-24 * time.Hour)}
			if test.opened.After(midnight) { // an earlier gateway made the partitions
				storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(retention)).Close()
			}
			c.move(test.opened.Sub(c.read()))
			s, conn := storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(retention)), connect(t, url)
			c.move(test.arrives.Sub(c.read()))
			writeAt(t, s, 1, test.happened)
			liveUntil(t, s, c, test.arrives.Add(retention-time.Minute))
			expectRows(t, conn, "within the retention after the arrival", 1)
			liveUntil(t, s, c, test.arrives.Add(retention+48*time.Hour))
			expectRows(t, conn, "two days after", 0)
		})
	}
}

func TestAGatewayWhoseClockIsAheadDropsNothing(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	writeAt(t, s, 1, time.Now().Add(-time.Hour))
	for _, ahead := range []time.Duration{20 * 24 * time.Hour, -20 * 24 * time.Hour, 10 * time.Minute} {
		wrong := storetest.Open(t, url, storetest.GatewayNow(func() time.Time { return time.Now().Add(ahead) }))
		if err := wrong.Upkeep(t.Context()); err == nil || !strings.Contains(err.Error(), "clocks of this gateway and of the database differ by") {
			t.Errorf("upkeep with a clock %v ahead: %v", ahead, err)
		}
		expectRows(t, conn, "after its upkeep", 1)
	}
	if err := s.Upkeep(t.Context()); err != nil {
		t.Error(err)
	}
	expectRows(t, conn, "after the upkeep of a gateway whose clock is right", 1)
}

func TestAGatewayWhoseClockIsBehindFilesArrivalsByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	wrong := storetest.Open(t, url, storetest.GatewayNow(func() time.Time { return time.Now().AddDate(0, 0, -30) }))
	conn := connect(t, url)
	writeAt(t, wrong, 1, time.Now().Add(-time.Hour))
	writeAt(t, wrong, 2, time.Now().AddDate(-1, 0, 0))
	expectRows(t, conn, "before the clock is mended", 2)
	if err := storetest.Open(t, url).Upkeep(t.Context()); err != nil {
		t.Error(err)
	}
	expectRows(t, conn, "after it", 2)
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.span WHERE shelf > '4000-01-01' AND shelf - 1000000 < (now() AT TIME ZONE 'UTC')::date - 1`); got != 0 {
		t.Errorf("%d spans arrived by the clock of the gateway", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.span WHERE shelf < '4000-01-01'`); got != 1 {
		t.Errorf("%d spans are in the partition of their day, want the one of today", got)
	}
}

func TestNothingIsDroppedForADayAfterALeapOfTheDatabasesClock(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(7*24*time.Hour)), connect(t, url)
	writeAt(t, s, 1, c.read())
	liveUntil(t, s, c, c.read().Add(time.Hour))
	c.move(20 * 24 * time.Hour)
	for range 23 {
		if err := s.Upkeep(t.Context()); err == nil || !strings.Contains(err.Error(), "clock has leapt") {
			t.Fatalf("upkeep after a leap: %v", err)
		}
		c.move(time.Hour)
	}
	expectRows(t, conn, "a day after the leap", 1)
	c.move(2 * time.Hour)
	liveUntil(t, s, c, c.read())
	expectRows(t, conn, "later", 0)
}

func TestWhatCameWhileTheDatabasesClockWasBehindIsKept(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	right := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &clock{now: right.AddDate(0, 0, -60)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(7*24*time.Hour)), connect(t, url)
	writeAt(t, s, 1, right)
	liveUntil(t, s, c, c.read().Add(time.Hour))
	c.move(60 * 24 * time.Hour)
	_ = s.Upkeep(t.Context()) // notes the leap
	liveUntilSteady := c.read().Add(25 * time.Hour)
	c.move(liveUntilSteady.Sub(c.read()))
	liveUntil(t, s, c, right.AddDate(0, 0, 6))
	expectRows(t, conn, "within the retention of its time", 1)
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans WHERE service IS NOT NULL AND resource IS NOT NULL`); got != 1 {
		t.Error("the span has lost its resource")
	}
	liveUntil(t, s, c, right.AddDate(0, 0, 12))
	expectRows(t, conn, "after it", 0)
}

// reading opens a transaction that has read every public view, and leaves it open.
func reading(t *testing.T, url string) (end func()) {
	t.Helper()
	tx, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, view := range []string{"spans", "logs", "traces", "samples", "exemplars"} {
		if _, err := tx.Exec(t.Context(), `SELECT count(*) FROM plait.`+view); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := tx.Rollback(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

func TestAnOpenReaderKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	retention := storetest.Retention(2 * 24 * time.Hour)
	s, conn := storetest.Open(t, url, storetest.Now(c.read), retention), connect(t, url)
	exec(t, conn, `SET lock_timeout = '5s'`) // so that a question that waits fails
	writeAt(t, s, 1, c.read())
	end := reading(t, url)

	for range 6 { // partitions are due, made, and past their retention
		c.move(24 * time.Hour)
		if err := s.MakePartitions(t.Context()); err != nil {
			t.Fatalf("make partitions beside a reader: %v", err)
		}
		second := storetest.Open(t, url, storetest.Now(c.read), retention)
		writeAt(t, second, uint64(c.read().Unix()), c.read())
		second.Close()
	}
	if err := s.Upkeep(t.Context()); err == nil || !strings.Contains(err.Error(), "drop partition 20260227 of span: ") {
		t.Errorf("retention beside a reader: %v, want it to tell of the partition that it waits for", err)
	}
	writeAt(t, s, 99, c.read())
	expectRows(t, conn, "while the reader is there", 8)
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'span_20260227'`); got != 1 {
		t.Errorf("a partition that is read is gone")
	}
	end()
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectRows(t, conn, "once the reader has gone", 4)
	want := []string{"20260305", "20260306", "20260307", "20260308", "20260309", "20260310"}
	if got := partitionsOf(t, conn, "span"); !slices.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
}

func TestAPartitionThatWasDetachedAndNotDroppedIsDroppedLater(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s, conn := storetest.Open(t, url, storetest.Now(c.read), storetest.Retention(24*time.Hour)), connect(t, url)
	exec(t, conn, `ALTER TABLE plait_store.span DETACH PARTITION plait_store.span_20260301`) // and its gateway was killed
	if err := s.MakePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := partitionsOf(t, conn, "span"); len(got) != 5 || got[1] != "20260301" {
		t.Errorf("partitions %v, want the one that was detached back", got)
	}
	exec(t, conn, `ALTER TABLE plait_store.span DETACH PARTITION plait_store.span_20260301`)
	liveUntil(t, s, c, c.read().Add(3*24*time.Hour))
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'span_20260301'`); got != 0 {
		t.Error("a partition that was detached is left for ever")
	}
}
