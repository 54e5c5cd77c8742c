package api

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/query/promsel"
)

type metricParams struct {
	Query string `query:"query" required:"true"`
	ask.Window
	Min   *float64 `query:"min"`
	Max   *float64 `query:"max"`
	Limit int      `query:"limit" default:"20" max:"200"`
}

type metricAnswer struct {
	Query string `json:"query"`
	Start string `json:"start"`
	End   string `json:"end"`
	// Total is how many requests there are of which the exemplars are the first, as far as that is known.
	Total          *int64     `json:"total,omitempty"`
	TotalEstimated bool       `json:"total_estimated,omitempty"`
	Exemplars      []exemplar `json:"exemplars"`
	// IgnoredMatchers are those of the query that say nothing about spans.
	IgnoredMatchers []string `json:"ignored_matchers,omitempty"`
	// Truncated says that not all spans of the window were looked at.
	Truncated bool `json:"truncated,omitempty"`
	// Hint says why there are no exemplars.
	Hint string `json:"hint,omitempty"`
}

type exemplar struct {
	Series            map[string]string `json:"series"`
	Value             *number           `json:"value"`
	Time              string            `json:"time"`
	TraceID           plait.TraceID     `json:"trace_id"`
	SpanID            string            `json:"span_id,omitempty"`
	Match             correlate.Match   `json:"match"`
	TypicalDurationNS int64             `json:"typical_duration_ns,omitempty"`
	Trace             traceSummary      `json:"trace"`
	Logs              logCounts         `json:"logs"`
	WorstLog          *logRecord        `json:"worst_log,omitempty"`
	Links             exemplarLinks     `json:"links"`
}

type logCounts struct {
	Total      int            `json:"total"`
	BySeverity map[string]int `json:"by_severity"`
}

type exemplarLinks struct {
	traceLinks
	SpanLogs string `json:"span_logs,omitempty"`
}

// pivotMetric leads from a metric's spike to the traces behind it.
func (s *Server) pivotMetric(ctx context.Context, p metricParams) (*metricAnswer, error) {
	selectors, err := promsel.Selectors(p.Query)
	if err != nil {
		return nil, fmt.Errorf("parameter query: %w", err)
	}
	within, err := p.Bounded(s.deps.Now())
	if err != nil {
		return nil, err
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		return nil, plait.Errorf(plait.ErrInvalid, "min is greater than max")
	}
	found, err := s.pivots.Metric(ctx, correlate.MetricQuestion{
		Selectors: selectors, Range: within, Min: p.Min, Max: p.Max, Limit: p.Limit,
	})
	if err != nil {
		return nil, err
	}
	answer := &metricAnswer{
		Query: p.Query, Start: ask.Stamp(within.From.UnixNano()), End: ask.Stamp(within.To.UnixNano()),
		Total: found.Total, TotalEstimated: found.TotalAbout,
		Exemplars: make([]exemplar, 0, len(found.Hits)), Truncated: found.CutShort, Hint: found.Hint,
		IgnoredMatchers: written(found.Ignored),
	}
	for i := range found.Hits {
		answer.Exemplars = append(answer.Exemplars, s.linksFor(ctx).hit(&found.Hits[i]))
	}
	return answer, nil
}

func (l links) hit(h *correlate.MetricHit) exemplar {
	e := exemplar{
		Series: labels(h.Series), Value: (*number)(h.Value), Time: ask.Stamp(h.TimeNanos), TraceID: h.TraceID,
		Match: h.Match, TypicalDurationNS: h.TypicalNanos, Trace: l.summary(&h.Trace),
		Logs: logCounts{BySeverity: map[string]int{}}, Links: exemplarLinks{traceLinks: l.trace(h.TraceID)},
	}
	if !h.SpanID.IsZero() {
		e.SpanID = h.SpanID.String()
		e.Links.SpanLogs = e.Links.Logs + "?span_id=" + e.SpanID
	}
	if h.Worst != nil {
		e.WorstLog = new(l.record(h.Worst))
	}
	for name, n := range h.Logs {
		if name == "" {
			name = "UNKNOWN"
		}
		e.Logs.Total += n
		e.Logs.BySeverity[name] = n
	}
	return e
}
