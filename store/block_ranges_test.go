package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

func TestFullBlockRangesAreSummarisedAndNobodyIsWaitedFor(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a coordinator's plans name no partitions, and each node keeps up its own rows")
	url := storetest.URL(t)
	s, conn, now := storetest.Open(t, url), connect(t, url), time.Now()
	partition := "plait_store.log_" + now.UTC().Format("20060102")
	fill := func() {
		records := make([]plait.LogRecord, 8_000)
		for i := range records {
			records[i] = record(plait.TraceID{}, 0, "shop", strings.Repeat("a long line ", 20), now, 0)
			records[i].TimeNanos = now.UnixNano() + int64(i)
		}
		writeLogs(t, s, records...)
	}
	// As the upkeep would, which comes later: what is there to summarise beside the last range, which is not full.
	left := func() int64 {
		return selectOne[int64](t, conn, `
			SELECT sum(brin_summarize_new_values(x.indexrelid))::int8
			FROM pg_index x
			JOIN pg_class i ON i.oid = x.indexrelid
			JOIN pg_am a ON a.oid = i.relam
			WHERE a.amname = 'brin' AND x.indrelid = $1::regclass`, partition)
	}
	ranges := s.BlockRanges()
	summarize := func() {
		t.Helper()
		if err := ranges.Summarize(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	summarize()
	fill()
	summarize()
	if n := left(); n > 1 {
		t.Errorf("%d ranges were not summarised", n)
	}
	newest, _ := s.ExplainPlanned(t.Context(), "SELECT", `SELECT FROM `+partition+` WHERE time > $1`, pgx.QueryExecModeExec, now.Add(time.Second))
	if !strings.Contains(newest, "Bitmap Index Scan") {
		t.Errorf("the newest are not read by block ranges: %s", newest)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // it is committed below
	if _, err := tx.Exec(t.Context(), `LOCK TABLE `+partition+` IN SHARE UPDATE EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	fill()
	summarize() // while a vacuum holds its lock
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	summarize()
	if n := left(); n > 1 {
		t.Errorf("%d ranges were not summarised after the lock was there again", n)
	}
}
