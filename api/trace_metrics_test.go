package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

// A service of thousands of operations has more series derived from spans than are looked at by a label. Its others are found all the same.
func TestDerivedSeriesDoNotHideOthers(t *testing.T) {
	t.Parallel()
	s := emptyStore(t)
	g := start(t, s)
	span := shopSpan("till", 1, 0, time.Second)
	writeSpans(t, s, span)
	m := &plait.Metrics{}
	add := func(labels ...plait.Label) {
		m.Series = append(m.Series, plait.SeriesData{Labels: append(labels, plait.Label{Name: "service", Value: "till"}),
			Samples: []plait.Sample{{TimeMillis: span.StartNanos / 1e6, Value: 1}}})
	}
	for i := range 5100 {
		add(plait.Label{Name: plait.NameLabel, Value: "traces_spanmetrics_calls_total"}, plait.Label{Name: "operation", Value: fmt.Sprint(i)})
	}
	add(plait.Label{Name: plait.NameLabel, Value: "drawers_open"})
	if _, err := s.WriteMetrics(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	found := answerOf[traceMetricsAnswer](t, g, fmt.Sprintf("%s/pivot/trace/%s/metrics?limit=5000", root, span.TraceID))
	names := map[string]int{}
	for _, metric := range found.Metrics {
		names[metric.Metric]++
	}
	if names["drawers_open"] != 1 || found.Truncated {
		t.Errorf("found %v, truncated %v", names, found.Truncated)
	}
}
