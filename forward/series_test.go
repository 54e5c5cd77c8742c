package forward

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// nativeHistogram is a series with one native histogram and an exemplar.
func nativeHistogram(t *testing.T, at time.Time) plait.SeriesData {
	t.Helper()
	h, err := series.IntHistogram(0, at.UnixMilli(), &histogram.Histogram{Schema: 3, Count: 6, Sum: 4.5, ZeroThreshold: 0.001, ZeroCount: 1,
		PositiveSpans: []histogram.Span{{Offset: -2, Length: 2}, {Offset: 3, Length: 1}}, PositiveBuckets: []int64{1, 2, -2}})
	if err != nil {
		t.Fatal(err)
	}
	return plait.SeriesData{
		Labels:     plait.Labels{{Name: plait.NameLabel, Value: "work_seconds"}, {Name: "job", Value: "shop/worker"}},
		Histograms: []plait.HistogramSample{h},
		Exemplars:  []plait.Exemplar{{TimeNanos: at.UnixNano(), Value: 0.5, TraceID: plait.TraceID{2, byte(at.Second())}, SpanID: plait.SpanID{3}}},
	}
}

const histogramsSQL = `
SELECT concat_ws(' ', s.metric, s.labels, h.time, encode(h.histogram, 'hex'))
FROM plait_store.sample_head r
CROSS JOIN LATERAL unnest(r.series, r.times, r.histograms) AS h (series, time, histogram)
JOIN plait_store.series s ON s.id = h.series
WHERE h.histogram IS NOT NULL
ORDER BY 1`

func TestSeriesAreFilteredByTheirLabels(t *testing.T) {
	t.Parallel()
	labels := func(pairs ...string) (ls plait.Labels) {
		for i := 0; i < len(pairs); i += 2 {
			ls = append(ls, plait.Label{Name: pairs[i], Value: pairs[i+1]})
		}
		return ls
	}
	for _, c := range []struct {
		filter Filter
		labels plait.Labels
		want   bool
	}{
		{Filter{}, labels("job", "cart"), true},
		{Filter{Services: []string{"cart", "pay"}}, labels("job", "shop/cart"), true},
		{Filter{Services: []string{"cart"}}, labels("job", "cart"), true},
		{Filter{Services: []string{"cart"}}, labels("job", "cart/pay"), false},
		{Filter{Services: []string{"cart"}}, labels("service", "cart"), true},
		{Filter{Services: []string{"cart"}}, labels("service_name", "cart"), true},
		{Filter{Services: []string{"cart"}}, labels("client", "web", "server", "cart"), true},
		{Filter{Services: []string{"cart"}}, labels("pod", "cart"), false},
		{Filter{Attributes: []string{"k8s.namespace.name=eu"}}, labels("k8s_namespace_name", "eu"), true},
		{Filter{Attributes: []string{"k8s.namespace.name=eu"}}, labels("k8s.namespace.name", "eu"), true},
		{Filter{Attributes: []string{"k8s.namespace.name=eu"}}, labels("k8s_namespace_name", "us"), false},
		{Filter{Attributes: []string{"__name__=up"}}, labels("__name__", "up"), true},
		{Filter{Attributes: []string{"__name__=up", "a=b"}}, labels("__name__", "up"), false},
		{Filter{Services: []string{"cart"}, Attributes: []string{"a=b"}}, labels("a", "b", "job", "pay"), false},
	} {
		s, err := c.filter.compile()
		if err != nil {
			t.Fatal(err)
		}
		kept, leftOut := s.of(content{series: []plait.SeriesData{{Labels: c.labels}}})
		if got := kept.len() == 1; got != c.want || leftOut == 1 == c.want {
			t.Errorf("%+v takes %v: %v", c.filter, c.labels, got)
		}
	}
}
