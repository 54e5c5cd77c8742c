package ingest

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/tracecontext"
)

// findIDs looks for a trace id in the attributes and the body of a record that came without one,
// in any of the spellings that its ecosystem may have used (docs/log-correlation.md). A record that has a trace
// id and no span id gets the span that stands beside the same trace id. It says whether it found a
// trace id.
func findIDs(r *plait.LogRecord) bool {
	if !r.TraceID.IsZero() && !r.SpanID.IsZero() {
		return false
	}
	c, ok := tracecontext.FromLog(r)
	if !ok || !r.TraceID.IsZero() && r.TraceID.Low() != c.TraceID.Low() {
		return false
	}
	if r.SpanID.IsZero() {
		r.SpanID = c.SpanID
	}
	if !r.TraceID.IsZero() {
		return false
	}
	r.TraceID = c.TraceID
	return true
}
