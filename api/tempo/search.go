package tempo

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

const (
	usualTraces, mostTraces = 20, 1000
	usualSpans, mostSpans   = 3, 100
	// mostShown bounds the spans of an answer, which take some hundred bytes each.
	mostShown = 20_000

	// searchTime is how long a search goes on looking. Grafana waits 30 seconds.
	searchTime = 20 * time.Second

	// tracesAtOnce and spansAtOnce bound the traces that are read and searched together.
	tracesAtOnce = 50
	spansAtOnce  = 10_000
)

// traceSearch is a search under way.
type traceSearch struct {
	reader     Reader
	memory     *plait.AnswerMemory
	search     *eval.Search
	asked      query.Traces
	within     plait.TimeRange // in which traces have a part
	limit      int             // of traces
	spansShown int             // of each span set

	found     []traceJSONSummary
	inspected int
	shown     int  // spans
	cut       bool // the time was up, a trace too large to be read whole, or the answer too large
}

// search answers /api/search.
func (h *handler) search(ctx context.Context, q url.Values) (any, error) {
	s, err := h.newSearch(q)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	if err := s.run(bounded); err != nil {
		if !timeIsUp(ctx, bounded, err) {
			return nil, err
		}
		s.cut = true
	}
	return s.answer(), nil
}

// timeIsUp says whether a question failed because its own time was over, or that of a part of it, so that what was found may
// be answered; not that of its client.
func timeIsUp(client, bounded context.Context, err error) bool {
	return client.Err() == nil && (errors.Is(bounded.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded))
}

// newSearch reads a question. A search without a query finds the newest traces.
func (h *handler) newSearch(q url.Values) (*traceSearch, error) {
	text, err := searchText(q)
	if err != nil {
		return nil, err
	}
	parsed, err := traceql.Parse(text)
	if err != nil {
		return nil, err
	}
	if parsed.Metrics != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "this query makes series and finds no traces: ask /api/metrics/query_range, or leave out what follows the last |")
	}
	s := &traceSearch{reader: h.Reader, memory: h.Memory}
	if s.search, err = eval.NewSearch(parsed); err != nil {
		return nil, err
	}
	candidates, err := eval.Candidates(parsed)
	if err != nil {
		return nil, err
	}
	if s.within, err = readRange(q, h.Now()); err != nil {
		return nil, err
	}
	s.asked.Condition, s.asked.Range = candidates, widened(s.within)
	if s.limit, err = readNumber(q, "limit", usualTraces, mostTraces); err != nil {
		return nil, err
	}
	s.spansShown, err = readNumber(q, "spss", usualSpans, mostSpans)
	return s, err
}

// run searches, page after page, until enough is found.
func (s *traceSearch) run(ctx context.Context) error {
	for !s.full() {
		s.asked.Limit = max(s.limit-len(s.found), usualTraces)
		page, next, err := s.reader.Traces(ctx, s.asked)
		if err != nil {
			return err
		}
		page = slices.DeleteFunc(page, func(t plait.TraceSummary) bool { return !s.overlaps(&t) })
		if err := s.match(ctx, page); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		s.asked.Cursor = next
	}
	return nil
}

// match reads traces, some at a time, and keeps those that the search finds.
func (s *traceSearch) match(ctx context.Context, page []plait.TraceSummary) error {
	for len(page) > 0 && !s.full() {
		n, spans := 1, page[0].SpanCount
		for n < min(len(page), tracesAtOnce, s.limit-len(s.found)+1) && spans+page[n].SpanCount <= spansAtOnce {
			spans += page[n].SpanCount
			n++
		}
		cut, err := eachTrace(ctx, s.reader, s.memory, page[:n], s.matchTrace)
		s.cut = s.cut || cut
		if err != nil {
			return err
		}
		s.inspected += n
		page = page[n:]
	}
	return nil
}

// A trace is found that has a part in the range, whenever its spans that match started. These are looked for so long
// before the range and after it.
const (
	startedBefore = 5 * time.Minute
	startedAfter  = 10 * time.Second
)

func widened(r plait.TimeRange) plait.TimeRange {
	if !r.From.IsZero() {
		r.From = r.From.Add(-startedBefore)
	}
	if !r.To.IsZero() {
		r.To = r.To.Add(startedAfter)
	}
	return r
}

// overlaps says whether a trace has a part in the range, whose end belongs to it as in Tempo.
func (s *traceSearch) overlaps(t *plait.TraceSummary) bool {
	return (s.within.From.IsZero() || t.StartNanos+max(t.DurationNanos, 0) >= s.within.From.UnixNano()) &&
		(s.within.To.IsZero() || t.StartNanos <= s.within.To.UnixNano())
}

func (s *traceSearch) matchTrace(t *condition.TraceView) error {
	if s.full() || len(t.Spans) == 0 {
		return nil
	}
	found := s.search.Match(t)
	if found == nil {
		return nil
	}
	s.found = append(s.found, summaryOf(t.Summary, t.Spans, found, s.spansShown))
	for _, set := range found.Sets {
		s.shown += min(len(set.Spans), s.spansShown)
	}
	s.cut = s.cut || s.full() && len(s.found) < s.limit
	return nil
}

// full says whether as many traces are found as are wanted, or an answer is as large as one gets.
func (s *traceSearch) full() bool { return len(s.found) >= s.limit || s.shown >= mostShown }

// eachTrace reads some traces and hands them on, and says whether spans of any were left out. What they take of the
// memory of all answers is given back then: a question looks at many more spans than it may hold.
func eachTrace(ctx context.Context, reader Reader, memory *plait.AnswerMemory, page []plait.TraceSummary, use func(*condition.TraceView) error) (cut bool, err error) {
	for len(page) > 0 && err == nil {
		var read int
		var some bool
		read, some, err = firstTraces(ctx, reader, memory, page, use)
		cut = cut || some
		page = page[read:]
	}
	return cut, err
}

// firstTraces does so for as many of the first as there is room for.
func firstTraces(ctx context.Context, reader Reader, memory *plait.AnswerMemory, page []plait.TraceSummary, use func(*condition.TraceView) error) (read int, cut bool, err error) {
	bounded, release := memory.Begin(ctx)
	defer release()
	of, read, cut, err := reader.SpansOf(bounded, page)
	if err != nil {
		return 0, false, err
	}
	for i := range page[:read] {
		if err := use(&condition.TraceView{Summary: &page[i], Spans: once(of[page[i].TraceID])}); err != nil {
			return read, cut, err
		}
	}
	return read, cut, nil
}

// once are spans in order of start, without those that were sent twice.
func once(spans []plait.Span) []plait.Span {
	slices.SortStableFunc(spans, func(a, b plait.Span) int {
		return cmp.Or(cmp.Compare(a.StartNanos, b.StartNanos), slices.Compare(a.SpanID[:], b.SpanID[:]), cmp.Compare(a.EndNanos, b.EndNanos))
	})
	return slices.CompactFunc(spans, func(a, b plait.Span) bool {
		return a.SpanID == b.SpanID && a.StartNanos == b.StartNanos && a.EndNanos == b.EndNanos && a.Kind == b.Kind && a.Name == b.Name && a.Resource == b.Resource
	})
}
