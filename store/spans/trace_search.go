package spans

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/traceid"
)

const (
	newestFirstSQL = `
ORDER BY start_time DESC
LIMIT $8`

	// Text is sent only when it has to be compared.
	comparedColumnsSQL = `trace_id, start_time, start_sub_ns, span_id, parent_span_id, duration_ns, operation, resource, attribute_set, flags, status,
       CASE WHEN $9 THEN attributes ELSE '' END,
       CASE WHEN $10 THEN extra ELSE '' END`

	searchSpansSQL = `
(SELECT ` + comparedColumnsSQL + spansOfDaysSQL + newestFirstSQL + `)
UNION ALL
(SELECT ` + comparedColumnsSQL + spansOutsideSQL + newestFirstSQL + `)` + newestFirstSQL
)

// Traces searches for traces that fit a condition, the ones that started last first, and returns the cursor of the
// next page, empty at the end. A search takes ten seconds at most: the page then has what was found, and the cursor
// goes on from there.
//
// How it works: spans that fit are read backwards in time. When all spans from some time on
// have been seen, so have all traces that fit and started since: they are settled and in their
// final order. Traces that started before that wait; a page that ends while some of
// them wait names in its cursor the time of the newest matching span that has to be read again. The term index names
// traces by when they start, and so its answers settle in the same way.
func (s *Reader) Traces(ctx context.Context, q query.Traces) ([]plait.TraceSummary, string, error) {
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
	store *Reader
	plan  *spanPlan   // of the spans that tell of a trace
	rest  *traceCheck // what has to be compared then, nil: nothing
	// fragments says that fragments tell, of a service's spans where one is named
	fragments  bool
	service    string
	straddling bool // traces that have fragments from before the range only are still to be looked for

	walk   search.Walk
	end    int64 // microseconds: of the range, wherever a page begins
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

func (s *Reader) newTraceSearch(ctx context.Context, q query.Traces) (*traceSearch, error) {
	t := &traceSearch{
		store:   s,
		walk:    search.NewWalk(q.Range, false, s.now()),
		limit:   search.Limit(q.Limit),
		memory:  search.NewMemory(ctx),
		before:  beforeAll,
		waiting: make(map[plait.TraceID]*foundTrace),
		passed:  make(map[plait.TraceID]struct{}),
	}
	if err := t.lead(ctx, q); err != nil {
		return nil, err
	}
	t.plan.narrows(&t.walk)
	t.end = t.walk.To
	t.service, t.fragments = fragmentsTell(t.plan.condition)
	if t.fragments || t.plan.indexedByTime() {
		t.walk.ByTime()
	}
	t.straddling = t.fragments && !q.Range.From.IsZero()
	t.walk.To = min(t.walk.To, t.before.resume)
	return t, nil
}

// lead finds out which part of the condition leads to the traces. A search goes on as it began.
func (t *traceSearch) lead(ctx context.Context, q query.Traces) error {
	leads, err := leadsOf(q.Condition)
	if err != nil {
		return err
	}
	if q.Cursor == "" {
		var chosen int
		if chosen, t.plan, err = t.store.choose(ctx, leads, t.walk); err != nil {
			return err
		}
		t.before.lead = uint8(chosen)
	} else {
		if t.before, err = parseTraceCursor(q.Cursor); err != nil {
			return err
		}
		if int(t.before.lead) >= len(leads) {
			return plait.Errorf(plait.ErrInvalid, "cursor %q is of another search", q.Cursor)
		}
		if t.plan, err = t.store.newSpanPlan(ctx, leads[t.before.lead].of); err != nil {
			return err
		}
	}
	t.rest, err = newTraceCheck(leads[t.before.lead].rest)
	return err
}

// run finds traces until enough are settled or the range is read.
func (t *traceSearch) run(ctx context.Context) error {
	if t.plan.impossible() {
		t.walk.To, t.straddling = t.walk.From, false
	}
	if t.fragments {
		if err := t.walk.Pages(ctx, t.firstPage(), t.enough, t.fragmentPage); err != nil || !t.walk.Done() {
			return err
		}
		return t.straddlers(ctx)
	}
	if t.walk.Done() {
		return nil
	}
	units, err := t.units(ctx)
	if err != nil {
		return err
	}
	if units != nil {
		return t.ofUnits(ctx, units)
	}
	if !t.plan.indexedByTime() {
		if err := t.store.beginAtNewest(ctx, &t.walk); err != nil {
			return err
		}
	}
	return t.walk.Pages(ctx, t.firstPage(), t.enough, t.spanPage)
}

// units asks the term index, nil where the way is back through time. A search that began with the index goes on with it:
// of traces that start before the last of a page, it has not read what is newer.
func (t *traceSearch) units(ctx context.Context) (units, error) {
	if t.before.byIndex && t.plan.traces == nil {
		return t.store.terms.Find(ctx, t.plan.terms, t.walk.From, t.walk.To, false)
	}
	return t.store.candidates(ctx, t.plan, t.walk.From, t.walk.To, maxUnits)
}

// maxUnits bounds the traces of a search through the index: far beyond what a page is filled with.
const maxUnits = 1 << 30

// firstPage is how many rows are read at first. A trace has several fragments, and several spans that fit, and a summary is
// made of each trace that is met: little more than what is wanted is read where an index leads to the rows, or where
// nothing else has to be compared. Pages grow while they do not suffice.
func (t *traceSearch) firstPage() int {
	if t.fragments || t.plan.exact && (t.rest == nil || t.plan.indexedByTime()) {
		return 4 * (t.limit + 5)
	}
	return 10 * (t.limit + 100)
}

func (t *traceSearch) enough() bool {
	settled := len(t.settled())
	return settled >= t.limit || settled > 0 && !t.memory.Left()
}

// spanPage reads a page of a slice of time, newest first.
func (t *traceSearch) spanPage(ctx context.Context, from, to int64, limit int) (search.Page, error) {
	attributes, extra := t.plan.textNeeded()
	rows, p, err := t.store.fittingPage(ctx, t.plan, limit, searchSpansSQL, append(t.plan.arguments(from, to), limit, attributes, extra)...)
	if err != nil {
		return p, err
	}
	return p, t.add(ctx, matchesOf(nil, rows))
}

func matchesOf(matches []spanMatch, rows []storedSpan) []spanMatch {
	for i := range rows {
		matches = append(matches, spanMatch{rows[i].traceID, rows[i].startMicros})
	}
	return matches
}

// ofUnits reads the traces that the index names, those that start last first.
func (t *traceSearch) ofUnits(ctx context.Context, units units) error {
	t.before.byIndex = true
	for n := t.limit + t.limit/4 + 2; !t.enough(); n *= 2 {
		n = min(n, unitsAtOnce)
		some, err := units.Next(ctx, n)
		if err != nil {
			return err
		}
		matches, err := t.matchesIn(ctx, nil, some)
		if err != nil {
			return err
		}
		if err := t.add(ctx, matches); err != nil {
			return err
		}
		if len(some) < n {
			t.walk.To = t.walk.From
			return nil
		}
		// no trace that is still to come starts after the last of these
		t.walk.To = max(t.walk.From+1, min(t.walk.To, some[len(some)-1].From+units.Tick()))
	}
	return nil
}

// add notes the traces of matching spans, which come newest first.
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
		oldest[m.traceID] = m.micros
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
	summaries = slices.DeleteFunc(summaries, func(s plait.TraceSummary) bool { return !t.before.after(&s) })
	if t.rest != nil {
		if summaries, err = t.rest.fitting(ctx, t.store, summaries); err != nil {
			return err
		}
	}
	for _, summary := range summaries {
		t.memory.Take(summarySize(&summary))
		delete(t.passed, summary.TraceID)
		t.waiting[summary.TraceID] = &foundTrace{summary, oldest[summary.TraceID]}
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
		if t.walk.Done() && !t.straddling || rowcodec.FloorDiv(f.StartNanos, 1000) >= t.walk.To {
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
	if len(t.waiting) == 0 && t.walk.Done() && !t.straddling {
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
	byIndex    bool  // or, of the term index, the traces that start before it
	lead       uint8 // which of the condition's leads led to the traces
}

// beforeAll is where the first page begins: traces of the last moment there is, as broken clocks tell it, come after it.
var beforeAll = traceCursor{startNanos: math.MaxInt64, traceID: plait.TraceID(bytes.Repeat([]byte{0xff}, 16)), resume: rowcodec.MaxMicros}

// after says whether the trace comes on a later page.
func (c *traceCursor) after(t *plait.TraceSummary) bool {
	return cmp.Or(cmp.Compare(t.StartNanos, c.startNanos), slices.Compare(t.TraceID[:], c.traceID[:])) < 0
}

const traceCursorSize = 8 + 16 + 8 + 1

// String returns the cursor in base64url.
func (c *traceCursor) String() string {
	b := make([]byte, 0, traceCursorSize)
	b = binary.BigEndian.AppendUint64(b, uint64(c.startNanos))
	b = append(b, c.traceID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.resume))
	way := c.lead << 1
	if c.byIndex {
		way |= 1
	}
	b = append(b, way)
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseTraceCursor(text string) (traceCursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != traceCursorSize {
		return traceCursor{}, plait.Errorf(plait.ErrInvalid, "cursor %q is not one that a trace search returned", text)
	}
	return traceCursor{
		startNanos: int64(binary.BigEndian.Uint64(b)),
		traceID:    plait.TraceID(b[8:24]),
		resume:     int64(binary.BigEndian.Uint64(b[24:])),
		byIndex:    b[32]&1 != 0,
		lead:       b[32] >> 1,
	}, nil
}

func summarySize(t *plait.TraceSummary) int {
	size := search.RowBytes
	for _, service := range t.Services {
		size += len(service)
	}
	return size
}
