package exemplars

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// lateWrite is a request to write. It can be cut where a family ends.
type lateWrite struct {
	metrics *plait.Metrics
	ends    []lateEnd
}

// lateEnd is how much of a request there is up to the end of a family.
type lateEnd struct{ series, increments int }

func newLateWrite(series []plait.SeriesData, increments []plait.Increment, ends []lateEnd) lateWrite {
	m := &plait.Metrics{Series: series, Increments: increments, Metadata: derivedMetadata(), Derived: true}
	_, _ = rand.Read(m.Digest[:]) // it never fails
	return lateWrite{m, ends}
}

// halves cuts a request of some families in two.
func (w lateWrite) halves() []lateWrite {
	half := len(w.ends) / 2
	cut := w.ends[half-1]
	var rest []lateEnd
	for _, e := range w.ends[half:] {
		rest = append(rest, lateEnd{e.series - cut.series, e.increments - cut.increments})
	}
	m := w.metrics
	return []lateWrite{
		newLateWrite(m.Series[:cut.series], m.Increments[:cut.increments], w.ends[:half]),
		newLateWrite(m.Series[cut.series:], m.Increments[cut.increments:], rest),
	}
}

// flushLate writes what came late. What could not be written is written the next time, under the digest that it had, so that it
// counts once even where the answer of a commit was lost. What is refused for its content is written in halves, so that it stays
// alone.
func (g *Generator) flushLate(ctx context.Context) {
	if len(g.unsent) == 0 {
		g.unsent = g.takeLate()
	}
	for len(g.unsent) > 0 {
		w := g.unsent[0]
		_, err := g.config.Writer.WriteMetrics(ctx, w.metrics)
		refused := errors.Is(err, plait.ErrInvalid) || errors.Is(err, plait.ErrTooLarge)
		switch {
		case err == nil:
			g.unsent = g.unsent[1:]
		case refused && len(w.ends) > 1:
			g.unsent = slices.Concat(w.halves(), g.unsent[1:])
		case refused:
			g.unsent = g.unsent[1:]
			g.failedLate(ctx, slog.LevelError, "metrics of late spans cannot be written", w, err)
		default:
			g.failedLate(ctx, slog.LevelWarn, "metrics of late spans were not written, the next interval makes up for it", w, err)
			return
		}
	}
}

// tellUncounted logs at the end which late spans are in no series.
func (g *Generator) tellUncounted(ctx context.Context) {
	g.mu.Lock()
	spans := g.counts.late
	g.mu.Unlock()
	unsent := 0
	for _, w := range g.unsent {
		unsent += len(w.metrics.Increments)
	}
	if spans > 0 || unsent > 0 {
		g.config.Logger.WarnContext(ctx, "some late spans are stored and in no series", "spans_beyond_what_could_wait", spans, "increments_not_written", unsent)
	}
}

func (g *Generator) failedLate(ctx context.Context, level slog.Level, message string, w lateWrite, err error) {
	g.config.Logger.Log(ctx, level, message, "increments", len(w.metrics.Increments), "error", err)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.counts.failures++
}

// takeLate takes what was counted, as requests to write.
func (g *Generator) takeLate() (all []lateWrite) {
	g.mu.Lock()
	l := g.past.late
	cells, examples := l.cells, l.examples
	l.cells, l.examples = map[lateKey]*plait.Increment{}, map[exampleKey]exemplar{}
	g.mu.Unlock()

	exampled := map[lateFamily][]keyedExemplar{}
	for key, e := range examples {
		of := lateFamily{key.series, key.family}
		exampled[of] = append(exampled[of], keyedExemplar{key.bucket, e})
	}
	families := map[lateFamily][]*plait.Increment{}
	for key, inc := range cells {
		of := lateFamily{key.series, key.family}
		families[of] = append(families[of], inc)
	}
	var series []plait.SeriesData
	var counted []plait.Increment
	var ends []lateEnd
	send := func() {
		if len(ends) > 0 {
			all = append(all, newLateWrite(series, counted, ends))
		}
		series, counted, ends = nil, nil, nil
	}
	for _, of := range slices.SortedFunc(maps.Keys(families), compareFamilies) {
		labels := of.named("", "")
		for _, inc := range families[of] {
			inc.Labels = labels
			counted = append(counted, *inc)
		}
		series = append(series, g.seriesOf(of, labels, exampled[of])...)
		ends = append(ends, lateEnd{len(series), len(counted)})
		if len(series) >= maxBatch || len(counted) >= maxIncrements {
			send()
		}
	}
	send()
	return all
}

// maxIncrements is how many increments a write has, about.
const maxIncrements = 20_000

// lateFamily is a family of series.
type lateFamily struct {
	series *lateSeries
	family *family
}

// keyedExemplar is an exemplar with its bucket.
type keyedExemplar struct {
	bucket int
	exemplar
}

func compareFamilies(a, b lateFamily) int {
	return cmp.Or(
		slices.CompareFunc(a.series.labels, b.series.labels, func(a, b plait.Label) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
		}),
		strings.Compare(a.family.name, b.family.name))
}

// seriesOf are the series of a family, with their exemplars. They have no samples.
func (g *Generator) seriesOf(of lateFamily, labels plait.Labels, examples []keyedExemplar) []plait.SeriesData {
	all := []plait.SeriesData{{Labels: labels}}
	if of.family.kind != plait.MetricHistogram {
		return all
	}
	all = append(all, plait.SeriesData{Labels: of.named("_sum", "")}, plait.SeriesData{Labels: of.named("_count", "")})
	slices.SortFunc(examples, func(a, b keyedExemplar) int { return cmp.Compare(a.atNanos, b.atNanos) })
	for bucket := range len(g.bounds.nanos) + 1 {
		s := plait.SeriesData{Labels: of.named("_bucket", spanmetrics.BucketLabel(g.bounds.upper(bucket)))}
		for _, e := range examples {
			if e.bucket == bucket {
				s.Exemplars = append(s.Exemplars, plait.Exemplar{TimeNanos: e.atNanos, Value: e.seconds, TraceID: e.trace, SpanID: e.span})
			}
		}
		all = append(all, s)
	}
	return all
}

// named are the labels of a series of the family.
func (of lateFamily) named(suffix, le string) plait.Labels {
	labels := append(make(plait.Labels, 0, len(of.series.labels)+2), plait.Label{Name: plait.NameLabel, Value: of.family.name + suffix})
	if le != "" {
		labels = append(labels, plait.Label{Name: "le", Value: le})
	}
	labels = append(labels, of.series.labels...)
	slices.SortFunc(labels, func(a, b plait.Label) int { return cmp.Compare(a.Name, b.Name) })
	return labels
}
