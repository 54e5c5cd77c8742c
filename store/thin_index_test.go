package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/plaithq/plait/store/partition"
)

// TestTheIndexOfAThinnedDayIsLeftAloneWhileSomebodyMerges merges as another gateway would.
func TestTheIndexOfAThinnedDayIsLeftAloneWhileSomebodyMerges(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.write(1000, "", "GET /", nil)
	if err := d.store.MergeTerms(t.Context()); err != nil {
		t.Fatal(err)
	}
	segments := func() []int64 {
		return selectOne[[]int64](t, d.conn, `SELECT array_agg(id ORDER BY id) FROM plait_store.term_segment WHERE shelf = '2026-03-01' AND replaced_at = 'infinity'`)
	}
	d.live(1)
	before := segments()
	d.clock.move(24 * time.Hour)
	merger := connect(t, d.conn.Config().ConnString())
	exec(t, merger, fmt.Sprintf(`SELECT pg_catalog.pg_advisory_lock(%d)`, partition.MergeLock))
	done := make(chan error, 1)
	go func() { done <- d.store.Upkeep(t.Context()) }()
	const asks = `
		SELECT coalesce(max(query_start)::text, '') FROM pg_catalog.pg_stat_activity
		WHERE datname = pg_catalog.current_database() AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_catalog.pg_backend_pid()
		  AND EXISTS (SELECT FROM plait_store.thinned_day WHERE gone > 0)`
	asked := map[string]bool{"": true}
	for len(asked) < 4 { // the upkeep and the merger of the store ask for their own locks, too
		select {
		case err := <-done:
			t.Fatalf("the upkeep is done while somebody merges: %v", err)
		default:
			asked[selectOne[string](t, d.conn, asks)] = true
		}
	}
	if got := segments(); len(got) != len(before) || got[0] != before[0] {
		t.Errorf("segments %v became %v while somebody merged", before, got)
	}
	exec(t, merger, fmt.Sprintf(`SELECT pg_catalog.pg_advisory_unlock(%d)`, partition.MergeLock))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !selectOne[bool](t, d.conn, `SELECT bool_and(indexed) FROM plait_store.thinned_day`) || segments()[0] == before[0] {
		t.Error("the index of terms was not thinned when nobody merged any more")
	}
}
