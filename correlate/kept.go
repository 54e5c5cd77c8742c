package correlate

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
)

// keptExemplars finds the exemplars that were stored with the series of a span-derived metric, for
// when no stored span matches:
//
//   - the series is the one into which series beyond the limit are folded
//   - one side of a call arrived after the other had been given up
//   - more calls than are looked at lie in the window
func (p *Pivots) keptExemplars(ctx context.Context, m *spanMetric, q MetricQuestion) ([]MetricHit, error) {
	if !m.latency {
		q.Min, q.Max = nil, nil
	}
	var found []plait.SeriesExemplar
	for _, family := range m.kept {
		matchers := append(slices.Clone(m.matchers), plait.Matcher{Name: "__name__", Op: plait.MatchEqual, Value: family + "_bucket"})
		some, err := p.metrics.Exemplars(ctx, matchers, q.Range, exemplarCandidates)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	slices.SortStableFunc(found, func(a, b plait.SeriesExemplar) int { return cmp.Compare(b.Value, a.Value) })
	var hits []MetricHit
	read := 0
	for _, e := range found {
		if q.Min != nil && e.Value < *q.Min || q.Max != nil && e.Value > *q.Max || m.query.Max > 0 && seconds(e.Value) > m.query.Max {
			continue
		}
		if m.failed {
			if read++; read > edgeTraces {
				break
			}
			if failed, err := p.failed(ctx, spanRef{e.TraceID, e.SpanID}); err != nil {
				return nil, err
			} else if !failed {
				continue
			}
		}
		hits = append(hits, m.keptHit(e))
	}
	return firstOfTraces(hits, q.Limit), nil
}

// failed says whether a span of an id has failed.
func (p *Pivots) failed(ctx context.Context, ref spanRef) (bool, error) {
	tree, err := p.tree(ctx, ref.trace)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(tree.Nodes, func(n tracetree.Node) bool {
		return n.Span.SpanID == ref.span && n.Span.Status == plait.StatusError
	}), nil
}

// keptHit names an exemplar's series as the metric that was asked for has it.
func (m *spanMetric) keptHit(e plait.SeriesExemplar) MetricHit {
	value := 1.0
	if m.latency {
		value = e.Value
	}
	series := plait.Labels{{Name: "__name__", Value: m.name}}
	for _, l := range e.Series {
		if l.Name != "__name__" && l.Name != "le" {
			series = append(series, l)
		}
	}
	if m.edge != nil && series.Get("connection_type") == "" {
		series = append(series, plait.Label{Name: "connection_type"})
	}
	if strings.HasSuffix(m.name, "_bucket") {
		series = append(series, plait.Label{Name: "le", Value: m.bucketOf(value)})
	}
	return MetricHit{Series: series, Value: &value, TimeNanos: e.TimeNanos, TraceID: e.TraceID, SpanID: e.SpanID, Match: MatchExemplar}
}
