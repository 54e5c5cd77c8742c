package otlp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/prometheus/prometheus/config"
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

// MetricSettings says how OTLP metrics become Prometheus series. The zero value is what
// Prometheus does by default.
type MetricSettings struct {
	// PromoteResourceAttributes become labels of every series of their resource.
	PromoteResourceAttributes []string
	// PromoteAllResourceAttributes makes labels of all of them.
	PromoteAllResourceAttributes bool
	// KeepUTF8 keeps names as they are sent (http.server.duration) where the default
	// writes them as Prometheus traditionally does (http_server_duration_seconds).
	KeepUTF8 bool
	// PromoteScope adds otel_scope_name, otel_scope_version and the scope's attributes as labels.
	PromoteScope bool
}

// DecodeMetrics decodes an ExportMetricsServiceRequest into Prometheus series. What is wrong with
// single metrics or data points is in Refused; an error says that nothing could be read.
//
// Delta sums and histograms are stored as they are sent, as deltas (their metadata type is
// "unknown", sum_over_time adds them up): turning them into running totals would need state
// that no request carries and that is wrong as soon as two gateways share a series.
func DecodeMetrics(body []byte, set MetricSettings) (*plait.Metrics, error) {
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalProto(body); err != nil {
		return nil, fmt.Errorf("decode OTLP metrics: %w: %w", err, plait.ErrInvalid)
	}
	return convertMetrics(req.Metrics(), set), nil
}

// DecodeMetricsJSON is DecodeMetrics for the JSON encoding.
func DecodeMetricsJSON(body []byte, set MetricSettings) (*plait.Metrics, error) {
	req := pmetricotlp.NewExportRequest()
	if err := req.UnmarshalJSON(body); err != nil {
		return nil, fmt.Errorf("decode OTLP metrics: %w: %w", err, plait.ErrInvalid)
	}
	return convertMetrics(req.Metrics(), set), nil
}

func convertMetrics(md pmetric.Metrics, set MetricSettings) *plait.Metrics {
	refused := dropUnusable(md)
	p := set.prometheus()
	p.DisableTargetInfo = !briefEnough(timesOf(md))
	m := convertWith(md, p)
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

const (
	// lookback is PromQL's.
	lookback = 5 * time.Minute
	// targetInfo is the series that carries the attributes of a resource.
	targetInfo = "target_info"
	// maxTargetInfo is the longest time for which a request may make target_info: the converter
	// repeats it every half of lookback from the first data point to the last, which is forever
	// when one of them is of 1970.
	maxTargetInfo = 7 * 24 * time.Hour
)

// briefEnough says whether target_info may be made for the time between two data points.
func briefEnough(first, last uint64) bool {
	return first <= last && last <= math.MaxInt64 && last-first <= uint64(maxTargetInfo)
}

// timesOf returns the times of the first and the last data point.
func timesOf(md pmetric.Metrics) (first, last uint64) {
	first = math.MaxUint64
	for t := range pointTimes(md) {
		first, last = min(first, uint64(t)), max(last, uint64(t))
	}
	return first, last
}

// pointTimes yields the times of all data points.
func pointTimes(md pmetric.Metrics) iter.Seq[pcommon.Timestamp] {
	return func(yield func(pcommon.Timestamp) bool) {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, m := range sm.Metrics().All() {
					if !yieldTimes(m, yield) {
						return
					}
				}
			}
		}
	}
}

func yieldTimes(m pmetric.Metric, yield func(pcommon.Timestamp) bool) bool {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return eachTime(m.Gauge().DataPoints().All(), yield)
	case pmetric.MetricTypeSum:
		return eachTime(m.Sum().DataPoints().All(), yield)
	case pmetric.MetricTypeHistogram:
		return eachTime(m.Histogram().DataPoints().All(), yield)
	case pmetric.MetricTypeExponentialHistogram:
		return eachTime(m.ExponentialHistogram().DataPoints().All(), yield)
	case pmetric.MetricTypeSummary:
		return eachTime(m.Summary().DataPoints().All(), yield)
	}
	return true
}

func eachTime[P interface{ Timestamp() pcommon.Timestamp }](points iter.Seq2[int, P], yield func(pcommon.Timestamp) bool) bool {
	for _, p := range points {
		if !yield(p.Timestamp()) {
			return false
		}
	}
	return true
}

func (s MetricSettings) prometheus() prometheusremotewrite.Settings {
	return prometheusremotewrite.Settings{
		AddMetricSuffixes:     !s.KeepUTF8,
		AllowUTF8:             s.KeepUTF8,
		AllowDeltaTemporality: true,
		PromoteScopeMetadata:  s.PromoteScope,
		LookbackDelta:         lookback,
		PromoteResourceAttributes: prometheusremotewrite.NewPromoteResourceAttributes(config.OTLPConfig{
			PromoteResourceAttributes:    s.PromoteResourceAttributes,
			PromoteAllResourceAttributes: s.PromoteAllResourceAttributes,
		}),
	}
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
