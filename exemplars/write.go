package exemplars

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// Series are written at every interval for as long as they live, changed or not, so that rate has two
// samples in any window of two intervals. Before the first stands a zero, an interval before the
// series began, so that its first spans count as an increase; but not before this generator did,
// since what another one wrote until then is a counter that was reset.

// written is what the Writer has of a series.
type written struct {
	began bool // it was told of the zero with which the series began
}

// A write has about so many series and bytes.
const (
	maxBatch      = 5000
	maxBatchBytes = 2 << 20
)

// batch is what goes into one write.
type batch struct {
	metrics plait.Metrics
	bytes   int
	now     time.Time
	zero    func(made time.Time) time.Time
	bounds  *bounds
	labels  plait.Labels // added to each series
	parts   []part
}

// part is the series of one set of labels in a batch.
type part struct {
	series int      // where they end in metrics.Series
	done   []func() // notes that they are committed
}

func (b *batch) full() bool { return len(b.metrics.Series) >= maxBatch || b.bytes >= maxBatchBytes }

// flush writes all series that are alive. A failure is logged, and the next interval tells what this
// one did not.
func (g *Generator) flush(ctx context.Context, now time.Time) {
	if g.config.Writer == nil {
		return
	}
	for b := range g.batches(now) {
		if !g.write(ctx, b.metrics, b.parts) {
			return
		}
	}
}

// write writes parts of a batch. What the Writer refuses for its content it gets again in halves, so
// that one bad series keeps no others from being written. It says whether to go on with others.
func (g *Generator) write(ctx context.Context, m plait.Metrics, parts []part) bool {
	_, err := g.config.Writer.WriteMetrics(ctx, &m)
	if err == nil {
		g.mu.Lock()
		for _, p := range parts {
			for _, note := range p.done {
				note()
			}
		}
		g.mu.Unlock()
		return true
	}
	content := errors.Is(err, plait.ErrInvalid) || errors.Is(err, plait.ErrTooLarge)
	if content && len(parts) > 1 {
		half := len(parts) / 2
		cut := parts[half-1].series - (parts[len(parts)-1].series - len(m.Series))
		first, second := m, m
		first.Series, second.Series = m.Series[:cut], m.Series[cut:]
		return g.write(ctx, first, parts[:half]) && g.write(ctx, second, parts[half:])
	}
	g.config.Logger.WarnContext(ctx, "span metrics were not written, the next interval makes up for it", "series", len(m.Series), "error", err)
	g.mu.Lock()
	g.counts.failures++
	g.mu.Unlock()
	// A database that is away or busy is so for the rest, too.
	return ctx.Err() == nil && !errors.Is(err, plait.ErrUnavailable) && !errors.Is(err, plait.ErrOverloaded)
}

// batches yields what is alive. The lock is held for some series at a time and not while the
// caller writes.
func (g *Generator) batches(now time.Time) func(yield func(*batch) bool) {
	return func(yield func(*batch) bool) {
		g.mu.Lock()
		calls, edges := entries(g.calls), entries(g.edges)
		g.mu.Unlock()
		b := g.newBatch(now)
		send := func() bool {
			if !b.full() {
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
			if !send() {
				return
			}
		}
		for chunk := range slices.Chunk(edges, locked) {
			g.mu.Lock()
			for _, e := range chunk {
				b.addEdge(e.key, e.series)
			}
			g.mu.Unlock()
			if !send() {
				return
			}
		}
		if len(b.metrics.Series) > 0 {
			yield(b)
		}
	}
}

// zero is when a series was zero that was made at a time.
func (g *Generator) zero(made time.Time) time.Time {
	if zero := made.Add(-g.config.Interval); zero.After(g.started) {
		return zero
	}
	return g.started
}

func (g *Generator) newBatch(now time.Time) *batch {
	b := &batch{now: now, zero: g.zero, bounds: &g.bounds, labels: g.config.Labels}
	b.metrics.Metadata, b.metrics.Derived = derivedMetadata(), true
	return b
}

func derivedMetadata() (all []plait.MetricMetadata) {
	for _, f := range derivedFamilies {
		all = append(all, plait.MetricMetadata{Metric: f.name, Type: f.kind, Help: f.help, Unit: f.unit})
	}
	return all
}

func (b *batch) addCall(key callKey, c *call) {
	count := c.latency.count
	s := b.series(c.made, c.written.began, key.labels()...)
	s.sample(callsFamily.name, "", float64(count))
	s.histogram(latencyFamily.name, &c.latency)
	s.end(&c.written)
}

func (b *batch) addEdge(key spanmetrics.Edge, e *edge) {
	s := b.series(e.made, e.written.began, edgeLabelsOf(key)...)
	s.sample(requestsFamily.name, "", float64(e.requests))
	s.sample(failedFamily.name, "", float64(e.failed))
	for _, side := range e.sides() {
		s.histogram(side.family.name, side.histogram)
	}
	s.end(&e.written)
}

// writer adds the series of one set of labels to a batch.
type writer struct {
	*batch
	labels      plait.Labels
	startMillis int64
	nowMillis   int64
	began       bool
	done        []func()
}

// end closes the part of the batch that these series are.
func (w *writer) end(as *written) {
	w.done = append(w.done, func() { as.began = true })
	w.parts = append(w.parts, part{series: len(w.metrics.Series), done: w.done})
}

func (b *batch) series(made time.Time, began bool, labels ...plait.Label) *writer {
	w := &writer{batch: b, startMillis: b.zero(made).UnixMilli(), nowMillis: b.now.UnixMilli(), began: began}
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
	for _, l := range labels {
		w.bytes += len(l.Name) + len(l.Value)
	}
	w.bytes += seriesBytes
	w.metrics.Series = append(w.metrics.Series, plait.SeriesData{Labels: labels})
	return &w.metrics.Series[len(w.metrics.Series)-1]
}

// seriesBytes is what a series takes in a write besides its labels.
const seriesBytes = 100

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
	w.bytes += message.Size()
	encoded, err := message.Marshal()
	if err != nil {
		panic(fmt.Sprintf("encode native histogram: %v", err)) // it has no way to fail
	}
	return plait.HistogramSample{TimeMillis: millis, StartMillis: w.startMillis, Encoded: encoded}
}
