// Package remotewrite decodes Prometheus remote write requests, version 1.0
// (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request), into the vocabulary. The
// door in ingest calls it with bodies that are decompressed already. What is wrong with one
// series or sample is refused by itself.
//
// https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
package remotewrite

import (
	"fmt"
	"iter"
	"mime"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// Version is a version of the protocol.
type Version int

// The versions.
const (
	V1 Version = 1
	V2 Version = 2
)

// ParseContentType tells the version of a request from its content type. One that names no
// message is version 1.0; the second result is false for what is no remote write at all.
func ParseContentType(contentType string) (Version, bool) {
	if contentType == "" {
		return V1, true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/x-protobuf" {
		return 0, false
	}
	switch params["proto"] {
	case "", "prometheus.WriteRequest":
		return V1, true
	case "io.prometheus.write.v2.Request":
		return V2, true
	}
	return 0, false
}

// Decode reads a request. An error, which wraps plait.ErrInvalid, says that nothing could be read.
func Decode(body []byte, v Version) (*plait.Metrics, error) {
	if v == V2 {
		return decodeV2(body)
	}
	return decodeV1(body)
}

// source is what series of both versions have in common.
type source struct {
	labels     labels.Labels
	samples    []plait.Sample
	histograms iter.Seq2[plait.HistogramSample, error]
	exemplars  iter.Seq2[exemplar.Exemplar, error]
}

// decoder gathers a request.
type decoder struct {
	*series.Collector
	refused []plait.Refusal
}

func (d *decoder) refuse(count int, err error) {
	if count > 0 {
		d.refused = append(d.refused, plait.Refusal{Count: count, Reason: err.Error()})
	}
}

func (d *decoder) metrics() *plait.Metrics {
	m := d.Metrics()
	m.Refused = d.refused
	return m
}

// add takes one series. points is the number of its samples and histograms.
func (d *decoder) add(points int, s source) {
	into, err := d.Series(s.labels)
	if err != nil {
		d.refuse(points, err)
		return
	}
	for _, p := range s.samples {
		if err := series.CheckTime(p.TimeMillis); err != nil {
			d.refuse(1, fmt.Errorf("%s: %w", s.labels, err))
			continue
		}
		d.AddSample(into, p)
	}
	last := int64(0)
	if n := len(s.samples); n > 0 {
		last = s.samples[n-1].TimeMillis
	}
	for h, err := range s.histograms {
		if err == nil {
			err = series.CheckTime(h.TimeMillis)
		}
		if err != nil {
			d.refuse(1, fmt.Errorf("%s: %w", s.labels, err))
			continue
		}
		into.Histograms = append(into.Histograms, h)
		last = max(last, h.TimeMillis)
	}
	for e, err := range s.exemplars {
		var ex plait.Exemplar
		if err == nil {
			ex, err = series.Exemplar(e, last)
		}
		if err != nil {
			d.refuse(1, fmt.Errorf("%s: %w", s.labels, err))
			continue
		}
		into.Exemplars = append(into.Exemplars, ex)
	}
}

// each yields what decode makes of every element.
func each[In, Out any](list []In, decode func(*In) (Out, error)) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		for i := range list {
			if !yield(decode(&list[i])) {
				return
			}
		}
	}
}

func decodeV1(body []byte) (*plait.Metrics, error) {
	var req prompb.WriteRequest
	if err := req.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("decode remote write 1.0: %w: %w", err, plait.ErrInvalid)
	}
	d := &decoder{Collector: series.NewCollector(len(req.Timeseries))}
	for i := range req.Timeseries {
		d.addV1(&req.Timeseries[i])
	}
	for _, m := range req.Metadata {
		d.AddMetadata(plait.MetricMetadata{
			Metric: m.MetricFamilyName, Type: plait.MetricType(strings.ToLower(m.Type.String())), Help: m.Help, Unit: m.Unit,
		})
	}
	return d.metrics(), nil
}

func (d *decoder) addV1(ts *prompb.TimeSeries) {
	builder := labels.NewScratchBuilder(len(ts.Labels))
	s := source{
		labels:     ts.ToLabels(&builder, nil),
		samples:    make([]plait.Sample, len(ts.Samples)),
		histograms: each(ts.Histograms, histogramV1),
		exemplars: each(ts.Exemplars, func(e *prompb.Exemplar) (exemplar.Exemplar, error) {
			return e.ToExemplar(&builder, nil), nil
		}),
	}
	for i, p := range ts.Samples {
		s.samples[i] = plait.Sample{TimeMillis: p.Timestamp, Value: p.Value}
	}
	d.add(len(ts.Samples)+len(ts.Histograms), s)
}

func histogramV1(h *prompb.Histogram) (plait.HistogramSample, error) {
	if h.IsFloatHistogram() {
		return series.FloatHistogram(0, h.Timestamp, h.ToFloatHistogram())
	}
	return series.IntHistogram(0, h.Timestamp, h.ToIntHistogram())
}

func decodeV2(body []byte) (*plait.Metrics, error) {
	var req writev2.Request
	if err := req.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("decode remote write 2.0: %w: %w", err, plait.ErrInvalid)
	}
	if len(req.Symbols) > 0 && req.Symbols[0] != "" {
		return nil, fmt.Errorf("decode remote write 2.0: the first symbol must be empty: %w", plait.ErrInvalid)
	}
	d := &decoder{Collector: series.NewCollector(len(req.Timeseries))}
	builder := labels.NewScratchBuilder(16)
	for i := range req.Timeseries {
		d.addV2(&req.Timeseries[i], &builder, req.Symbols)
	}
	return d.metrics(), nil
}

func (d *decoder) addV2(ts *writev2.TimeSeries, builder *labels.ScratchBuilder, symbols []string) {
	points := len(ts.Samples) + len(ts.Histograms)
	ls, err := ts.ToLabels(builder, symbols)
	if err != nil {
		d.refuse(points, fmt.Errorf("%w: %w", err, plait.ErrInvalid))
		return
	}
	s := source{
		labels:     ls,
		samples:    make([]plait.Sample, len(ts.Samples)),
		histograms: each(ts.Histograms, histogramV2),
		exemplars: each(ts.Exemplars, func(e *writev2.Exemplar) (exemplar.Exemplar, error) {
			return e.ToExemplar(builder, symbols)
		}),
	}
	for i, p := range ts.Samples {
		s.samples[i] = plait.Sample{TimeMillis: p.Timestamp, StartMillis: p.StartTimestamp, Value: p.Value}
	}
	d.add(points, s)
	if m, ok := metadataV2(ts, ls.Get(plait.NameLabel), symbols); ok {
		d.AddMetadata(m)
	}
}

// metadataV2 returns what a series tells of its family, if it tells anything.
func metadataV2(ts *writev2.TimeSeries, name string, symbols []string) (plait.MetricMetadata, bool) {
	m, err := ts.ToMetadata(symbols)
	if err != nil || m.Help == "" && m.Type == "unknown" && m.Unit == "" {
		return plait.MetricMetadata{}, false
	}
	return plait.MetricMetadata{
		Metric: family(name, plait.MetricType(m.Type)), Type: plait.MetricType(m.Type), Help: m.Help, Unit: m.Unit,
	}, true
}

func histogramV2(h *writev2.Histogram) (plait.HistogramSample, error) {
	if h.IsFloatHistogram() {
		return series.FloatHistogram(h.StartTimestamp, h.Timestamp, h.ToFloatHistogram())
	}
	return series.IntHistogram(h.StartTimestamp, h.Timestamp, h.ToIntHistogram())
}

// family cuts off what the series of a histogram or summary have behind its name.
func family(name string, t plait.MetricType) string {
	switch t {
	case plait.MetricHistogram, plait.MetricGaugeHistogram, plait.MetricSummary:
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if rest, ok := strings.CutSuffix(name, suffix); ok && rest != "" {
				return rest
			}
		}
	}
	return name
}
