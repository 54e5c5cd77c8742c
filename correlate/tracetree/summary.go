package tracetree

import (
	"slices"

	"github.com/plaithq/plait"
)

// Summary adds up the spans on the clock of the root, so that a clock that is off stretches
// no trace. What the store adds up without reading spans has the recorded times.
func (t *Tree) Summary(id plait.TraceID) plait.TraceSummary {
	s := plait.TraceSummary{TraceID: id, SpanCount: len(t.Nodes)}
	if t.Main < 0 {
		return s
	}
	if root := t.Nodes[t.Main].Span; root.ParentSpanID.IsZero() {
		s.RootService, s.RootName = root.Resource.Service(), root.Name
	}
	start, end := t.Nodes[0].StartNanos(), t.Nodes[0].EndNanos()
	for i := range t.Nodes {
		n := &t.Nodes[i]
		start, end = min(start, n.StartNanos()), max(end, n.EndNanos())
		if n.Span.Status == plait.StatusError {
			s.ErrorCount++
		}
		s.Services = append(s.Services, n.Span.Resource.Service())
	}
	slices.Sort(s.Services)
	s.Services = slices.Compact(s.Services)
	s.StartNanos, s.DurationNanos = start, end-start
	return s
}
