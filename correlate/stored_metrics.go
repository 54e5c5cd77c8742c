package correlate

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
)

// Stored series of what a trace passed. A service may have hundreds: those come first whose labels say
// the same as the trace's spans (conditions.go), such as its route and its status code.

const (
	// seriesPerLabel bounds the stored series that are looked at by each label that names a service
	// or an instance, and storedShown those that are listed.
	seriesPerLabel = 5000
	storedShown    = 1500
	// metricReads is how many of these reads run at the same time.
	metricReads = 4
	// spansCompared bounds the spans that series are compared with, one of each operation.
	spansCompared = 50
)

// instanceLabels name resource attributes.
var instanceLabels = []struct{ label, attribute string }{
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

// storedMetrics finds stored series by the labels that name a service or an instance, and whether
// there are more than are listed.
func (p *Pivots) storedMetrics(ctx context.Context, passed passage, window plait.TimeRange) (all []TraceMetric, more bool, err error) {
	asked := seriesMatchers(passed.resources)
	found, tooMany := make([][]plait.Labels, len(asked)), make([]bool, len(asked))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(metricReads)
	for i, m := range asked {
		g.Go(func() (err error) {
			found[i], err = p.metrics.Series(gctx, []plait.Matcher{m, notDerived}, window, seriesPerLabel+1)
			if errors.Is(err, plait.ErrTooLarge) {
				found[i], tooMany[i], err = nil, true, nil // the others tell enough
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	for i := range found {
		more = more || tooMany[i]
		if len(found[i]) > seriesPerLabel {
			found[i], more = found[i][:seriesPerLabel], true
		}
	}
	ranked, err := rankSeries(slices.Concat(found...), examples(passed.tree))
	if err != nil {
		return nil, false, err
	}
	types := metricTypes{reader: p.metrics, known: map[string]plait.MetricType{}, names: map[string]bool{}}
	for _, s := range ranked {
		types.names[s.name] = true
	}
	seen := map[string]bool{}
	for _, s := range ranked {
		m, err := types.storedMetric(ctx, s.labels)
		if err != nil {
			return nil, false, err
		}
		if seen[m.Query] {
			continue
		}
		if len(all) == storedShown {
			return all, true, nil
		}
		seen[m.Query] = true
		all = append(all, m)
	}
	return all, more, nil
}

// Series whose names begin so are derived from spans.
const (
	derivedOfSpans = "traces_spanmetrics_"
	derivedOfCalls = "traces_service_graph_"
)

func derivedFromSpans(name string) bool {
	return strings.HasPrefix(name, derivedOfSpans) || strings.HasPrefix(name, derivedOfCalls)
}

// notDerived leaves out what storedMetrics does not list: a service of thousands of operations has so many of them that they would hide the others.
var notDerived = plait.Matcher{Name: plait.NameLabel, Op: plait.MatchNotRegexp, Value: derivedOfSpans + ".*|" + derivedOfCalls + ".*|target_info"}

// examples are spans of the trace, one of each operation and status, those with the largest share in its
// duration first.
func examples(t *tracetree.Tree) []*plait.Span {
	nodes := make([]*tracetree.Node, len(t.Nodes))
	for i := range t.Nodes {
		nodes[i] = &t.Nodes[i]
	}
	slices.SortStableFunc(nodes, func(a, b *tracetree.Node) int { return cmp.Compare(b.CriticalNanos, a.CriticalNanos) })
	type example struct {
		operation
		status plait.StatusCode
	}
	seen := map[example]bool{}
	var spans []*plait.Span
	for _, n := range nodes {
		e := example{operationOf(n.Span), n.Span.Status}
		if !seen[e] && len(spans) < spansCompared {
			seen[e] = true
			spans = append(spans, n.Span)
		}
	}
	return spans
}

// rankedSeries is a series with what it says about a trace.
type rankedSeries struct {
	labels        plait.Labels
	name, service string
	// confirmed is how many labels say the same as one of the spans, less than 0 where each span says
	// something else.
	confirmed int
}

// rankSeries puts the series first that say most about spans, leaving out what is derived from spans.
func rankSeries(all []plait.Labels, spans []*plait.Span) ([]rankedSeries, error) {
	ranked := make([]rankedSeries, 0, len(all))
	known := map[string]int{} // the buckets of a histogram, and its siblings, say the same
	var key []byte
	for _, labels := range all {
		s := rankedSeries{labels: labels, name: labels.Get("__name__"), service: serviceOf(labels)}
		if derivedFromSpans(s.name) || s.name == "target_info" {
			continue
		}
		kind := kindOf(s.name)
		key = appendIdentity(append(key[:0], byte(kind)), labels)
		var ok bool
		if s.confirmed, ok = known[string(key)]; !ok {
			var err error
			if s.confirmed, err = confirmedBy(spans, labels, kind); err != nil {
				return nil, err
			}
			known[string(key)] = s.confirmed
		}
		ranked = append(ranked, s)
	}
	slices.SortStableFunc(ranked, func(a, b rankedSeries) int {
		return cmp.Or(
			cmp.Compare(b.confirmed, a.confirmed),
			strings.Compare(a.service, b.service),
			strings.Compare(a.name, b.name),
		)
	})
	return ranked, nil
}

// appendIdentity appends the labels that say what a series is about.
func appendIdentity(key []byte, labels plait.Labels) []byte {
	for _, l := range labels {
		if l.Name != "__name__" && l.Name != "le" {
			key = append(append(append(append(key, l.Name...), 0), l.Value...), 0)
		}
	}
	return key
}

// confirmedBy is how many labels of a series say the same as one of the spans, of a kind where it is
// given, less than 0 where each says something else.
func confirmedBy(spans []*plait.Span, labels plait.Labels, kind plait.SpanKind) (int, error) {
	conditions, _, err := conditionsOf(matchersOf(labels))
	if err != nil {
		return 0, err
	}
	s := inferredSeries{labels: labels, conditions: conditions}
	confirmed := -1
	for _, span := range spans {
		if kind != plait.SpanKindUnspecified && kind != span.Kind {
			continue
		}
		if grade, n := s.judge(span); grade != gradeOther {
			confirmed = max(confirmed, n)
		}
	}
	return confirmed, nil
}

// serviceOf is the service that labels name.
func serviceOf(labels plait.Labels) string {
	for _, name := range serviceLabels {
		if value := labels.Get(name); value != "" {
			return value[strings.LastIndexByte(value, '/')+1:]
		}
	}
	return ""
}

// seriesMatchers ask for series that name the service or the instance of a resource, a label at a time.
func seriesMatchers(resources []*plait.Resource) []plait.Matcher {
	services := map[string]bool{}
	byAttribute := map[string]map[string]bool{}
	for _, r := range resources {
		services[regexp.QuoteMeta(r.Service())] = true
		for _, l := range instanceLabels {
			if v, ok := r.Attributes.Get(l.attribute); ok && v.Text() != "" {
				if byAttribute[l.attribute] == nil {
					byAttribute[l.attribute] = map[string]bool{}
				}
				byAttribute[l.attribute][regexp.QuoteMeta(v.Text())] = true
			}
		}
	}
	if len(services) == 0 {
		return nil
	}
	names := alternatives(services)
	matchers := []plait.Matcher{
		{Name: "job", Op: plait.MatchRegexp, Value: "(.*/)?(" + names + ")"},
		{Name: "service_name", Op: plait.MatchRegexp, Value: names},
		{Name: "service", Op: plait.MatchRegexp, Value: names},
	}
	for _, l := range instanceLabels {
		if values := byAttribute[l.attribute]; len(values) > 0 {
			matchers = append(matchers, plait.Matcher{Name: l.label, Op: plait.MatchRegexp, Value: alternatives(values)})
		}
	}
	return matchers
}

// alternatives is a pattern for any of some quoted texts.
func alternatives(quoted map[string]bool) string {
	list := make([]string, 0, len(quoted))
	for text := range quoted {
		list = append(list, text)
	}
	slices.Sort(list)
	return strings.Join(list, "|")
}

// metricTypes knows the types of some metrics.
type metricTypes struct {
	reader MetricReader
	known  map[string]plait.MetricType
	names  map[string]bool // of all series that were found
}

func (t *metricTypes) of(ctx context.Context, metric string) (plait.MetricType, error) {
	kind, known := t.known[metric]
	if known {
		return kind, nil
	}
	kind, err := t.reader.MetricType(ctx, metric)
	t.known[metric] = kind
	return kind, err
}

// storedMetric says how to look at a stored series: the quantile of a histogram, the rate of a
// counter, a gauge as it is. What the metric's own metadata says goes before what its name looks like.
func (t *metricTypes) storedMetric(ctx context.Context, labels plait.Labels) (TraceMetric, error) {
	name := labels.Get("__name__")
	rest := slices.DeleteFunc(slices.Clone(labels), func(l plait.Label) bool {
		return l.Name == "__name__" || l.Name == "le"
	})
	m := TraceMetric{Metric: name, Service: serviceOf(labels), Labels: rest, Query: Selector(name, rest)}
	own, err := t.of(ctx, name)
	if err == nil && own == plait.MetricUnknown && strings.HasSuffix(name, "_total") {
		own, err = t.of(ctx, strings.TrimSuffix(name, "_total"))
	}
	if err != nil {
		return m, err
	}
	switch own {
	case plait.MetricCounter:
		m.Query = rateQuery(name, rest)
		return m, nil
	case plait.MetricHistogram:
		m.Query = quantileQuery(name, rest)
		return m, nil
	case plait.MetricUnknown:
		return m, t.byName(ctx, &m, labels.Get("le") != "")
	}
	return m, nil
}

// byName says how to look at a series whose metric has no metadata of its own: it may be a part of a
// histogram or a summary.
func (t *metricTypes) byName(ctx context.Context, m *TraceMetric, bucket bool) error {
	name := m.Metric
	family := familyName(name)
	if family == name {
		if strings.HasSuffix(name, "_total") {
			m.Query = rateQuery(name, m.Labels)
		}
		return nil
	}
	kind, err := t.of(ctx, family)
	switch {
	case err != nil:
		return err
	case kind == plait.MetricHistogram, strings.HasSuffix(name, "_bucket") && bucket:
		m.Metric = family
		m.Query = quantileQuery(family+"_bucket", m.Labels)
	case kind == plait.MetricSummary, kind == plait.MetricUnknown && t.names[family+"_sum"] && t.names[family+"_count"]:
		m.Query = rateQuery(name, m.Labels)
	}
	return nil
}
