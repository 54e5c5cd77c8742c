package api

import (
	"context"
	"fmt"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/promsel"
)

type heatmapParams struct {
	Query string `query:"query" required:"true"`
	ask.Window
	Columns     int        `query:"columns" default:"60" max:"240"`
	Rows        int        `query:"rows" default:"24" max:"64"`
	Attr        *attribute `query:"attr"`
	AttrService string     `query:"attr_service"`
}

type heatmapAnswer struct {
	Query   string `json:"query"`
	Start   string `json:"start"`
	End     string `json:"end"`
	StepNS  int64  `json:"step_ns"`
	Columns int    `json:"columns"`
	// Edges of the rows in seconds, ascending: one more than there are rows.
	Edges []float64 `json:"edges"`
	// Usual is how many requests a column of each row usually has.
	Usual  []float64       `json:"usual"`
	Cells  []heatmapCell   `json:"cells"`
	Totals []heatmapColumn `json:"totals"`
	// Below is how many requests of the first row took less than it says.
	Below           int64    `json:"below"`
	IgnoredMatchers []string `json:"ignored_matchers,omitempty"`
	Truncated       bool     `json:"truncated,omitempty"`
}

type heatmapColumn struct {
	Requests int64 `json:"requests"`
	Failed   int64 `json:"failed"`
}

type heatmapCell struct {
	Column int `json:"column"`
	Row    int `json:"row"`
	heatmapColumn
	// Holding is how many of the requests are of traces that have the attribute that was asked for.
	Holding int64          `json:"holding,omitempty"`
	Usual   float64        `json:"usual"`
	TraceID *plait.TraceID `json:"trace_id,omitempty"`
	Value   *float64       `json:"value,omitempty"`
}

// inTrace is what the traces of requests are asked for, nil for nothing.
func (p *heatmapParams) inTrace() (condition.Node, error) {
	switch {
	case p.Attr == nil && p.AttrService != "":
		return nil, plait.Errorf(plait.ErrInvalid, "attr_service is the service whose resource has attr, which is missing")
	case p.Attr == nil:
		return nil, nil
	case p.AttrService != "":
		return query.ResourceAttribute(p.AttrService, p.Attr.Key, p.Attr.Value.Text()), nil
	}
	return query.SpanAttribute(p.Attr.Key, p.Attr.Value.Text()), nil
}

// heatmap shows what the requests behind a metric took over time.
func (s *Server) heatmap(ctx context.Context, p heatmapParams) (*heatmapAnswer, error) {
	selectors, err := promsel.Selectors(p.Query)
	if err != nil {
		return nil, fmt.Errorf("parameter query: %w", err)
	}
	within, err := p.Bounded(s.deps.Now())
	if err != nil {
		return nil, err
	}
	q := correlate.HeatmapQuestion{Selectors: selectors, Range: within, Columns: p.Columns, Rows: p.Rows}
	if q.InTrace, err = p.inTrace(); err != nil {
		return nil, err
	}
	m, err := s.pivots.Heatmap(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := &heatmapAnswer{
		Query: p.Query, Start: ask.Stamp(m.Start.UnixNano()), StepNS: int64(m.Step), Columns: m.Columns, Usual: m.Usual,
		End:   ask.Stamp(m.Start.Add(m.Step * time.Duration(m.Columns)).UnixNano()),
		Edges: make([]float64, 0, len(m.Edges)), Cells: make([]heatmapCell, 0, len(m.Cells)), Totals: make([]heatmapColumn, m.Columns),
		Below: m.Below, IgnoredMatchers: written(m.Ignored), Truncated: m.CutShort,
	}
	for _, edge := range m.Edges {
		answer.Edges = append(answer.Edges, edge.Seconds())
	}
	for i := range m.Cells {
		c := &m.Cells[i]
		cell := heatmapCell{Column: c.Column, Row: c.Row, heatmapColumn: heatmapColumn{c.Requests, c.Failed}, Holding: c.Holding, Usual: m.Usual[c.Row]}
		if !c.TraceID.IsZero() {
			cell.TraceID, cell.Value = &c.TraceID, new(float64(c.Nanos)/1e9)
		}
		answer.Cells = append(answer.Cells, cell)
		total := &answer.Totals[c.Column]
		total.Requests, total.Failed = total.Requests+c.Requests, total.Failed+c.Failed
	}
	return answer, nil
}

// written are matchers as PromQL has them.
func written(matchers []plait.Matcher) (texts []string) {
	for _, m := range matchers {
		texts = append(texts, fmt.Sprintf("%s%s%q", m.Name, m.Op, m.Value))
	}
	return texts
}
