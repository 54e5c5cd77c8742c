package eval

import (
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// Parts are the questions to spans that a metrics query computes with, in order.
func (m *Metrics) Parts() []traceql.MetricsQuery {
	parts := make([]traceql.MetricsQuery, len(m.gatherers))
	for i, g := range m.gatherers {
		parts[i] = g.query
	}
	return parts
}

// Countable says whether a function can be told from counts of spans with their durations: how many spans there are, and sums,
// means, histograms and quantiles of durations. What is least and greatest is not among them.
func Countable(f traceql.Function) bool {
	switch f.Op {
	case traceql.Rate, traceql.CountOverTime:
		return true
	case traceql.SumOverTime, traceql.AvgOverTime, traceql.HistogramOverTime, traceql.QuantileOverTime:
		of, ok := f.Of.(traceql.Field)
		return ok && of.Intrinsic() == traceql.Duration && !of.Parent
	}
	return false
}

// AddCounts takes spans of a part that start in one step, whose function is Countable, by the values of its by(). Histograms and
// counts become what they would be of the spans, quantiles are at most 7 % off. An error is plait.ErrTooLarge.
func (m *Metrics) AddCounts(part int, labels []plait.Value, step *query.SpanStep) error {
	g := m.gatherers[part]
	if g.query.Function.Op == traceql.HistogramOverTime {
		return g.addBuckets(labels, step)
	}
	l, err := g.lineOf(labels, 0)
	if err != nil {
		return err
	}
	all := cell{count: float64(step.Count), sum: float64(step.SumNanos)}
	if n := len(step.Durations); n > 0 {
		all.least, all.top = float64(step.Durations[0].Over), float64(step.Durations[n-1].UpTo)
	}
	l.cells[step.Index].add(all)
	if l.sketches == nil {
		return nil
	}
	for _, d := range step.Durations {
		middle := float64(d.Over)/2 + float64(d.UpTo)/2
		if !l.sketches[step.Index].add(middle, uint64(d.Count)) {
			continue
		}
		if err := g.budget.take(placeBytes); err != nil {
			return err
		}
	}
	return nil
}

// addBuckets adds durations to a histogram: its buckets end at powers of two, as some of these do.
func (g *gatherer) addBuckets(labels []plait.Value, step *query.SpanStep) error {
	for _, d := range step.Durations {
		bucket, ok := bucketOf(float64(d.UpTo))
		if !ok {
			continue
		}
		l, err := g.lineOf(labels, bucket)
		if err != nil {
			return err
		}
		l.cells[step.Index].add(cell{count: float64(d.Count)})
	}
	return nil
}

// AddExemplar takes a span as an example of the series of a part that it is counted in, if there is one.
func (m *Metrics) AddExemplar(part int, v *condition.SpanView) error {
	g := m.gatherers[part]
	at, ok := g.window.step(v.Span.StartNanos)
	if !ok {
		return nil
	}
	value, bucket, ok := g.read(v)
	if !ok || math.IsNaN(value) {
		return nil
	}
	labels := g.labelsOf(v)
	l := g.series[string(g.keyOf(labels, bucket))]
	if l == nil || l.cells[at].count == 0 {
		return nil
	}
	return g.keepExemplar(l, at, v.Span, value)
}
