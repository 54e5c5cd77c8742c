package spans

import (
	"cmp"
	"context"
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/traceid"
)

// A trace is called by its root: of the spans without a parent the longest, and of those
// that are equally long the earliest. Trees begin there too (correlate). A fragment
// has the root of its commit. Which of several commits brought the trace's root, and what it is called
// when its operation has no name, is told by the root spans themselves.

// rootNamesSQL has the rule of spanmetrics.DurationNanos for durations, and returns one row for each spelling of a trace id.
const rootNamesSQL = `
SELECT DISTINCT ON (trace_id) trace_id, operation, believed_ns, start_time, extra
FROM (
    SELECT trace_id, operation, CASE WHEN duration_ns BETWEEN 0 AND 31622400000000000 THEN duration_ns ELSE 0 END AS believed_ns, start_time, start_sub_ns, span_id, extra
    FROM plait_store.span
    WHERE trace_id = ANY ($1) AND parent_span_id = 0
) root
ORDER BY trace_id, believed_ns DESC, start_time, start_sub_ns, span_id`

// rootSpan is the root of a trace as its spans tell it.
type rootSpan struct {
	operation, duration, startMicros int64
	name                             string // in place of the operation's, or empty
}

// settleRoots names the roots of those traces whose fragments do not tell it.
func (s *Reader) settleRoots(ctx context.Context, spelled traceid.Spelling, found map[plait.TraceID]*traceFragments, summaries []plait.TraceSummary) error {
	unsettled := make(map[plait.TraceID]bool)
	for _, t := range summaries {
		if found[t.TraceID].manyRoots || t.RootService != "" && t.RootName == "" {
			unsettled[t.TraceID] = true
		}
	}
	if len(unsettled) == 0 {
		return nil
	}
	roots, err := s.rootSpans(ctx, spelled.Only(unsettled))
	if err != nil {
		return fmt.Errorf("roots: %w", err)
	}
	operations, err := s.entries.Operations.Entries(ctx, func(yield func(int64) bool) {
		for _, r := range roots {
			if !yield(r.operation) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("root operations: %w", err)
	}
	for i := range summaries {
		if root, ok := roots[summaries[i].TraceID]; ok {
			o := operations[root.operation]
			summaries[i].RootService, summaries[i].RootName = o.Service, cmp.Or(root.name, o.Name)
		}
	}
	return nil
}

// rootSpans reads the roots of traces, by the ids that were asked for.
func (s *Reader) rootSpans(ctx context.Context, spelled traceid.Spelling) (map[plait.TraceID]rootSpan, error) {
	roots := make(map[plait.TraceID]rootSpan)
	var bad error
	err := pg.QueryRows(ctx, s.lookup, func(v [][]byte) {
		r := rootSpan{operation: rowcodec.Int8(v[1]), duration: rowcodec.Int8(v[2]), startMicros: rowcodec.TimeMicros(v[3])}
		var err error
		r.name, err = inlineName(string(v[4]))
		bad = cmp.Or(bad, err)
		for _, asked := range spelled[plait.TraceID(v[0])] {
			if other, ok := roots[asked]; !ok || r.before(other) {
				roots[asked] = r
			}
		}
	}, rootNamesSQL, spelled.Stored())
	return roots, cmp.Or(err, bad)
}

func (r rootSpan) before(other rootSpan) bool {
	return cmp.Or(cmp.Compare(other.duration, r.duration), cmp.Compare(r.startMicros, other.startMicros)) < 0
}
