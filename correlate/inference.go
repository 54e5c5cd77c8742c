package correlate

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// What the labels of a series tell about the spans behind it. Labels are Prometheus's names for
// what resources and spans call otherwise; each list has the most telling first.
var (
	serviceLabels  = []string{"service_name", "service", "exported_job", "job", "app"}
	routeLabels    = []string{"http_route", "route", "handler", "http_target", "path", "uri", "endpoint"}
	spanNameLabels = []string{"span_name", "operation"}
	rpcLabels      = []string{"rpc_method", "grpc_method", "method_name"}
	methodLabels   = []string{"http_request_method", "http_method", "method"}
	statusLabels   = []string{"http_response_status_code", "http_status_code", "status_code", "code", "status", "error_type", "error"}

	// instanceLabels name resource attributes.
	instanceLabels = []struct{ label, attribute string }{
		{"service_instance_id", "service.instance.id"},
		{"k8s_pod_name", "k8s.pod.name"},
		{"pod", "k8s.pod.name"},
		{"pod_name", "k8s.pod.name"},
		{"instance", "service.instance.id"},
		{"host_name", "host.name"},
		{"hostname", "host.name"},
		{"host", "host.name"},
		{"container_id", "container.id"},
		{"k8s_node_name", "k8s.node.name"},
		{"node", "k8s.node.name"},
	}
)

const (
	// seriesSeen bounds the series that are looked at for a selector.
	seriesSeen = 1000
	// targetsAsked bounds the questions about spans that they lead to; beyond, series of the
	// same service are asked for together.
	targetsAsked = 8
)

// target is a series, or several alike, as a question about spans.
type target struct {
	series plait.Labels
	// byService holds one series of each service where series of several are asked for together.
	byService map[string]plait.Labels
	// query says all that the labels tell; service alone is asked when that fits no span.
	query   plait.SpanQuery
	service string
}

// infer finds spans that fit the labels of the selected series, the window and, where the
// metric is a latency, the value. It says which matchers did not help.
func (p *Pivots) infer(ctx context.Context, matchers []plait.Matcher, q MetricQuestion) ([]MetricHit, []plait.Matcher, error) {
	series, upper := withoutBucket(matchers)
	stored, err := p.metrics.Series(ctx, series, q.Range, seriesSeen)
	if err != nil {
		return nil, nil, err
	}
	if len(stored) == 0 {
		// The series may be in a Prometheus elsewhere: its selector is all there is to go by.
		stored = []plait.Labels{labelsOf(series)}
	}
	unit, latency := latencyUnit(matchers)
	var found [][]MetricHit
	for _, t := range targetsOf(stored, metricName(matchers)) {
		t.query.Range = q.Range
		t.query.Matchers = append(t.query.Matchers, servicePatterns(series, t.service)...)
		if latency {
			bound(&t.query, q.Min, q.Max, unit)
			bound(&t.query, nil, upper, unit)
		}
		spans, err := p.unusualOf(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		var hits []MetricHit
		for _, u := range spans {
			h := u.hit(MatchInferred)
			h.Series = t.seriesOf(u.span)
			if latency {
				value := float64(u.span.DurationNanos()) / 1e9 / unit
				h.Value = &value
			}
			hits = append(hits, h)
		}
		found = append(found, hits)
	}
	return firstOfTraces(interleave(found), q.Limit), unused(series), nil
}

// unusualOf asks for the spans of a target: for those that fit all of its labels, and if there are
// none, for those of its service.
func (p *Pivots) unusualOf(ctx context.Context, t target) ([]unusualSpan, error) {
	if !tells(t.query) {
		return nil, nil
	}
	spans, err := p.unusual(ctx, t.query, false)
	if err != nil || len(spans) > 0 || t.service == "" {
		return spans, err
	}
	loose := plait.SpanQuery{Range: t.query.Range, Min: t.query.Min, Max: t.query.Max}
	loose.Matchers = []plait.Matcher{{Name: "service", Op: plait.MatchEqual, Value: t.service}}
	return p.unusual(ctx, loose, false)
}

// tells says whether a question is about some spans rather than all.
func tells(q plait.SpanQuery) bool {
	return len(q.Matchers) > 0 || len(q.Resource) > 0
}

// targetsOf turns series into questions about spans, each asked once.
func targetsOf(series []plait.Labels, name string) []target {
	var targets []target
	seen := map[string]bool{}
	for _, labels := range series {
		t := targetOf(labels, name)
		if key := questionKey(t.query); !seen[key] {
			seen[key] = true
			targets = append(targets, t)
		}
	}
	if len(targets) <= targetsAsked {
		return targets
	}
	return byService(targets)
}

// byService folds targets into one question that names all of their services.
func byService(targets []target) []target {
	var services []string
	for _, t := range targets {
		if t.service != "" {
			services = append(services, regexp.QuoteMeta(t.service))
		}
	}
	slices.Sort(services)
	services = slices.Compact(services)
	if len(services) == 0 {
		return targets[:targetsAsked]
	}
	all := target{byService: make(map[string]plait.Labels, len(services))}
	for _, t := range slices.Backward(targets) {
		all.byService[t.service] = t.series
	}
	all.query.Matchers = []plait.Matcher{{Name: "service", Op: plait.MatchRegexp, Value: strings.Join(services, "|")}}
	return []target{all}
}

// seriesOf is the series for which a span was found.
func (t *target) seriesOf(s *plait.Span) plait.Labels {
	if t.byService != nil {
		return t.byService[s.Resource.Service()]
	}
	return t.series
}

func questionKey(q plait.SpanQuery) string {
	var b strings.Builder
	for _, some := range [][]plait.Matcher{q.Matchers, q.Resource} {
		for _, m := range some {
			b.WriteString(m.Name + string(m.Op) + m.Value + "\x00")
		}
		b.WriteByte(1)
	}
	return b.String()
}

// labelsOf are the labels that matchers state.
func labelsOf(matchers []plait.Matcher) plait.Labels {
	var labels plait.Labels
	for _, m := range matchers {
		if m.Op == plait.MatchEqual && m.Value != "" {
			labels = append(labels, plait.Label{Name: m.Name, Value: m.Value})
		}
	}
	slices.SortFunc(labels, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	return labels
}

// servicePatterns are the matchers that restrict the service by more than its name, for a series
// whose service is not known.
func servicePatterns(matchers []plait.Matcher, service string) (patterns []plait.Matcher) {
	for _, m := range matchers {
		if service == "" && m.Op != plait.MatchEqual && (m.Name == "service" || m.Name == "service_name") {
			patterns = append(patterns, plait.Matcher{Name: "service", Op: m.Op, Value: m.Value})
		}
	}
	return patterns
}

// targetOf reads the labels of one series.
func targetOf(labels plait.Labels, name string) target {
	t := target{series: labels}
	equal := func(name, value string) {
		t.query.Matchers = append(t.query.Matchers, plait.Matcher{Name: name, Op: plait.MatchEqual, Value: value})
	}
	if label, value := firstLabel(labels, serviceLabels); value != "" {
		if label == "job" || label == "exported_job" {
			value = value[strings.LastIndexByte(value, '/')+1:] // OpenTelemetry's is namespace/name
		}
		t.service = value
		equal("service", value)
	}
	if m, ok := spanNameMatcher(labels); ok {
		t.query.Matchers = append(t.query.Matchers, m)
	}
	if kind := kindOf(name); kind != plait.SpanKindUnspecified {
		equal("span_kind", spanmetrics.KindLabel(kind))
	}
	if label, value := firstLabel(labels, statusLabels); failure(label, value) {
		equal("status_code", spanmetrics.StatusError)
	}
	for _, l := range instanceLabels {
		if value := labels.Get(l.label); value != "" {
			t.query.Resource = append(t.query.Resource, plait.Matcher{Name: l.attribute, Op: plait.MatchEqual, Value: value})
			break
		}
	}
	return t
}

func firstLabel(labels plait.Labels, names []string) (name, value string) {
	for _, name := range names {
		if value := labels.Get(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// spanNameMatcher restricts the span's name by the route or method in the labels. HTTP spans are
// named after their route, mostly with the method before it; RPC spans after service and method.
func spanNameMatcher(labels plait.Labels) (plait.Matcher, bool) {
	m := plait.Matcher{Name: "span_name", Op: plait.MatchEqual}
	if _, m.Value = firstLabel(labels, spanNameLabels); m.Value != "" {
		return m, true
	}
	m.Op = plait.MatchRegexp
	if _, route := firstLabel(labels, routeLabels); route != "" {
		method := "[A-Z]+"
		if _, stated := firstLabel(labels, methodLabels); stated != "" {
			method = regexp.QuoteMeta(strings.ToUpper(stated))
		}
		m.Value = "((HTTP )?" + method + " )?" + regexp.QuoteMeta(route)
		return m, true
	}
	if _, method := firstLabel(labels, rpcLabels); method != "" {
		m.Value = "(.*[/.])?" + regexp.QuoteMeta(method)
		return m, true
	}
	return m, false
}

// kindOf tells from a metric's name on which side of a call it is measured.
func kindOf(name string) plait.SpanKind {
	for _, k := range []struct {
		part string
		kind plait.SpanKind
	}{
		{"http_server", plait.SpanKindServer}, {"rpc_server", plait.SpanKindServer}, {"grpc_server", plait.SpanKindServer},
		{"http_client", plait.SpanKindClient}, {"rpc_client", plait.SpanKindClient}, {"grpc_client", plait.SpanKindClient},
		{"db_client", plait.SpanKindClient},
	} {
		if strings.Contains(name, k.part) {
			return k.kind
		}
	}
	return plait.SpanKindUnspecified
}

// failure says whether a status label means that requests failed.
func failure(label, value string) bool {
	switch strings.ToLower(value) {
	case "", "false", "ok", "success", "unset", "status_code_ok", "status_code_unset":
		return false
	case "error", "failed", "failure", "true", "status_code_error", "unavailable", "internal", "deadline_exceeded":
		return true
	}
	return label == "error_type" || len(value) == 3 && value[0] == '5'
}

// latencyUnit returns the unit of a latency metric in seconds, by its name. A sum of seconds or
// a time of day is no latency.
func latencyUnit(matchers []plait.Matcher) (unit float64, ok bool) {
	name := metricName(matchers)
	family := familyName(name)
	for _, u := range []struct {
		suffix  string
		seconds float64
	}{
		{"_seconds", 1}, {"_milliseconds", 1e-3}, {"_ms", 1e-3}, {"_microseconds", 1e-6}, {"_nanoseconds", 1e-9},
	} {
		if strings.HasSuffix(family, u.suffix) {
			unit = u.seconds
		}
	}
	if unit == 0 {
		return 0, false
	}
	ofRequests := func(m plait.Matcher) bool { return m.Name == "le" || m.Name == "quantile" }
	return unit, family != name || slices.ContainsFunc(matchers, ofRequests) ||
		strings.Contains(family, "duration") || strings.Contains(family, "latency") || strings.Contains(family, "response_time")
}

// unused are the matchers that inference has no use for: labels that it does not know.
func unused(matchers []plait.Matcher) []plait.Matcher {
	known := slices.Concat(serviceLabels, routeLabels, spanNameLabels, rpcLabels, methodLabels, statusLabels, []string{"__name__", "quantile"})
	for _, l := range instanceLabels {
		known = append(known, l.label)
	}
	return slices.DeleteFunc(slices.Clone(matchers), func(m plait.Matcher) bool { return slices.Contains(known, m.Name) })
}
