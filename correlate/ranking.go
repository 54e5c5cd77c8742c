package correlate

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// A spike is made of spans that took longer than their operation usually takes, not of those of
// operations that are always slow. So spans are ranked by the time by which they exceed the
// median of the same operation before the window.

const (
	// spanCandidates is how many of the slowest spans of a window are ranked.
	spanCandidates = 1000
	// spanSample is how many spans before a window tell what is typical: the last ones of the
	// sampleReach before it.
	spanSample  = 2000
	sampleReach = 24 * time.Hour
	// sampleTime is how long may be searched for them: rare ones are not worth a wait.
	sampleTime = 2 * time.Second
	// runUp is how long before a window a span may have started whose end lies in it.
	runUp = time.Minute
)

// operation is what makes spans comparable.
type operation struct {
	service, name string
	kind          plait.SpanKind
}

func operationOf(s *plait.Span) operation {
	return operation{s.Resource.Service(), s.Name, s.Kind}
}

// unusualSpan is a span with what is typical of its operation.
type unusualSpan struct {
	span         *plait.Span
	typicalNanos int64 // 0 when unknown
	excessNanos  int64
}

func (u unusualSpan) hit(match Match) MetricHit {
	return MetricHit{
		TimeNanos: spanEnd(u.span), TraceID: u.span.TraceID, SpanID: u.span.SpanID, Match: match,
		TypicalNanos: u.typicalNanos,
	}
}

// unusual returns spans of a window, those that most exceed what is typical of their operation
// first. Where failures come first, failed spans do, whatever they took.
func (p *Pivots) unusual(ctx context.Context, q plait.SpanQuery, failuresFirst bool) ([]unusualSpan, error) {
	window := q.Range
	q.Range.From = window.From.Add(-runUp)
	q.Order, q.Limit = plait.SpansSlowestFirst, spanCandidates
	failures := q
	failures.Matchers = append(slices.Clone(q.Matchers), plait.Matcher{Name: "status_code", Op: plait.MatchEqual, Value: spanmetrics.StatusError})

	var spans, failed []plait.Span
	var typical map[operation]int64
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		spans, err = p.traces.Spans(ctx, q)
		return err
	})
	if failuresFirst {
		g.Go(func() (err error) {
			failed, err = p.traces.Spans(ctx, failures)
			return err
		})
	}
	g.Go(func() (err error) {
		typical, err = p.typical(ctx, q, window)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	ranked := make([]unusualSpan, 0, len(spans)+len(failed))
	for _, some := range [][]plait.Span{failed, spans} {
		ranked = appendWithin(ranked, some, window, typical)
	}
	rank(ranked, failuresFirst)
	return ranked, nil
}

// appendWithin appends the spans that end within the window or after it.
func appendWithin(to []unusualSpan, spans []plait.Span, window plait.TimeRange, typical map[operation]int64) []unusualSpan {
	for i := range spans {
		s := &spans[i]
		if s.EndNanos < window.From.UnixNano() {
			continue
		}
		u := unusualSpan{span: s, typicalNanos: typical[operationOf(s)]}
		u.excessNanos = s.DurationNanos() - u.typicalNanos
		to = append(to, u)
	}
	return to
}

func rank(spans []unusualSpan, failuresFirst bool) {
	slices.SortStableFunc(spans, func(a, b unusualSpan) int {
		if failed := a.span.Status == plait.StatusError; failuresFirst && failed != (b.span.Status == plait.StatusError) {
			if failed {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.excessNanos, a.excessNanos), cmp.Compare(b.span.StartNanos, a.span.StartNanos))
	})
}

// typical returns the median duration of each operation before a window, of none when that
// takes too long to find out.
func (p *Pivots) typical(ctx context.Context, q plait.SpanQuery, window plait.TimeRange) (map[operation]int64, error) {
	q.Min, q.Max = 0, 0
	q.Order, q.Limit = plait.SpansNewestFirst, spanSample
	until := window.From.Add(-runUp)
	q.Range = plait.TimeRange{From: until.Add(-sampleReach), To: until}
	bounded, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	sample, err := p.traces.Spans(bounded, q)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	durations := map[operation][]int64{}
	for i := range sample {
		o := operationOf(&sample[i])
		durations[o] = append(durations[o], sample[i].DurationNanos())
	}
	medians := make(map[operation]int64, len(durations))
	for o, d := range durations {
		slices.Sort(d)
		medians[o] = d[len(d)/2]
	}
	return medians, nil
}
