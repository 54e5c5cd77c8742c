package tally

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// How LogQL counts. What lies at the end of a step is in it, and what lies at its beginning is not. So a record at
// the very beginning of a minute belongs to the minute before: it is told apart, as are records with a level of their
// own (counts.ApartKey). Counts that older gateways wrote tell nothing apart; the minutes that these touch are read from rows.

// Piece is a piece of time, in microseconds since 1970, whose log records are read from rows: what is after From, and not
// after To.
type Piece struct{ From, To int64 }

const (
	apartBodiesSQL = `
SELECT body, apart
FROM plait_store.tally
WHERE signal = 2 AND last_time > $1::timestamptz - interval '1 minute' AND first_time <= $2`

	untoldSQL = `
SELECT first_time, last_time
FROM plait_store.tally
WHERE signal = 2 AND last_time > $1::timestamptz - interval '1 minute' AND first_time <= $2 AND apart IS NULL
ORDER BY first_time`
)

// maxPieces bounds how many statements read rows. Where there would be more, one reads all.
const maxPieces = 64

// LogsUpTo hands out how many log records there are in each step, which begins after its first moment and has its last one: in any
// order, and some of them in parts that take away from others, so that their sums count. Minute is the step. What is counted
// otherwise is left to rows, which reads it in the same transaction. A cell is valid until the next one.
func (t *Tally) LogsUpTo(ctx context.Context, steps Steps, use func(*counts.ApartCell) error, rows func(context.Context, pgx.Tx, Piece) error) error {
	if err := steps.check(); err != nil {
		return err
	}
	err := t.atOneMoment(ctx, func(tx pgx.Tx) error {
		from, to := rowcodec.MicrosTime(steps.From), rowcodec.MicrosTime(steps.To)
		untold, err := untoldMinutes(ctx, tx, from, to)
		if err != nil {
			return err
		}
		cuts := joined(append(steps.cuts(), untold...), span{steps.From, steps.To})
		if len(cuts) > maxPieces {
			cuts = []span{{steps.From, steps.To}}
		}
		told := teller{cut: cutRows{steps: steps, pieces: cuts}, use: use}
		if err := cmp.Or(each(ctx, tx, told.body, apartBodiesSQL, pg.Planned, from, to), told.cut.check()); err != nil {
			return err
		}
		for _, c := range cuts {
			if err := rows(ctx, tx, Piece{c.from, c.to}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count log records: %w", err)
	}
	return nil
}

// untoldMinutes are those of which the counts of an older gateway are a part, and the ones before them, to which records
// at their beginning belong.
func untoldMinutes(ctx context.Context, tx pgx.Tx, from, to time.Time) (all []span, err error) {
	err = each(ctx, tx, func(v [][]byte) error {
		all = append(all, span{rowcodec.TimeMicros(v[0]) - counts.MinuteMicros, rowcodec.TimeMicros(v[1]) + counts.MinuteMicros})
		if len(all) > maxPieces {
			all = joined(all, span{rowcodec.MinMicros, rowcodec.MaxMicros})
		}
		return nil
	}, untoldSQL, pg.Planned, from, to)
	return all, err
}

// joined puts pieces that touch together, as far as they are within a range.
func joined(all []span, within span) []span {
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range all {
		s = span{max(s.from, within.from), min(s.to, within.to)}
		if s.from >= s.to {
			continue
		}
		if n := len(out); n > 0 && out[n-1].to >= s.from {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// teller hands out cells by the minute to which LogQL counts their records.
type teller struct {
	cut cutRows
	use func(*counts.ApartCell) error

	minute int64 // of the last cell
	step   int64 // in which it is, or outside
	known  bool
}

// outside is the step of minutes that are not asked for, or read from rows.
const outside = -1

// body hands out what a row of the table counts.
func (t *teller) body(v [][]byte) error {
	var bad error
	var cell counts.ApartCell
	hand := func(minute, count int64) {
		if step := t.stepOf(minute); step != outside && bad == nil {
			cell.Minute, cell.Count = step, count
			bad = t.use(&cell)
		}
	}
	err := counts.ReadLogs(v[0], func(c *counts.LogCell) bool {
		cell.ApartKey = counts.ApartKey{LogKey: c.LogKey}
		hand(c.Minute, c.Count)
		t.cut.add(c.Minute, c.Count)
		return bad == nil
	})
	if err = cmp.Or(bad, err); err != nil || v[1] == nil { // all that is not told apart lies in cuts
		return err
	}
	err = counts.ReadApart(v[1], func(c *counts.ApartCell) bool {
		cell.ApartKey = counts.ApartKey{LogKey: c.LogKey}
		hand(c.Minute, -c.Count)
		cell.ApartKey = counts.ApartKey{LogKey: c.LogKey, Level: c.Level}
		if c.Sharp {
			hand(c.Minute-1, c.Count)
		} else {
			hand(c.Minute, c.Count)
		}
		return bad == nil
	})
	return cmp.Or(bad, err)
}

// stepOf is the step of a minute's cells. Cells come by minute.
func (t *teller) stepOf(minute int64) int64 {
	if !t.known || t.minute != minute {
		t.minute, t.step, t.known = minute, outside, true
		if steps := t.cut.steps; steps.whole(minute, t.cut.pieces) {
			t.step = int64(steps.of(minute * counts.MinuteMicros))
		}
	}
	return t.step
}
