package thin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/tally"
)

// Thinner thins closed days. Its methods may be called concurrently.
type Thinner struct {
	policy      Policy
	pool        *pgxpool.Pool
	partitions  *partition.Keeper
	tally       *tally.Tally
	terms       []*index.Index // of spans and of log records
	log         *slog.Logger
	instruments *Instruments
	openings    *openings
}

// New makes one for a database.
func New(policy Policy, pool *pgxpool.Pool, partitions *partition.Keeper, counts *tally.Tally, terms []*index.Index, log *slog.Logger, in *Instruments) *Thinner {
	return &Thinner{
		policy: policy, pool: pool, partitions: partitions, tally: counts, terms: terms, log: log, instruments: in,
		openings: newOpenings(pool, partitions.Now),
	}
}

const thinnedDaysSQL = `
SELECT shelf, indexed
FROM plait_store.thinned_day`

// Thin thins the oldest day whose time has come, if there is one, and takes what is gone out of the index of terms. What it was
// interrupted in it begins anew. One gateway at a time may call it.
func (t *Thinner) Thin(ctx context.Context) error {
	if t.policy.After == 0 {
		return nil
	}
	indexed := map[partition.Day]bool{}
	rows, err := t.pool.Query(ctx, thinnedDaysSQL)
	if err != nil {
		return fmt.Errorf("list thinned days: %w", pgerror.Read(err))
	}
	var shelf time.Time
	var done bool
	_, err = pgx.ForEachRow(rows, []any{&shelf, &done}, func() error {
		indexed[partition.DayOf(shelf)] = done
		return nil
	})
	if err != nil {
		return fmt.Errorf("list thinned days: %w", pgerror.Read(err))
	}
	var failures []error
	for d, done := range indexed {
		if !done {
			failures = append(failures, t.thinIndex(ctx, d))
		}
	}
	for _, d := range t.partitions.ClosedDays() {
		if _, thinned := indexed[d]; !thinned {
			traces, err := t.thinDay(ctx, d)
			failures = append(failures, err)
			if traces > 0 || err != nil {
				break // the other tasks of the upkeep get their turn
			}
		}
	}
	return errors.Join(failures...)
}

// thinDay thins a day, in one transaction, and returns how many traces it had.
func (t *Thinner) thinDay(ctx context.Context, d partition.Day) (traces int64, err error) {
	var v *verdicts
	var bytes partition.Rewritten
	began := t.partitions.Now()
	err = t.partitions.Rewrite(ctx, d, func(r *partition.Rewriting) (err error) {
		if err := run(ctx, r, "SET LOCAL work_mem = '32MB'"); err != nil {
			return err
		}
		if v, err = t.decide(ctx, r); err != nil {
			return fmt.Errorf("decide about traces: %w", err)
		}
		if v.traces[reasonGone] > 0 {
			if err := fill(ctx, r); err != nil {
				return err
			}
			if err := dropLater(ctx, r); err != nil {
				return err
			}
			// Before the exchange, since from then on everybody waits.
			if err := rememberTraces(ctx, r); err != nil {
				return err
			}
			if bytes, err = r.Exchange(ctx); err != nil {
				return err
			}
		}
		return t.rememberDay(ctx, r, v, bytes)
	})
	if err != nil {
		return 0, fmt.Errorf("thin %s: %w", d.Time().Format(time.DateOnly), pgerror.Read(err))
	}
	if traces = v.all(); traces == 0 {
		return 0, nil
	}
	t.instruments.count(v, bytes)
	t.log.Info("a day was thinned", "day", d.Time().Format(time.DateOnly), "kept", v.kept(), "kept_by_chance", v.traces[reasonChance], "gone", v.traces[reasonGone],
		"bytes_before", bytes.Before, "bytes_after", bytes.After, "took", t.partitions.Now().Sub(began).Round(time.Millisecond))
	return traces, t.thinIndex(ctx, d)
}

// all is how many traces there were.
func (v *verdicts) all() (n int64) {
	for _, traces := range v.traces {
		n += traces
	}
	return n
}

// kept is how many traces are kept for what they are.
func (v *verdicts) kept() (n int64) {
	for reason, traces := range v.traces {
		if reason != reasonChance && reason != reasonGone {
			n += traces
		}
	}
	return n
}

const (
	// copySQL fills a new table, %[1]s, from the old one, %[2]s. %[3]s and %[4]s are the columns and what they are of a row. What
	// follows says which rows.
	copySQL = `
INSERT INTO %[1]s (%[3]s)
SELECT %[4]s
FROM %[2]s x`

	// keptSQL chooses spans, log records or fragments. %[1]s may join more.
	keptSQL = `
LEFT JOIN pg_temp.plait_thin t ON t.trace_id = x.trace_id
LEFT JOIN pg_temp.plait_thin_stratum h ON h.stratum = t.stratum AND t.reason = '` + reasonChance + `'
%[1]s
WHERE t.reason IS DISTINCT FROM '` + reasonGone + `'`

	// notGoneBeforeSQL leaves out log records after midnight of traces that went with the day before. Those without a trace have
	// ids of their own.
	notGoneBeforeSQL = `LEFT JOIN (SELECT DISTINCT unnest(low_ids) AS low_id FROM plait_store.thinned_trace WHERE shelf = %[2]s - 1) before
       ON before.low_id = %[1]s AND x.trace_id < 'ffffffff-ffff-ffff-0000-000000000000'`
	isNotGoneBeforeSQL = `
  AND (t.trace_id IS NOT NULL OR before.low_id IS NULL)`

	// keptExtraSQL is the column extra with the probability of what was kept by chance.
	keptExtraSQL = `CASE WHEN h.probability IS NULL THEN x.extra
            ELSE coalesce(nullif(left(x.extra, -1), '') || ',', '{') || '"kept_probability":' || h.probability || '}' END`
)

// fill copies what is kept of the day to new tables.
func fill(ctx context.Context, r *partition.Rewriting) error {
	for _, root := range []string{"span", "log", "trace_fragment", "exemplar"} {
		if !r.Has(root) {
			continue
		}
		made, err := r.New(ctx, root)
		if err != nil {
			return err
		}
		columns, err := r.Columns(ctx, root)
		if err != nil {
			return err
		}
		values := slices.Clone(columns)
		for i, column := range columns {
			if values[i] = "x." + column; column == "extra" {
				values[i] = keptExtraSQL
			}
		}
		sql := fmt.Sprintf(copySQL, made, r.Table(root), strings.Join(columns, ", "), strings.Join(values, ", ")) + keptOf(r, root)
		if err := run(ctx, r, sql, "ANALYZE "+made); err != nil {
			return fmt.Errorf("copy what is kept of %s: %w", root, err)
		}
	}
	return nil
}

// keptOf says which rows of a table are kept.
func keptOf(r *partition.Rewriting, root string) string {
	switch root {
	case "exemplar":
		return goneExemplarsSQL
	case "log":
		return fmt.Sprintf(keptSQL, fmt.Sprintf(notGoneBeforeSQL, low("x.trace_id"), dateOf(r.Day))) + isNotGoneBeforeSQL
	}
	return fmt.Sprintf(keptSQL, "")
}
