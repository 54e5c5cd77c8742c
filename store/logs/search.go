package logs

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/search"
)

// Logs searches for records, newest first unless asked otherwise, and returns the cursor of the
// next page, empty at the end. An id of a trace in the condition stands for all spellings of it. A search takes ten
// seconds, and a page 16 MiB, at most: the page then has what was found, and the cursor goes on from there. Records
// of one nanosecond are in the order of trace, span and content. It is plait.ErrInvalid when the condition cannot be asked.
func (s *Reader) Logs(ctx context.Context, q query.Logs) ([]plait.LogRecord, string, error) {
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	t, err := s.newLogSearch(ctx, bounded, q)
	if err != nil {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	begin := t.walk
	if err := t.run(bounded); err != nil && !search.CutShort(ctx, bounded, err, len(t.page()), t.walk != begin) {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	rows := t.page()
	records, err := s.decodeLogs(ctx, rows)
	if err != nil {
		return nil, "", fmt.Errorf("search logs: %w", err)
	}
	records = records[:fittingLogs(&t.found.memory, records, rows)]
	return records, t.cursorAfter(len(records)), nil
}

// logSearch is one page's worth of searching.
type logSearch struct {
	*plan
	store     *Reader
	ascending bool
	limit     int
	start     logCursor

	walk  search.Walk
	at    logPosition // the first that was not read
	found found

	rowsAtOnce int // that the next statement reads
}

// newLogSearch prepares a search within a context, for an answer to another.
func (s *Reader) newLogSearch(answer, bounded context.Context, q query.Logs) (*logSearch, error) {
	p, err := s.plan(bounded, q)
	if err != nil {
		return nil, err
	}
	t := &logSearch{plan: p, store: s, ascending: q.Ascending, limit: search.Limit(q.Limit), walk: search.NewWalk(p.within, q.Ascending, s.now())}
	t.start = logCursor{logPosition: t.boundary()}
	if q.Cursor != "" {
		if t.start, err = parseLogCursor(q.Cursor); err != nil {
			return nil, err
		}
		if q.Ascending {
			t.walk.From = max(t.walk.From, t.start.micros)
		} else {
			t.walk.To = min(t.walk.To, t.start.micros+1)
		}
	}
	if p.nothing {
		t.walk.To = t.walk.From
	}
	t.at = t.start.logPosition
	t.found = found{wanted: t.limit + t.start.skip + 1, ascending: q.Ascending, from: t.at, memory: search.NewMemory(answer)}
	return t, nil
}

// boundary is the first position of what remains of the walk.
func (t *logSearch) boundary() logPosition {
	if t.ascending {
		return firstOf(t.walk.From, true)
	}
	return firstOf(t.walk.To-1, false)
}

// run reads until there is one record more than the page takes, or no range or memory left.
func (t *logSearch) run(ctx context.Context) error {
	if t.nothing || t.walk.Done() {
		return nil
	}
	if t.traces != nil {
		t.walk.ByIndex() // the one on traces
		return t.walkThrough(ctx, -1)
	}
	fitting := 0 // not known
	if !t.terms.NarrowsNothing() {
		found, err := t.store.index.Find(ctx, t.terms, t.walk.From, t.walk.To, t.ascending)
		if err != nil {
			return err
		}
		narrows, err := found.Estimate(ctx)
		if err != nil {
			return err
		}
		if 2*narrows.Fitting <= narrows.Units {
			return t.byTerms(ctx, found)
		}
		fitting = narrows.Fitting
	}
	if err := t.beginAtNewest(ctx); err != nil {
		return err
	}
	t.walk.Expect(fitting, t.found.wanted)
	if err := t.walkThrough(ctx, fewPages); err != nil || t.enough() || t.walk.Done() {
		return err
	}
	return t.stream(ctx)
}

// beginAtNewest lets a walk back through time begin where there are records: its slices grow as long as they are empty, and
// one that is long by then would be read and sorted whole.
func (t *logSearch) beginAtNewest(ctx context.Context) error {
	if t.ascending {
		return nil
	}
	newest, ok, err := t.store.index.Newest(ctx, t.walk.From, t.walk.To)
	if ok {
		t.walk.Newest(newest)
	}
	return err
}

func (t *logSearch) enough() bool {
	return len(t.found.rows) >= t.found.wanted || !t.found.memory.Left()
}

// page is what was found for this page.
func (t *logSearch) page() []storedLog {
	skipped := t.skipped()
	return t.found.rows[skipped:min(len(t.found.rows), skipped+t.limit)]
}

// skipped is how many rows at the beginning the pages before have shown.
func (t *logSearch) skipped() (n int) {
	for n < min(t.start.skip, len(t.found.rows)) && t.found.rows[n].logPosition == t.start.logPosition {
		n++
	}
	return n
}

// cursorAfter returns the cursor that goes on after the first records of the page, empty at the end.
func (t *logSearch) cursorAfter(n int) string {
	rows := t.found.rows[:t.skipped()+n]
	if len(rows) < len(t.found.rows) || t.found.dropped {
		next := after(rows, t.ascending)
		return next.String()
	}
	if t.walk.Done() {
		return ""
	}
	next := logCursor{logPosition: t.at, skip: atEnd(rows, t.at)}
	return next.String()
}
