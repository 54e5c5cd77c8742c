package correlate

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	conditions "github.com/plaithq/plait/query/condition"
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
	// Worst is the first of the trace's most severe log records, from WARN on; nil where there is none.
	Worst *plait.LogRecord

	excessNanos int64 // of the span, by which hits are ranked
	failed      bool
}

// MetricAnswer is the traces behind a metric, those that have most to do with the spike first.
type MetricAnswer struct {
	Hits []MetricHit
	// Ignored are the matchers that say nothing about spans.
	Ignored []plait.Matcher
	// CutShort says that not all spans of the window were looked at.
	CutShort bool
	// Hint says why nothing was found; empty when something was.
	Hint string
	// Total is how many spans are samples of the metric, have a value as was asked for and started in the window; nil where that is not
	// known. TotalAbout says that it is about as many.
	Total      *int64
	TotalAbout bool
}

// Metric finds the traces behind a metric.
func (p *Pivots) Metric(ctx context.Context, q MetricQuestion) (*MetricAnswer, error) {
	answer := &MetricAnswer{}
	g, counting := errgroup.WithContext(ctx)
	g.Go(func() error { return p.total(counting, q, answer) })
	found, err := p.selectors(ctx, q)
	if counted := g.Wait(); err == nil {
		err = counted
	}
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		answer.CutShort = answer.CutShort || one.cutShort
		for _, m := range one.ignored {
			if !slices.Contains(answer.Ignored, m) {
				answer.Ignored = append(answer.Ignored, m)
			}
		}
	}
	answer.Hits = firstOfTraces(merge(found), q.Limit)
	if len(answer.Hits) == 0 {
		answer.Hint, err = p.hint(ctx, q)
		return answer, err
	}
	return answer, p.describe(ctx, answer.Hits)
}

func (p *Pivots) selectors(ctx context.Context, q MetricQuestion) (found []answerOf, err error) {
	for _, matchers := range q.Selectors {
		one, err := p.selector(ctx, matchers, q)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// total counts the samples of metrics that are derived from spans, where what the spans tell by themselves decides it.
func (p *Pivots) total(ctx context.Context, q MetricQuestion, answer *MetricAnswer) error {
	latency := false
	for _, matchers := range q.Selectors {
		m, ok, err := spanMetricOf(matchers)
		if err != nil || !ok || len(m.others) > 0 || m.edge != nil {
			return err
		}
		latency = latency || m.latency
	}
	samples, _, err := samplesOf(q.Selectors)
	if err != nil {
		return err
	}
	bounds := spanQuestion{}
	if latency {
		bound(&bounds, q.Min, q.Max, 1)
	}
	n, about, err := p.traces.SpanCount(ctx, query.Spans{Condition: conditions.And{samples, query.Took(bounds.Min, bounds.Max)}, Range: q.Range})
	if err == nil && n >= 0 {
		answer.Total, answer.TotalAbout = &n, about
	}
	return err
}

// merge puts the hits of several selectors in one order. Those that were ranked by what exceeds the
// usual are ranked so together; stored exemplars have nothing to be compared by, and take turns.
func merge(found []answerOf) []MetricHit {
	if slices.ContainsFunc(found, func(a answerOf) bool { return !a.ranked && len(a.hits) > 0 }) {
		all := make([][]MetricHit, len(found))
		for i := range found {
			all[i] = found[i].hits
		}
		return interleave(all)
	}
	var all []MetricHit
	failedFirst := true
	for i := range found {
		all = append(all, found[i].hits...)
		failedFirst = failedFirst && (found[i].failedFirst || len(found[i].hits) == 0)
	}
	if len(found) > 1 {
		slices.SortStableFunc(all, func(a, b MetricHit) int {
			if failedFirst && a.failed != b.failed {
				if a.failed {
					return -1
				}
				return 1
			}
			return cmp.Compare(b.excessNanos, a.excessNanos)
		})
	}
	return all
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

func (p *Pivots) selector(ctx context.Context, matchers []plait.Matcher, q MetricQuestion) (answerOf, error) {
	if m, ok, err := spanMetricOf(matchers); ok || err != nil {
		if err != nil {
			return answerOf{}, err
		}
		return p.spanMetric(ctx, m, q)
	}
	hits, err := p.storedExemplars(ctx, matchers, q)
	if err != nil || len(hits) > 0 {
		return answerOf{hits: hits}, err
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
	var worst map[plait.TraceID]plait.LogRecord
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		summaries, err = p.traces.TraceSummaries(gctx, ids)
		return err
	})
	g.Go(func() (err error) {
		counts, err = p.logs.LogCounts(gctx, ids)
		return err
	})
	g.Go(func() (err error) {
		worst, err = p.logs.WorstLogs(gctx, ids, warns)
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
		if record, ok := worst[h.TraceID]; ok {
			h.Worst = &record
		}
		summary, ok := byID[h.TraceID]
		if !ok && len(h.Logs) > 0 {
			records, _, err := p.logs.TraceLogs(ctx, h.TraceID, recordsSummarized)
			if err != nil {
				return err
			}
			if len(records) > 0 {
				summary = logSummary(records)
			}
		}
		h.Trace = summary
		h.Trace.TraceID = h.TraceID
	}
	return nil
}

// recordsSummarized is how many records tell the services of a trace that has no spans.
const recordsSummarized = 100

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
