package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

// How the spans are found that most exceed what is usual:
//
//  1. One statement counts the spans of the window by operation.
//  2. A few more, each over four times the time of the one before, find out what is usual for these
//     operations (typical.go).
//  3. Postgres then ranks all spans of the window, and hands over the first. Where it cannot tell what
//     fits, or the spans' names are in no dictionary, it hands over all, and they are ranked here.
//
// So nothing is cut before it is ranked, however many spans of other operations took longer.

// reachBack is the bound of the partial indexes span_long, which find what began earlier before a window.
const reachBack = time.Minute

// overlappingSQL are the spans that overlap a window: $1 is its start, $2 its end, $14 a minute
// before its start, or the start itself where spans before it do not count ($15 is then false).
const overlappingSQL = `
FROM (
    SELECT ` + spanColumns + ` FROM plait_store.span WHERE start_time >= $14 AND start_time < $2
    UNION ALL
    SELECT ` + spanColumns + ` FROM plait_store.span_outside WHERE start_time >= $14 AND start_time < $2
    UNION ALL
    SELECT ` + spanColumns + ` FROM plait_store.span WHERE $15 AND duration_ns > 60000000000 AND start_time < $14
    UNION ALL
    SELECT ` + spanColumns + ` FROM plait_store.span_outside WHERE $15 AND duration_ns > 60000000000 AND start_time < $14
) s`

const overlapConditionsSQL = `
WHERE (start_time >= $1 OR $15 AND duration_ns >= 1e9::float8 * extract(epoch FROM $1 - start_time)::float8)` + spanConditionsSQL

const (
	unusualSpansSQL = `
SELECT ` + spanColumns + overlappingSQL + `
LEFT JOIN unnest($16::int8[], $17::int8[]) u(usual_of, usual) ON usual_of = operation` + overlapConditionsSQL + `
  AND trace_id <> ALL ($18)
ORDER BY $19 AND status = 2 DESC, duration_ns - coalesce(usual, 0) DESC, start_time DESC
LIMIT $13`

	overlappingSpansSQL = `
SELECT ` + spanColumns + overlappingSQL + overlapConditionsSQL + `
  AND $13::int8 IS NOT NULL`
)

// UnusualSpans returns the spans of a window that most exceed what is usual for their operation.
// Matchers are those of Spans. It takes ten seconds at most, and says so if that cut it short.
func (s *Store) UnusualSpans(ctx context.Context, q plait.UnusualQuery) (plait.UnusualSpans, error) {
	search, err := s.newUnusualSearch(ctx, q)
	if err != nil {
		return plait.UnusualSpans{}, fmt.Errorf("search unusual spans: %w", err)
	}
	if search.filter.impossible() || search.walk.done() {
		return plait.UnusualSpans{}, nil
	}
	bounded, cancel := searchContext(ctx)
	defer cancel()
	err = search.learn(bounded)
	if err == nil {
		err = search.find(bounded)
	}
	if err != nil && !timedOut(bounded, err) {
		return plait.UnusualSpans{}, fmt.Errorf("search unusual spans: %w", err)
	}
	if err != nil && search.best.empty() {
		return plait.UnusualSpans{}, fmt.Errorf("search unusual spans: %w", err)
	}
	return plait.UnusualSpans{Spans: search.best.ranked(), CutShort: err != nil || search.cut}, nil
}

// slowestSpans returns the spans that started in a range and took longest.
func (s *Store) slowestSpans(ctx context.Context, q plait.SpanQuery) ([]plait.Span, error) {
	search, err := s.newUnusualSearch(ctx, plait.UnusualQuery{SpanQuery: q})
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	if search.filter.impossible() || search.walk.done() {
		return nil, nil
	}
	search.near, search.before = search.walk.from, false
	bounded, cancel := searchContext(ctx)
	defer cancel()
	if err := search.find(bounded); err != nil && (!timedOut(bounded, err) || search.best.empty()) {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	var spans []plait.Span
	for _, u := range search.best.ranked() {
		spans = append(spans, u.Span)
	}
	return spans, nil
}

// unusualSearch is a search for unusual spans.
type unusualSearch struct {
	*spanSearch
	query   plait.UnusualQuery
	near    int64 // microseconds: where spans that are not long begin to be looked at
	before  bool  // whether spans that began before the window count
	inline  []int64
	typical typicalDurations
	best    bestSpans
	cut     bool
}

func (s *Store) newUnusualSearch(ctx context.Context, q plait.UnusualQuery) (*unusualSearch, error) {
	base, err := s.newSpanSearch(ctx, q.SpanQuery)
	if err != nil {
		return nil, err
	}
	u := &unusualSearch{spanSearch: base, query: q, before: true}
	u.near = max(base.walk.from-int64(reachBack/time.Microsecond), minMicros)
	u.best = bestSpans{limit: base.limit, failedFirst: q.FailedFirst, ofEachTrace: q.OfEachTrace}
	u.inline, err = s.inlineOperations(ctx, base.filter.operations)
	return u, err
}

const inlineOperationsSQL = `
SELECT id
FROM plait_store.operation
WHERE name = '' AND ($1::int8[] IS NULL OR id = ANY ($1))`

// inlineOperations are those whose spans have names of their own, of some operations or of all.
func (s *Store) inlineOperations(ctx context.Context, of []int64) ([]int64, error) {
	ids := []int64{}
	err := queryRows(ctx, s.readPool, func(v [][]byte) { ids = append(ids, readInt8(v[0])) }, inlineOperationsSQL, planned, of)
	if err != nil {
		return nil, fmt.Errorf("list operations without a name: %w", err)
	}
	return ids, nil
}

// find fills best.
func (u *unusualSearch) find(ctx context.Context) error {
	if u.query.Grade == nil && !u.comparesRows() && len(u.inline) == 0 {
		return u.ask(ctx)
	}
	return u.compare(ctx)
}

// ask lets Postgres rank. Where one span of each trace is wanted, it goes on without the traces found.
func (u *unusualSearch) ask(ctx context.Context) error {
	operations, usual := u.typical.byOperation()
	for {
		known := u.best.traces()
		rows, err := u.rows(ctx, unusualSpansSQL, u.limit, operations, usual, known, u.query.FailedFirst)
		if err != nil {
			return err
		}
		if err := u.take(ctx, rows); err != nil {
			return err
		}
		if len(rows) < u.limit || !u.query.OfEachTrace || u.best.full() || u.cut {
			return nil
		}
	}
}

// rows reads the rows of a statement over the window, as many as there is memory for.
func (u *unusualSearch) rows(ctx context.Context, sql string, limit int, args ...any) (rows []storedSpan, err error) {
	err = queryUntil(ctx, u.store.readPool, func(v [][]byte) bool {
		rows = append(rows, scanSpan(v))
		u.cut = !u.memory.take(rows[len(rows)-1].size())
		return !u.cut
	}, sql, append(u.arguments(limit), args...)...)
	return rows, err
}

// arguments are those of overlappingSQL and overlapConditionsSQL.
func (u *unusualSearch) arguments(limit int) []any {
	args := u.filter.arguments(u.walk.from, u.walk.to)
	return append(args, limit, microsTime(u.near), u.before)
}

// comparedAtOnce is how many rows are decoded and compared together.
const comparedAtOnce = 500

// compare reads all spans of the window and ranks them here. Only the best are kept.
func (u *unusualSearch) compare(ctx context.Context) error {
	var rows []storedSpan
	var bad error
	err := queryUntil(ctx, u.store.readPool, func(v [][]byte) bool {
		row := scanSpan(v)
		var fits bool
		if fits, bad = u.fits(&row); bad != nil {
			return false
		}
		if fits {
			rows = append(rows, row)
		}
		if len(rows) >= comparedAtOnce {
			bad = u.take(ctx, rows)
			rows = rows[:0]
		}
		return bad == nil
	}, overlappingSpansSQL, u.arguments(0)...)
	if err = cmp.Or(err, bad); err != nil {
		return err
	}
	return u.take(ctx, rows)
}

// take decodes rows and keeps the best.
func (u *unusualSearch) take(ctx context.Context, rows []storedSpan) error {
	spans, err := u.store.lookup.decodeSpans(ctx, rows)
	if err != nil {
		return err
	}
	for i := range spans {
		found := plait.UnusualSpan{Span: spans[i], Grade: 1}
		if u.query.Grade != nil {
			if found.Grade = u.query.Grade(&spans[i]); found.Grade == 0 {
				continue
			}
		}
		found.TypicalNanos = u.typical.of(operationKey{rows[i].operation, u.inlineNameOf(&rows[i], &spans[i])})
		u.best.add(found, rows[i].size())
	}
	return nil
}

func (u *unusualSearch) inlineNameOf(row *storedSpan, span *plait.Span) string {
	if slices.Contains(u.inline, row.operation) {
		return span.Name
	}
	return ""
}
