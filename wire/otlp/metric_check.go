package otlp

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
)

func refusalOf(points int, metric, reason string) plait.Refusal {
	return plait.Refusal{Count: points, Reason: fmt.Sprintf("metric %q: %s", metric, reason)}
}

// pointTimeFault says what is wrong with the time of a data point in nanoseconds, if anything.
// Samples have milliseconds, and that of 1970 stands for no time.
func pointTimeFault(nanos uint64) string {
	switch {
	case nanos < 1e6:
		return "the data point has no time"
	case nanos > math.MaxInt64:
		return fmt.Sprintf("the data point's time, %d ns, is after the year 2262", nanos)
	}
	return ""
}

// minScale is the lowest scale of an exponential histogram that Prometheus has a schema for.
const minScale = -4

func exponentialFault(p pmetric.ExponentialHistogramDataPoint) string {
	if p.Scale() < minScale {
		return fmt.Sprintf("the data point's scale is %d, below the lowest of native histograms, %d", p.Scale(), minScale)
	}
	return pointTimeFault(uint64(p.Timestamp()))
}

// dropFaulty takes out the data points of a metric that cannot be converted. It returns how many
// are left, how many are gone, and what was wrong with the first of those.
func dropFaulty(m pmetric.Metric) (left, gone int, reason string) {
	faulty := func(fault string) bool {
		if fault == "" {
			left++
			return false
		}
		if gone++; gone == 1 {
			reason = fault
		}
		return true
	}
	faultyTime := func(t pcommon.Timestamp) bool { return faulty(pointTimeFault(uint64(t))) }
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return faultyTime(p.Timestamp()) })
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return faultyTime(p.Timestamp()) })
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool { return faultyTime(p.Timestamp()) })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(p pmetric.ExponentialHistogramDataPoint) bool { return faulty(exponentialFault(p)) })
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(p pmetric.SummaryDataPoint) bool { return faultyTime(p.Timestamp()) })
	}
	return left, gone, reason
}

// dropUnusable takes out what the converter would stumble over, so that one bad metric or data
// point is refused by itself and with the number of its data points, and puts exemplars in the
// order that the converter relies on.
func dropUnusable(md pmetric.Metrics) []plait.Refusal {
	var refused []plait.Refusal
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				points, reason := unusable(m)
				left := 0
				if reason == "" {
					left, points, reason = dropFaulty(m)
				}
				if points > 0 {
					refused = append(refused, refusalOf(points, m.Name(), reason))
				}
				return left == 0
			})
		}
	}
	return refused
}

// unusable returns the number of a metric's data points, and why they cannot be stored.
func unusable(m pmetric.Metric) (points int, reason string) {
	temporality := pmetric.AggregationTemporalityCumulative
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		points = m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		points, temporality = m.Sum().DataPoints().Len(), m.Sum().AggregationTemporality()
	case pmetric.MetricTypeHistogram:
		points, temporality = m.Histogram().DataPoints().Len(), m.Histogram().AggregationTemporality()
		sortExemplars(m.Histogram().DataPoints())
		for _, p := range m.Histogram().DataPoints().All() {
			if n := p.BucketCounts().Len(); n != 0 && n != p.ExplicitBounds().Len()+1 {
				return points, fmt.Sprintf("%d bucket counts do not fit %d bounds", n, p.ExplicitBounds().Len())
			}
		}
	case pmetric.MetricTypeExponentialHistogram:
		points, temporality = m.ExponentialHistogram().DataPoints().Len(), m.ExponentialHistogram().AggregationTemporality()
	case pmetric.MetricTypeSummary:
		points = m.Summary().DataPoints().Len()
	default:
		return 0, "it has no data"
	}
	switch {
	case m.Name() == "":
		return points, "it has no name"
	case temporality == pmetric.AggregationTemporalityUnspecified:
		return points, "its aggregation temporality is not specified"
	}
	return points, ""
}

// sortExemplars orders by value: the converter hands exemplars to buckets in one pass.
func sortExemplars(points pmetric.HistogramDataPointSlice) {
	for _, p := range points.All() {
		var order []pmetric.Exemplar
		for _, e := range p.Exemplars().All() {
			order = append(order, e)
		}
		byValue := func(a, b pmetric.Exemplar) int { return cmp.Compare(exemplarValue(a), exemplarValue(b)) }
		if slices.IsSortedFunc(order, byValue) {
			continue
		}
		slices.SortStableFunc(order, byValue)
		sorted := pmetric.NewExemplarSlice()
		for _, e := range order {
			e.CopyTo(sorted.AppendEmpty())
		}
		sorted.MoveAndAppendTo(clearExemplars(p))
	}
}

func clearExemplars(p pmetric.HistogramDataPoint) pmetric.ExemplarSlice {
	p.Exemplars().RemoveIf(func(pmetric.Exemplar) bool { return true })
	return p.Exemplars()
}

func exemplarValue(e pmetric.Exemplar) float64 {
	if e.ValueType() == pmetric.ExemplarValueTypeInt {
		return float64(e.IntValue())
	}
	return e.DoubleValue()
}
