package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// A repeat is noticed after its rows were sent.
func TestRecordsAreCountedWhenTheyAreCommittedAndNotAtEachAttempt(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	registry := prometheus.NewRegistry()
	s := storetest.Open(t, url, func(c *store.Config) { c.Registerer = registry })
	g := shop.NewGenerator(1, time.Now().AddDate(-1, 0, 0))
	traces, logs := g.Traces(20), g.Logs(30)
	for range 3 {
		if _, err := s.WriteTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.NewReader(`
# HELP plait_store_outside_total Records whose time lies outside the days that have partitions.
# TYPE plait_store_outside_total counter
plait_store_outside_total{signal="logs"} 30
plait_store_outside_total{signal="traces"} 20
`)
	if err := testutil.GatherAndCompare(registry, want, "plait_store_outside_total"); err != nil {
		t.Error(err)
	}
}

// One statement that asks, of whatever room, would make each group two round trips.
func TestGroupsOfBothSignalsAreWrittenInHaste(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn, watch := storetest.Open(t, url), connect(t, url), connect(t, url)
	g := shop.NewGenerator(1, time.Now())
	for signal, write := range map[string]func() error{
		"traces": func() error { _, err := s.WriteTraces(t.Context(), g.Traces(20)); return err },
		"logs":   func() error { _, err := s.WriteLogs(t.Context(), g.Logs(20)); return err },
	} {
		exec(t, conn, `BEGIN`)
		exec(t, conn, `LOCK TABLE plait_store.request IN SHARE MODE`)
		written := make(chan error, 1)
		go func() { written <- write() }()
		waiting := ""
		for waiting == "" {
			waiting = selectOne[string](t, watch, `
				SELECT coalesce(max(query), '')
				FROM pg_stat_activity
				WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%INSERT INTO plait_store.request%'`)
		}
		if want := statement(t, "commit", "enterNewRequestsSQL"); waiting != want {
			t.Errorf("of %s there waits %s\nwant %s", signal, waiting, want)
		}
		exec(t, conn, `COMMIT`)
		if err := <-written; err != nil {
			t.Errorf("write %s: %v", signal, err)
		}
	}
}
