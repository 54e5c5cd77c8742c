package api

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
)

type traceLogsParams struct {
	ID       ask.TraceID `path:"id"`
	SpanID   ask.SpanID  `query:"span_id"`
	Severity severity    `query:"severity"`
	Limit    int         `query:"limit" default:"1000" max:"10000"`
	Cursor   string      `query:"cursor"`
}

// logsAnswer is a page of log records.
type logsAnswer struct {
	Logs []logRecord `json:"logs"`
	// NextCursor asks for the next page; it is absent on the last.
	NextCursor string `json:"next_cursor,omitempty"`
}

// traceLogs shows a trace's logs from every service in time order. The cursor is a place in that
// order: records that arrive between two pages shift nothing.
func (s *Server) traceLogs(ctx context.Context, p traceLogsParams) (*logsAnswer, error) {
	return ask.FirstFound(p.ID, "span or log record", func(id plait.TraceID) (*logsAnswer, error) {
		records, next, err := s.pivots.TraceLogs(ctx, id, query.Logs{
			Condition: recordsOf(id, p.SpanID, p.Severity), Ascending: true, Page: query.Page{Limit: p.Limit, Cursor: p.Cursor},
		})
		if err != nil {
			return nil, err
		}
		s.deps.Opened(id)
		return &logsAnswer{Logs: s.linksFor(ctx).records(records), NextCursor: next}, nil
	})
}
