package traceql

import (
	"math"
	"slices"
)

var functionOps = []FunctionOp{
	Rate, CountOverTime, MinOverTime, MaxOverTime, AvgOverTime, SumOverTime, HistogramOverTime, QuantileOverTime, CompareOp,
}

// Bounds of what functions are given.
const (
	maxQuantiles = 100
	maxTop       = 10_000
	maxLabels    = 20
)

// metricsAt says whether a metrics function begins at a token.
func (p *parser) metricsAt(i int) bool {
	t := p.tokens[i]
	return t.kind == tokenWord && i+1 < len(p.tokens) && p.tokens[i+1].isOp("(") && slices.Contains(functionOps, FunctionOp(t.text))
}

// metrics reads a question for series: one query, or queries in parentheses and numbers with operators between
// them, and what chooses among the samples.
func (p *parser) metrics() (Metrics, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	m, wrapped, err := p.metricsOperators(0)
	if err != nil {
		return nil, err
	}
	then, err := p.seriesStages()
	if err != nil || len(then) == 0 {
		return m, err
	}
	switch of := m.(type) {
	case MetricsArithmetic:
		of.Then = slices.Concat(of.Then, then)
		return of, nil
	case MetricsQuery:
		if wrapped {
			of.Then = slices.Concat(of.Then, then)
			return of, nil
		}
	}
	return nil, p.unexpected("a query")
}

// metricsOperators reads operands and the operators between them, that bind at least so tight.
func (p *parser) metricsOperators(tight int) (m Metrics, wrapped bool, err error) {
	if err := p.deeper(); err != nil {
		return nil, false, err
	}
	defer func() { p.depth-- }()
	left, wrapped, err := p.metricsOperand()
	if err != nil {
		return nil, false, err
	}
	for {
		t := p.peek()
		own := precedences[Op(t.text)]
		if t.kind != tokenOp || !Op(t.text).Arithmetic() || own < tight {
			if _, number := left.(MetricsNumber); number && tight == 0 {
				return nil, false, p.unexpected("an operator and a metrics query in parentheses")
			}
			return left, wrapped, nil
		}
		if Op(t.text) == OpModulo || Op(t.text) == OpPower {
			return nil, false, p.failAt(t, "not supported by Plait: "+t.text+" between series; + - * / are")
		}
		p.next++
		if err := p.operator(t); err != nil {
			return nil, false, err
		}
		right, rightWrapped, err := p.metricsOperators(own + 1)
		if err != nil {
			return nil, false, err
		}
		if !wrapped || !rightWrapped {
			return nil, false, p.failAt(t, "each side of "+t.text+" stands in parentheses: ({ … } | rate()) "+t.text+" …")
		}
		if isNumber(left) && isNumber(right) {
			return nil, false, p.failAt(t, "one side of "+t.text+" is a metrics query")
		}
		left = MetricsArithmetic{Op: Op(t.text), Left: left, Right: right}
	}
}

func isNumber(m Metrics) bool {
	_, ok := m.(MetricsNumber)
	return ok
}

// metricsOperand reads a number, a question in parentheses, or a query. Wrapped says that operators may stand
// beside it.
func (p *parser) metricsOperand() (m Metrics, wrapped bool, err error) {
	at := p.peek()
	if at.isOp("-") || at.kind == tokenStatic {
		value, err := p.constant()
		if err == nil && !value.Type.Numeric() {
			err = p.failAt(at, "series are computed with numbers, not with "+value.Type.String())
		}
		return MetricsNumber{Value: value}, true, err
	}
	if at.isOp("(") && p.parenthesesHold(p.metricsAt) {
		p.next++
		m, err := p.metrics()
		if err != nil {
			return nil, false, err
		}
		return m, true, p.expect(")")
	}
	m, err = p.metricsQuery()
	return m, false, err
}

func (p *parser) metricsQuery() (Metrics, error) {
	var q MetricsQuery
	var err error
	if q.Pipeline, err = p.pipeline(); err != nil {
		return nil, err
	}
	if len(q.Pipeline) == 0 || !p.metricsAt(p.next) {
		return nil, p.unexpected("a filter, then | and a function such as rate()")
	}
	if q.Function, err = p.function(); err != nil {
		return nil, err
	}
	if name, ok := p.call(); ok && name == "by" {
		if q.Function.Op == CompareOp {
			return nil, p.failAt(p.peek(), "compare() groups by all attributes, and takes no by()")
		}
		if q.By, err = p.labels(); err != nil {
			return nil, err
		}
	}
	q.Then, err = p.seriesStages()
	return q, err
}

// labels reads by(a, b).
func (p *parser) labels() (by []Expression, err error) {
	p.next += 2
	for {
		if len(by) == maxLabels {
			return nil, p.failAt(p.peek(), "by() takes at most 20 labels")
		}
		e, err := p.groupBy()
		if err != nil {
			return nil, err
		}
		by = append(by, e)
		if p.accept(")") {
			return by, nil
		}
		if !p.accept(",") {
			return nil, p.unexpected("a comma or )")
		}
	}
}

func (p *parser) function() (Function, error) {
	name := p.take()
	p.next++
	f := Function{Op: FunctionOp(name.text)}
	var err error
	switch f.Op {
	case Rate, CountOverTime:
		return f, p.expect(")")
	case CompareOp:
		f.Compare, err = p.compare()
		return f, err
	case QuantileOverTime:
		return p.quantiles(f, name)
	}
	f.Of, err = p.number(name)
	return f, err
}

// quantiles reads what quantiles are of, and which.
func (p *parser) quantiles(f Function, name token) (Function, error) {
	at := p.peek()
	var err error
	if f.Of, err = p.expression(0, false); err != nil {
		return f, err
	}
	if !computable(f.Of) || !hasField(f.Of) {
		return f, p.failAt(at, name.text+" computes with numbers of spans, and "+f.Of.String()+" is "+TypeOf(f.Of).String())
	}
	for p.accept(",") {
		at := p.peek()
		q, err := p.constant()
		if err != nil {
			return f, err
		}
		if q.Type != TypeInt && q.Type != TypeFloat || !(q.Number() >= 0 && q.Number() <= 1) {
			return f, p.failAt(at, "a quantile is a number from 0 to 1")
		}
		if f.Quantiles = append(f.Quantiles, math.Abs(q.Number())); len(f.Quantiles) > maxQuantiles {
			return f, p.failAt(at, "at most 100 quantiles are computed at once")
		}
	}
	if len(f.Quantiles) == 0 {
		return f, p.unexpected("a comma and a quantile such as 0.9")
	}
	return f, p.expect(")")
}

// compare reads the arguments of compare(): a filter, and maybe a number of values, and a start with an end.
func (p *parser) compare() (*Compare, error) {
	if !p.is("{") {
		return nil, p.unexpected("a filter such as { status = error }")
	}
	selection, err := p.filter()
	if err != nil {
		return nil, err
	}
	c := &Compare{Selection: selection, Top: DefaultTop}
	if p.accept(",") {
		top, err := p.integer(1, maxTop, "the number of values")
		if err != nil {
			return nil, err
		}
		c.Top = int(top)
	}
	if p.accept(",") {
		if c.StartNanos, err = p.integer(0, math.MaxInt64, "the start in nanoseconds"); err != nil {
			return nil, err
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
		at := p.peek()
		if c.EndNanos, err = p.integer(0, math.MaxInt64, "the end in nanoseconds"); err != nil {
			return nil, err
		}
		if c.EndNanos < c.StartNanos {
			return nil, p.failAt(at, "the end lies before the start")
		}
	}
	return c, p.expect(")")
}

// seriesStages reads comparisons with numbers, and | topk(n).
func (p *parser) seriesStages() (then []SeriesStage, err error) {
	for {
		t := p.peek()
		switch {
		case t.isOp("|"):
			p.next++
			top, err := p.top()
			if err != nil {
				return nil, err
			}
			then = append(then, top)
		case t.kind == tokenOp && Op(t.text).Comparison() && t.text != "=~" && t.text != "!~":
			p.next++
			at := p.peek()
			value, err := p.constant()
			if err != nil {
				return nil, err
			}
			if !value.Type.Numeric() {
				return nil, p.failAt(at, "samples compare with numbers and durations")
			}
			then = append(then, Threshold{Op: Op(t.text), Value: value})
		default:
			return then, nil
		}
		if err := p.operator(t); err != nil {
			return nil, err
		}
	}
}

func (p *parser) top() (SeriesStage, error) {
	name, ok := p.call()
	if !ok || name != "topk" && name != "bottomk" {
		return nil, p.unexpected("topk(n) or bottomk(n)")
	}
	p.next += 2
	n, err := p.integer(1, maxTop, "the number of series")
	if err != nil {
		return nil, err
	}
	return Top{N: int(n), Bottom: name == "bottomk"}, p.expect(")")
}
