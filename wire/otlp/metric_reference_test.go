package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// What the decoder makes of a request is compared with what Prometheus's converter makes of it, which
// gets all of the request as the Collector's library decodes it.

func referenceMetrics(body []byte, set MetricSettings) (*plait.Metrics, error) {
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalProto(body); err != nil {
		return nil, fmt.Errorf("decode OTLP metrics: %w: %w", err, plait.ErrInvalid)
	}
	return convertMetrics(req.Metrics(), set), nil
}

func convertMetrics(md pmetric.Metrics, set MetricSettings) *plait.Metrics {
	refused := dropUnusable(md)
	m := convertWith(md, set.prometheus())
	m.Refused = append(refused, m.Refused...)
	return m
}

// convertWith converts what dropUnusable has left.
func convertWith(md pmetric.Metrics, set prometheusremotewrite.Settings) *plait.Metrics {
	var refused []plait.Refusal
	a := &appender{Collector: series.NewCollector(16 * md.DataPointCount())}
	_, err := prometheusremotewrite.NewPrometheusConverter(a).FromMetrics(context.Background(), md, set)
	for _, e := range split(err) {
		refused = append(refused, plait.Refusal{Count: 1, Reason: e.Error()})
	}
	m := a.Metrics()
	m.Refused = append(refused, a.refused...)
	return m
}

// split takes a tree of joined errors apart.
func split(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, split(e)...)
	}
	return all
}

// appender is the storage.AppenderV2 into which Prometheus's converter writes.
type appender struct {
	*series.Collector
	refused []plait.Refusal
}

// Append takes one sample. A bad one is noted and left out; the converter would otherwise
// give up the rest of the metric.
func (a *appender) Append(_ storage.SeriesRef, ls labels.Labels, startMillis, timeMillis int64, v float64,
	h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options,
) (storage.SeriesRef, error) {
	if err := a.append(ls, startMillis, timeMillis, v, h, fh, opts); err != nil {
		a.refused = append(a.refused, plait.Refusal{Count: 1, Reason: fmt.Sprintf("metric %q: %v", opts.MetricFamilyName, err)})
	}
	return 0, nil
}

func (a *appender) append(ls labels.Labels, startMillis, timeMillis int64, v float64,
	h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options,
) error {
	if err := series.CheckTime(timeMillis); err != nil {
		return err
	}
	s, err := a.Series(ls)
	if err != nil {
		return err
	}
	if h == nil && fh == nil {
		a.AddSample(s, plait.Sample{TimeMillis: timeMillis, StartMillis: startMillis, Value: v})
	} else {
		sample, err := encodeHistogram(startMillis, timeMillis, h, fh)
		if err != nil {
			return err
		}
		s.Histograms = append(s.Histograms, sample)
	}
	for _, e := range opts.Exemplars {
		ex, err := series.Exemplar(e, timeMillis)
		if err != nil { // the data point is stored without it
			a.refused = append(a.refused, plait.Refusal{Reason: fmt.Sprintf("metric %q: %v", opts.MetricFamilyName, err)})
			continue
		}
		s.Exemplars = append(s.Exemplars, ex)
	}
	a.AddMetadata(plait.MetricMetadata{
		Metric: opts.MetricFamilyName,
		Type:   plait.MetricType(opts.Metadata.Type),
		Help:   opts.Metadata.Help,
		Unit:   opts.Metadata.Unit,
	})
	return nil
}

func encodeHistogram(startMillis, timeMillis int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (plait.HistogramSample, error) {
	if fh != nil {
		return series.FloatHistogram(startMillis, timeMillis, fh)
	}
	return series.IntHistogram(startMillis, timeMillis, h)
}

// Commit and Rollback complete storage.AppenderV2; there is nothing to do.
func (a *appender) Commit() error { return nil }

// Rollback does nothing.
func (a *appender) Rollback() error { return nil }

func refusalOf(points int, metric, reason string) plait.Refusal {
	return plait.Refusal{Count: points, Reason: fmt.Sprintf("metric %q: %s", metric, reason)}
}

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
