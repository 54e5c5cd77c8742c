// Package remotewrite decodes Prometheus remote write requests, version 1.0
// (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request), into the vocabulary. The
// door in ingest calls it with bodies that are decompressed already. What is wrong with one
// series or sample is refused by itself.
//
// https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
package remotewrite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
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
	series.Ledger
	ctx     context.Context
	memory  *Memory
	refused series.Refusals
	steps   int
	// transient is the most that the reading of one series took.
	transient int
}

func newDecoder(ctx context.Context, memory *Memory, claim func(int64) error) *decoder {
	return &decoder{Collector: series.NewCollector(0), Ledger: series.Ledger{Claim: claim}, ctx: ctx, memory: memory}
}

// prepare looks at a series that Prometheus's types shall read: it refuses histograms that are too
// large, asks for the memory, and ends the decoding for a sender that has left.
func (d *decoder) prepare(raw []byte, l layout) ([]byte, error) {
	if d.steps++; d.steps%256 == 0 {
		if err := d.ctx.Err(); err != nil {
			return nil, fmt.Errorf("decode remote write: %w", err)
		}
	}
	s := sift(raw, l)
	d.refuse(s.refused, s.reason)
	more := max(0, s.kept-sampleKept) // a sample is in seriesMemory
	if s.transient > d.transient {    // the memory of one serves the next
		more += s.transient - d.transient
		d.transient = s.transient
	}
	return s.raw, d.Take(more)
}

// failed is the error of a request whose series could not be read.
func (d *decoder) failed(v Version, number int, err error) error {
	if errors.Is(err, plait.ErrTooLarge) || errors.Is(err, plait.ErrOverloaded) || d.ctx.Err() != nil {
		return err
	}
	return malformed(v, number, err)
}

func (d *decoder) refuse(count int, err error) {
	if count > 0 {
		d.refused.Add(count, err.Error())
	}
}

func (d *decoder) metrics() *plait.Metrics {
	m := d.Metrics()
	m.Refused = d.refused.List()
	return m
}

// addMetadata notes what a metric family means, and tells of a name that is too long for one.
func (d *decoder) addMetadata(m plait.MetricMetadata) {
	if len(m.Metric) > series.MaxNameBytes {
		d.refused.Add(0, fmt.Sprintf("metadata: the name %.64q of a metric has %d bytes, more than %d", m.Metric, len(m.Metric), series.MaxNameBytes))
	}
	d.AddMetadata(m)
}

// clash says whether an earlier sample of the request has the same series and time and another value,
// and refuses the sample at hand if so.
func (d *decoder) clash(id int64, ls plait.Labels, millis int64, value uint64) bool {
	differs := d.memory.clashes.Add(id, millis, value)
	if differs {
		d.refuse(1, plait.Errorf(plait.ErrInvalid, "series %s has two values at %d ms", series.Text(ls, 200), millis))
	}
	return differs
}

// addKnown takes the samples of a series whose name is known, which are the last of all from an index on.
func (d *decoder) addKnown(name *series.Name, all []plait.Sample, from int) []plait.Sample {
	kept := all[:from]
	for _, p := range all[from:] {
		if !d.clash(name.ID, name.Labels, p.TimeMillis, math.Float64bits(p.Value)) {
			kept = append(kept, p)
		}
	}
	m := d.Metrics()
	m.Series = append(m.Series, plait.SeriesData{ID: name.ID, Labels: name.Labels, Samples: kept[from:len(kept):len(kept)]})
	return kept
}

// add takes one series. points is the number of its samples and histograms.
func (d *decoder) add(points int, s source) {
	into, err := d.Series(s.labels)
	if err != nil {
		d.refuse(points, err)
		return
	}
	id, last := into.Labels.ID(), int64(0)
	bad := func(err error) { d.refuse(1, fmt.Errorf("%s: %w", series.Text(into.Labels, 300), err)) }
	for _, p := range s.samples {
		if err := series.CheckTime(p.TimeMillis); err != nil {
			bad(err)
			continue
		}
		if !d.clash(id, into.Labels, p.TimeMillis, math.Float64bits(p.Value)) {
			d.AddSample(into, p)
		}
	}
	if n := len(s.samples); n > 0 {
		last = s.samples[n-1].TimeMillis
	}
	for h, err := range s.histograms {
		if err == nil {
			err = series.CheckTime(h.TimeMillis)
		}
		if err != nil {
			bad(err)
			continue
		}
		if d.clash(id, into.Labels, h.TimeMillis, series.HashHistogram(h)) {
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
			bad(err)
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

func (d *decoder) addV2(ts *writev2.TimeSeries, builder *labels.ScratchBuilder, symbols []string) {
	points := len(ts.Samples) + len(ts.Histograms)
	ls, err := ts.ToLabels(builder, symbols)
	if err != nil {
		d.refuse(points, plait.OfKind(plait.ErrInvalid, err))
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
		d.addMetadata(m)
	}
}

// metadataV2 returns what a series tells of its family, if it tells anything.
func metadataV2(ts *writev2.TimeSeries, name string, symbols []string) (plait.MetricMetadata, bool) {
	m, err := ts.ToMetadata(symbols)
	if err != nil || m.Help == "" && m.Type == "unknown" && m.Unit == "" {
		return plait.MetricMetadata{}, false
	}
	return series.Clip(plait.MetricMetadata{
		Metric: family(name, plait.MetricType(m.Type)), Type: plait.MetricType(m.Type), Help: m.Help, Unit: m.Unit,
	}), true
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
