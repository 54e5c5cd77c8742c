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

// Logs hands out how many log records there are in each step, as Spans does. Their classes may be 0 where nobody asks for them: rows
// of a few seconds have about as many classes as rows.
func (t *Tally) Logs(ctx context.Context, steps Steps, classes bool, use func(*counts.LogCell) error) error {
	var bad error
	hand := func(c *counts.LogCell) bool {
		bad = use(c)
		return bad == nil
	}
	var cut cutRows
	body := func(v [][]byte) error {
		err := counts.ReadLogs(v[0], func(c *counts.LogCell) bool {
			if !steps.whole(c.Minute, cut.pieces) {
				cut.add(c.Minute, c.Count)
				return true
			}
			c.Minute = int64(steps.of(c.Minute * counts.MinuteMicros))
			return hand(c)
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
	err := t.read(ctx, Logs, steps, &cut, body, func(tx pgx.Tx, c span) error {
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
