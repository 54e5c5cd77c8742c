package tally

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

const quartersSQL = `
SELECT quarters
FROM plait_store.tally
WHERE signal = 2 AND last_time > $1::timestamptz - interval '1 minute' AND first_time < $2`

// Logs hands out how many log records there are in each step, as Spans does. Their classes may be 0 where nobody asks for them: rows
// of a few seconds have about as many classes as rows. Without them steps may be of quarters of a minute at no more cost.
func (t *Tally) Logs(ctx context.Context, steps Steps, classes bool, use func(*counts.LogCell) error) error {
	var bad error
	hand := func(c *counts.LogCell) bool {
		bad = use(c)
		return bad == nil
	}
	cut := cutRows{steps: steps}
	minutes := func(v [][]byte) error {
		err := counts.ReadLogs(v[0], func(c *counts.LogCell) bool {
			c.Minute = cut.stepOf(c.Minute, c.Count)
			return c.Minute == outside || hand(c)
		})
		return cmp.Or(bad, err)
	}
	quarters := func(v [][]byte) error {
		var cell counts.LogCell
		err := counts.ReadQuarters(v[0], func(c *counts.QuarterCell) bool {
			cell.LogKey = counts.LogKey{Minute: cut.stepOf(c.Quarter, c.Count), Resource: c.Resource, Class: c.Class, Severity: c.Severity}
			cell.Count, cell.Bytes = c.Count, c.Bytes
			return cell.Minute == outside || hand(&cell)
		})
		return cmp.Or(bad, err)
	}
	row := func(v [][]byte) error {
		hand(&counts.LogCell{
			LogKey: counts.LogKey{
				Minute:   int64(steps.of(max(rowcodec.TimeMicros(v[0]), steps.From))),
				Resource: rowcodec.Int8(v[1]), Class: rowcodec.Int8(v[2]), Severity: rowcodec.Int2(v[3]),
			},
			Count: rowcodec.Int8(v[4]), Bytes: rowcodec.Int8(v[5]),
		})
		return bad
	}
	err := t.read(ctx, &cut, func(tx pgx.Tx) error {
		from, to := rowcodec.MicrosTime(steps.From), rowcodec.MicrosTime(steps.To)
		byMinute := classes
		if !classes {
			untold, err := untoldMinutes(ctx, tx, from, to)
			if err != nil {
				return err
			}
			byMinute = len(untold) > 0
		}
		if byMinute {
			cut.begin(counts.MinuteMicros)
			return each(ctx, tx, minutes, bodiesSQL, pg.Planned, int16(Logs), from, to)
		}
		cut.begin(counts.QuarterMicros)
		return each(ctx, tx, quarters, quartersSQL, pg.Planned, from, to)
	}, func(tx pgx.Tx, c span) error {
		if _, err := tx.Exec(ctx, HashedSQL); err != nil {
			return err
		}
		length, origin := steps.bins(c)
		return each(ctx, tx, row, logRowsSQL, pg.Planned, rowcodec.MicrosTime(c.from), rowcodec.MicrosTime(c.to), length, rowcodec.MicrosTime(origin), classes)
	})
	if err != nil {
		return fmt.Errorf("count log records: %w", err)
	}
	return nil
}

// bins are a length and a time from which on a piece of the range falls into its steps.
func (s Steps) bins(c span) (length time.Duration, origin int64) {
	if s.of(c.from) == s.of(c.to-1) {
		return time.Duration(max(c.to-c.from, 1)) * time.Microsecond, c.from
	}
	origin = s.From // the range is longer than a step
	if s.Aligned {
		origin = rowcodec.FloorDiv(c.from, s.Length) * s.Length
	}
	if origin < rowcodec.MinMicros {
		origin += s.Length
	}
	return time.Duration(s.Length) * time.Microsecond, origin
}
