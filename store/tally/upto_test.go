package tally_test

import (
	"context"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/tally"
)

const recordsSQL = `
SELECT (extract(epoch FROM time) * 1000000)::int8 - CASE WHEN sub_ns = 0 THEN 1 ELSE 0 END, resource, class, severity
FROM plait_store.log`

// logsUpTo counts rows one by one, as LogQL does.
func logsUpTo(ctx context.Context, db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, s tally.Steps, p tally.Piece, sums map[counts.LogKey]int64) error {
	rows, err := db.Query(ctx, recordsSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k counts.LogKey
		var micros int64
		if err := rows.Scan(&micros, &k.Resource, &k.Class, &k.Severity); err != nil {
			return err
		}
		if micros >= p.From && micros < p.To {
			k.Minute = (micros - zero(s)) / s.Length
			sums[k]++
		}
	}
	return rows.Err()
}

// expectUpTo fails unless the counts of steps that have their end are those of the rows.
func (d *database) expectUpTo(when string, s tally.Steps) {
	d.t.Helper()
	want, got, pieces := map[counts.LogKey]int64{}, map[counts.LogKey]int64{}, 0
	if err := logsUpTo(d.t.Context(), d.pool, s, tally.Piece{From: s.From, To: s.To}, want); err != nil {
		d.t.Fatal(err)
	}
	err := d.tally.LogsUpTo(d.t.Context(), s, func(c *counts.ApartCell) error {
		got[c.LogKey] += c.Count
		return nil
	}, func(ctx context.Context, tx pgx.Tx, p tally.Piece) error {
		pieces++
		return logsUpTo(ctx, tx, s, p, got)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	maps.DeleteFunc(got, func(_ counts.LogKey, n int64) bool { return n == 0 })
	if !reflect.DeepEqual(want, got) {
		d.t.Fatalf("%s %d kinds of records are counted up to the ends of %+v with %d pieces of rows, and the rows have %d", when, len(got), s, pieces, len(want))
	}
}

// TestOlderCountsAreReadFromRows mixes counts that tell nothing apart with others, which merges add to them.
func TestOlderCountsAreReadFromRows(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 5)
	for range 6 {
		d.write(1 + d.r.IntN(40))
		d.exec(`UPDATE plait_store.tally SET apart = NULL WHERE random() < 0.3`)
		d.expect("beside older counts")
		d.age("2 minutes")
		d.merge()
		d.expect("after a merge with older counts")
	}
}

func TestWholeMinutesAreCountedWithoutRows(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 6)
	d.write(50)
	d.age("2 minutes")
	d.merge()
	s := tally.Steps{From: d.now.Truncate(time.Hour).Add(-time.Hour).UnixMicro(), To: d.now.Truncate(time.Hour).UnixMicro(), Length: 120_000_000}
	err := d.tally.LogsUpTo(t.Context(), s, func(*counts.ApartCell) error { return nil }, func(_ context.Context, _ pgx.Tx, p tally.Piece) error {
		t.Errorf("rows of %+v are read", p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
