package api

import (
	"context"
	"time"

	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/spanmetrics"
)

type serviceMapParams struct {
	ask.Window
	Bins int `query:"bins" max:"120"`
}

type serviceMapAnswer struct {
	Start string `json:"start"`
	End   string `json:"end"`
	// DataStart and DataEnd bound the time with data, by which rates divide.
	DataStart *string       `json:"data_start"`
	DataEnd   *string       `json:"data_end"`
	Nodes     []serviceNode `json:"nodes"`
	Edges     []serviceEdge `json:"edges"`
}

// traffic is what passed a node or an edge within the window.
type traffic struct {
	Calls  int64 `json:"calls"`
	Failed int64 `json:"failed"`
	// Measured is there where calls and failed are estimated from fewer: of sampled traces, or of very many spans.
	Measured  *int64  `json:"measured,omitempty"`
	Rate      float64 `json:"rate"`       // calls per second
	ErrorRate float64 `json:"error_rate"` // failed of calls, 0 to 1
	Latency   latency `json:"latency"`
	*course
}

type latency struct {
	MeanNS int64 `json:"mean_ns"`
	P50NS  int64 `json:"p50_ns"`
	P95NS  int64 `json:"p95_ns"`
	P99NS  int64 `json:"p99_ns"`
}

type serviceNode struct {
	Service string `json:"service"`
	traffic
}

type serviceEdge struct {
	Client         string `json:"client"`
	Server         string `json:"server"`
	ConnectionType string `json:"connection_type"`
	traffic
}

// serviceMap shows which service called which.
func (s *Server) serviceMap(ctx context.Context, p serviceMapParams) (*serviceMapAnswer, error) {
	within, err := p.Bounded(s.deps.Now())
	if err != nil {
		return nil, err
	}
	m, err := s.deps.Traces.ServiceMap(ctx, within)
	if err != nil {
		return nil, err
	}
	answer := &serviceMapAnswer{
		Start: ask.Stamp(within.From.UnixNano()), End: ask.Stamp(within.To.UnixNano()),
		Nodes: make([]serviceNode, 0, len(m.Nodes)), Edges: make([]serviceEdge, 0, len(m.Edges)),
	}
	if !m.From.IsZero() {
		answer.DataStart, answer.DataEnd = new(ask.Stamp(m.From.UnixNano())), new(ask.Stamp(m.To.UnixNano()))
	}
	var courses *courses
	if p.Bins > 0 {
		if courses, err = s.mapCourses(ctx, within, p.Bins); err != nil {
			return nil, err
		}
	}
	for _, n := range m.Nodes {
		answer.Nodes = append(answer.Nodes, serviceNode{
			n.Service, newTraffic(m.To.Sub(m.From), &n.MapCalls, courses.ofNode(n.Service)),
		})
	}
	for _, e := range m.Edges {
		answer.Edges = append(answer.Edges, serviceEdge{
			e.Client, e.Server, e.ConnectionType.String(), newTraffic(m.To.Sub(m.From), &e.MapCalls, courses.ofEdge(e.Edge)),
		})
	}
	return answer, nil
}

func newTraffic(over time.Duration, m *spanmetrics.MapCalls, c *course) traffic {
	t := traffic{Calls: m.Calls, Failed: m.Failed, Latency: latency{P50NS: int64(m.P50), P95NS: int64(m.P95), P99NS: int64(m.P99)}, course: c}
	if m.Measured < m.Calls {
		t.Measured = &m.Measured
	}
	if m.Calls > 0 {
		t.Rate = float64(m.Calls) / over.Seconds()
		t.ErrorRate = float64(m.Failed) / float64(m.Calls)
		t.Latency.MeanNS = m.DurationNanosSum / m.Calls
	}
	return t
}
