package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/tally"
)

func TestCountsGoWithTheirRowsAndStayWithThoseThatExemplarsKeep(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	s := storetest.Open(t, url, storetest.Now(c.read), func(config *store.Config) {
		config.RetentionTraces, config.RetentionLogs, config.RetentionMetrics = 2*24*time.Hour, 2*24*time.Hour, 8*24*time.Hour
	})
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	counted, conn := tally.New(pool, prometheus.NewRegistry()), connect(t, url)
	pinnedTrace(t, s, plait.TraceID{1}, plait.TraceID{1}, c.read())
	pinnedTrace(t, s, plait.TraceID{2}, plait.TraceID{}, c.read())
	pinnedTrace(t, s, plait.TraceID{3}, plait.TraceID{3}, c.read().Add(-1000*24*time.Hour))
	always := tally.Steps{From: rowcodec.MinMicros, To: rowcodec.MaxMicros, Length: rowcodec.MaxMicros * 2}
	for days := range 14 {
		liveUntil(t, s, c, time.Date(2026, 3, 1+days, 12, 0, 0, 0, time.UTC))
		var spans, logs int64
		err := counted.Spans(t.Context(), always, func(c *counts.SpanCell) error {
			spans += c.Count
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = counted.Logs(t.Context(), always, true, func(c *counts.LogCell) error {
			logs += c.Count
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.span`); spans != want {
			t.Errorf("after %d days %d spans are counted, and there are %d", days, spans, want)
		}
		if want := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.log`); logs != want {
			t.Errorf("after %d days %d records are counted, and there are %d", days, logs, want)
		}
	}
	if n := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.tally`); n != 0 {
		t.Errorf("%d counts of rows that are gone are left", n)
	}
}
