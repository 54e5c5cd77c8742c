package otlp

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// addNative writes native histograms: exponential ones as such, those of custom buckets as histograms of their bounds. OTLP counts in whole numbers: what is
// none, as recording rules make it, is rounded in each bucket.
func (e *metricEncoder) addNative(s *plait.SeriesData, name string, told plait.MetricMetadata) error {
	var exponential []pmetric.ExponentialHistogramDataPoint
	var explicit []pmetric.HistogramDataPoint
	for i := range s.Histograms {
		sample := &s.Histograms[i]
		var message writev2.Histogram
		if err := message.Unmarshal(sample.Encoded); err != nil {
			return fmt.Errorf("encode a native histogram: %w", err)
		}
		h := message.ToFloatHistogram()
		if h.UsesCustomBuckets() {
			p := e.histogram(s.Labels, name, told).AppendEmpty()
			setTimes(p, sample.StartMillis, sample.TimeMillis)
			setPointAttributes(p.Attributes(), s.Labels)
			setCustom(p, h)
			explicit = append(explicit, p)
			continue
		}
		p := e.exponential(s.Labels, name, told, h.CounterResetHint == histogram.GaugeType).AppendEmpty()
		setTimes(p, sample.StartMillis, sample.TimeMillis)
		setPointAttributes(p.Attributes(), s.Labels)
		if err := setExponential(p, h); err != nil {
			return fmt.Errorf("encode a native histogram: %w", err)
		}
		exponential = append(exponential, p)
	}
	if len(exponential) > 0 {
		setExemplars(s.Exemplars, exponential)
	} else {
		setExemplars(s.Exemplars, explicit)
	}
	return nil
}

// exponential is where exponential histograms of a metric go. Those that are gauges came as deltas from OTLP, and stand for themselves like these.
func (e *metricEncoder) exponential(labels plait.Labels, name string, told plait.MetricMetadata, gauge bool) pmetric.ExponentialHistogramDataPointSlice {
	form, temporality := 0, pmetric.AggregationTemporalityCumulative
	if gauge {
		form, temporality = 1, pmetric.AggregationTemporalityDelta
	}
	m := e.metric(labels, name, told, pmetric.MetricTypeExponentialHistogram, form)
	if m.Type() == pmetric.MetricTypeEmpty {
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(temporality)
	}
	return m.ExponentialHistogram().DataPoints()
}

func setExponential(p pmetric.ExponentialHistogramDataPoint, h *histogram.FloatHistogram) error {
	if value.IsStaleNaN(h.Sum) {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		return nil
	}
	for reach(h) > series.MaxNativeBuckets { // few values far apart: OTLP writes down the buckets between them, too
		if err := h.ReduceResolution(h.Schema - 1); err != nil {
			return err
		}
	}
	p.SetScale(h.Schema)
	p.SetSum(h.Sum)
	p.SetZeroThreshold(h.ZeroThreshold)
	p.SetZeroCount(rounded(h.ZeroCount))
	p.SetCount(p.ZeroCount() + setBuckets(p.Positive(), h.PositiveBucketIterator()) + setBuckets(p.Negative(), h.NegativeBucketIterator()))
	return nil
}

// reach is how many buckets lie between the outermost ones, on the side that has more.
func reach(h *histogram.FloatHistogram) int {
	most := 0
	for _, spans := range [][]histogram.Span{h.PositiveSpans, h.NegativeSpans} {
		n := 0
		for i, s := range spans {
			if i > 0 {
				n += int(s.Offset)
			}
			n += int(s.Length)
		}
		most = max(most, n)
	}
	return most
}

// setBuckets writes the buckets of one sign, and returns how many values are in them. OTLP counts buckets from the one above 1, Prometheus from the one that ends
// with it.
func setBuckets(to pmetric.ExponentialHistogramDataPointBuckets, buckets histogram.BucketIterator[float64]) uint64 {
	total := uint64(0)
	for next, first := int32(0), true; buckets.Next(); first = false {
		b := buckets.At()
		if first {
			next = b.Index
			to.SetOffset(b.Index - 1)
		}
		for ; next < b.Index; next++ {
			to.BucketCounts().Append(0)
		}
		n := rounded(b.Count)
		to.BucketCounts().Append(n)
		total += n
		next++
	}
	return total
}

func setCustom(p pmetric.HistogramDataPoint, h *histogram.FloatHistogram) {
	counts := make([]uint64, len(h.CustomValues)+1)
	if value.IsStaleNaN(h.Sum) {
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
	} else {
		p.SetSum(h.Sum)
		for buckets := h.PositiveBucketIterator(); buckets.Next(); {
			if b := buckets.At(); int(b.Index) < len(counts) {
				counts[b.Index] = rounded(b.Count)
			}
		}
	}
	total := uint64(0)
	for _, n := range counts {
		total += n
	}
	p.SetCount(total)
	p.ExplicitBounds().FromRaw(h.CustomValues)
	p.BucketCounts().FromRaw(counts)
}

func rounded(v float64) uint64 { return uint64(min(max(math.Round(v), 0), math.MaxInt64)) }
