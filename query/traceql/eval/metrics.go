package eval

import (
	"math"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// Limits bound what a metrics query may keep. Zero fields are DefaultLimits'.
type Limits struct {
	Series  int   // of a query
	Bytes   int64 // of all that is kept
	Samples int   // of a series
}

// DefaultLimits fit what a browser can draw.
var DefaultLimits = Limits{Series: 10_000, Bytes: 128 << 20, Samples: 11_000}

func (l Limits) orDefault() Limits {
	if l.Series == 0 {
		l.Series = DefaultLimits.Series
	}
	if l.Bytes == 0 {
		l.Bytes = DefaultLimits.Bytes
	}
	if l.Samples == 0 {
		l.Samples = DefaultLimits.Samples
	}
	return l
}

// Window is the time of a metrics query, cut into steps of one length. A sample at t is about the spans that
// start in the step that ends with t: later than t less the step, and not later than t.
type Window struct {
	FirstNanos int64 // of the first sample
	StepNanos  int64
	Samples    int
}

// RangeWindow covers a range with whole steps: samples stand at multiples of the step, from the last not after
// the start to the first not before the end.
func RangeWindow(startNanos, endNanos, stepNanos int64) (Window, error) {
	if stepNanos <= 0 || endNanos < startNanos {
		return Window{}, plait.Errorf(plait.ErrInvalid, "the range ends before it starts, or its step is not above 0")
	}
	first := floor(startNanos, stepNanos)
	last := floor(endNanos, stepNanos)
	if last < endNanos && last <= math.MaxInt64-stepNanos {
		last += stepNanos
	}
	// as unsigned numbers, since a range may be longer than half of all times
	samples := uint64(last-first)/uint64(stepNanos) + 1
	if samples > math.MaxInt32 || first < math.MinInt64+stepNanos {
		return Window{}, plait.Errorf(plait.ErrInvalid, "the step is too short for the range: there would be %d samples", samples)
	}
	return Window{FirstNanos: first, StepNanos: stepNanos, Samples: int(samples)}, nil
}

// InstantWindow is one sample about the spans that start after the start and not after the end.
func InstantWindow(startNanos, endNanos int64) (Window, error) {
	if endNanos <= startNanos || endNanos-startNanos < 0 {
		return Window{}, plait.Errorf(plait.ErrInvalid, "the range ends before it starts, or is longer than 292 years")
	}
	return Window{FirstNanos: endNanos, StepNanos: endNanos - startNanos, Samples: 1}, nil
}

func floor(nanos, step int64) int64 {
	rest := nanos % step
	if rest < 0 {
		rest += step
	}
	if nanos < math.MinInt64+rest {
		return nanos
	}
	return nanos - rest
}

// SampleNanos is the time of a sample.
func (w Window) SampleNanos(i int) int64 { return w.FirstNanos + int64(i)*w.StepNanos }

// Range bounds the starts of the spans that count: later than the first, and not later than the second.
func (w Window) Range() (afterNanos, toNanos int64) {
	return w.FirstNanos - w.StepNanos, w.SampleNanos(w.Samples - 1)
}

// step finds the sample that a time counts for.
func (w Window) step(nanos int64) (i int, ok bool) {
	after, to := w.Range()
	if nanos <= after || nanos > to {
		return 0, false
	}
	return int((uint64(nanos-after) - 1) / uint64(w.StepNanos)), true
}

// Series is a line of the answer.
type Series struct {
	// Labels are those of by(), as they are spelled in the query, and p, __bucket, or those of compare(). A series
	// without any has __name__.
	Labels plait.Attributes
	// Values are those of the window's samples, NaN where there is none. Durations are in seconds.
	Values    []float64
	Exemplars []Exemplar
}

// Exemplar is a span that a sample stands for.
type Exemplar struct {
	TraceID plait.TraceID
	SpanID  plait.SpanID
	Nanos   int64   // the start of the span
	Value   float64 // of the span; of rate() and count_over_time() that of the sample
}

// DefaultExemplars is how many exemplars a metrics query gives where neither the request nor the query says.
const DefaultExemplars = 100

// maxExemplars bounds what a hint may ask for.
const maxExemplars = 10_000

// exemplars tells how many exemplars a query wants: those of its hint, or else those that were asked for.
func exemplars(q *traceql.Query, asked int) int {
	hint, ok := q.Hint("exemplars")
	switch {
	case !ok:
	case hint == traceql.BoolOf(false):
		asked = 0
	case hint.Type == traceql.TypeInt:
		asked = int(min(max(hint.Int, 0), maxExemplars))
	case hint == traceql.BoolOf(true) && asked == 0:
		asked = DefaultExemplars
	}
	return min(asked, maxExemplars)
}

// Metrics gathers what a metrics query asks, trace by trace. Those of parts of a window's spans can
// be merged. It is for one goroutine.
type Metrics struct {
	window    Window
	query     traceql.Metrics
	gatherers []*gatherer // of each MetricsQuery, in the order in which they stand in the query
	budget    *budget
	exemplars int
	tree      bool
}

// budget counts what is kept.
type budget struct {
	limits Limits
	bytes  int64
}

func (b *budget) take(bytes int64) error {
	if b.bytes += bytes; b.bytes > b.limits.Bytes {
		return plait.Errorf(plait.ErrTooLarge, "the metrics query keeps more than %d bytes: ask for fewer series, longer steps or a shorter range", b.limits.Bytes)
	}
	return nil
}

// NewMetrics compiles a metrics query. It gives so many exemplars as asked for, unless the query has a hint of its
// own. Errors are plait.ErrInvalid or plait.ErrTooLarge.
func NewMetrics(q *traceql.Query, w Window, exemplarsAsked int, l Limits) (*Metrics, error) {
	if q.Metrics == nil {
		return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: this is a search, and no metrics query: | rate() or another function makes it one")
	}
	l = l.orDefault()
	if w.Samples < 1 || w.Samples > l.Samples {
		return nil, plait.Errorf(plait.ErrInvalid, "the range and the step make %d samples, the most are %d: take a longer step", w.Samples, l.Samples)
	}
	m := &Metrics{window: w, query: q.Metrics, budget: &budget{limits: l}, exemplars: exemplars(q, exemplarsAsked)}
	return m, m.compile(q.Metrics)
}

func (m *Metrics) compile(of traceql.Metrics) error {
	switch of := of.(type) {
	case traceql.MetricsQuery:
		g, tree, err := newGatherer(of, m)
		m.gatherers = append(m.gatherers, g)
		m.tree = m.tree || tree
		return err
	case traceql.MetricsArithmetic:
		if err := m.compile(of.Left); err != nil {
			return err
		}
		return m.compile(of.Right)
	}
	return nil
}

// Add takes a trace. Only spans that start in the window count, but all take part in finding them. An error is
// plait.ErrTooLarge.
func (m *Metrics) Add(t *condition.TraceView) error {
	of := newTrace(t, m.tree)
	for _, g := range m.gatherers {
		for _, set := range run(g.steps, of, of.all()) {
			for _, i := range set.spans {
				if err := g.add(&of.spans[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Exemplars is how many exemplars the answer has at most, by the query's hint or as asked for.
func (m *Metrics) Exemplars() int { return m.exemplars }

// Merge takes what another gathered of the same query and window. The other is not used after it. An error is
// plait.ErrTooLarge.
func (m *Metrics) Merge(other *Metrics) error {
	for i, g := range m.gatherers {
		if err := g.merge(other.gatherers[i]); err != nil {
			return err
		}
	}
	return nil
}

// Series is the answer so far, in the order of the labels.
func (m *Metrics) Series() []Series {
	next := 0
	all := m.evaluate(m.query, &next)
	thinOut(all, m.exemplars)
	return all
}
