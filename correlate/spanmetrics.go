package correlate

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// The label values of span-derived metrics.
const (
	spanKindPrefix   = "SPAN_KIND_"
	statusCodePrefix = "STATUS_CODE_"
	statusError      = "STATUS_CODE_ERROR"
)

// spanMetricKinds says which spans are the samples of each metric that is derived from spans
// (spec section 7).
var spanMetricKinds = []struct {
	name    string
	latency bool           // its samples are durations in seconds; otherwise it counts
	failed  bool           // it counts failures only
	edge    bool           // its labels are client, server and connection_type
	kind    plait.SpanKind // of the spans, where the metric has no span_kind label
}{
	{name: "traces_spanmetrics_latency", latency: true},
	{name: "traces_spanmetrics_calls_total"},
	{name: "traces_service_graph_request_total", edge: true, kind: plait.SpanKindServer},
	{name: "traces_service_graph_request_failed_total", edge: true, failed: true, kind: plait.SpanKindServer},
	{name: "traces_service_graph_request_server_seconds", edge: true, latency: true, kind: plait.SpanKindServer},
	{name: "traces_service_graph_request_client_seconds", edge: true, latency: true, kind: plait.SpanKindClient},
}

// histogramSuffixes end the names of a histogram's series.
var histogramSuffixes = []string{"_bucket", "_sum", "_count"}

// spanMetric is a selector of a metric that is derived from spans, as a question about spans.
type spanMetric struct {
	name     string // of the metric
	latency  bool
	edge     *edge // nil unless the metric is one of the service graph
	query    plait.SpanQuery
	ignored  []plait.Matcher
	failures bool // whether query leaves successes out, too
}

// edge restricts the two ends of a call.
type edge struct {
	client, server predicates
	kind           plait.SpanKind // the side of the call whose spans are asked for
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
		m := &spanMetric{name: candidates[at], latency: k.latency}
		if k.failed {
			m.restrict("status_code", plait.MatchEqual, statusError)
		}
		if k.edge {
			m.edge = &edge{kind: k.kind}
			err = m.readEdge(matchers)
		} else {
			m.readLabels(matchers)
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

func (m *spanMetric) readLabels(matchers []plait.Matcher) {
	for _, l := range matchers {
		switch l.Name {
		case "service", "span_name", "span_kind", "status_code":
			m.restrict(l.Name, l.Op, l.Value)
		default:
			m.readOther(l)
		}
	}
}

// readOther takes le, whose upper bound is one of the duration, and ignores all other labels:
// those that a scrape adds say nothing about spans.
func (m *spanMetric) readOther(l plait.Matcher) {
	bound, err := strconv.ParseFloat(l.Value, 64)
	switch {
	case l.Name == "__name__":
	case l.Name == "le" && l.Op == plait.MatchEqual && err == nil:
		m.query.Max = seconds(bound)
	default:
		m.ignored = append(m.ignored, l)
	}
}

func (m *spanMetric) readEdge(matchers []plait.Matcher) (err error) {
	if m.edge.client, err = predicatesOf(matchers, "client"); err != nil {
		return err
	}
	if m.edge.server, err = predicatesOf(matchers, "server"); err != nil {
		return err
	}
	own := "server"
	for _, l := range matchers {
		switch {
		case l.Name == "connection_type" && l.Op == plait.MatchEqual:
			m.edge.setType(l.Value)
			if m.edge.kind == plait.SpanKindClient {
				own = "client"
			}
		case l.Name != "client" && l.Name != "server":
			m.readOther(l)
		}
	}
	if m.edge.kind == plait.SpanKindClient {
		own = "client"
	}
	for _, l := range matchers {
		if l.Name == own {
			m.restrict("service", l.Op, l.Value)
		}
	}
	m.restrict("span_kind", plait.MatchEqual, spanKindLabel(m.edge.kind))
	return nil
}

// setType chooses the side of the call that is there: databases have no spans of their own, and
// messages are received by consumers.
func (e *edge) setType(connection string) {
	switch {
	case connection == "database":
		e.kind = plait.SpanKindClient
	case connection == "messaging_system" && e.kind == plait.SpanKindServer:
		e.kind = plait.SpanKindConsumer
	case connection == "messaging_system":
		e.kind = plait.SpanKindProducer
	}
}

func spanKindLabel(k plait.SpanKind) string { return spanKindPrefix + strings.ToUpper(k.String()) }

func statusCodeLabel(c plait.StatusCode) string {
	return statusCodePrefix + strings.ToUpper(c.String())
}

// seconds converts a metric's value into a duration; what no duration can hold is unbounded.
func seconds(v float64) time.Duration {
	nanos := math.Ceil(v * 1e9)
	if math.IsNaN(nanos) || nanos >= math.MaxInt64 {
		return 0
	}
	return time.Duration(max(nanos, 1))
}

// spanMetric finds the spans that are a metric's samples.
func (p *Pivots) spanMetric(ctx context.Context, m *spanMetric, q MetricQuestion) ([]MetricHit, error) {
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
		h := u.hit(MatchExemplar)
		h.Series = m.labels(u.span)
		value := 1.0
		if m.latency {
			value = float64(u.span.DurationNanos()) / 1e9
		}
		h.Value = &value
		hits = append(hits, h)
	}
	if m.edge != nil {
		return p.onEdge(ctx, m, hits, q.Limit)
	}
	return firstOfTraces(hits, q.Limit), nil
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

// labels are those of the series that a span belongs to.
func (m *spanMetric) labels(s *plait.Span) plait.Labels {
	if m.edge != nil {
		return plait.Labels{{Name: "__name__", Value: m.name}}
	}
	return plait.Labels{
		{Name: "__name__", Value: m.name},
		{Name: "service", Value: s.Resource.Service()},
		{Name: "span_kind", Value: spanKindLabel(s.Kind)},
		{Name: "span_name", Value: s.Name},
		{Name: "status_code", Value: statusCodeLabel(s.Status)},
	}
}
