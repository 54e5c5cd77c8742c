package api

import (
	"context"

	"github.com/plaithq/plait"
)

// lineTrace is the trace that a log line belongs to, as far as one sees whether it belongs to a slow request or a failed one.
type lineTrace struct {
	RootService string `json:"root_service"`
	RootName    string `json:"root_name"`
	DurationNS  int64  `json:"duration_ns"`
	ErrorCount  int    `json:"error_count"`
	Incomplete  bool   `json:"incomplete,omitempty"`
}

// lineTraces bounds the traces that are told of a page of lines.
const lineTraces = 500

// tellTraces adds to lines what their traces are, of those that are stored.
func (s *Server) tellTraces(ctx context.Context, records []plait.LogRecord, lines []logRecord) error {
	seen := map[plait.TraceID]*lineTrace{}
	var ids []plait.TraceID
	for i := range records {
		id := records[i].TraceID
		if _, ok := seen[id]; !ok && !id.IsZero() && len(ids) < lineTraces {
			seen[id], ids = nil, append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	summaries, err := s.deps.Traces.TraceSummaries(ctx, ids)
	if err != nil {
		return err
	}
	for i := range summaries {
		t := s.linksFor(ctx).summary(&summaries[i])
		seen[t.TraceID] = &lineTrace{t.RootService, t.RootName, t.DurationNS, t.ErrorCount, t.Incomplete}
	}
	for i := range records {
		lines[i].Trace = seen[records[i].TraceID]
	}
	return nil
}
