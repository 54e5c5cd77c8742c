package exemplars

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// written is what the Writer has of a series.
type written struct {
	began bool   // it was told of the zero with which the series began
	count uint64 // of spans at the last write
	at    time.Time
}

// heartbeat is the time after which a series is written though nothing changed: PromQL takes
// a series for gone after five minutes.
const heartbeat = time.Minute

// due says whether there is something to write.
func (w *written) due(count uint64, now time.Time) bool {
	return !w.began || count != w.count || now.Sub(w.at) >= heartbeat
}

// maxBatch is about how many series go into one write.
const maxBatch = 5000

// batch is what goes into one write, and what is to be noted once it is committed.
type batch struct {
	metrics plait.Metrics
	now     time.Time
	bounds  *bounds
	labels  plait.Labels // added to each series
	done    []func()
}

// flush writes all series that are due. A failure is logged and leaves everything due.
func (g *Generator) flush(ctx context.Context, now time.Time) {
	if g.config.Writer == nil {
		return
	}
	for b := range g.batches(now) {
		if _, err := g.config.Writer.WriteMetrics(ctx, &b.metrics); err != nil {
			g.config.Logger.WarnContext(ctx, "span metrics were not written, the next interval makes up for it", "series", len(b.metrics.Series), "error", err)
			g.mu.Lock()
			g.counts.failures++
			g.mu.Unlock()
			return
		}
		g.mu.Lock()
		for _, note := range b.done {
			note()
		}
		g.mu.Unlock()
	}
}

// batches yields what is due. The lock is held for some series at a time and not while the
// caller writes.
func (g *Generator) batches(now time.Time) func(yield func(*batch) bool) {
	return func(yield func(*batch) bool) {
		g.mu.Lock()
		calls, edges := entries(g.calls), entries(g.edges)
		g.mu.Unlock()
		b := g.newBatch(now)
		full := func() bool {
			if len(b.metrics.Series) < maxBatch {
				return true
			}
			ok := yield(b)
			b = g.newBatch(now)
			return ok
		}
		for chunk := range slices.Chunk(calls, locked) {
			g.mu.Lock()
			for _, c := range chunk {
				b.addCall(c.key, c.series)
			}
			g.mu.Unlock()
			if !full() {
				return
			}
		}
		for chunk := range slices.Chunk(edges, locked) {
			g.mu.Lock()
			for _, e := range chunk {
				b.addEdge(e.key, e.series)
			}
			g.mu.Unlock()
			if !full() {
				return
			}
		}
		if len(b.metrics.Series) > 0 {
			yield(b)
		}
	}
}

func (g *Generator) newBatch(now time.Time) *batch {
	b := &batch{now: now, bounds: &g.bounds, labels: g.config.Labels}
	for _, f := range derivedFamilies {
		b.metrics.Metadata = append(b.metrics.Metadata, plait.MetricMetadata{Metric: f.name, Type: f.kind, Help: f.help, Unit: f.unit})
	}
	return b
}

func (b *batch) addCall(key callKey, c *call) {
	count := c.latency.count
	if !c.written.due(count, b.now) {
		return
	}
	s := b.series(c.made, c.written.began,
		plait.Label{Name: spanmetrics.LabelService, Value: key.service}, plait.Label{Name: spanmetrics.LabelSpanKind, Value: spanmetrics.KindLabel(key.kind)},
		plait.Label{Name: spanmetrics.LabelSpanName, Value: key.name}, plait.Label{Name: spanmetrics.LabelStatusCode, Value: spanmetrics.StatusLabel(key.status)})
	s.sample(callsFamily.name, "", float64(count))
	s.histogram(latencyFamily.name, &c.latency)
	b.note(&c.written, count)
}

func (b *batch) addEdge(key spanmetrics.Edge, e *edge) {
	if !e.written.due(e.requests, b.now) {
		return
	}
	s := b.series(e.made, e.written.began,
		plait.Label{Name: spanmetrics.LabelClient, Value: key.Client}, plait.Label{Name: spanmetrics.LabelConnectionType, Value: key.ConnectionType.String()},
		plait.Label{Name: spanmetrics.LabelServer, Value: key.Server})
	s.sample(requestsFamily.name, "", float64(e.requests))
	s.sample(failedFamily.name, "", float64(e.failed))
	for _, side := range e.sides() {
		s.histogram(side.family.name, side.histogram)
	}
	b.note(&e.written, e.requests)
}

// note remembers, after the commit, what was written.
func (b *batch) note(w *written, count uint64) {
	b.done = append(b.done, func() { *w = written{began: true, count: count, at: b.now} })
}

// writer adds the series of one set of labels to a batch.
type writer struct {
	*batch
	labels      plait.Labels
	startMillis int64
	nowMillis   int64
	began       bool
}

func (b *batch) series(made time.Time, began bool, labels ...plait.Label) *writer {
	w := &writer{batch: b, startMillis: made.UnixMilli() - 1, nowMillis: b.now.UnixMilli(), began: began}
	w.labels = slices.DeleteFunc(append(labels, b.labels...), func(l plait.Label) bool { return l.Value == "" })
	return w
}

// add appends a series and returns it. The zero with which it began comes first, once, so that the
// first spans count as an increase.
func (w *writer) add(name, le string) *plait.SeriesData {
	labels := append(make(plait.Labels, 0, len(w.labels)+2), plait.Label{Name: "__name__", Value: name})
	labels = append(labels, w.labels...)
	if le != "" {
		labels = append(labels, plait.Label{Name: "le", Value: le})
	}
	slices.SortFunc(labels, func(a, b plait.Label) int { return cmp.Compare(a.Name, b.Name) })
	w.metrics.Series = append(w.metrics.Series, plait.SeriesData{Labels: labels})
	return &w.metrics.Series[len(w.metrics.Series)-1]
}

func (w *writer) sample(name, le string, v float64) *plait.SeriesData {
	s := w.add(name, le)
	if !w.began {
		s.Samples = append(s.Samples, plait.Sample{TimeMillis: w.startMillis, StartMillis: w.startMillis})
	}
	s.Samples = append(s.Samples, plait.Sample{TimeMillis: w.nowMillis, StartMillis: w.startMillis, Value: v})
	return s
}

// histogram writes the classic series, with the exemplars at their buckets, and the native one.
func (w *writer) histogram(name string, h *histogram) {
	below := uint64(0)
	for i, count := range h.counts {
		below += count
		s := w.sample(name+"_bucket", spanmetrics.BucketLabel(w.bounds.upper(i)), float64(below))
		if e := &h.examples[i]; !e.trace.IsZero() && !e.written {
			s.Exemplars = append(s.Exemplars, plait.Exemplar{TimeNanos: e.atNanos, Value: e.seconds, TraceID: e.trace, SpanID: e.span})
			w.noteExemplar(e)
		}
	}
	w.sample(name+"_sum", "", h.sum)
	w.sample(name+"_count", "", float64(h.count))
	w.native(name, h)
}

// noteExemplar remembers, after the commit, that an exemplar was written, unless another one has
// taken its place.
func (w *writer) noteExemplar(e *exemplar) {
	sent := *e
	w.done = append(w.done, func() {
		if *e == sent {
			e.written = true
		}
	})
}

func (w *writer) native(name string, h *histogram) {
	s := w.add(name, "")
	if !w.began {
		s.Histograms = append(s.Histograms, w.encode(w.startMillis, &histogram{}))
	}
	s.Histograms = append(s.Histograms, w.encode(w.nowMillis, h))
}

func (w *writer) encode(millis int64, h *histogram) plait.HistogramSample {
	message := writev2.Histogram{
		Count: &writev2.Histogram_CountInt{CountInt: h.count}, Sum: h.sum,
		Schema: nativeSchema, ZeroThreshold: nativeZero,
		ZeroCount: &writev2.Histogram_ZeroCountInt{ZeroCountInt: h.native.zero},
	}
	spans, deltas := h.native.spans()
	message.PositiveDeltas = deltas
	for _, s := range spans {
		message.PositiveSpans = append(message.PositiveSpans, writev2.BucketSpan{Offset: s.offset, Length: s.length})
	}
	encoded, err := message.Marshal()
	if err != nil {
		panic(fmt.Sprintf("encode native histogram: %v", err)) // it has no way to fail
	}
	return plait.HistogramSample{TimeMillis: millis, StartMillis: w.startMillis, Encoded: encoded}
}
