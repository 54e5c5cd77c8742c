package spans

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/traceid"
)

const (
	// Spans that fit, newest first. Text is sent only when it has to be compared.
	searchSpansSQL = `
SELECT trace_id, start_time, operation, resource, attribute_set,
       CASE WHEN $15 THEN attributes ELSE '' END,
       CASE WHEN $15 THEN extra ELSE '' END
FROM plait_store.span
WHERE` + spanMatchSQL + `
ORDER BY start_time DESC
LIMIT $16`

	// When nothing or only a service is asked for, fragments tell without a look at spans.
	searchFragmentsSQL = `
SELECT trace_id, start_time
FROM plait_store.trace_fragment
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + `
  AND ($3::text IS NULL OR $3 = ANY (services))
ORDER BY start_time DESC
LIMIT $4`
)

// Traces searches for traces with a span that fits the whole query, the ones that started last
// first, and returns the cursor of the next page, empty at the end. A search takes ten seconds
// at most: the page then has what was found, and the cursor goes on from there.
//
// How it works: matching spans are read backwards in time. When all spans from some time on
// have been seen, so have all traces that fit and started since: they are settled and in their
// final order. Traces that started before that wait; a page that ends while some of
// them wait names in its cursor the time of the newest matching span that has to be read again.
func (s *Reader) Traces(ctx context.Context, q plait.TraceQuery) ([]plait.TraceSummary, string, error) {
	t, err := s.newTraceSearch(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("search traces: %w", err)
	}
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	begin := t.walk
	if err := t.run(bounded); err != nil && !search.CutShort(ctx, bounded, err, len(t.settled()), t.walk != begin) {
		return nil, "", fmt.Errorf("search traces: %w", err)
	}
	page, cursor := t.page()
	return page, cursor, nil
}

// traceSearch is one page's worth of searching.
type traceSearch struct {
	store  *Reader
	filter spanFilter
	// service restricts a search in fragments
	service     string
	inFragments bool

	walk   search.Walk
	limit  int
	memory search.Memory
	before traceCursor // traces from here on were on earlier pages

	waiting map[plait.TraceID]*foundTrace
	passed  map[plait.TraceID]struct{} // seen, and on an earlier page or gone
}

type foundTrace struct {
	plait.TraceSummary
	oldestMatch int64 // microseconds
}

// spanMatch is a span that fits.
type spanMatch struct {
	traceID plait.TraceID
	micros  int64
}

func (s *Reader) newTraceSearch(ctx context.Context, q plait.TraceQuery) (*traceSearch, error) {
	t := &traceSearch{
		store:   s,
		walk:    search.NewWalk(q.Range, false, s.now()),
		limit:   search.Limit(q.Limit),
		memory:  search.NewMemory(ctx),
		before:  traceCursor{startNanos: maxNanos},
		waiting: make(map[plait.TraceID]*foundTrace),
		passed:  make(map[plait.TraceID]struct{}),
	}
	if q.Cursor != "" {
		var err error
		if t.before, err = parseTraceCursor(q.Cursor); err != nil {
			return nil, err
		}
		t.walk.To = min(t.walk.To, t.before.resume)
	}
	f := &t.filter
	f.minDuration, f.maxDuration = pg.Optional(int64(q.MinDuration)), pg.Optional(int64(q.MaxDuration))
	if f.minDuration != nil && f.maxDuration == nil {
		f.maxDuration = pg.Optional(int64(spanmetrics.MaxDuration)) // what claims more took no time
	}
	if q.Status != nil {
		f.statuses = []int16{int16(*q.Status)}
	}
	var err error
	if f.attributes, err = s.entries.AttributeConditions(ctx, q.Attributes); err != nil {
		return nil, err
	}
	if f.everything() && q.Name == "" && q.Kind == nil {
		t.service, t.inFragments = dictionary.Clip(rowcodec.CleanText(q.Service)), true
		return t, nil
	}
	return t, s.restrictOperations(ctx, f, q.Service, q.Name, q.Kind)
}

// run reads slices until enough traces are settled or the range is read.
func (t *traceSearch) run(ctx context.Context) error {
	if t.filter.impossible() {
		t.walk.To = t.walk.From
	}
	enough := func() bool {
		settled := len(t.settled())
		return settled >= t.limit || settled > 0 && !t.memory.Left()
	}
	return t.walk.Pages(ctx, 10*(t.limit+100), enough, func(ctx context.Context, from, to int64, limit int) (search.Page, error) {
		matches, p, err := t.match(ctx, from, to, limit)
		if err != nil {
			return p, err
		}
		return p, t.add(ctx, matches)
	})
}

// match reads a page of a slice of time, newest first, and returns the rows that fit.
func (t *traceSearch) match(ctx context.Context, from, to int64, limit int) (matches []spanMatch, p search.Page, err error) {
	if t.inFragments {
		err = pg.QueryRows(ctx, t.store.search, func(v [][]byte) {
			p.Add(rowcodec.TimeMicros(v[1]))
			matches = append(matches, spanMatch{plait.TraceID(v[0]), p.Last})
		}, searchFragmentsSQL, pg.Planned, rowcodec.MicrosTime(from), rowcodec.MicrosTime(to), pg.Optional(t.service), limit)
		p.Full = p.Rows >= limit
		return matches, p, err
	}
	compare := t.filter.comparesText()
	var bad error
	err = pg.QueryRows(ctx, t.store.search, func(v [][]byte) {
		p.Add(rowcodec.TimeMicros(v[1]))
		if compare {
			row := storedSpan{operation: rowcodec.Int8(v[2]), resource: rowcodec.Int8(v[3]), attributeSet: rowcodec.Int8(v[4]),
				attributes: string(v[5]), extra: string(v[6])}
			if ok, err := t.filter.fits(&row); !ok {
				bad = cmp.Or(bad, err)
				return
			}
		}
		matches = append(matches, spanMatch{plait.TraceID(v[0]), p.Last})
	}, searchSpansSQL, append(t.filter.arguments(from, to), compare, limit)...)
	p.Full = p.Rows >= limit
	return matches, p, cmp.Or(err, bad)
}

// add notes the traces of matching spans.
func (t *traceSearch) add(ctx context.Context, matches []spanMatch) error {
	oldest := make(map[plait.TraceID]int64)
	for _, m := range matches {
		if _, ok := t.passed[m.traceID]; ok {
			continue
		}
		if f := t.waiting[m.traceID]; f != nil {
			f.oldestMatch = min(f.oldestMatch, m.micros)
			continue
		}
		oldest[m.traceID] = m.micros // matches come newest first
	}
	if len(oldest) == 0 {
		return nil
	}
	oldest, err := t.store.fullSpellings(ctx, oldest)
	if err != nil {
		return err
	}
	summaries, err := t.store.TraceSummaries(ctx, slices.Collect(maps.Keys(oldest)))
	if err != nil {
		return err
	}
	for _, m := range matches {
		t.passed[m.traceID] = struct{}{}
	}
	for _, summary := range summaries {
		t.memory.Take(summarySize(&summary))
		if t.before.after(&summary) {
			delete(t.passed, summary.TraceID)
			t.waiting[summary.TraceID] = &foundTrace{summary, oldest[summary.TraceID]}
		}
	}
	return nil
}

// fullSpellings replaces 64-bit ids by those of the traces whose lower halves they are.
func (s *Reader) fullSpellings(ctx context.Context, matches map[plait.TraceID]int64) (map[plait.TraceID]int64, error) {
	var lows []int64
	for id := range matches {
		if id == traceid.LowerHalf(id) {
			lows = append(lows, int64(id.Low()))
		}
	}
	if len(lows) == 0 {
		return matches, nil
	}
	full, err := s.ids.Full(ctx, lows)
	if err != nil {
		return nil, err
	}
	for low, id := range full {
		short := traceid.Padded(low)
		if micros, ok := matches[id]; !ok || matches[short] < micros {
			matches[id] = matches[short]
		}
		delete(matches, short)
	}
	return matches, nil
}

// settled returns the traces whose place is certain, in order.
func (t *traceSearch) settled() []*foundTrace {
	var settled []*foundTrace
	for _, f := range t.waiting {
		if t.walk.Done() || f.StartNanos >= t.walk.To*1000 {
			settled = append(settled, f)
		}
	}
	slices.SortFunc(settled, func(a, b *foundTrace) int {
		return cmp.Or(cmp.Compare(b.StartNanos, a.StartNanos), slices.Compare(b.TraceID[:], a.TraceID[:]))
	})
	return settled
}

// page returns the first settled traces and the cursor that goes on after them.
func (t *traceSearch) page() ([]plait.TraceSummary, string) {
	settled := t.settled()
	settled = settled[:min(len(settled), t.limit)]
	page := make([]plait.TraceSummary, len(settled))
	next := t.before
	for i, f := range settled {
		page[i] = f.TraceSummary
		next.startNanos, next.traceID = f.StartNanos, f.TraceID
		delete(t.waiting, f.TraceID)
	}
	if len(t.waiting) == 0 && t.walk.Done() {
		return page, ""
	}
	next.resume = t.walk.To
	for _, f := range t.waiting {
		next.resume = max(next.resume, f.oldestMatch+1)
	}
	return page, next.String()
}

// traceCursor says where a page ended.
type traceCursor struct {
	startNanos int64 // of the last trace
	traceID    plait.TraceID
	resume     int64 // spans before this microsecond have to be read
}

const maxNanos = 1<<63 - 1

// after says whether the trace comes on a later page.
func (c *traceCursor) after(t *plait.TraceSummary) bool {
	return cmp.Or(cmp.Compare(t.StartNanos, c.startNanos), slices.Compare(t.TraceID[:], c.traceID[:])) < 0
}

const traceCursorSize = 8 + 16 + 8

// String returns the cursor in base64url.
func (c *traceCursor) String() string {
	b := make([]byte, 0, traceCursorSize)
	b = binary.BigEndian.AppendUint64(b, uint64(c.startNanos))
	b = append(b, c.traceID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.resume))
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseTraceCursor(text string) (traceCursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != traceCursorSize {
		return traceCursor{}, fmt.Errorf("cursor %q is not one that a trace search returned: %w", text, plait.ErrInvalid)
	}
	return traceCursor{
		startNanos: int64(binary.BigEndian.Uint64(b)),
		traceID:    plait.TraceID(b[8:24]),
		resume:     int64(binary.BigEndian.Uint64(b[24:])),
	}, nil
}

func summarySize(t *plait.TraceSummary) int {
	size := search.RowBytes
	for _, service := range t.Services {
		size += len(service)
	}
	return size
}
