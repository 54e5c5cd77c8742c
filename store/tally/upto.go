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
// the very beginning of a quarter of a minute belongs to the quarter before: it has a cell of its own, as have records with a
// level of their own (counts.QuarterKey). Older gateways counted no quarters; the minutes that they wrote to are read from rows.

// Piece is a piece of time, in microseconds since 1970, whose log records are read from rows: what is after From, and not
// after To.
type Piece struct{ From, To int64 }

const (
	toldSQL = `
SELECT quarters, CASE WHEN quarters IS NULL THEN body END
FROM plait_store.tally
WHERE signal = 2 AND last_time > $1::timestamptz - interval '1 minute' AND first_time <= $2`

	untoldSQL = `
SELECT first_time, last_time
FROM plait_store.tally
WHERE signal = 2 AND last_time > $1::timestamptz - interval '1 minute' AND first_time <= $2 AND quarters IS NULL
ORDER BY first_time`
)

// maxPieces bounds how many statements read rows. Where there would be more, one reads all.
const maxPieces = 64

// LogsUpTo hands out how many log records there are in each step, which begins after its first moment and has its last one: in any
// order and maybe in parts. Quarter is the step. What is counted otherwise is left to rows, which reads it in the same
// transaction. A cell is valid until the next one.
func (t *Tally) LogsUpTo(ctx context.Context, steps Steps, use func(*counts.QuarterCell) error, rows func(context.Context, pgx.Tx, Piece) error) error {
	told := teller{cut: cutRows{steps: steps}, use: use}
	err := t.read(ctx, &told.cut, func(tx pgx.Tx) error {
		from, to := rowcodec.MicrosTime(steps.From), rowcodec.MicrosTime(steps.To)
		untold, err := untoldMinutes(ctx, tx, from, to)
		if err != nil {
			return err
		}
		told.begin(untold)
		return each(ctx, tx, told.body, toldSQL, pg.Planned, from, to)
	}, func(tx pgx.Tx, c span) error { return rows(ctx, tx, Piece{c.from, c.to}) })
	if err != nil {
		return fmt.Errorf("count log records: %w", err)
	}
	return nil
}

// untoldMinutes are those of which counts without quarters are a part, and the ones before them, to which records at their
// beginning belong.
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

// teller hands out cells by the quarter to which LogQL counts their records.
type teller struct {
	cut cutRows
	use func(*counts.QuarterCell) error
}

// begin says in which minutes some records are not told by the quarter.
func (t *teller) begin(untold []span) {
	t.cut.begin(counts.QuarterMicros)
	whole := span{t.cut.steps.From, t.cut.steps.To}
	if t.cut.pieces = joined(append(t.cut.pieces, untold...), whole); len(t.cut.pieces) > maxPieces {
		t.cut.pieces = []span{whole}
	}
}

// body hands out what a row of the table counts.
func (t *teller) body(v [][]byte) error {
	if v[0] == nil { // all of it is read from rows
		return counts.ReadLogs(v[1], func(c *counts.LogCell) bool {
			t.cut.stepOf(c.Minute*quartersOfMinute, c.Count)
			return true
		})
	}
	var bad error
	err := counts.ReadQuarters(v[0], func(c *counts.QuarterCell) bool {
		if c.Sharp {
			c.Quarter--
		}
		if c.Quarter = t.cut.stepOf(c.Quarter, c.Count); c.Quarter != outside {
			bad = t.use(c)
		}
		return bad == nil
	})
	return cmp.Or(bad, err)
}
