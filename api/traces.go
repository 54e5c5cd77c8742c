package api

import (
	"context"
	"fmt"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

type tracesParams struct {
	Service     string      `query:"service"`
	Name        string      `query:"name"`
	MinDuration ask.Period  `query:"min_duration"`
	MaxDuration ask.Period  `query:"max_duration"`
	Status      status      `query:"status"`
	Kind        kind        `query:"kind"`
	Attr        []attribute `query:"attr"`
	ask.Window
	Limit  int    `query:"limit" default:"20" max:"1000"`
	Cursor string `query:"cursor"`
}

type tracesAnswer struct {
	Traces     []traceSummary `json:"traces"`
	NextCursor string         `json:"next_cursor,omitempty"`
}

// searchTraces finds traces, newest first.
func (s *Server) searchTraces(ctx context.Context, p tracesParams) (*tracesAnswer, error) {
	within, err := p.Within(s.deps.Now())
	if err != nil {
		return nil, err
	}
	if p.MaxDuration != 0 && p.MinDuration > p.MaxDuration {
		return nil, fmt.Errorf("min_duration is longer than max_duration: %w", plait.ErrInvalid)
	}
	q := plait.TraceQuery{
		Service: p.Service, Name: p.Name, MinDuration: time.Duration(p.MinDuration), MaxDuration: time.Duration(p.MaxDuration),
		Status: p.Status.code, Kind: p.Kind.kind, Range: within, Limit: p.Limit, Cursor: p.Cursor,
	}
	for _, a := range p.Attr {
		q.Attributes = append(q.Attributes, plait.Attribute(a))
	}
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
