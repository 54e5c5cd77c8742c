package api

import (
	"context"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// spanParams are what a span is asked for by.
type spanParams struct {
	Service string `query:"service"`
	Name    string `query:"name"`
	Status  status `query:"status"`
	Kind    kind   `query:"kind"`
}

type tracesParams struct {
	spanParams
	MinDuration ask.Period  `query:"min_duration"`
	MaxDuration ask.Period  `query:"max_duration"`
	Attr        []attribute `query:"attr"`
	ask.Window
	Limit  int    `query:"limit" default:"20" max:"1000"`
	Cursor string `query:"cursor"`
}

type tracesAnswer struct {
	Traces     []traceSummary `json:"traces"`
	NextCursor string         `json:"next_cursor,omitempty"`
}

// spans asks for spans as the parameters say.
func (p *spanParams) spans() condition.And {
	and := condition.And{}
	if p.Service != "" {
		and = append(and, query.Service(p.Service))
	}
	if p.Name != "" {
		and = append(and, query.SpanName(p.Name))
	}
	if p.Status.code != nil {
		and = append(and, query.Status(*p.Status.code))
	}
	if p.Kind.kind != nil {
		and = append(and, query.Kind(*p.Kind.kind))
	}
	return and
}

// condition asks for spans as the parameters say.
func (p *tracesParams) condition() condition.Node {
	and := append(p.spans(), query.Took(time.Duration(p.MinDuration), time.Duration(p.MaxDuration)))
	for _, a := range p.Attr {
		and = append(and, query.SpanAttribute(a.Key, a.Value.Text()))
	}
	return and
}

// searchTraces finds traces, newest first.
func (s *Server) searchTraces(ctx context.Context, p tracesParams) (*tracesAnswer, error) {
	within, err := p.Within(s.deps.Now())
	if err != nil {
		return nil, err
	}
	if p.MaxDuration != 0 && p.MinDuration > p.MaxDuration {
		return nil, plait.Errorf(plait.ErrInvalid, "min_duration is longer than max_duration")
	}
	q := query.TracesWithSpan(p.condition(), within)
	q.Limit, q.Cursor = p.Limit, p.Cursor
	found, next, err := s.deps.Traces.Traces(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := &tracesAnswer{Traces: make([]traceSummary, 0, len(found)), NextCursor: next}
	for i := range found {
		answer.Traces = append(answer.Traces, s.linksFor(ctx).summary(&found[i]))
	}
	return answer, nil
}
