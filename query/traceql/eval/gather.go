package eval

import (
	"math"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// gatherer gathers the series of one MetricsQuery.
type gatherer struct {
	query   traceql.MetricsQuery
	steps   []step
	by      []valuer
	value   valuer  // of the function's argument; nil where it has none
	scale   float64 // of the value in answers
	window  Window
	budget  *budget
	series  map[string]*line
	compare *comparison // of compare()
	key     []byte      // of the series looked for last
	// exemplars says whether any are wanted.
	exemplars bool
}

// line is what is kept for a series.
type line struct {
	labels    []plait.Value // of by(), the zero Value where missing
	bucket    float64       // of a histogram
	cells     []cell
	sketches  []sketch           // of quantiles, one a cell
	exemplars map[int32]exemplar // by cell
}

// cell is what is kept for a sample.
type cell struct {
	count           float64
	sum, least, top float64
}

// exemplar is the span of a cell that stands for it: the one with the highest value, or else the longest.
type exemplar struct {
	Exemplar
	weight float64
}

// bytes that a series, a cell and an exemplar take.
const (
	lineBytes     = 256
	cellBytes     = 32
	exemplarBytes = 96
)

func newGatherer(q traceql.MetricsQuery, m *Metrics) (*gatherer, bool, error) {
	c := compiler{}
	g := &gatherer{query: q, window: m.window, budget: m.budget, series: map[string]*line{}, scale: 1, exemplars: m.exemplars > 0}
	var err error
	if g.steps, err = c.pipeline(q.Pipeline); err != nil {
		return nil, false, err
	}
	for _, e := range q.By {
		read, err := c.value(e)
		if err != nil {
			return nil, false, err
		}
		g.by = append(g.by, read)
	}
	if q.Function.Of != nil {
		if g.value, err = c.value(q.Function.Of); err != nil {
			return nil, false, err
		}
		if traceql.TypeOf(q.Function.Of) == traceql.TypeDuration {
			g.scale = 1e-9
		}
	}
	if q.Function.Compare != nil {
		g.compare, err = newComparison(q.Function.Compare, m, &c)
	}
	return g, c.tree, err
}

// add counts a span that the pipeline found.
func (g *gatherer) add(v *condition.SpanView) error {
	at, ok := g.window.step(v.Span.StartNanos)
	if !ok {
		return nil
	}
	if g.compare != nil {
		return g.compare.add(v, at)
	}
	value, bucket, ok := g.read(v)
	if !ok {
		return nil
	}
	l, err := g.lineOf(g.labelsOf(v), bucket)
	if err != nil {
		return err
	}
	if err := l.add(g, at, value); err != nil {
		return err
	}
	return g.keepExemplar(l, at, v.Span, value)
}

// read reads the function's argument, with its bucket in a histogram. It is not ok for a span that does not count.
func (g *gatherer) read(v *condition.SpanView) (value, bucket float64, ok bool) {
	value = 1
	if g.value != nil {
		read, ok := g.value(v)
		if !ok {
			return 0, 0, false
		}
		if value, ok = asNumber(read); !ok {
			return 0, 0, false
		}
	}
	if g.query.Function.Op == traceql.HistogramOverTime {
		if bucket, ok = bucketOf(value); !ok {
			return 0, 0, false
		}
	}
	return value, bucket, true
}

// asNumber is not ok for what is no number, and for what is none that can be added up.
func asNumber(v plait.Value) (float64, bool) {
	switch v.Kind() {
	case plait.KindInt:
		return float64(v.Int()), true
	case plait.KindDouble:
		return v.Double(), !math.IsNaN(v.Double()) && !math.IsInf(v.Double(), 0)
	}
	return 0, false
}

// bucketOf is the least power of two that is not less than a value. Values below 2 are in no bucket.
func bucketOf(value float64) (float64, bool) {
	if value < 2 {
		return 0, false
	}
	fraction, exponent := math.Frexp(value)
	if fraction == 0.5 {
		return value, true
	}
	return math.Ldexp(1, exponent), true
}

// labelsOf are the values of by().
func (g *gatherer) labelsOf(v *condition.SpanView) []plait.Value {
	labels := make([]plait.Value, len(g.by))
	for i, read := range g.by {
		if value, ok := read(v); ok {
			labels[i] = value
		}
	}
	return labels
}

// keyOf tells series apart. It is valid until the next one.
func (g *gatherer) keyOf(labels []plait.Value, bucket float64) []byte {
	g.key = g.key[:0]
	for i := range labels {
		g.key = appendKey(g.key, labels[i])
	}
	if bucket != 0 {
		g.key = appendKey(g.key, plait.DoubleValue(bucket))
	}
	return g.key
}

// lineOf finds a series, or begins it.
func (g *gatherer) lineOf(labels []plait.Value, bucket float64) (*line, error) {
	key := g.keyOf(labels, bucket)
	if l := g.series[string(key)]; l != nil {
		return l, nil
	}
	l := &line{labels: labels, bucket: bucket}
	return l, g.begin(string(key), l)
}

// begin makes room for a series.
func (g *gatherer) begin(key string, l *line) error {
	if len(g.series) >= g.budget.limits.Series {
		return plait.Errorf(plait.ErrTooLarge, "by(…) makes more than %d series: group by something with fewer values, or filter more", g.budget.limits.Series)
	}
	bytes := lineBytes + int64(2*len(key)) + int64(g.window.Samples)*cellBytes
	if g.query.Function.Op == traceql.QuantileOverTime {
		bytes += int64(g.window.Samples) * sketchBytes
	}
	if err := g.budget.take(bytes); err != nil {
		return err
	}
	l.cells = make([]cell, g.window.Samples)
	if g.query.Function.Op == traceql.QuantileOverTime {
		l.sketches = make([]sketch, g.window.Samples)
	}
	for i := range l.labels { // what a series keeps is its own, and not the request's that it was read from
		if l.labels[i].Kind() == plait.KindString {
			l.labels[i] = plait.StringValue(strings.Clone(l.labels[i].Str()))
		}
	}
	g.series[key] = l
	return nil
}

// appendKey appends a value so that different ones stay apart.
func appendKey(key []byte, v plait.Value) []byte {
	key = append(key, byte(v.Kind()))
	switch v.Kind() {
	case plait.KindEmpty:
		return key
	case plait.KindInt, plait.KindBool, plait.KindDouble:
		return append(v.AppendJSON(key), 0)
	}
	return append(plait.AppendJSONString(key, v.Str()), 0)
}

func (l *line) add(g *gatherer, at int, value float64) error {
	l.cells[at].add(cell{count: 1, sum: value, least: value, top: value})
	if l.sketches == nil {
		return nil
	}
	if l.sketches[at].add(value, 1) {
		return g.budget.take(placeBytes)
	}
	return nil
}

func (c *cell) add(other cell) {
	if other.count == 0 {
		return
	}
	if c.count == 0 {
		*c = other
		return
	}
	c.count += other.count
	c.sum += other.sum
	c.least, c.top = min(c.least, other.least), max(c.top, other.top)
}

// keepExemplar keeps the span if it stands for its cell better than the one that does.
func (g *gatherer) keepExemplar(l *line, at int, s *plait.Span, value float64) error {
	if !g.exemplars {
		return nil
	}
	e := exemplar{Exemplar{TraceID: s.TraceID, SpanID: s.SpanID, Nanos: s.StartNanos, Value: value * g.scale}, value}
	if g.value == nil {
		e.weight = float64(s.DurationNanos())
	}
	return g.putExemplar(l, int32(at), e)
}

func (g *gatherer) putExemplar(l *line, at int32, e exemplar) error {
	if l.exemplars == nil {
		l.exemplars = map[int32]exemplar{}
	}
	had, ok := l.exemplars[at]
	if ok && !e.before(had) {
		return nil
	}
	l.exemplars[at] = e
	if ok {
		return nil
	}
	return g.budget.take(exemplarBytes)
}

// before orders exemplars of a cell, the same for whatever order they came in.
func (e exemplar) before(other exemplar) bool {
	if e.weight != other.weight {
		return e.weight > other.weight
	}
	if order := slices.Compare(e.TraceID[:], other.TraceID[:]); order != 0 {
		return order < 0
	}
	return slices.Compare(e.SpanID[:], other.SpanID[:]) < 0
}

func (g *gatherer) merge(other *gatherer) error {
	if g.compare != nil {
		return g.compare.merge(other.compare)
	}
	for key, theirs := range other.series {
		ours := g.series[key]
		if ours == nil {
			ours = &line{labels: theirs.labels, bucket: theirs.bucket}
			if err := g.begin(key, ours); err != nil {
				return err
			}
		}
		for i, c := range theirs.cells {
			ours.cells[i].add(c)
		}
		for i := range theirs.sketches {
			if err := g.budget.take(int64(ours.sketches[i].merge(&theirs.sketches[i])) * placeBytes); err != nil {
				return err
			}
		}
		for at, e := range theirs.exemplars {
			if err := g.putExemplar(ours, at, e); err != nil {
				return err
			}
		}
	}
	return nil
}
