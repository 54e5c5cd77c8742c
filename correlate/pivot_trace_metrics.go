package correlate

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/spanmetrics"
)

// TraceMetric is a series, or a calculation over series, of what a trace passed.
type TraceMetric struct {
	// Metric is the family's name.
	Metric string
	// Service is the service that it is about, Operation the span name, empty when it is about
	// all of the service.
	Service, Operation string
	// Derived says that it is derived from spans; otherwise it came in as a series.
	Derived bool
	// Labels select the series.
	Labels plait.Labels
	// Query is PromQL.
	Query string
	// Range is a window around the trace.
	Range plait.TimeRange
}

const (
	// margin is how much time before and after a trace its metrics are shown for.
	margin = 10 * time.Minute
	// operationsShown bounds the operations of a trace whose metrics are listed.
	operationsShown = 20
)

// TraceMetrics returns the series of the services and operations that a trace passed: first
// those derived from spans, of the operations with the largest share in the trace's duration
// first; then stored ones whose labels name one of its services or instances, those that say most
// about what the trace did first. No two
// have the same query. A trace of which only logs are stored has the latter. Truncated says that
// there are more operations or series than are listed. It returns plait.ErrNotFound when neither
// a span nor a log record is stored.
func (p *Pivots) TraceMetrics(ctx context.Context, id plait.TraceID, maxSpans, maxLogs int) (all []TraceMetric, truncated bool, err error) {
	passed, err := p.passed(ctx, id, maxSpans, maxLogs)
	if err != nil {
		return nil, false, err
	}
	window := plait.TimeRange{
		From: time.Unix(0, passed.startNanos).Add(-margin).UTC(),
		To:   time.Unix(0, passed.endNanos).Add(margin).UTC(),
	}
	operations, more := operationMetrics(passed.tree)
	stored, moreStored, err := p.storedMetrics(ctx, passed, window)
	if err != nil {
		return nil, false, err
	}
	all = slices.Concat(operations, edgeMetrics(passed.tree), stored)
	for i := range all {
		all[i].Range = window
	}
	return all, passed.truncated || more || moreStored, nil
}

// passage is what a trace passed, and when.
type passage struct {
	tree                 *tracetree.Tree // without nodes where only logs are stored
	resources            []*plait.Resource
	startNanos, endNanos int64
	truncated            bool
}

func (p *Pivots) passed(ctx context.Context, id plait.TraceID, maxSpans, maxLogs int) (passage, error) {
	trace, err := p.traces.Trace(ctx, id, maxSpans)
	if errors.Is(err, plait.ErrNotFound) {
		return p.passedByLogs(ctx, id, maxLogs, err)
	}
	if err != nil {
		return passage{}, err
	}
	tree := tracetree.Build(trace.Spans)
	s := tree.Summary(trace.TraceID)
	at := passage{tree: tree, startNanos: s.StartNanos, endNanos: s.StartNanos + s.DurationNanos, truncated: trace.Truncated}
	for i := range tree.Nodes {
		at.resources = append(at.resources, tree.Nodes[i].Span.Resource)
	}
	return at, nil
}

// passedByLogs tells by its logs what a trace passed, or returns notFound when it has none.
func (p *Pivots) passedByLogs(ctx context.Context, id plait.TraceID, maxLogs int, notFound error) (passage, error) {
	records, more, err := p.logs.TraceLogs(ctx, id, maxLogs)
	if err != nil {
		return passage{}, err
	}
	if len(records) == 0 {
		return passage{}, notFound
	}
	at := passage{tree: tracetree.Build(nil), startNanos: records[0].TimeNanos, endNanos: records[len(records)-1].TimeNanos, truncated: more}
	for i := range records {
		at.resources = append(at.resources, records[i].Resource)
	}
	return at, nil
}

// operationMetrics are the span-derived metrics of the trace's operations, and whether it has
// more operations than these.
func operationMetrics(t *tracetree.Tree) (all []TraceMetric, more bool) {
	share := map[operation]int64{}
	var operations []operation
	for i := range t.Nodes {
		o := operationOf(t.Nodes[i].Span)
		if _, ok := share[o]; !ok {
			operations = append(operations, o)
		}
		share[o] += t.Nodes[i].CriticalNanos
	}
	slices.SortStableFunc(operations, func(a, b operation) int { return cmp.Compare(share[b], share[a]) })
	for _, o := range operations[:min(operationsShown, len(operations))] {
		labels := plait.Labels{
			{Name: "service", Value: o.service},
			{Name: "span_kind", Value: spanmetrics.KindLabel(o.kind)},
			{Name: "span_name", Value: o.name},
		}
		failed := append(slices.Clone(labels), plait.Label{Name: "status_code", Value: spanmetrics.StatusError})
		add := func(metric string, labels plait.Labels, query string) {
			all = append(all, TraceMetric{Metric: metric, Service: o.service, Operation: o.name, Derived: true, Labels: labels, Query: query})
		}
		add(spanmetrics.Latency, labels, quantileQuery(spanmetrics.Latency+"_bucket", labels))
		add(spanmetrics.CallsTotal, labels, rateQuery(spanmetrics.CallsTotal, labels))
		add(spanmetrics.CallsTotal, failed, rateQuery(spanmetrics.CallsTotal, failed))
	}
	return all, len(operations) > operationsShown
}

// edgeMetrics are the service graph's metrics of the trace's calls.
func edgeMetrics(t *tracetree.Tree) []TraceMetric {
	var all []TraceMetric
	seen := map[spanmetrics.Edge]bool{}
	for c := range graphOf(t.Spans()).All() {
		e := c.Edge
		if seen[e] {
			continue
		}
		seen[e] = true
		labels := plait.Labels{
			{Name: spanmetrics.LabelClient, Value: e.Client},
			{Name: spanmetrics.LabelConnectionType, Value: e.ConnectionType.String()},
			{Name: spanmetrics.LabelServer, Value: e.Server},
		}
		const latency, failures = spanmetrics.ServerSeconds, spanmetrics.FailedTotal
		all = append(all,
			TraceMetric{Metric: latency, Service: e.Server, Derived: true, Labels: labels, Query: quantileQuery(latency+"_bucket", labels)},
			TraceMetric{Metric: failures, Service: e.Server, Derived: true, Labels: labels, Query: rateQuery(failures, labels)},
		)
	}
	return all
}
