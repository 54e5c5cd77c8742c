package logs

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

const (
	allLogsSQL = `
SELECT *
FROM (
    SELECT ` + readLogColumns + `
    FROM plait_store.log
    WHERE ` + search.ShelvesSQL + `
) l`

	// Nothing else that an index knows may stand beside the trace: a plan that is made for any argument
	// could prefer time.
	logsOfTracesSQL = `
WITH l AS MATERIALIZED (
    SELECT ` + readLogColumns + `
    FROM plait_store.log
    WHERE ` + traceSQL + ` = ANY ($13)
)
SELECT *
FROM l`

	logMatchSQL = `
WHERE time >= $1 AND time < $2
  AND ($3::int2 IS NULL OR severity >= $3)
  AND ($4::int8[] IS NULL OR resource = ANY ($4))
  AND ($5::int8[] IS NULL OR class = ANY ($5))
  AND ($6::int8[] IS NULL OR span_id = ANY ($6))`

	// What stands behind the position tells those rows of one position apart that are not the same.
	sameLogsSQL = `severity, class, resource, observed_after, flags, extra COLLATE "C"`

	logsNewestFirstSQL = `
  AND (time, sub_ns, trace_id, span_id, content) <= ($7, $8, $9, $10, $11)
ORDER BY time DESC, sub_ns DESC, trace_id DESC, span_id DESC, content DESC, ` + sameLogsSQL + `
LIMIT $12`

	logsOldestFirstSQL = `
  AND (time, sub_ns, trace_id, span_id, content) >= ($7, $8, $9, $10, $11)
ORDER BY time, sub_ns, trace_id, span_id, content, ` + sameLogsSQL + `
LIMIT $12`

	streamLogsSQL                 = allLogsSQL + logMatchSQL
	searchLogsNewestFirstSQL      = allLogsSQL + logMatchSQL + logsNewestFirstSQL
	searchLogsOldestFirstSQL      = allLogsSQL + logMatchSQL + logsOldestFirstSQL
	searchTraceLogsNewestFirstSQL = logsOfTracesSQL + logMatchSQL + logsNewestFirstSQL
	searchTraceLogsOldestFirstSQL = logsOfTracesSQL + logMatchSQL + logsOldestFirstSQL
)

// mostRows is how many rows a statement reads when few of them fit.
const mostRows = 8_000

// readPage reads the first rows of a slice that come at the search's position or after it, and keeps those
// that fit. The more pages a search needs, the longer they are. Rows of few traces are found by a plan that is made once.
func (t *logSearch) readPage(ctx context.Context, from, to int64, limit int) (p search.Page, err error) {
	limit = max(limit, t.rowsAtOnce)
	t.rowsAtOnce = min(4*limit, mostRows)
	var rows []storedLog
	bytes := 0
	scan := func(v [][]byte) bool {
		rows = append(rows, scanLog(v))
		p.Add(rows[len(rows)-1].micros)
		bytes += rows[len(rows)-1].size()
		p.Full = bytes > search.MaxBytes
		return !p.Full
	}
	err = t.query(ctx, scan, from, to, limit)
	if bad := t.compare(ctx, rows); bad != nil {
		return p, bad
	}
	if len(rows) > 0 {
		t.at = rows[len(rows)-1].logPosition
	}
	if p.Full && rows[0].logPosition == t.at {
		t.at = t.at.passed(t.ascending) // more bytes of one position than any answer has
	}
	p.Full = p.Full || p.Rows >= limit
	return p, err
}

// fewPages is after how many full pages a search knows that few rows fit.
const fewPages = 3

// walkThrough reads through time: pages in order at first, which suffice where many rows fit, and else all rows.
func (t *logSearch) walkThrough(ctx context.Context, pages int) error {
	enough := func() bool { return t.enough() || pages == 0 }
	return t.walk.Pages(ctx, t.found.wanted, enough, func(ctx context.Context, from, to int64, limit int) (search.Page, error) {
		t.found.forget(t.at)
		p, err := t.readPage(ctx, from, to, limit)
		if err != nil {
			return p, err
		}
		if p.Full {
			pages--
		} else if t.at = firstOf(to, true); !t.ascending {
			t.at = firstOf(from-1, false)
		}
		return p, nil
	})
}

// stream reads what remains of the walk, each slice whole and in no order: to sort rows of which few fit would take longer
// than to read them.
func (t *logSearch) stream(ctx context.Context) error {
	t.settle()
	defer t.settle()
	return t.walk.Pages(ctx, 0, t.enough, func(ctx context.Context, from, to int64, _ int) (search.Page, error) {
		return search.Page{}, t.readAll(ctx, t.store.search, streamLogsSQL, pg.Planned, rowcodec.MicrosTime(from), rowcodec.MicrosTime(to),
			pg.Optional(t.severity), t.resources, t.classes, t.spans)
	})
}

// settle forgets what was found beyond what the walk has passed: there may be more.
func (t *logSearch) settle() {
	t.at = t.boundary()
	t.found.forget(t.at)
}

// How many rows, and how many bytes of them, are compared at a time.
const (
	comparedRows  = 1_000
	comparedBytes = 4 << 20
)

// readAll reads all rows of a statement, and keeps those that fit.
func (t *logSearch) readAll(ctx context.Context, pool *pgxpool.Pool, sql string, args ...any) error {
	var rows []storedLog
	var bad error
	bytes := 0
	compare := func() {
		bad = t.compare(ctx, rows)
		clear(rows)
		rows, bytes = rows[:0], 0
	}
	err := pg.QueryUntil(ctx, pool, func(v [][]byte) bool {
		rows = append(rows, scanLog(v))
		if bytes += rows[len(rows)-1].size(); len(rows) >= comparedRows || bytes >= comparedBytes {
			compare()
		}
		return bad == nil
	}, sql, args...)
	if err == nil && bad == nil {
		compare()
	}
	return cmp.Or(bad, err)
}

func (t *logSearch) query(ctx context.Context, scan func([][]byte) bool, from, to int64, limit int) error {
	args := []any{rowcodec.MicrosTime(from), rowcodec.MicrosTime(to), pg.Optional(t.severity), t.resources, t.classes, t.spans,
		rowcodec.MicrosTime(t.at.micros), t.at.sub, t.at.traceID[:], t.at.spanID, t.at.content, limit}
	switch {
	case t.traces != nil && t.ascending:
		return pg.QueryUntil(ctx, t.store.lookup, scan, searchTraceLogsOldestFirstSQL, append(args, t.traces)...)
	case t.traces != nil:
		return pg.QueryUntil(ctx, t.store.lookup, scan, searchTraceLogsNewestFirstSQL, append(args, t.traces)...)
	case t.ascending:
		return pg.QueryUntil(ctx, t.store.search, scan, searchLogsOldestFirstSQL, append([]any{pg.Planned}, args...)...)
	}
	return pg.QueryUntil(ctx, t.store.search, scan, searchLogsNewestFirstSQL, append([]any{pg.Planned}, args...)...)
}

// compare keeps the rows that fit.
func (t *logSearch) compare(ctx context.Context, rows []storedLog) error {
	entries, err := t.store.logEntries(ctx, rows, t.needs)
	if err != nil {
		return err
	}
	var record plait.LogRecord
	for i := range rows {
		if err := entries.decode(&record, &rows[i], &t.needs); err != nil {
			return fmt.Errorf("log record %s: %w", rows[i].id(), err)
		}
		if t.fits.Match(&record) {
			t.found.add(&rows[i])
		}
	}
	return nil
}
