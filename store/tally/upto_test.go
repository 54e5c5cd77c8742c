package tally_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/tally"
)

const recordsSQL = `
SELECT (extract(epoch FROM time) * 1000000)::int8 - CASE WHEN sub_ns = 0 THEN 1 ELSE 0 END, resource, CASE WHEN c.severity_text = 'CRITICAL' THEN class ELSE 0 END, severity
FROM plait_store.log l
JOIN plait_store.log_class c ON c.id = l.class`

// logsUpTo counts rows one by one, as LogQL does. Classes are those that tell something.
func logsUpTo(ctx context.Context, db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, s tally.Steps, p tally.Piece, sums map[counts.QuarterKey]int64) error {
	rows, err := db.Query(ctx, recordsSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k counts.QuarterKey
		var micros int64
		if err := rows.Scan(&micros, &k.Resource, &k.Class, &k.Severity); err != nil {
			return err
		}
		if micros >= p.From && micros < p.To {
			k.Quarter = (micros - zero(s)) / s.Length
			sums[k]++
		}
	}
	return rows.Err()
}

// expectUpTo fails unless the counts of steps that have their end are those of the rows.
func (d *database) expectUpTo(when string, s tally.Steps) {
	d.t.Helper()
	want, got, pieces := map[counts.QuarterKey]int64{}, map[counts.QuarterKey]int64{}, 0
	if err := logsUpTo(d.t.Context(), d.pool, s, tally.Piece{From: s.From, To: s.To}, want); err != nil {
		d.t.Fatal(err)
	}
	err := d.tally.LogsUpTo(d.t.Context(), s, func(c *counts.QuarterCell) error {
		key := c.QuarterKey
		key.Sharp, key.Level = false, ""
		got[key] += c.Count
		return nil
	}, func(ctx context.Context, tx pgx.Tx, p tally.Piece) error {
		pieces++
		return logsUpTo(ctx, tx, s, p, got)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		d.t.Fatalf("%s %d kinds of records are counted up to the ends of %+v with %d pieces of rows, and the rows have %d", when, len(got), s, pieces, len(want))
	}
}

// TestOlderCountsAreReadFromRows mixes counts without quarters with others, which merges add to them.
func TestOlderCountsAreReadFromRows(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 5)
	for range 6 {
		d.write(1 + d.r.IntN(40))
		d.exec(`UPDATE plait_store.tally SET quarters = NULL WHERE random() < 0.3`)
		d.expect("beside older counts")
		d.age("2 minutes")
		d.merge()
		d.expect("after a merge with older counts")
	}
}

func TestWholeQuartersAreCountedWithoutRows(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 6)
	d.write(50)
	d.age("2 minutes")
	d.merge()
	hour := d.now.Truncate(time.Hour)
	for _, s := range []tally.Steps{
		{From: hour.Add(-time.Hour).UnixMicro(), To: hour.UnixMicro(), Length: 120_000_000},
		{From: hour.Add(-time.Hour + 15*time.Second).UnixMicro(), To: hour.UnixMicro(), Length: 45_000_000},
		{From: hour.Add(-time.Hour + 30*time.Second).UnixMicro(), To: hour.Add(-45 * time.Second).UnixMicro(), Length: 30_000_000, Aligned: true},
	} {
		err := d.tally.LogsUpTo(t.Context(), s, func(*counts.QuarterCell) error { return nil }, func(_ context.Context, _ pgx.Tx, p tally.Piece) error {
			t.Errorf("rows of %+v are read", p)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestVolumesByTheQuarterReadNoRows counts once more when there are no rows any more.
func TestVolumesByTheQuarterReadNoRows(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 8)
	d.write(80)
	hour := d.now.Truncate(time.Hour)
	s := tally.Steps{From: hour.Add(-time.Hour + 15*time.Second).UnixMicro(), To: hour.UnixMicro(), Length: 45_000_000, Aligned: true}
	want := d.logRows(s, false)
	d.exec(`DELETE FROM plait_store.log`)
	if got, err := d.countedLogs(t.Context(), s, false); err != nil || len(want) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d kinds of records are counted without rows, want %d, %v", len(got), len(want), err)
	}
}

func TestRecordsOfAHostileLevelAreCountedByTheMinute(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, 7)
	d.level = strings.Repeat("x", counts.MaxLevelBytes)
	d.write(40)
	d.expect("with a long level")
	d.level = "info"
	d.write(40)
	d.age("2 minutes")
	d.merge()
	d.expect("after a merge with a long level")
}
