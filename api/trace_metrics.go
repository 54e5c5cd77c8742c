package api

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
)

type traceMetricsParams struct {
	ID     ask.TraceID `path:"id"`
	Limit  int         `query:"limit" default:"200" max:"5000"`
	Cursor afterSeries `query:"cursor"`
}

type traceMetricsAnswer struct {
	Metrics []traceMetric `json:"metrics"`
	// NextCursor asks for the next page; it is absent on the last.
	NextCursor string `json:"next_cursor,omitempty"`
	// Truncated says that there are more than all pages list.
	Truncated bool `json:"truncated,omitempty"`
}

type traceMetric struct {
	Metric    string            `json:"metric"`
	Service   string            `json:"service"`
	Operation string            `json:"operation,omitempty"`
	Source    string            `json:"source"` // "spans" or "stored"
	Labels    map[string]string `json:"labels"`
	Query     string            `json:"query"`
	Start     string            `json:"start"`
	End       string            `json:"end"`
	Links     metricLinks       `json:"links"`
}

type metricLinks struct {
	Pivot string `json:"pivot"`
	// QueryRange asks for the query's values, every 15 seconds, the way Prometheus is asked.
	QueryRange string `json:"query_range"`
}

// traceMetrics lists the series of what a trace passed.
func (s *Server) traceMetrics(ctx context.Context, p traceMetricsParams) (*traceMetricsAnswer, error) {
	truncated := false
	all, err := ask.FirstFound(p.ID, "span or log record", func(id plait.TraceID) (all []correlate.TraceMetric, err error) {
		all, truncated, err = s.pivots.TraceMetrics(ctx, id, s.config.MaxSpans, s.config.MaxLogs)
		if err == nil {
			s.deps.Opened(id)
		}
		return all, err
	})
	if err != nil {
		return nil, err
	}
	page, next := p.Cursor.page(all, p.Limit)
	answer := &traceMetricsAnswer{Metrics: make([]traceMetric, 0, len(page)), NextCursor: next, Truncated: truncated}
	for _, m := range page {
		source := "stored"
		if m.Derived {
			source = "spans"
		}
		answer.Metrics = append(answer.Metrics, traceMetric{
			Metric: m.Metric, Service: m.Service, Operation: m.Operation, Source: source, Labels: labels(m.Labels),
			Query: m.Query, Start: ask.Stamp(m.Range.From.UnixNano()), End: ask.Stamp(m.Range.To.UnixNano()),
			Links: metricLinks{Pivot: s.linksFor(ctx).pivot(m.Query, m.Range), QueryRange: s.linksFor(ctx).queryRange(m.Query, m.Range)},
		})
	}
	return answer, nil
}
