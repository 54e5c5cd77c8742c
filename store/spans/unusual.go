package spans

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// How the spans are found that most exceed what is usual:
//
//  1. The counts of the minutes before the window tell what is usual for its operations (typical.go).
//  2. The counts of the window tell by how much spans exceed that, so that there are enough of them, and the term index
//     names the traces that have such spans. These are read and ranked (slowest.go).
//  3. Else Postgres ranks all spans of the window, and hands over the first. Where it cannot tell what fits, it
//     hands over all, and they are ranked here.
//  4. Where spans of operations come first of which these know nothing, the day before and the window
//     itself tell what is usual for these, and the spans are ranked once more.
//
// So nothing is cut before it is ranked, however many spans of other operations took longer.

// reachBack is the bound of the partial indexes span_long, which find what began earlier before a window.
const reachBack = time.Minute

// overlappingSQL are the spans that overlap a window: $1 is its start, $2 its end, $9 a minute
// before its start, or the start itself where spans before it do not count ($10 is then false). Those that are not long
// may be of some traces only, $11.
const (
	nearSQL = `
    WHERE start_time >= $9 AND start_time < $2
      AND (shelf BETWEEN ($9::timestamptz AT TIME ZONE interval '0')::date AND ($2::timestamptz AT TIME ZONE interval '0')::date
           OR ` + partition.OutsideSQL + `)
      AND ($11::uuid[] IS NULL OR trace_id = ANY ($11))`

	longBeforeSQL = `
    WHERE $10 AND duration_ns > 60000000000 AND start_time < $9`

	overlappingSQL = `
FROM (
    SELECT ` + spanColumns + ` FROM plait_store.span` + nearSQL + `
    UNION ALL
    SELECT ` + spanColumns + ` FROM plait_store.span` + longBeforeSQL + `
) s`
)

const overlapConditionsSQL = `
WHERE (start_time >= $1 OR $10 AND duration_ns >= 1e9::float8 * date_part('epoch', $1 - start_time))` + spanConditionsSQL

const (
	usualSQL = `
    LEFT JOIN unnest($13::int8[], $14::text[], $15::int8[]) u(usual_of, usual_name, usual)
        ON usual_of = operation AND usual_name = ` + inlineNameSQL

	// Both halves are joined to what is usual, because Citus joins nothing to a UNION.
	unusualSpansSQL = `
SELECT ` + spanColumns + `
FROM (
    SELECT ` + spanColumns + `, usual FROM plait_store.span` + usualSQL + nearSQL + `
    UNION ALL
    SELECT ` + spanColumns + `, usual FROM plait_store.span` + usualSQL + longBeforeSQL + `
) s` + overlapConditionsSQL + `
  AND trace_id <> ALL ($16)
ORDER BY $17 AND status = 2 DESC, duration_ns - coalesce(usual, 0) DESC, start_time DESC
LIMIT $8`

	overlappingSpansSQL = `
SELECT ` + spanColumns + overlappingSQL + overlapConditionsSQL + `
  AND $8::int8 IS NOT NULL`
)

// UnusualSpans returns the spans of a window that most exceed what is usual for their operation.
// It takes ten seconds at most, and says so if that cut it short.
func (s *Reader) UnusualSpans(ctx context.Context, q query.Unusual) (plait.UnusualSpans, error) {
	t, err := s.newUnusualSearch(ctx, q)
	if err != nil {
		return plait.UnusualSpans{}, fmt.Errorf("search unusual spans: %w", err)
	}
	if t.plan.impossible() || t.walk.Done() {
		return plait.UnusualSpans{}, nil
	}
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	err = t.run(bounded)
	if err != nil && (!search.TimedOut(bounded, err) || t.best.empty()) {
		return plait.UnusualSpans{}, fmt.Errorf("search unusual spans: %w", err)
	}
	return plait.UnusualSpans{Spans: t.best.ranked(), CutShort: err != nil || t.cut}, nil
}

// slowestSpans returns the spans that started in a range and took longest.
func (s *Reader) slowestSpans(ctx context.Context, q query.Spans) ([]plait.Span, error) {
	t, err := s.newUnusualSearch(ctx, query.Unusual{Condition: q.Condition, Range: q.Range, Limit: q.Limit})
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	if t.plan.impossible() || t.walk.Done() {
		return nil, nil
	}
	t.near, t.before = t.walk.From, false
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	if err := t.find(bounded); err != nil && (!search.TimedOut(bounded, err) || t.best.empty()) {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	var spans []plait.Span
	for _, u := range t.best.ranked() {
		spans = append(spans, u.Span)
	}
	return spans, nil
}

// unusualSearch is a search for unusual spans.
type unusualSearch struct {
	*spanSearch
	query  query.Unusual
	near   int64 // microseconds: where spans that are not long begin to be looked at
	before bool  // whether spans that began before the window count
	inline []int64
	// of the plan, sorted
	operations []int64
	traces     [][16]byte // that have spans which may fit, nil where these may be of any
	typical    typicalDurations
	window     *windowSpans // nil: not counted
	least      thresholds
	best       bestSpans
	cut        bool
}

func (s *Reader) newUnusualSearch(ctx context.Context, q query.Unusual) (*unusualSearch, error) {
	base, err := s.newSpanSearch(ctx, query.Spans{Condition: q.Condition, Range: q.Range, Page: query.Page{Limit: q.Limit}})
	if err != nil {
		return nil, err
	}
	u := &unusualSearch{spanSearch: base, query: q, before: true}
	u.near = max(base.walk.From-int64(reachBack/time.Microsecond), rowcodec.MinMicros)
	u.best = u.none()
	u.operations = slices.Sorted(slices.Values(base.plan.operations))
	u.inline, err = s.inlineOperations(ctx, base.plan.operations)
	return u, err
}

const inlineOperationsSQL = `
SELECT id
FROM plait_store.operation
WHERE name = '' AND ($1::int8[] IS NULL OR id = ANY ($1))`

// inlineOperations are those whose spans have names of their own, of some operations or of all.
func (s *Reader) inlineOperations(ctx context.Context, of []int64) ([]int64, error) {
	ids := []int64{}
	err := pg.QueryRows(ctx, s.search, func(v [][]byte) { ids = append(ids, rowcodec.Int8(v[0])) }, inlineOperationsSQL, pg.Planned, of)
	if err != nil {
		return nil, fmt.Errorf("list operations without a name: %w", err)
	}
	return ids, nil
}

// none is what the best are among no spans.
func (u *unusualSearch) none() bestSpans {
	return bestSpans{limit: u.limit, failedFirst: u.query.FailedFirst, ofEachTrace: u.query.OfEachTrace}
}

// run finds out what is usual, and fills best.
func (u *unusualSearch) run(ctx context.Context) error {
	if err := u.learn(ctx); err != nil {
		return err
	}
	if err := u.find(ctx); err != nil || !u.best.unexplained() {
		return err
	}
	known := len(u.typical)
	if err := u.learnMore(ctx); err != nil {
		return err
	}
	if err := u.learnFromWindow(ctx); err != nil || len(u.typical) == known {
		return err
	}
	first := u.best
	u.best = u.none()
	err := u.find(ctx)
	if err != nil && u.best.empty() {
		u.best = first
	}
	return err
}

// find fills best, with what is known to be usual.
func (u *unusualSearch) find(ctx context.Context) error {
	if u.plan.traces == nil {
		if found, err := u.findSlowest(ctx); err != nil || found {
			return err
		}
	}
	if !u.plan.exact || u.plan.timed() {
		if err := u.findTraces(ctx); err != nil {
			return err
		}
		return u.compare(ctx)
	}
	if u.query.Grade == nil {
		return u.ask(ctx)
	}
	if u.query.BestGrade > 0 {
		if found, err := u.askForTheBest(ctx); err != nil || found {
			return err
		}
	}
	return u.compare(ctx)
}

// askedAtOnce is how many spans Postgres hands over at least where one of each trace is wanted: a slow
// call is slow on every span above it, and another statement would read the whole window again.
const askedAtOnce = 400

// ask lets Postgres rank. Where one span of each trace is wanted, it goes on without the traces found.
func (u *unusualSearch) ask(ctx context.Context) error {
	limit := u.limit
	if u.query.OfEachTrace {
		limit = max(limit, askedAtOnce)
	}
	for {
		rows, whole, err := u.first(ctx, limit, u.best.traces())
		if err != nil {
			return err
		}
		if u.cut = !whole && !u.best.full(); u.cut || u.best.full() || rows < limit {
			return nil
		}
		if !u.query.OfEachTrace { // some were sent twice
			u.best = u.none()
			limit *= 4
		}
	}
}

// askForTheBest looks whether there are enough spans of the best grade among those that Postgres ranks
// first. Then nothing goes before them.
func (u *unusualSearch) askForTheBest(ctx context.Context) (found bool, err error) {
	if _, _, err = u.first(ctx, max(u.limit, search.ComparedRows), [][16]byte{}); err != nil {
		return false, err
	}
	if found = u.best.full() && u.best.allOf(u.query.BestGrade); !found {
		u.best = u.none()
	}
	return found, nil
}

// first adds the first spans of the window, without those of some traces. It says how many they were, and
// whether there was memory for all of them.
func (u *unusualSearch) first(ctx context.Context, limit int, without [][16]byte) (n int, whole bool, err error) {
	ids, names, usual := u.typical.byOperation()
	args := append(u.arguments(limit), u.inline, ids, names, usual, without, u.query.FailedFirst)
	rows, whole, err := u.ranked(ctx, args)
	if err != nil {
		return 0, false, err
	}
	return len(rows), whole, u.take(ctx, rows)
}

// hashed makes Postgres look up what is usual for each span. It knows the operations by a few numbers in an
// array, and would rather sort all spans of the window by operation, or go through the array for each.
const hashedSQL = `SELECT set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true)`

// ranked reads the rows of unusualSpansSQL, as many as there is memory for.
func (u *unusualSearch) ranked(ctx context.Context, args []any) (found []storedSpan, whole bool, err error) {
	memory := search.NewMemory(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	whole = true
	err = pg.ReadPlanned(ctx, u.store.search, hashedSQL, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, unusualSpansSQL, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for whole && rows.Next() {
			found = append(found, scanSpan(rows.RawValues()))
			whole = memory.Take(found[len(found)-1].size())
		}
		if !whole {
			cancel() // what remains may be far more than anybody can hold
			return nil
		}
		return rows.Err()
	})
	return found, whole, err
}

// findTraces asks the term index which traces have spans in the window that may fit, unless they are many.
func (u *unusualSearch) findTraces(ctx context.Context) error {
	units, err := u.store.candidates(ctx, u.plan, u.near, u.walk.To, tracesRead)
	if err != nil || units == nil {
		return err
	}
	found, err := units.Next(ctx, tracesRead+1)
	if err != nil {
		return err
	}
	u.traces, err = u.store.spellings(ctx, found)
	return err
}

// arguments are those of overlappingSQL and overlapConditionsSQL.
func (u *unusualSearch) arguments(limit int) []any {
	args := u.plan.arguments(u.walk.From, u.walk.To)
	return append(args, limit, rowcodec.MicrosTime(u.near), u.before, u.traces)
}

// compare reads all spans of the window and ranks them here. Only the best are kept.
func (u *unusualSearch) compare(ctx context.Context) error {
	take := func(rows []storedSpan) error { return u.take(ctx, rows) }
	return u.store.eachFitting(ctx, u.store.search, u.plan, take, overlappingSpansSQL, u.arguments(0)...)
}

// take decodes rows and keeps the best.
func (u *unusualSearch) take(ctx context.Context, rows []storedSpan) error {
	rows = slices.DeleteFunc(rows, u.belowLeast)
	spans, err := u.store.decodeSpans(ctx, rows)
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
