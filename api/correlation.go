package api

import (
	"context"

	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/health"
)

type correlationParams struct {
	ask.Window
	Service string `query:"service"`
}

type correlationAnswer struct {
	Start    string           `json:"start"`
	End      string           `json:"end"`
	Totals   joinTotals       `json:"totals"`
	Services []joinsOfService `json:"services"`
	Sampled  bool             `json:"sampled,omitempty"`
}

type joinTotals struct {
	joins
	DanglingExemplars int64 `json:"dangling_exemplars"`
}

// joins are numbers of what joins.
type joins struct {
	LogRecords  int64 `json:"log_records"`
	WithTraceID int64 `json:"with_trace_id"`
	IDsFound    int64 `json:"ids_found"`
	HalfIDs     int64 `json:"half_ids"`
	Spans       int64 `json:"spans"`
	Orphans     int64 `json:"orphan_spans"`
	Duplicates  int64 `json:"duplicates"`
}

type joinsOfService struct {
	Service string `json:"service"`
	joins
	ClockSkewNS int64     `json:"clock_skew_ns"`
	Findings    []finding `json:"findings"`
}

type finding struct {
	Kind string `json:"kind"`
	advice
}

// healthReader is what the health of the correlation is told by.
type healthReader struct {
	VolumeReader
	correlate.TraceReader
	correlate.LogReader
	correlate.MetricReader
}

// correlation tells whether the signals join.
func (s *Server) correlation(ctx context.Context, p correlationParams) (*correlationAnswer, error) {
	now := s.deps.Now()
	within, err := p.Bounded(now)
	if err != nil {
		return nil, err
	}
	limited, err := s.deps.Limited(ctx, health.LimitedAround(within))
	if err != nil {
		return nil, err
	}
	report, err := health.Correlate(ctx, healthReader{s.deps.Volumes, s.deps.Traces, s.deps.Logs, s.deps.Metrics}, health.Question{
		Range: within, Service: p.Service, Now: now, Seen: s.deps.Noticed(within), Limited: limited,
	})
	if err != nil {
		return nil, err
	}
	answer := &correlationAnswer{
		Start: ask.Stamp(within.From.UnixNano()), End: ask.Stamp(within.To.UnixNano()), Sampled: report.Sampled,
		Totals: joinTotals{joins(report.Totals), report.DanglingExemplars}, Services: make([]joinsOfService, 0, len(report.Services)),
	}
	for i := range report.Services {
		of := &report.Services[i]
		shown := joinsOfService{Service: of.Name, joins: joins(of.Totals), ClockSkewNS: int64(of.ClockSkew), Findings: make([]finding, 0, len(of.Findings))}
		for _, f := range of.Findings {
			shown.Findings = append(shown.Findings, finding{f.Kind, advice(f.Advice)})
		}
		answer.Services = append(answer.Services, shown)
	}
	return answer, nil
}
