package spans

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/search"
)

const (
	newestSpanFirstSQL = `
ORDER BY start_time DESC, start_sub_ns DESC
LIMIT $8`

	searchNewSpansSQL = `
(SELECT ` + spanColumns + spansOfDaysSQL + newestSpanFirstSQL + `)
UNION ALL
(SELECT ` + spanColumns + spansOutsideSQL + newestSpanFirstSQL + `)` + newestSpanFirstSQL
)

// Spans returns single spans that fit a condition. Spans that are the same in everything are one. What was found
// after ten seconds is answered.
func (s *Reader) Spans(ctx context.Context, q query.Spans) ([]plait.Span, error) {
	if q.Order == query.SlowestFirst {
		return s.slowestSpans(ctx, q)
	}
	t, err := s.newSpanSearch(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	if t.plan.impossible() || t.walk.Done() {
		return nil, nil
	}
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	if err := t.newest(bounded); err != nil && (!search.TimedOut(bounded, err) || len(t.rows) == 0) {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	rows := t.rows[:min(len(t.rows), t.limit)]
	spans, err := s.decodeSpans(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("search spans: %w", err)
	}
	return foldSpans(ctx, spans, rows)
}

type spanSearch struct {
	store  *Reader
	plan   *spanPlan
	walk   search.Walk
	limit  int
	memory search.Memory
	rows   []storedSpan
}

func (s *Reader) newSpanSearch(ctx context.Context, q query.Spans) (*spanSearch, error) {
	plan, err := s.newSpanPlan(ctx, q.Condition)
	if err != nil {
		return nil, err
	}
	t := &spanSearch{store: s, plan: plan, walk: search.NewWalk(q.Range, false, s.now()), limit: search.Limit(q.Limit), memory: search.NewMemory(ctx)}
	return t, nil
}

// newest finds the last spans.
func (t *spanSearch) newest(ctx context.Context) error {
	t.plan.narrows(&t.walk)
	if t.walk.Done() {
		return nil
	}
	units, err := t.store.candidates(ctx, t.plan, t.walk.From, t.walk.To, tracesRead)
	if err != nil {
		return err
	}
	if units != nil {
		return t.newestOf(ctx, units)
	}
	enough := func() bool { return len(t.rows) >= t.limit || !t.memory.Left() }
	limit := t.limit
	if !t.plan.exact {
		limit = max(limit, search.ComparedRows)
	}
	if err := t.store.beginAtNewest(ctx, &t.walk); err != nil {
		return err
	}
	return t.walk.Pages(ctx, limit, enough, t.page)
}

// newestOf reads the traces that the index names, and keeps the newest spans.
func (t *spanSearch) newestOf(ctx context.Context, units units) error {
	for {
		some, err := units.Next(ctx, unitsAtOnce)
		if err != nil {
			return err
		}
		err = t.store.rowsOf(ctx, t.plan, some, t.walk.From, t.walk.To, true, true, func(rows []storedSpan) error {
			if t.rows = append(t.rows, rows...); len(t.rows) > 2*t.limit+comparedAtOnce {
				t.keepNewest()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(some) < unitsAtOnce {
			t.keepNewest()
			return nil
		}
	}
}

// keepNewest cuts what was found to as many rows as are wanted and there is memory for.
func (t *spanSearch) keepNewest() {
	slices.SortStableFunc(t.rows, func(a, b storedSpan) int {
		return cmp.Or(cmp.Compare(b.startMicros, a.startMicros), cmp.Compare(b.subNanos, a.subNanos))
	})
	size, kept, met := 0, 0, make(map[storedSpan]bool, len(t.rows))
	for _, row := range t.rows {
		if met[row] {
			continue
		}
		met[row] = true
		if size += row.size(); kept >= t.limit || size > search.MaxBytes && kept > 0 {
			break
		}
		t.rows[kept] = row
		kept++
	}
	clear(t.rows[kept:])
	t.rows = t.rows[:kept]
}

// page appends those rows of a page that fit.
func (t *spanSearch) page(ctx context.Context, from, to int64, limit int) (search.Page, error) {
	met := t.ofMicrosecond(to - 1)
	rows, p, err := t.store.fittingPage(ctx, t.plan, limit, searchNewSpansSQL, append(t.plan.arguments(from, to), limit)...)
	if err != nil {
		return p, err
	}
	for _, row := range rows {
		if met[row] {
			continue
		}
		met[row] = true
		t.rows = append(t.rows, row)
		if !t.memory.Take(row.size()) {
			p.Full, p.Last = true, row.startMicros
			break
		}
	}
	return p, nil
}

// fittingPage reads a page, newest first, and returns the rows that fit.
func (s *Reader) fittingPage(ctx context.Context, plan *spanPlan, limit int, sql string, args ...any) (rows []storedSpan, p search.Page, err error) {
	size := 0
	err = pg.QueryUntil(ctx, s.search, func(v [][]byte) bool {
		row := scanSpan(v)
		p.Add(row.startMicros)
		rows = append(rows, row)
		size += row.size()
		p.Full = size > search.MaxBytes
		return !p.Full
	}, sql, args...)
	if err != nil {
		return nil, p, err
	}
	p.Full = p.Full || p.Rows >= limit
	rows, err = s.fitting(ctx, plan, rows)
	return rows, p, err
}

// ofMicrosecond are the rows of a microsecond among the last that fit. A page begins with the last
// microsecond of the page before. A row that is there twice is kept once.
func (t *spanSearch) ofMicrosecond(micros int64) map[storedSpan]bool {
	met := map[storedSpan]bool{}
	for _, row := range slices.Backward(t.rows) {
		if row.startMicros != micros {
			break
		}
		met[row] = true
	}
	return met
}
