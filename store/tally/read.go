package tally

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// Steps are the parts of a range of time that are counted apart, in microseconds since 1970: the first
// begins with From, and what is at To is in none.
type Steps struct {
	From, To, Length int64
	// Aligned steps end at multiples of their length since 1970: the first may be shorter. Steps of whole cells then
	// cut none but those in which the range begins and ends, so few rows are read.
	Aligned bool
}

// NewSteps makes steps of a range of time. A length of 0 is all in one.
func NewSteps(r plait.TimeRange, length time.Duration, aligned bool) Steps {
	s := Steps{From: max(r.From.UnixMicro(), rowcodec.MinMicros), To: min(r.To.UnixMicro(), rowcodec.MaxMicros), Length: length.Microseconds(), Aligned: aligned}
	if length == 0 {
		s.Length, s.Aligned = math.MaxInt64, false
	}
	return s
}

// MaxSteps bounds a question, as Prometheus bounds its points.
const MaxSteps = 11_000

func (s Steps) check() error {
	if s.From < rowcodec.MinMicros || s.To > rowcodec.MaxMicros || s.From >= s.To || s.Length <= 0 {
		return plait.Errorf(plait.ErrInvalid, "counts are of a range that has a begin, a later end and steps of some length")
	}
	if rowcodec.FloorDiv(s.To-1, s.Length)-rowcodec.FloorDiv(s.From, s.Length) > MaxSteps {
		return plait.Errorf(plait.ErrInvalid, "more than %d steps: make the step longer or the range shorter", MaxSteps)
	}
	return nil
}

func (s Steps) of(micros int64) int {
	if s.Aligned {
		return int(rowcodec.FloorDiv(micros, s.Length) - rowcodec.FloorDiv(s.From, s.Length))
	}
	return int((micros - s.From) / s.Length)
}

// Begin is the time at which a step begins.
func (s Steps) Begin(step int) int64 {
	if !s.Aligned {
		return s.From + int64(step)*s.Length
	}
	return max(s.From, (rowcodec.FloorDiv(s.From, s.Length)+int64(step))*s.Length)
}

// rest is how long a step lasts from a time on.
func (s Steps) rest(at int64) int64 {
	left := s.Length
	if s.Aligned {
		left -= at - rowcodec.FloorDiv(at, s.Length)*s.Length
	}
	return min(left, s.To-at)
}

// span is a piece of time, in microseconds.
type span struct{ from, to int64 }

// cuts are the cells of the range in which a step begins or ends, as far as they are in the range. What
// follows one another is one. A cell lasts so many microseconds.
func (s Steps) cuts(cell int64) []span {
	var all []span
	for at := s.From; ; at += s.rest(at) {
		if begin := rowcodec.FloorDiv(at, cell) * cell; begin != at {
			cut := span{max(begin, s.From), min(begin+cell, s.To)}
			if n := len(all); n > 0 && all[n-1].to >= cut.from {
				all[n-1].to = max(all[n-1].to, cut.to)
			} else {
				all = append(all, cut)
			}
		}
		if at == s.To {
			return all
		}
	}
}

// whole says whether what begins at a time and lasts as long as a cell counts: all of it is in one step.
func (s Steps) whole(at, cell int64, cuts []span) bool {
	return at >= s.From && at+cell <= s.To && !meets(cuts, at, at+1)
}

// meets says whether a part of a time is in one of some pieces, which are in order.
func meets(pieces []span, from, to int64) bool {
	i, _ := slices.BinarySearchFunc(pieces, from, func(p span, from int64) int {
		if p.to <= from {
			return -1
		}
		return 1
	})
	return i < len(pieces) && pieces[i].from < to
}

const (
	bodiesSQL = `
SELECT body
FROM plait_store.tally
WHERE signal = $1 AND last_time > $2::timestamptz - interval '1 minute' AND first_time < $3`

	spanRowColumns = `start_time, operation, resource, status, parent_span_id, duration_ns`
	spanRowFields  = 6
	logRowColumns  = `time, resource, class, severity, octet_length(body)`

	spanRowsSQL = `
SELECT ` + spanRowColumns + `, ` + StandsForSQL + `
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL

	// Many rows are of one resource, class and severity, and few numbers tell how many they are.
	logRowsSQL = `
SELECT date_bin($3, time, $4), resource, CASE WHEN $5 THEN class ELSE 0 END, severity,
       sum(` + StandsForSQL + `)::int8, sum(octet_length(body) * ` + StandsForSQL + `)::int8
FROM plait_store.log
WHERE time >= $1 AND time < $2 AND ` + search.ShelvesSQL + `
GROUP BY 1, 2, 3, 4`

	// StandsForSQL is of how many rows of its day one stands: of more than itself where chance kept it (docs/decisions/046).
	StandsForSQL = `CASE WHEN extra LIKE '%"kept_probability":%' THEN 1 / (extra::jsonb ->> 'kept_probability')::float8 ELSE 1 END`

	// HashedSQL leaves the planner no other way than to group by a hash: of a day that grows it knows too little, and
	// sorts all rows, to disk.
	HashedSQL = `SELECT set_config('enable_sort', 'off', true)`
)

// Spans hands out how many spans began in each step: cells of a step, which is their Minute, in any order and maybe
// in parts. A cell is valid until the next one. use returns an error to end it.
func (t *Tally) Spans(ctx context.Context, steps Steps, use func(*counts.SpanCell) error) error {
	var bad error
	hand := func(c *counts.SpanCell) bool {
		bad = use(c)
		return bad == nil
	}
	cut := cutRows{steps: steps}
	body := func(v [][]byte) error {
		err := counts.ReadSpans(v[0], func(c *counts.SpanCell) bool {
			c.Minute = cut.stepOf(c.Minute, c.Count)
			return c.Minute == outside || hand(c)
		})
		return cmp.Or(bad, err)
	}
	var carried float64 // what rows stood for beyond whole numbers
	row := func(v [][]byte) error {
		micros, key, nanos := spanRow(v)
		key.Minute = int64(steps.of(micros))
		carried += math.Float64frombits(uint64(rowcodec.Int8(v[spanRowFields])))
		n := int64(carried)
		if carried -= float64(n); n == 0 {
			return bad
		}
		hand(&counts.SpanCell{SpanKey: key, Count: n, SumNanos: max(nanos, 0) * n, Buckets: []counts.Bucket{{Index: counts.BucketOf(nanos), Count: n}}})
		return bad
	}
	err := t.read(ctx, &cut, func(tx pgx.Tx) error {
		cut.begin(counts.MinuteMicros)
		return each(ctx, tx, body, bodiesSQL, pg.Planned, int16(Spans), rowcodec.MicrosTime(steps.From), rowcodec.MicrosTime(steps.To))
	}, func(tx pgx.Tx, c span) error {
		return each(ctx, tx, row, spanRowsSQL, pg.Planned, rowcodec.MicrosTime(c.from), rowcodec.MicrosTime(c.to))
	})
	if err != nil {
		return fmt.Errorf("count spans: %w", err)
	}
	return nil
}

// SpanMinutes hands out the cells of the minutes that a range of microseconds touches, in any order and maybe in parts: for
// who asks about how many, and may count the spans around the range too. A cell is valid until the next one. use returns
// an error to end it.
func (t *Tally) SpanMinutes(ctx context.Context, from, to int64, use func(*counts.SpanCell) error) error {
	first, last := minuteOf(from), minuteOf(to-1)
	var bad error
	err := pg.QueryUntil(ctx, t.pool, func(v [][]byte) bool {
		err := counts.ReadSpans(v[0], func(c *counts.SpanCell) bool {
			if c.Minute >= first && c.Minute <= last {
				bad = use(c)
			}
			return bad == nil
		})
		bad = cmp.Or(bad, err)
		return bad == nil
	}, bodiesSQL, pg.Planned, int16(Spans), rowcodec.MicrosTime(first*counts.MinuteMicros), rowcodec.MicrosTime(to))
	if err = cmp.Or(err, bad); err != nil {
		return fmt.Errorf("count spans: %w", err)
	}
	return nil
}

// Increments hands out bodies of increments (counts.ReadIncrements), all that are of a range of time and maybe others. A body is valid
// until the next one. use returns an error to end it.
func (t *Tally) Increments(ctx context.Context, from, to time.Time, use func(body []byte) error) error {
	var bad error
	err := pg.QueryUntil(ctx, t.pool, func(v [][]byte) bool {
		bad = use(v[0])
		return bad == nil
	}, bodiesSQL, pg.Planned, int16(Increments), from, to)
	if err = cmp.Or(err, bad); err != nil {
		return fmt.Errorf("read increments: %w", err)
	}
	return nil
}

// read reads cells, for which it is called once cut.begin may be, and then what they leave to rows, as they are at one moment.
func (t *Tally) read(ctx context.Context, cut *cutRows, cells func(pgx.Tx) error, rows func(pgx.Tx, span) error) error {
	if err := cut.steps.check(); err != nil {
		return err
	}
	return t.atOneMoment(ctx, func(tx pgx.Tx) error {
		if err := cells(tx); err != nil {
			return err
		}
		if err := cut.check(); err != nil {
			return err
		}
		for _, c := range cut.pieces {
			if err := rows(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// atOneMoment reads in a transaction that sees the database as it is when it begins.
func (t *Tally) atOneMoment(ctx context.Context, read func(pgx.Tx) error) error {
	conn, err := t.pool.Acquire(ctx)
	if err != nil {
		return pgerror.Read(err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return pgerror.Read(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was changed
	return read(tx)
}

// each hands out the rows of a statement, until use returns an error.
func each(ctx context.Context, tx pgx.Tx, use func([][]byte) error, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return pgerror.Read(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := use(rows.RawValues()); err != nil {
			return err
		}
	}
	return pgerror.Read(rows.Err())
}

// spanRow reads spanRowColumns.
func spanRow(v [][]byte) (micros int64, key counts.SpanKey, nanos int64) {
	micros = rowcodec.TimeMicros(v[0])
	return micros, counts.SpanKey{
		Minute: minuteOf(micros), Operation: rowcodec.Int8(v[1]), Resource: rowcodec.Int8(v[2]),
		Status: uint8(rowcodec.Int2(v[3])), Root: rowcodec.Int8(v[4]) == 0,
	}, rowcodec.Int8(v[5])
}

// logRow reads logRowColumns.
func logRow(v [][]byte) (micros int64, key counts.LogKey, bytes int) {
	micros = rowcodec.TimeMicros(v[0])
	return micros, counts.LogKey{
		Minute: minuteOf(micros), Resource: rowcodec.Int8(v[1]), Class: rowcodec.Int8(v[2]), Severity: rowcodec.Int2(v[3]),
	}, int(rowcodec.Int4(v[4]))
}
