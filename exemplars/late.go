package exemplars

import (
	"cmp"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

// Spans that come late are counted in the step of time in which they ended, as increments, which add up in whatever order
// they come (plait.Increment). Their series have the label plait.ArrivalLabel, so nothing of them is in a counter of today.

// late is what was counted since it was written last.
type late struct {
	bounds   *bounds
	cells    map[lateKey]*plait.Increment
	examples map[exampleKey]exemplar // the slowest of each minute and bucket
	wake     chan struct{}           // asks for a write before its time
}

// lateSeries are the series of one operation or edge, by the labels that they have beside their name.
type lateSeries struct{ labels plait.Labels }

type lateKey struct {
	series *lateSeries
	family *family
	step   int64
}

type exampleKey struct {
	series *lateSeries
	family *family
	minute int64
	bucket int
}

// An increment takes some 250 bytes until it is written, and an exemplar 150. Many are written before the interval is over;
// when more come than are written, spans are left out.
const (
	manyLate = 20_000
	maxLate  = 100_000
)

func newLate(b *bounds) *late {
	return &late{bounds: b, cells: map[lateKey]*plait.Increment{}, examples: map[exampleKey]exemplar{}, wake: make(chan struct{}, 1)}
}

// newLateSeries makes the labels of series. Gateways add to the same ones, so what tells gateways apart is no part of them.
func newLateSeries(labels plait.Labels) *lateSeries {
	labels = append(labels, plait.Label{Name: plait.ArrivalLabel, Value: plait.ArrivalLate})
	slices.SortFunc(labels, func(a, b plait.Label) int { return cmp.Compare(a.Name, b.Name) })
	return &lateSeries{labels}
}

// takesLate says whether there is room for a late span, and somebody who writes it.
func (g *Generator) takesLate() bool {
	return g.config.Writer != nil && g.past.late.kept() < maxLate
}

// kept is how much waits to be written.
func (l *late) kept() int { return len(l.cells) + len(l.examples) }

// span counts a span.
func (l *late) span(s *lateSeries, o *observation) {
	step := plait.StepOf(o.example.atNanos)
	l.count(lateKey{s, &callsFamily, step}, o.adjusted)
	l.measure(lateKey{s, &latencyFamily, step}, o, o.adjusted)
}

// call counts a call, where it was answered. One of its sides may be nil.
func (l *late) call(s *lateSeries, client, server *side) {
	seen := server
	if seen == nil {
		seen = client // whose view of the server is the only one there is
	}
	step := plait.StepOf(seen.observed.example.atNanos)
	n, failures := adjusted(client, server), int64(0)
	if failed(client, server) {
		failures = n
	}
	l.count(lateKey{s, &requestsFamily, step}, n)
	l.count(lateKey{s, &failedFamily, step}, failures)
	l.measure(lateKey{s, &serverFamily, step}, &seen.observed, n)
	if client != nil {
		l.measure(lateKey{s, &clientFamily, step}, &client.observed, n)
	}
}

func (l *late) count(key lateKey, n int64) { l.cell(key).Count += n }

// measure counts what stands for n spans.
func (l *late) measure(key lateKey, o *observation, n int64) {
	bucket := l.bounds.bucket(o.nanos)
	more := plait.Increment{Count: n, Sum: o.seconds * float64(n), Bounded: []plait.BoundCount{{Upper: l.bounds.upper(bucket), Count: n}}}
	if index, some := nativeIndex(o.seconds); some {
		more.Exponential = []plait.ExponentialCount{{Index: index, Count: n}}
	} else {
		more.Zero = n
	}
	l.cell(key).Add(&more)
	at := exampleKey{key.series, key.family, o.example.atNanos / int64(time.Minute), bucket}
	if e, ok := l.examples[at]; !ok || o.seconds > e.seconds {
		l.examples[at] = o.example
	}
	l.hurry()
}

func (l *late) cell(key lateKey) *plait.Increment {
	c := l.cells[key]
	if c == nil {
		c = &plait.Increment{Step: key.step}
		l.cells[key] = c
	}
	return c
}

// hurry asks for a write where much waits.
func (l *late) hurry() {
	if l.kept() < manyLate {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default: // it is asked for already
	}
}

// endLate gives up the ends of late calls whose other end did not come.
func (g *Generator) endLate(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.past.expirePairs(now.Add(g.config.PairWait))
}
