package correlate

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
)

// From a metric's spike to the traces behind it. How a selector is answered depends on
// what its metric is:
//
//  1. Metrics that are derived from spans (spanmetrics.go): each of their samples is a span, so
//     the spans are read. That works for any window that holds spans, whether or not a series
//     was kept, and every answer is an exemplar. The stored exemplars are for what spans cannot
//     tell (kept.go).
//  2. Metrics with stored exemplars: those are the answer (exemplars.go).
//  3. All others (inference.go): spans that fit the labels of the series, the window and,
//     where the metric is a latency, the value. They are marked as inferred.
//
// What is found is then ranked by how much it has to do with the spike (ranking.go), each
// trace once.

// MetricQuestion asks for the traces behind a metric.
type MetricQuestion struct {
	// Selectors are the matchers of each vector selector of a query. The metric's name is
	// among them, as a matcher of __name__.
	Selectors [][]plait.Matcher
	Range     plait.TimeRange
	// Min and Max bound the value, in the metric's unit, where it has values of single requests.
	Min, Max *float64
	Limit    int
}

// Match says how a trace was found for a metric.
type Match string

// The ways to find a trace.
const (
	MatchExemplar Match = "exemplar" // the trace is one of the metric's own samples
	MatchInferred Match = "inferred" // the trace fits the metric's labels, time and value
)

// MetricHit is one trace behind a metric.
type MetricHit struct {
	Series plait.Labels // the metric's labels as far as they are known
	// Value is in the metric's unit, nil where the metric has no value for a single request.
	Value     *float64
	TimeNanos int64
	TraceID   plait.TraceID
	SpanID    plait.SpanID
	Match     Match
	// TypicalNanos is the median duration of the same operation before the window, 0 when unknown.
	TypicalNanos int64
	Trace        plait.TraceSummary
	Logs         map[string]int // records by severity name
}

// MetricAnswer is the traces behind a metric, those that have most to do with the spike first.
type MetricAnswer struct {
	Hits []MetricHit
	// Ignored are the matchers that say nothing about spans.
	Ignored []plait.Matcher
}

// Metric finds the traces behind a metric.
func (p *Pivots) Metric(ctx context.Context, q MetricQuestion) (*MetricAnswer, error) {
	answer := &MetricAnswer{}
	var found [][]MetricHit
	for _, matchers := range q.Selectors {
		hits, ignored, err := p.selector(ctx, matchers, q)
		if err != nil {
			return nil, err
		}
		found = append(found, hits)
		for _, m := range ignored {
			if !slices.Contains(answer.Ignored, m) {
				answer.Ignored = append(answer.Ignored, m)
			}
		}
	}
	answer.Hits = firstOfTraces(interleave(found), q.Limit)
	return answer, p.describe(ctx, answer.Hits)
}

// interleave takes the first hit of each selector, then the second of each, and so on.
func interleave(found [][]MetricHit) []MetricHit {
	var all []MetricHit
	for i, more := 0, true; more; i++ {
		more = false
		for _, hits := range found {
			if i < len(hits) {
				all, more = append(all, hits[i]), true
			}
		}
	}
	return all
}

func (p *Pivots) selector(ctx context.Context, matchers []plait.Matcher, q MetricQuestion) ([]MetricHit, []plait.Matcher, error) {
	if m, ok, err := spanMetricOf(matchers); ok || err != nil {
		if err != nil {
			return nil, nil, err
		}
		hits, err := p.spanMetric(ctx, m, q)
		return hits, m.ignored, err
	}
	hits, err := p.storedExemplars(ctx, matchers, q)
	if err != nil || len(hits) > 0 {
		return hits, nil, err
	}
	return p.infer(ctx, matchers, q)
}

// describe adds each hit's trace and its logs. Hits whose trace is not stored any more are kept:
// their ids are what is left of it.
func (p *Pivots) describe(ctx context.Context, hits []MetricHit) error {
	if len(hits) == 0 {
		return nil
	}
	ids := make([]plait.TraceID, len(hits))
	for i := range hits {
		ids[i] = hits[i].TraceID
	}
	var summaries []plait.TraceSummary
	var counts map[plait.TraceID]map[string]int
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		summaries, err = p.traces.TraceSummaries(ctx, ids)
		return err
	})
	g.Go(func() (err error) {
		counts, err = p.logs.LogCounts(ctx, ids)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	byID := make(map[plait.TraceID]plait.TraceSummary, len(summaries))
	for _, s := range summaries {
		byID[s.TraceID] = s
	}
	for i := range hits {
		h := &hits[i]
		h.Logs = counts[h.TraceID]
		h.Trace = byID[h.TraceID]
		h.Trace.TraceID = h.TraceID
	}
	return nil
}

// firstOfTraces keeps the first hit of each trace, at most limit in all.
func firstOfTraces(hits []MetricHit, limit int) []MetricHit {
	seen := make(map[plait.TraceID]bool, limit)
	kept := hits[:0]
	for _, h := range hits {
		if len(kept) < limit && !seen[h.TraceID] {
			seen[h.TraceID] = true
			kept = append(kept, h)
		}
	}
	return kept
}
