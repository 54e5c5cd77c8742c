package ingest

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracecontext"
)

// findIDs looks for a trace id in the attributes and the body of a record that came without one,
// in any of the spellings that its ecosystem may have used (spec section 6).
func findIDs(r *plait.LogRecord) bool {
	c, ok := tracecontext.FromLog(r)
	if !ok {
		return false
	}
	r.TraceID = c.TraceID
	if r.SpanID.IsZero() {
		r.SpanID = c.SpanID
	}
	return true
}
