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
	query    spanQuestion
	bounds   predicates // of le
	matchers []plait.Matcher
	ignored  []plait.Matcher
	others   []condition // labels that Plait's own metrics do not have
	failures bool        // whether query leaves successes out, too
	nothing  bool        // no series can match
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
		case "__name__", plait.ArrivalLabel: // spans are asked for at their own time, however late they came
			continue
		case "service", "span_name", "span_kind", "status_code":
			if m.edge != nil {
				m.ignored = append(m.ignored, l)
				continue
			}
			var err error
			if l, err = canonicalLabel(l); err != nil {
				return err
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
		default:
			if err := m.readOther(l); err != nil {
				return err
			}
			continue
		}
		m.matchers = append(m.matchers, l)
	}
	if len(m.bounds) > 0 {
		m.boundByBuckets()
	}
	return nil
}

// canonicalLabel writes the values of kind and status as Plait's metrics have them.
func canonicalLabel(l plait.Matcher) (plait.Matcher, error) {
	switch l.Name {
	case "span_kind":
		return canonical(l, allKinds)
	case "status_code":
		return canonical(l, allStatuses)
	}
	return l, nil
}

// scrapeLabels are labels that a scrape adds. They are about the gateway, and say nothing about spans.
var scrapeLabels = []string{
	"job", "instance", "exported_job", "exported_instance", "pod", "namespace", "node", "container", "endpoint", "cluster",
	"prometheus", "prometheus_replica", "replica", "quantile",
}

// readOther takes a label that Plait's own metrics do not have. Other tools' metrics of these names have
// attributes as labels.
func (m *spanMetric) readOther(l plait.Matcher) error {
	if m.edge == nil && !slices.Contains(scrapeLabels, l.Name) {
		c, ok, err := conditionOf(l)
		if err != nil {
			return err
		}
		if ok {
			m.others = append(m.others, c)
			return nil
		}
	}
	m.ignored = append(m.ignored, l)
	return nil
}

// gradeOthers compares the labels that Plait's own metrics do not have.
func (m *spanMetric) gradeOthers(span *plait.Span) int {
	grade := gradeFits
	for i := range m.others {
		switch m.others[i].of(span) {
		case differs:
			return gradeOther
		case unknown:
			grade = gradeSilent
		case fits:
		}
	}
	return grade
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
func (p *Pivots) spanMetric(ctx context.Context, m *spanMetric, q MetricQuestion) (answer answerOf, err error) {
	switch {
	case m.nothing:
	case m.edge != nil:
		answer, err = p.edgeMetric(ctx, m, q)
	default:
		answer, err = p.operationMetric(ctx, m, q)
	}
	answer.ignored = m.ignored
	answer.ranked, answer.failedFirst = true, !m.latency
	if err != nil || len(answer.hits) > 0 || m.nothing {
		return answer, err
	}
	answer.ranked = false
	answer.hits, err = p.keptExemplars(ctx, m, q)
	return answer, err
}

// operationMetric finds the spans that are the samples of a metric of operations.
func (p *Pivots) operationMetric(ctx context.Context, m *spanMetric, q MetricQuestion) (answerOf, error) {
	question := unusualQuestion{spanQuestion: m.query, FailedFirst: !m.latency && !m.failures, OfEachTrace: true}
	question.Range, question.Limit = q.Range, q.Limit
	if m.latency {
		bound(&question.spanQuestion, q.Min, q.Max, 1)
	}
	if len(m.others) > 0 {
		question.Grade, question.BestGrade = m.gradeOthers, gradeFits
	}
	found, cutShort, err := p.unusual(ctx, question)
	if err != nil {
		return answerOf{}, err
	}
	found = bestGrade(found)
	m.ignored = append(m.ignored, (&inference{asked: m.others}).untold(found)...)
	answer := answerOf{cutShort: cutShort}
	for _, u := range found {
		answer.hits = append(answer.hits, m.hit(u, plait.Labels{
			{Name: "service", Value: u.span.Resource.Service()},
			{Name: "span_kind", Value: spanmetrics.KindLabel(u.span.Kind)},
			{Name: "span_name", Value: u.span.Name},
			{Name: "status_code", Value: spanmetrics.StatusLabel(u.span.Status)},
		}))
	}
	return answer, nil
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
func bound(q *spanQuestion, least, most *float64, unit float64) {
	if least != nil {
		q.Min = max(q.Min, seconds(*least*unit))
	}
	if most != nil {
		if d := seconds(*most * unit); q.Max == 0 || d < q.Max {
			q.Max = d
		}
	}
}
