package correlate

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// spanMetricKinds says which spans are the samples of each metric that is derived from spans.
var spanMetricKinds = []struct {
	name    string
	latency bool     // its samples are durations in seconds; otherwise it counts
	failed  bool     // it counts failures only
	sides   sides    // of calls that are its samples, where its labels are those of edges
	kept    []string // the histograms with whose series its exemplars are stored
}{
	{name: spanmetrics.Latency, latency: true, kept: []string{spanmetrics.Latency}},
	{name: spanmetrics.CallsTotal, kept: []string{spanmetrics.Latency}},
	{name: spanmetrics.RequestTotal, sides: serversSide, kept: []string{spanmetrics.ServerSeconds}},
	{name: spanmetrics.FailedTotal, failed: true, sides: eitherSide, kept: []string{spanmetrics.ServerSeconds, spanmetrics.ClientSeconds}},
	{name: spanmetrics.ServerSeconds, latency: true, sides: serversSide, kept: []string{spanmetrics.ServerSeconds}},
	{name: spanmetrics.ClientSeconds, latency: true, sides: clientsSide, kept: []string{spanmetrics.ClientSeconds}},
}

// histogramSuffixes end the names of a histogram's series.
var histogramSuffixes = []string{"_bucket", "_sum", "_count"}

// spanMetric is a selector of a metric that is derived from spans, as a question about spans.
type spanMetric struct {
	name     string // of the metric
	latency  bool
	failed   bool
	edge     *edgeSelector // nil unless the metric is one of the service graph
	query    plait.SpanQuery
	bounds   predicates // of le
	matchers []plait.Matcher
	ignored  []plait.Matcher
	failures bool // whether query leaves successes out, too
	nothing  bool // no series can match
	kept     []string
}

// spanMetricOf says whether the matchers select a metric that is derived from spans.
func spanMetricOf(matchers []plait.Matcher) (*spanMetric, bool, error) {
	names, err := predicatesOf(matchers, "__name__")
	if err != nil || len(names) == 0 {
		return nil, false, err
	}
	for _, k := range spanMetricKinds {
		candidates := []string{k.name}
		if k.latency {
			for _, suffix := range histogramSuffixes {
				candidates = append(candidates, k.name+suffix)
			}
		}
		at := slices.IndexFunc(candidates, names.match)
		if at < 0 {
			continue
		}
		m := &spanMetric{name: candidates[at], latency: k.latency, failed: k.failed, kept: k.kept}
		if k.failed {
			m.restrict("status_code", plait.MatchEqual, spanmetrics.StatusError)
		}
		if k.sides != 0 {
			m.edge, err = newEdgeSelector(k.sides, matchers)
		}
		if err == nil {
			err = m.readLabels(matchers)
		}
		return m, true, err
	}
	return nil, false, nil
}

func predicatesOf(matchers []plait.Matcher, name string) (predicates, error) {
	var found predicates
	for _, m := range matchers {
		if m.Name == name {
			p, err := newPredicate(m)
			if err != nil {
				return nil, err
			}
			found = append(found, p)
		}
	}
	return found, nil
}

func (m *spanMetric) restrict(name string, op plait.MatchOp, value string) {
	m.query.Matchers = append(m.query.Matchers, plait.Matcher{Name: name, Op: op, Value: value})
	m.failures = m.failures || name == "status_code"
}

func (m *spanMetric) readLabels(matchers []plait.Matcher) error {
	for _, l := range matchers {
		switch l.Name {
		case "__name__":
			continue
		case "service", "span_name", "span_kind", "status_code":
			if m.edge != nil {
				m.ignored = append(m.ignored, l)
				continue
			}
			m.restrict(l.Name, l.Op, l.Value)
		case "client", "server", "connection_type":
			if m.edge == nil {
				m.ignored = append(m.ignored, l)
				continue
			}
		case "le":
			if err := m.readBound(l); err != nil {
				return err
			}
			continue
		default: // those that a scrape adds say nothing about spans
			m.ignored = append(m.ignored, l)
			continue
		}
		m.matchers = append(m.matchers, l)
	}
	if len(m.bounds) > 0 {
		m.boundByBuckets()
	}
	return nil
}

// seconds converts a metric's value into a duration; what no duration can hold is unbounded.
func seconds(v float64) time.Duration {
	nanos := math.Round(v * 1e9)
	if math.IsNaN(nanos) || nanos >= math.MaxInt64 {
		return 0
	}
	return time.Duration(max(nanos, 1))
}

// spanMetric finds the spans that are a metric's samples.
func (p *Pivots) spanMetric(ctx context.Context, m *spanMetric, q MetricQuestion) (hits []MetricHit, err error) {
	switch {
	case m.nothing:
		return nil, nil
	case m.edge != nil:
		hits, err = p.edgeMetric(ctx, m, q)
	default:
		hits, err = p.operationMetric(ctx, m, q)
	}
	if err != nil || len(hits) > 0 {
		return hits, err
	}
	return p.keptExemplars(ctx, m, q)
}

// operationMetric finds the spans that are the samples of a metric of operations.
func (p *Pivots) operationMetric(ctx context.Context, m *spanMetric, q MetricQuestion) ([]MetricHit, error) {
	query := m.query
	query.Range = q.Range
	if m.latency {
		bound(&query, q.Min, q.Max, 1)
	}
	found, err := p.unusual(ctx, query, !m.latency && !m.failures)
	if err != nil {
		return nil, err
	}
	hits := make([]MetricHit, 0, len(found))
	for _, u := range found {
		hits = append(hits, m.hit(u, plait.Labels{
			{Name: "service", Value: u.span.Resource.Service()},
			{Name: "span_kind", Value: spanmetrics.KindLabel(u.span.Kind)},
			{Name: "span_name", Value: u.span.Name},
			{Name: "status_code", Value: spanmetrics.StatusLabel(u.span.Status)},
		}))
	}
	return firstOfTraces(hits, q.Limit), nil
}

// hit makes a hit of a span that is a sample of the series with some labels.
func (m *spanMetric) hit(u unusualSpan, labels plait.Labels) MetricHit {
	h := u.hit(MatchExemplar)
	value := 1.0
	if m.latency {
		value = float64(spanmetrics.DurationNanos(u.span)) / 1e9
	}
	h.Value = &value
	h.Series = append(plait.Labels{{Name: "__name__", Value: m.name}}, labels...)
	if strings.HasSuffix(m.name, "_bucket") {
		h.Series = append(h.Series, plait.Label{Name: "le", Value: m.bucketOf(value)})
	}
	return h
}

// bound narrows a query's durations to a metric's values; unit is in seconds.
func bound(query *plait.SpanQuery, least, most *float64, unit float64) {
	if least != nil {
		query.Min = max(query.Min, seconds(*least*unit))
	}
	if most != nil {
		if d := seconds(*most * unit); query.Max == 0 || d < query.Max {
			query.Max = d
		}
	}
}
