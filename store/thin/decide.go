package thin

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/sampling"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/partition"
)

// The reasons for which a trace is kept or goes, as plait_thin has them.
const (
	reasonError    = "error"
	reasonExemplar = "exemplar"
	reasonOpened   = "opened"
	reasonDays     = "several days"
	reasonSlow     = "slow"
	reasonRare     = "rare"
	reasonChance   = "chance"
	reasonGone     = "gone"
)

// manySpans is from how many spans on, for each trace that makes an operation a usual one, nobody counts the traces: it is not rare.
const manySpans = 1000

const (
	// lowSQL is the lower half of a trace id.
	lowSQL = `('x' || substr(encode(uuid_send(%s), 'hex'), 17))::bit(64)::int8`

	makeOperationsSQL = `
CREATE TEMPORARY TABLE plait_thin_operation (operation int8, spans int8, slow_from int8, rare bool, share int2) ON COMMIT DROP`

	// findSharesSQL says which of the shares the operations of services with shares of their own have.
	findSharesSQL = `
UPDATE pg_temp.plait_thin_operation o
SET share = own.share
FROM unnest($1::text[], $2::int2[]) own (service, share)
JOIN plait_store.operation known ON known.service = own.service
WHERE known.id = o.operation`

	// findRareSQL marks the operations of a partition, %s, that have fewer than $1 traces.
	findRareSQL = `
UPDATE pg_temp.plait_thin_operation o
SET rare = true
FROM (
    SELECT s.operation, count(DISTINCT s.trace_id) AS traces
    FROM %s s
    JOIN pg_temp.plait_thin_operation few ON few.operation = s.operation
    WHERE few.spans < $1::int8 * $2::int8
    GROUP BY s.operation
) of
WHERE o.operation = of.operation AND of.traces < $1`

	// findTracesSQL has a row for each trace of a partition of spans, %[1]s, with what its spans tell.
	findTracesSQL = `
CREATE TEMPORARY TABLE plait_thin_seen ON COMMIT DROP AS
SELECT s.trace_id, %[2]s AS low_id, min(s.start_time) AS began, bool_or(s.status = 2) AS failed,
       bool_or(s.duration_ns > o.slow_from) AS slow,
       bool_or(s.start_time + s.duration_ns / 1000 * interval '1 microsecond' >= %[3]s + 1) AS past_midnight,
       bool_or(o.rare IS DISTINCT FROM false) AS rare, -- also where nothing is known of an operation
       max(o.share) AS share
FROM %[1]s s
LEFT JOIN pg_temp.plait_thin_operation o ON o.operation = s.operation
GROUP BY s.trace_id`

	// judgeSQL says of each trace why it is kept, or that it may go. Fragments of all days near and of what came late tell which
	// are on other shelves, too.
	judgeSQL = `
CREATE TEMPORARY TABLE plait_thin ON COMMIT DROP AS
SELECT t.trace_id, t.low_id, t.past_midnight, (extract(hour FROM t.began AT TIME ZONE interval '0') + 24 * coalesce(t.share, 0))::int2 AS stratum,
       CASE WHEN t.failed OR l.trace_id IS NOT NULL THEN '` + reasonError + `'
            WHEN e.low_id IS NOT NULL THEN '` + reasonExemplar + `'
            WHEN o.low_id IS NOT NULL THEN '` + reasonOpened + `'
            WHEN f.trace_id IS NOT NULL THEN '` + reasonDays + `'
            WHEN t.slow THEN '` + reasonSlow + `'
            WHEN t.rare THEN '` + reasonRare + `'
            ELSE '` + reasonGone + `' END AS reason
FROM pg_temp.plait_thin_seen t
LEFT JOIN (SELECT DISTINCT trace_id FROM plait_store.log WHERE severity >= 17 AND shelf BETWEEN %[1]s - 1 AND %[1]s + 1) l
       ON l.trace_id = t.trace_id
LEFT JOIN (SELECT DISTINCT low_id FROM pg_temp.plait_thin_keeping) e
       ON e.low_id = t.low_id
LEFT JOIN plait_store.opened_trace o ON o.low_id = t.low_id AND %[3]t
LEFT JOIN (SELECT DISTINCT trace_id FROM plait_store.trace_fragment
           WHERE shelf BETWEEN %[1]s - %[2]d AND %[1]s + %[2]d AND shelf <> %[1]s OR ` + partition.OutsideSQL + `) f
       ON f.trace_id = t.trace_id`

	countStrataSQL = `
SELECT stratum, count(*)
FROM pg_temp.plait_thin
WHERE reason = '` + reasonGone + `'
GROUP BY stratum`

	makeStrataSQL = `
CREATE TEMPORARY TABLE plait_thin_stratum (stratum int2, threshold int8, probability text) ON COMMIT DROP`

	// chooseSQL keeps those whose ids say so.
	chooseSQL = `
UPDATE pg_temp.plait_thin t
SET reason = '` + reasonChance + `'
FROM pg_temp.plait_thin_stratum h
WHERE h.stratum = t.stratum AND t.reason = '` + reasonGone + `' AND (t.low_id & $1) >= h.threshold`

	countReasonsSQL = `
SELECT reason, count(*)
FROM pg_temp.plait_thin
GROUP BY reason`
)

// daysAround is how many days before and after its own a trace is looked for.
const daysAround = 7

// verdicts are how many traces there are for each reason, and with which probability chance keeps one of each stratum.
type verdicts struct {
	traces        map[string]int64
	probabilities []float64
}

// decide makes the table plait_thin in the transaction: why each trace of the day is kept, or that it goes.
func (t *Thinner) decide(ctx context.Context, r *partition.Rewriting) (*verdicts, error) {
	v := &verdicts{traces: map[string]int64{}}
	for _, step := range []struct {
		does string
		do   func() error
	}{
		{"sum up its operations", func() error { return t.sumUp(ctx, r) }},
		{"find its traces", func() error {
			return run(ctx, r, fmt.Sprintf(findTracesSQL, r.Table("span"), low("s.trace_id"), dateOf(r.Day)), "ANALYZE pg_temp.plait_thin_seen")
		}},
		{"find exemplars that keep traces", func() error { return findKeeping(ctx, r) }},
		{"find why to keep them", func() error {
			return run(ctx, r, fmt.Sprintf(judgeSQL, dateOf(r.Day), daysAround, t.policy.KeepOpened), "ANALYZE pg_temp.plait_thin")
		}},
		{"choose among the rest", func() error { return t.choose(ctx, r, v) }},
		{"count them", func() error {
			return counted(ctx, r, countReasonsSQL, func(reason string, n int64) { v.traces[reason] = n })
		}},
	} {
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", step.does, err)
		}
	}
	return v, nil
}

func low(id string) string { return fmt.Sprintf(lowSQL, id) }

func dateOf(d partition.Day) string { return "date '" + d.Time().Format(time.DateOnly) + "'" }

func run(ctx context.Context, tx pgx.Tx, statements ...string) error {
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// counted hands out rows of a key and a number.
func counted[K any](ctx context.Context, tx pgx.Tx, sql string, use func(K, int64)) error {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	var key K
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error {
		use(key, n)
		return nil
	})
	return err
}

// sumUp says of each operation from when on a span is slow, whether the operation is rare, and which share is kept.
func (t *Thinner) sumUp(ctx context.Context, r *partition.Rewriting) error {
	of := operations{}
	err := t.tally.SpansOfShelf(ctx, r.Day, func(c *counts.SpanCell) error {
		of.add(c)
		return nil
	})
	if err != nil {
		return err
	}
	if err := run(ctx, r, makeOperationsSQL); err != nil {
		return err
	}
	usual := t.policy.place(t.policy.Keep)
	rows := make([][]any, 0, len(of))
	for id, o := range of {
		rows = append(rows, []any{id, o.spans, o.slowFrom(t.policy.SlowerThan), o.spans < t.policy.RareBelow, usual})
	}
	columns := []string{"operation", "spans", "slow_from", "rare", "share"}
	if _, err := r.CopyFrom(ctx, pgx.Identifier{"pg_temp", "plait_thin_operation"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return err
	}
	if err := run(ctx, r, "ANALYZE pg_temp.plait_thin_operation"); err != nil {
		return err
	}
	if err := t.share(ctx, r); err != nil {
		return err
	}
	_, err = r.Exec(ctx, fmt.Sprintf(findRareSQL, r.Table("span")), t.policy.RareBelow, int64(manySpans))
	return err
}

// share says of the operations of services with shares of their own which these are.
func (t *Thinner) share(ctx context.Context, r *partition.Rewriting) error {
	var services []string
	var places []int16
	for _, s := range t.policy.Services {
		services, places = append(services, s.Service), append(places, t.policy.place(s.Keep))
	}
	_, err := r.Exec(ctx, findSharesSQL, services, places)
	return err
}

// choose lets chance keep a part of what nothing else keeps.
func (t *Thinner) choose(ctx context.Context, r *partition.Rewriting, v *verdicts) error {
	rest := map[int16]int64{}
	if err := counted(ctx, r, countStrataSQL, func(stratum int16, n int64) { rest[stratum] = n }); err != nil {
		return err
	}
	v.probabilities = t.policy.probabilities(rest)
	if err := run(ctx, r, makeStrataSQL); err != nil {
		return err
	}
	rows := make([][]any, len(v.probabilities))
	for stratum, p := range v.probabilities {
		rows[stratum] = []any{int16(stratum), int64(sampling.OfShare(p)), strconv.FormatFloat(p, 'g', -1, 64)}
	}
	columns := []string{"stratum", "threshold", "probability"}
	if _, err := r.CopyFrom(ctx, pgx.Identifier{"pg_temp", "plait_thin_stratum"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return err
	}
	_, err := r.Exec(ctx, chooseSQL, int64(1<<idBits-1))
	return err
}
