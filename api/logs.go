package api

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
)

type logsParams struct {
	TraceID  ask.TraceID `query:"trace_id"`
	SpanID   ask.SpanID  `query:"span_id"`
	Service  string      `query:"service"`
	Severity severity    `query:"severity"`
	Q        string      `query:"q"`
	Attr     []attribute `query:"attr"`
	ask.Window
	Limit  int    `query:"limit" default:"100" max:"5000"`
	Cursor string `query:"cursor"`
}

// searchLogs finds log records, newest first.
func (s *Server) searchLogs(ctx context.Context, p logsParams) (*logsAnswer, error) {
	within, err := p.Within(s.deps.Now())
	if err != nil {
		return nil, err
	}
	q := plait.LogQuery{
		SpanID: plait.SpanID(p.SpanID), Service: p.Service, MinSeverity: plait.SeverityNumber(p.Severity),
		Contains: p.Q, Range: within, Limit: p.Limit, Cursor: p.Cursor,
	}
	for _, a := range p.Attr {
		q.Attributes = append(q.Attributes, plait.Attribute(a))
	}
	readings := p.TraceID
	if len(readings) == 0 {
		readings = ask.TraceID{{}}
	}
	for _, q.TraceID = range readings {
		records, next, err := s.deps.Logs.Logs(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(records) > 0 || next != "" { // a search that ran out of time goes on with the cursor
			return &logsAnswer{Logs: s.linksFor(ctx).records(records), NextCursor: next}, nil
		}
	}
	return &logsAnswer{Logs: []logRecord{}}, nil
}
