package spans

import (
	"cmp"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/rowcodec"
)

const (
	// fragmentColumns are the columns of a fragment, in the order in which it is read; beside them it has its
	// lower half of the trace id and its shelf.
	fragmentColumns = `trace_id, start_time, start_sub_ns, duration_ns, root_operation, span_count, error_count, services`
	fragmentFields  = 8

	copyFragmentsSQL = `
COPY plait_store.trace_fragment (` + fragmentColumns + `, low_id, shelf)
FROM STDIN BINARY`
)

// fragmentWriter sums up what one commit brings of each trace, so that a search for traces
// reads a row per trace and not its spans.
type fragmentWriter struct {
	copied   rowcodec.Buffer
	services []string // of one trace
}

// encode makes the fragments of spans in their order by shelf and trace. A trace across
// midnight has one in each day.
func (w *fragmentWriter) encode(rows []spanEntry, order []partition.SortKey) {
	w.copied.Reset()
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n].SameTrace(order[0]) {
			n++
		}
		w.fragment(rows, order[:n])
		order = order[n:]
	}
}

// fragment appends the row of those spans that order names, which are of one trace.
func (w *fragmentWriter) fragment(rows []spanEntry, order []partition.SortKey) {
	first := &rows[order[0].Row]
	start, end := first.StartNanos, believedEnd(first)
	var root *spanEntry
	failed := int32(0)
	w.services = w.services[:0]
	for _, key := range order {
		row := &rows[key.Row]
		start, end = min(start, row.StartNanos), max(end, believedEnd(row))
		if row.ParentSpanID.IsZero() && (root == nil || rootBefore(row, root)) {
			root = row
		}
		if row.Status == plait.StatusError {
			failed++
		}
		if !slices.Contains(w.services, row.origin.Service) {
			w.services = append(w.services, row.origin.Service)
		}
	}
	slices.Sort(w.services)
	out := &w.copied
	out.Row(fragmentFields + 2)
	out.UUID(first.TraceID)
	out.Timestamptz(start)
	out.Int2(rowcodec.SubMicros(start))
	out.Int8(max(rowcodec.Difference(end, start), 0)) // 0 where all spans end before they start
	out.Int8(operationOf(root))
	out.Int4(int32(len(order)))
	out.Int4(failed)
	out.TextArray(w.services)
	out.Int8(int64(first.TraceID.Low()))
	out.Date(int32(first.shelf))
}

// rootBefore says whether a, rather than b, is the root of their trace, by the rule of trace_roots.go.
func rootBefore(a, b *spanEntry) bool {
	return cmp.Or(
		cmp.Compare(spanmetrics.DurationNanos(b.Span), spanmetrics.DurationNanos(a.Span)),
		cmp.Compare(a.StartNanos, b.StartNanos),
		cmp.Compare(a.SpanID.Int64(), b.SpanID.Int64()),
	) < 0
}

// believedEnd is when a span ended, without a duration that nobody can believe.
func believedEnd(s *spanEntry) int64 { return s.StartNanos + spanmetrics.DurationNanos(s.Span) }

// operationOf returns the id of a span's operation, 0 where there is no span.
func operationOf(s *spanEntry) int64 {
	if s == nil {
		return 0
	}
	return s.operation
}
