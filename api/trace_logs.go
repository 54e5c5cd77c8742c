package api

import (
	"context"
	"fmt"

	"github.com/plaithq/plait"
)

type traceLogsParams struct {
	ID       traceID  `path:"id"`
	SpanID   spanID   `query:"span_id"`
	Severity severity `query:"severity"`
	Limit    int      `query:"limit" default:"1000" max:"10000"`
	Cursor   offset   `query:"cursor"`
}

// logsAnswer is a page of log records.
type logsAnswer struct {
	Logs []logRecord `json:"logs"`
	// NextCursor asks for the next page; it is absent on the last.
	NextCursor string `json:"next_cursor,omitempty"`
	// Truncated says that the trace has more records than are looked at.
	Truncated bool `json:"truncated,omitempty"`
}

// traceLogs shows a trace's logs from every service in time order.
func (s *Server) traceLogs(ctx context.Context, p traceLogsParams) (*logsAnswer, error) {
	answer, err := firstFound(p.ID, func(id plait.TraceID) (*logsAnswer, error) {
		records, more, err := s.pivots.TraceLogs(ctx, id, plait.SpanID(p.SpanID), plait.SeverityNumber(p.Severity), s.config.MaxLogs)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 && p.SpanID == (spanID{}) && p.Severity == 0 {
			// It may be a trace without logs, another reading of the id, or nothing at all.
			if _, err := s.deps.Traces.Trace(ctx, id, 1); err != nil {
				return nil, err
			}
		}
		answer := &logsAnswer{Truncated: more}
		page, next := p.Cursor.page(len(records), p.Limit)
		answer.Logs = s.links.records(records[page.from:page.to])
		answer.NextCursor = next
		return answer, nil
	})
	if err != nil {
		return nil, fmt.Errorf("logs of a trace: %w", err)
	}
	return answer, nil
}
