package exemplars

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// family is one metric name with its meaning.
type family struct {
	name string
	help string
	kind plait.MetricType
	unit string
	desc *prometheus.Desc
}

func newFamily(name, help string, kind plait.MetricType, unit string, labels ...string) family {
	return family{name: name, help: help, kind: kind, unit: unit, desc: prometheus.NewDesc(name, help, labels, nil)}
}

var (
	callLabels = []string{spanmetrics.LabelService, spanmetrics.LabelSpanKind, spanmetrics.LabelSpanName, spanmetrics.LabelStatusCode}
	edgeLabels = []string{spanmetrics.LabelClient, spanmetrics.LabelConnectionType, spanmetrics.LabelServer}

	callsFamily = newFamily(spanmetrics.CallsTotal,
		"Spans by service, operation, kind and status.", plait.MetricCounter, "", callLabels...)
	latencyFamily = newFamily(spanmetrics.Latency,
		"Duration of spans in seconds.", plait.MetricHistogram, "", callLabels...)
	requestsFamily = newFamily(spanmetrics.RequestTotal,
		"Calls between services.", plait.MetricCounter, "", edgeLabels...)
	failedFamily = newFamily(spanmetrics.FailedTotal,
		"Calls between services that failed on either side.", plait.MetricCounter, "", edgeLabels...)
	serverFamily = newFamily(spanmetrics.ServerSeconds,
		"Duration of calls between services as the server measured it.", plait.MetricHistogram, "seconds", edgeLabels...)
	clientFamily = newFamily(spanmetrics.ClientSeconds,
		"Duration of calls between services as the client measured it.", plait.MetricHistogram, "seconds", edgeLabels...)

	derivedFamilies = []*family{&callsFamily, &latencyFamily, &requestsFamily, &failedFamily, &serverFamily, &clientFamily}

	foldedDesc = prometheus.NewDesc("plait_exemplars_folded_spans_total",
		"Spans and calls that were counted under the label value \"other\" because there are too many series.", nil, nil)
	outsideDesc = prometheus.NewDesc("plait_exemplars_uncounted_spans_total",
		"Spans in no histogram because they ended in the future, or came late faster than they are written.", []string{"reason"}, nil)
	pastDesc = prometheus.NewDesc("plait_exemplars_late_spans_total",
		"Spans that ended more than an hour before they came, counted at their own time.", nil, nil)
	unpairedDesc = prometheus.NewDesc("plait_exemplars_unpaired_spans_total",
		"Ends of calls whose other end did not come in time.", nil, nil)
	pendingDesc = prometheus.NewDesc("plait_exemplars_pending_spans",
		"Ends of calls that wait for the other one.", nil, nil)
	failuresDesc = prometheus.NewDesc("plait_exemplars_write_failures_total",
		"Writes of the derived series that failed and are made up for by the next.", nil, nil)
)

// Describe implements prometheus.Collector.
func (g *Generator) Describe(out chan<- *prometheus.Desc) {
	for _, f := range derivedFamilies {
		out <- f.desc
	}
	for _, d := range []*prometheus.Desc{foldedDesc, pastDesc, outsideDesc, unpairedDesc, pendingDesc, failuresDesc} {
		out <- d
	}
}

// locked is how many series are read before others get the lock.
const locked = 64

// Collect implements prometheus.Collector.
func (g *Generator) Collect(out chan<- prometheus.Metric) {
	now := g.config.Now()
	g.mu.Lock()
	calls, edges := entries(g.calls), entries(g.edges)
	counts, pending := g.counts, g.pairs.waiting.count+g.past.pairs.waiting.count
	g.mu.Unlock()

	for chunk := range slices.Chunk(calls, locked) {
		g.send(out, func(metrics []prometheus.Metric) []prometheus.Metric {
			for _, c := range chunk {
				metrics = g.callMetrics(metrics, c.key, c.series, now)
			}
			return metrics
		})
	}
	for chunk := range slices.Chunk(edges, locked) {
		g.send(out, func(metrics []prometheus.Metric) []prometheus.Metric {
			for _, e := range chunk {
				metrics = g.edgeMetrics(metrics, e.key, e.series, now)
			}
			return metrics
		})
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	counter(foldedDesc, counts.folded)
	counter(pastDesc, counts.past)
	counter(outsideDesc, counts.late, "late")
	counter(outsideDesc, counts.early, "future")
	counter(unpairedDesc, counts.unpaired)
	counter(failuresDesc, counts.failures)
	out <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(pending))
}

// send makes metrics under the lock and sends them without it: the receiver may be slow.
func (g *Generator) send(out chan<- prometheus.Metric, read func([]prometheus.Metric) []prometheus.Metric) {
	g.mu.Lock()
	metrics := read(make([]prometheus.Metric, 0, 4*locked))
	g.mu.Unlock()
	for _, m := range metrics {
		out <- m
	}
}

// keyed is a series with its key.
type keyed[K comparable, S any] struct {
	key    K
	series *S
}

func entries[K comparable, S any](m map[K]*S) []keyed[K, S] {
	list := make([]keyed[K, S], 0, len(m))
	for k, s := range m {
		list = append(list, keyed[K, S]{k, s})
	}
	return list
}

// metric is a metric that is made already.
type metric struct {
	desc *prometheus.Desc
	data *dto.Metric
}

// Desc implements prometheus.Metric.
func (m *metric) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric.
func (m *metric) Write(out *dto.Metric) error {
	out.Label, out.Counter, out.Histogram = m.data.Label, m.data.Counter, m.data.Histogram
	return nil
}

func (g *Generator) callMetrics(out []prometheus.Metric, key callKey, c *call, now time.Time) []prometheus.Metric {
	labels := labelPairs(callLabels, key.service, spanmetrics.KindLabel(key.kind), key.name, spanmetrics.StatusLabel(key.status))
	recent := c.latency.recent(now.Add(-maxAge).UnixNano())
	return append(out,
		counterMetric(&callsFamily, labels, c.latency.count, recent, c.made),
		g.histogramMetric(&latencyFamily, labels, &c.latency, recent, c.made))
}

func (g *Generator) edgeMetrics(out []prometheus.Metric, key spanmetrics.Edge, e *edge, now time.Time) []prometheus.Metric {
	labels := labelPairs(edgeLabels, key.Client, key.ConnectionType.String(), key.Server)
	after := now.Add(-maxAge).UnixNano()
	out = append(out,
		counterMetric(&requestsFamily, labels, e.requests, e.server.recent(after), e.made),
		counterMetric(&failedFamily, labels, e.failed, recentOf(after, e.failedExample), e.made))
	for _, side := range e.sides() {
		out = append(out, g.histogramMetric(side.family, labels, side.histogram, side.histogram.recent(after), e.made))
	}
	return out
}

// measured is a histogram of an edge with its name.
type measured struct {
	family    *family
	histogram *histogram
}

// sides returns the histograms of an edge that hold something.
func (e *edge) sides() (sides []measured) {
	if e.server.count > 0 {
		sides = append(sides, measured{&serverFamily, &e.server})
	}
	if e.client.count > 0 {
		sides = append(sides, measured{&clientFamily, &e.client})
	}
	return sides
}

func labelPairs(names []string, values ...string) []*dto.LabelPair {
	pairs := make([]*dto.LabelPair, len(names))
	for i, name := range names {
		pairs[i] = &dto.LabelPair{Name: &name, Value: &values[i]}
	}
	return pairs
}

// counterMetric makes a counter with the last of the exemplars.
func counterMetric(f *family, labels []*dto.LabelPair, v uint64, recent []exemplar, made time.Time) prometheus.Metric {
	c := &dto.Counter{Value: new(float64(v)), CreatedTimestamp: timestamppb.New(made)}
	if len(recent) > 0 {
		c.Exemplar = recent[len(recent)-1].proto(1)
	}
	return &metric{f.desc, &dto.Metric{Label: labels, Counter: c}}
}

func (g *Generator) histogramMetric(f *family, labels []*dto.LabelPair, h *histogram, recent []exemplar, made time.Time) prometheus.Metric {
	spans, deltas := h.native.spans()
	data := &dto.Histogram{
		SampleCount: new(h.count), SampleSum: new(h.sum), CreatedTimestamp: timestamppb.New(made),
		Schema: new(int32(nativeSchema)), ZeroThreshold: new(float64(nativeZero)), ZeroCount: new(h.native.zero),
		PositiveDelta: deltas,
	}
	for _, s := range spans {
		data.PositiveSpan = append(data.PositiveSpan, &dto.BucketSpan{Offset: new(s.offset), Length: new(s.length)})
	}
	for _, e := range recent {
		data.Exemplars = append(data.Exemplars, e.proto(e.seconds))
	}
	below := uint64(0)
	for i, count := range h.counts {
		below += count
		bucket := &dto.Bucket{CumulativeCount: new(below), UpperBound: new(g.bounds.upper(i))}
		if e := h.examples[i]; slices.Contains(recent, e) {
			bucket.Exemplar = e.proto(e.seconds)
		}
		data.Bucket = append(data.Bucket, bucket)
	}
	return &metric{f.desc, &dto.Metric{Label: labels, Histogram: data}}
}

// upper returns the upper bound of a classic bucket.
func (b *bounds) upper(i int) float64 {
	if i < len(b.seconds) {
		return b.seconds[i]
	}
	return math.Inf(1)
}

// proto writes the exemplar with a value of the metric that it stands at.
func (x *exemplar) proto(value float64) *dto.Exemplar {
	return &dto.Exemplar{
		Label:     labelPairs([]string{"span_id", "trace_id"}, x.span.String(), x.trace.String()),
		Value:     &value,
		Timestamp: timestamppb.New(time.Unix(0, x.atNanos)),
	}
}
