package otlp

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/plaithq/plait"
)

// metricTime is the time of all data points.
var metricTime = time.Date(2026, 11, 21, 12, 0, 0, 123e6, time.UTC)

// everyKind is a request with a metric of every kind, with exemplars, flags and start times.
func everyKind(value float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	for k, v := range map[string]string{"service.name": "cart", "service.instance.id": "1", "host.name": "h", "cloud.region": "eu"} {
		rm.Resource().Attributes().PutStr(k, v)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("shop")
	sm.Scope().SetVersion("1")
	sm.SetSchemaUrl("https://example.com")
	add := func(name, unit string) pmetric.Metric {
		m := sm.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		m.SetDescription("What " + name + " is.")
		return m
	}
	addNumbers(add, value)
	addHistograms(add, value)
	return md
}

func addNumbers(add func(name, unit string) pmetric.Metric, value float64) {
	g := add("queue.depth", "1").SetEmptyGauge().DataPoints().AppendEmpty()
	stamp(g)
	g.SetDoubleValue(value)
	ended := add("queue.ended", "").SetEmptyGauge().DataPoints().AppendEmpty()
	stamp(ended)
	ended.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))

	s := add("requests", "{request}").SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for _, route := range []string{"/a", "/b"} {
		p := s.DataPoints().AppendEmpty()
		stamp(p)
		p.SetStartTimestamp(p.Timestamp() - 60e9)
		p.SetIntValue(int64(value))
		p.Attributes().PutStr("http.route", route)
		p.Attributes().PutInt("http.status", 200)
		addExemplar(p.Exemplars().AppendEmpty(), value)
	}
	d := add("deltas", "By").SetEmptySum()
	d.SetIsMonotonic(true)
	d.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	p := d.DataPoints().AppendEmpty()
	stamp(p)
	p.SetDoubleValue(value)
}

func addHistograms(add func(name, unit string) pmetric.Metric, value float64) {
	h := add("latency", "s").SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for i := range 2 {
		p := h.DataPoints().AppendEmpty()
		stamp(p)
		p.Attributes().PutStr("http.route", fmt.Sprint("/", i))
		p.ExplicitBounds().FromRaw([]float64{0.1, 0.5, 1})
		p.BucketCounts().FromRaw([]uint64{1, 2, 3, uint64(value)})
		p.SetCount(6 + uint64(value))
		if i == 0 {
			p.SetSum(value)
		}
		for _, v := range []float64{3, 0.2, 0.05, 0.5} { // out of order
			addExemplar(p.Exemplars().AppendEmpty(), v)
		}
	}
	p := h.DataPoints().AppendEmpty() // without buckets
	stamp(p)
	p.Attributes().PutStr("http.route", "/none")
	p.SetCount(1)

	e := add("sizes", "By").SetEmptyExponentialHistogram()
	e.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	ep := e.DataPoints().AppendEmpty()
	stamp(ep)
	ep.SetScale(20)
	ep.SetCount(3)
	ep.SetSum(value)
	ep.Positive().SetOffset(5)
	ep.Positive().BucketCounts().FromRaw([]uint64{1, 0, 2})
	addExemplar(ep.Exemplars().AppendEmpty(), value)

	q := add("old", "s").SetEmptySummary().DataPoints().AppendEmpty()
	stamp(q)
	q.SetCount(4)
	q.SetSum(value)
	quantile := q.QuantileValues().AppendEmpty()
	quantile.SetQuantile(0.99)
	quantile.SetValue(value)
}

func stamp[P interface {
	SetTimestamp(ts pcommon.Timestamp)
}](p P) {
	p.SetTimestamp(pcommon.Timestamp(metricTime.UnixNano()))
}

func addExemplar(e pmetric.Exemplar, value float64) {
	e.SetTimestamp(pcommon.Timestamp(metricTime.UnixNano() - 5e6))
	e.SetDoubleValue(value)
	e.SetTraceID([16]byte{1, 15: 2})
	e.SetSpanID([8]byte{3, 7: 4})
}

func marshalMetrics(t testing.TB, md pmetric.Metrics) []byte {
	t.Helper()
	b, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// flat says what a request holds in lines that do not depend on the order of series.
func flat(m *plait.Metrics) []string {
	var lines []string
	for _, s := range m.Series {
		var name strings.Builder
		for _, l := range s.Labels {
			fmt.Fprintf(&name, "%s=%q,", l.Name, l.Value)
		}
		for _, p := range s.Samples {
			lines = append(lines, fmt.Sprintf("%s %d %d %x", name.String(), p.TimeMillis, p.StartMillis, math.Float64bits(p.Value)))
		}
		for _, h := range s.Histograms {
			lines = append(lines, fmt.Sprintf("%s %d %d %s", name.String(), h.TimeMillis, h.StartMillis, histogramText(h)))
		}
		for _, e := range s.Exemplars {
			lines = append(lines, fmt.Sprintf("%s exemplar %d %x %s %s %v", name.String(), e.TimeNanos, math.Float64bits(e.Value), e.TraceID, e.SpanID, e.Labels))
		}
	}
	for _, told := range m.Metadata {
		lines = append(lines, fmt.Sprintf("metadata %+v", told))
	}
	for _, r := range m.Refused {
		lines = append(lines, fmt.Sprintf("refused %+v", r))
	}
	slices.Sort(lines)
	return slices.Compact(lines) // target_info may come once for each way
}

// histogramText says what a native histogram holds, however its buckets are written.
func histogramText(h plait.HistogramSample) string {
	var encoded writev2.Histogram
	if err := encoded.Unmarshal(h.Encoded); err != nil {
		return err.Error()
	}
	return fmt.Sprint(encoded.ResetHint, encoded.ToFloatHistogram().Compact(0))
}
