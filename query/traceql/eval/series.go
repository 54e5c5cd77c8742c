package eval

import (
	"cmp"
	"math"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/traceql"
)

// answer makes the series of what was gathered.
func (g *gatherer) answer() []Series {
	if g.compare != nil {
		return g.compare.answer()
	}
	var all []Series
	for _, l := range g.series {
		all = append(all, g.seriesOf(l)...)
	}
	function := g.query.Function.Op
	if counts := function == traceql.Rate || function == traceql.CountOverTime; counts && len(all) == 0 && len(g.by) == 0 {
		all = append(all, Series{Values: make([]float64, g.window.Samples)}) // nothing happened that often
		all[0].Labels = g.labels(&line{}, plait.Attribute{})
	}
	sortSeries(all)
	return all
}

func sortSeries(all []Series) {
	keys := make(map[*float64]string, len(all))
	for _, s := range all {
		keys[&s.Values[0]] = labelsKey(s.Labels)
	}
	slices.SortFunc(all, func(a, b Series) int { return cmp.Compare(keys[&a.Values[0]], keys[&b.Values[0]]) })
}

// labelsKey tells series apart by their labels.
func labelsKey(labels plait.Attributes) string {
	var key []byte
	for _, l := range labels {
		key = appendKey(append(plait.AppendJSONString(key, l.Key), 0), l.Value)
	}
	return string(key)
}

// seriesOf makes the series of a line: one, or one for each quantile.
func (g *gatherer) seriesOf(l *line) []Series {
	if g.query.Function.Op != traceql.QuantileOverTime {
		extra := plait.Attribute{}
		if l.bucket != 0 {
			extra = plait.Attribute{Key: "__bucket", Value: plait.DoubleValue(l.bucket * g.scale)}
		}
		s := Series{Labels: g.labels(l, extra), Values: make([]float64, len(l.cells))}
		for i, c := range l.cells {
			s.Values[i] = g.sample(c)
		}
		s.Exemplars = g.exemplarsOf(l, s.Values)
		return []Series{s}
	}
	parts := g.query.Function.Quantiles
	all := make([]Series, len(parts))
	for i, part := range parts {
		all[i] = Series{Labels: g.labels(l, plait.Attribute{Key: "p", Value: plait.DoubleValue(part)}), Values: make([]float64, len(l.cells))}
	}
	for at, c := range l.cells {
		values := l.sketches[at].quantiles(parts, c)
		for i := range all {
			all[i].Values[at] = math.NaN()
			if c.count > 0 {
				all[i].Values[at] = values[i] * g.scale
			}
		}
	}
	all[0].Exemplars = g.exemplarsOf(l, all[0].Values)
	return all
}

// sample is the value of a cell.
func (g *gatherer) sample(c cell) float64 {
	switch g.query.Function.Op {
	case traceql.Rate:
		return c.count / (float64(g.window.StepNanos) / 1e9)
	case traceql.CountOverTime, traceql.HistogramOverTime:
		return c.count
	}
	if c.count == 0 {
		return math.NaN()
	}
	switch g.query.Function.Op {
	case traceql.MinOverTime:
		return c.least * g.scale
	case traceql.MaxOverTime:
		return c.top * g.scale
	case traceql.AvgOverTime:
		return c.sum / c.count * g.scale
	}
	return c.sum * g.scale
}

// labels are those of by() and one more. A missing value is the text nil where it is the only label, and else left
// out.
func (g *gatherer) labels(l *line, extra plait.Attribute) (labels plait.Attributes) {
	alone := len(g.by) == 1 && extra.Key == ""
	for i, e := range g.query.By {
		switch value := l.labels[i]; {
		case value.Kind() != plait.KindEmpty:
			labels = append(labels, plait.Attribute{Key: e.String(), Value: value})
		case alone:
			labels = append(labels, plait.Attribute{Key: e.String(), Value: missing})
		}
	}
	if extra.Key != "" {
		labels = append(labels, extra)
	}
	if len(g.by) == 0 && extra.Key == "" {
		labels = plait.Attributes{{Key: nameLabel, Value: plait.StringValue(string(g.query.Function.Op))}}
	}
	return labels
}

// nameLabel is the only label of a series without labels.
const nameLabel = "__name__"

// exemplarsOf are in order of time. Those of counts stand on the line.
func (g *gatherer) exemplarsOf(l *line, values []float64) []Exemplar {
	all := make([]Exemplar, 0, len(l.exemplars))
	for at, e := range l.exemplars {
		if g.value == nil {
			e.Value = values[at]
		}
		all = append(all, e.Exemplar)
	}
	slices.SortFunc(all, func(a, b Exemplar) int {
		return cmp.Or(cmp.Compare(a.Nanos, b.Nanos), slices.Compare(a.TraceID[:], b.TraceID[:]), slices.Compare(a.SpanID[:], b.SpanID[:]))
	})
	return all
}

// thinOut leaves so many exemplars in all, evenly over the series and their times.
func thinOut(all []Series, most int) {
	total := 0
	for _, s := range all {
		total += len(s.Exemplars)
	}
	if total <= most {
		return
	}
	seen := 0
	for i := range all {
		kept := all[i].Exemplars[:0]
		for _, e := range all[i].Exemplars {
			if (seen+1)*most/total > seen*most/total {
				kept = append(kept, e)
			}
			seen++
		}
		all[i].Exemplars = kept
	}
}

// evaluate makes the series of a question. Next counts the gatherers on the way.
func (m *Metrics) evaluate(of traceql.Metrics, next *int) (all []Series) {
	var then []traceql.SeriesStage
	switch of := of.(type) {
	case traceql.MetricsQuery:
		all, then = m.gatherers[*next].answer(), of.Then
		*next++
	case traceql.MetricsArithmetic:
		left, leftNumber := of.Left.(traceql.MetricsNumber)
		right, rightNumber := of.Right.(traceql.MetricsNumber)
		switch {
		case leftNumber:
			all = withNumber(m.evaluate(of.Right, next), func(v float64) float64 { return operate(number64(left), of.Op, v) })
		case rightNumber:
			all = withNumber(m.evaluate(of.Left, next), func(v float64) float64 { return operate(v, of.Op, number64(right)) })
		default:
			a := m.evaluate(of.Left, next)
			all = matched(a, of.Op, m.evaluate(of.Right, next))
		}
		then = of.Then
	}
	for _, stage := range then {
		all = chosen(all, stage)
	}
	return all
}

// number64 is a number beside series, in which durations are seconds.
func number64(n traceql.MetricsNumber) float64 { return seconds(n.Value) }

func seconds(s traceql.Static) float64 {
	if s.Type == traceql.TypeDuration {
		return float64(s.Int) / 1e9
	}
	return s.Number()
}

// operate has no result where a divisor is 0.
func operate(a float64, op traceql.Op, b float64) float64 {
	result := math.NaN()
	switch {
	case op == traceql.OpAdd:
		result = a + b
	case op == traceql.OpSubtract:
		result = a - b
	case op == traceql.OpMultiply:
		result = a * b
	case b != 0:
		result = a / b
	}
	if math.IsInf(result, 0) {
		return math.NaN()
	}
	return result
}

func withNumber(all []Series, of func(float64) float64) []Series {
	for _, s := range all {
		for i, v := range s.Values {
			s.Values[i] = of(v)
		}
		for i, e := range s.Exemplars {
			s.Exemplars[i].Value = of(e.Value)
		}
	}
	return all
}

// matched computes with series that have the same labels. A side without labels goes with all of the other.
func matched(left []Series, op traceql.Op, right []Series) (all []Series) {
	byLabels := make(map[string][]int, len(right)) // and by none those without labels
	for i, b := range right {
		key := ""
		if _, alone := onlyName(b.Labels); !alone {
			key = labelsKey(b.Labels)
		}
		byLabels[key] = append(byLabels[key], i)
	}
	for _, a := range left {
		if _, alone := onlyName(a.Labels); alone {
			for _, b := range right {
				all = append(all, combined(a, op, b))
			}
			continue
		}
		for _, i := range append(slices.Clone(byLabels[""]), byLabels[labelsKey(a.Labels)]...) {
			all = append(all, combined(a, op, right[i]))
		}
	}
	return all
}

func combined(a Series, op traceql.Op, b Series) Series {
	s := Series{Labels: combinedLabels(a.Labels, op, b.Labels), Values: make([]float64, len(a.Values))}
	for i := range s.Values {
		s.Values[i] = operate(a.Values[i], op, b.Values[i])
	}
	return s
}

// combinedLabels are those of the side that has any.
func combinedLabels(a plait.Attributes, op traceql.Op, b plait.Attributes) plait.Attributes {
	aName, aAlone := onlyName(a)
	bName, bAlone := onlyName(b)
	switch {
	case aAlone && bAlone:
		return plait.Attributes{{Key: nameLabel, Value: plait.StringValue("(" + aName + " " + string(op) + " " + bName + ")")}}
	case aAlone:
		return b
	}
	return a
}

func onlyName(labels plait.Attributes) (string, bool) {
	if len(labels) == 1 && labels[0].Key == nameLabel {
		return labels[0].Value.Str(), true
	}
	return "", false
}

// chosen leaves the samples that a stage keeps, and the series that have any.
func chosen(all []Series, stage traceql.SeriesStage) []Series {
	switch stage := stage.(type) {
	case traceql.Top:
		topOf(all, stage)
	case traceql.Threshold:
		allows, limit := allowed(stage.Op), seconds(stage.Value)
		for _, s := range all {
			for i, v := range s.Values {
				if math.IsNaN(v) || !allows(cmp.Compare(v, limit)) {
					s.Values[i] = math.NaN()
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(s Series) bool {
		return !slices.ContainsFunc(s.Values, func(v float64) bool { return !math.IsNaN(v) })
	})
}

// topOf chooses anew at each sample. Of equal ones the first by their labels are kept.
func topOf(all []Series, top traceql.Top) {
	if len(all) == 0 {
		return
	}
	order := make([]int, 0, len(all))
	for at := range all[0].Values {
		order = order[:0]
		for i := range all {
			if !math.IsNaN(all[i].Values[at]) {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if top.Bottom {
				a, b = b, a
			}
			return cmp.Compare(all[b].Values[at], all[a].Values[at])
		})
		for _, i := range order[min(top.N, len(order)):] {
			all[i].Values[at] = math.NaN()
		}
	}
}
