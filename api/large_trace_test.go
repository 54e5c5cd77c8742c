package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// A batch opens a span for each of more rows than a trace is read of. The last one fails and
// says so in a log record.
func TestFailedSpanOfALargeTraceIsFound(t *testing.T) {
	t.Parallel()
	const rows = 20_500
	s := emptyStore(t)
	g := start(t, s)
	batch := shopSpan("batch", 1, 0, time.Minute)
	spans := []plait.Span{batch}
	for i := range int64(rows) {
		row := batch
		row.SpanID, row.ParentSpanID, row.Name, row.Kind = plait.SpanIDFromInt64(i+100), batch.SpanID, "row", plait.SpanKindInternal
		row.StartNanos += (i + 1) * int64(time.Millisecond)
		row.EndNanos = row.StartNanos + int64(time.Microsecond)
		spans = append(spans, row)
	}
	last := &spans[len(spans)-1]
	last.Status = plait.StatusError
	writeSpans(t, s, spans...)
	if _, err := s.WriteLogs(t.Context(), &plait.Logs{Records: []plait.LogRecord{{
		TraceID: batch.TraceID, SpanID: last.SpanID, TimeNanos: last.EndNanos, Severity: 17,
		Body: plait.StringValue("row is broken"), Resource: batch.Resource, Scope: batch.Scope,
	}}}); err != nil {
		t.Fatal(err)
	}

	trace := answerOf[traceAnswer](t, g, fmt.Sprintf("%s/pivot/trace/%s", root, batch.TraceID))
	if trace.Trace.SpanCount != rows+1 || trace.Trace.ErrorCount != 1 || !trace.Truncated || len(trace.UnattachedLogs) != 0 {
		t.Errorf("the trace has %d spans and %d errors, truncated %v, %d records unattached; want %d, 1, true, 0",
			trace.Trace.SpanCount, trace.Trace.ErrorCount, trace.Truncated, len(trace.UnattachedLogs), rows+1)
	}
	failed := 0
	for _, span := range trace.Spans {
		if span.Status == "error" && len(span.Logs) == 1 {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d failed spans with their record are shown, want 1", failed)
	}

	line := answerOf[logAnswer](t, g, fmt.Sprintf("%s/pivot/log?time=%d&service=batch&body=broken", root, last.EndNanos))
	if line.Span == nil || line.Span.Status != "error" || len(line.Path) != 2 {
		t.Errorf("the record leads to span %+v on path %+v, want the failed one below the batch", line.Span, line.Path)
	}
	if line.Trace == nil || line.Trace.SpanCount != rows+1 {
		t.Errorf("the record leads to trace %+v, want all %d spans counted", line.Trace, rows+1)
	}
}
