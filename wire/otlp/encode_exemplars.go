package otlp

import (
	"cmp"
	"slices"
	"sort"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
)

// exemplified is a data point that has exemplars.
type exemplified interface {
	dated
	Exemplars() pmetric.ExemplarSlice
}

// setExemplars puts each exemplar at the first of the points that is not before it, or else at the last.
func setExemplars[P exemplified](exemplars []plait.Exemplar, points []P) {
	if len(exemplars) == 0 || len(points) == 0 {
		return
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b P) int { return cmp.Compare(a.Timestamp(), b.Timestamp()) })
	for i := range exemplars {
		e := &exemplars[i]
		at := sort.Search(len(points)-1, func(i int) bool { return points[i].Timestamp() >= timestamp(e.TimeNanos) })
		setExemplar(points[at].Exemplars().AppendEmpty(), e)
	}
}

func setExemplar(to pmetric.Exemplar, e *plait.Exemplar) {
	to.SetTimestamp(timestamp(e.TimeNanos))
	to.SetDoubleValue(e.Value)
	to.SetTraceID(pcommon.TraceID(e.TraceID))
	to.SetSpanID(pcommon.SpanID(e.SpanID))
	for _, l := range e.Labels {
		to.FilteredAttributes().PutStr(l.Name, l.Value)
	}
}
