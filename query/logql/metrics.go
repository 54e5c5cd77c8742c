package logql

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/plaithq/plait/query/logql/quantity"
)

// expression reads operands and operators that bind as tightly as least.
func (p *parser) expression(least int) Expr {
	p.into()
	defer p.out()
	at := p.now()
	left := p.operand()
	for p.err == nil {
		opAt := p.now()
		op, ok := p.binaryOp()
		if !ok || precedence[op] < least {
			return left
		}
		p.take()
		p.operator()
		b := Binary{Op: op, Left: left}
		p.modifiers(&b)
		rightAt := p.now()
		next := precedence[op] + 1
		if op == OpPower { // 2 ^ 3 ^ 2 is 2 ^ 9
			next = precedence[op]
		}
		b.Right = p.expression(next)
		p.checkBinary(b, at, opAt, rightAt)
		left = b
	}
	return left
}

// binaryOp is the operator that is read next, if it is one.
func (p *parser) binaryOp() (BinaryOp, bool) {
	now := p.now()
	if now.kind != operation && now.kind != word {
		return "", false
	}
	op := BinaryOp(now.lower())
	_, ok := precedence[op]
	return op, ok
}

// modifiers reads bool, on, ignoring, group_left and group_right.
func (p *parser) modifiers(b *Binary) {
	if at := p.now(); p.word("bool") {
		b.Bool = true
		if !b.Op.Compares() {
			p.failAt(at, "bool goes with comparisons only")
		}
	}
	on := p.word("on")
	if !on && !p.word("ignoring") {
		return
	}
	b.Matching = &Matching{On: on, Labels: p.names()}
	at := p.now()
	switch {
	case p.word("group_left"):
		b.Matching.Many = LeftSide
	case p.word("group_right"):
		b.Matching.Many = RightSide
	default:
		return
	}
	if b.Op.Combines() {
		p.failAt(at, "%s goes with no grouping, it is many to many", b.Op)
	}
	if p.now().is("(") {
		b.Matching.Include = p.names()
	}
}

func (p *parser) checkBinary(b Binary, left, op, right token) {
	if p.err != nil {
		return
	}
	for _, side := range []struct {
		e  Expr
		at token
	}{{b.Left, left}, {b.Right, right}} {
		switch side.e.(type) {
		case Log:
			p.failAt(side.at, "%s computes with metric queries and numbers, not with a log query", b.Op)
		case Literal:
			if b.Op.Combines() {
				p.failAt(side.at, "%s combines series, not numbers", b.Op)
			}
			if b.Matching != nil {
				p.failAt(op, "a number has no labels that could match")
			}
		}
	}
}

func (p *parser) operand() Expr {
	now := p.now()
	switch {
	case now.is("{"):
		l := Log{Matchers: p.selector()}
		l.Stages, _ = p.pipeline(false)
		return l
	case now.is("("):
		p.take()
		e := p.expression(1)
		p.wantOp(")")
		return e
	case now.is("-"), now.is("+"), now.kind == number:
		return Literal{p.literal()}
	case now.kind == word:
		return p.call()
	}
	p.want("a query, as {service_name=\"cart\"} or rate({service_name=\"cart\"}[5m])")
	return nil
}

// literal reads a number with its sign.
func (p *parser) literal() float64 {
	sign := p.sign()
	at := p.now()
	if at.kind != number {
		p.want("a number")
		return 0
	}
	p.take()
	n, ok := plainNumber(at.raw)
	if !ok {
		p.failAt(at, "%s is no number", at)
	}
	return sign * n
}

// call reads a function.
func (p *parser) call() Expr {
	at := p.take()
	name := at.lower()
	if _, ok := rangeRules[RangeOp(name)]; ok {
		return p.rangeAggregation(at)
	}
	if _, ok := vectorRules[VectorOp(name)]; ok {
		return p.aggregation(at)
	}
	switch {
	case unsupported[name]:
		p.failAt(at, "not supported by Plait: %s", name)
	case name == "label_replace":
		return p.labelReplace()
	case name == "vector":
		p.wantOp("(")
		v := Vector{p.literal()}
		p.wantOp(")")
		return v
	case p.now().is("("):
		p.failAt(at, "there is no function %s", at)
	default:
		p.failAt(at, "unexpected %s, want a selector in braces or a function", at)
	}
	return nil
}

// grouping reads by (…) or without (…), nil if there is none.
func (p *parser) grouping() *Grouping {
	by := p.word("by")
	if !by && !p.word("without") {
		return nil
	}
	return &Grouping{Without: !by, Labels: p.names()}
}

func (p *parser) aggregation(at token) Expr {
	a := Aggregation{Op: VectorOp(at.lower())}
	rule := vectorRules[a.Op]
	groupAt := p.now()
	a.Grouping = p.grouping()
	p.wantOp("(")
	if rule.parameter {
		k := p.now()
		n, err := strconv.ParseInt(k.raw, 10, 32)
		if k.kind != number || err != nil || n < 1 {
			p.failAt(k, "%s wants a whole number above 0 first, as in %s(10, …), not %s", a.Op, a.Op, k)
		}
		p.take()
		p.wantOp(",")
		a.K = int(n)
	}
	of := p.now()
	a.Of = p.expression(1)
	p.wantOp(")")
	switch a.Of.(type) {
	case Log:
		p.failAt(of, "%s aggregates a metric query, as in %s(rate({…}[5m])), not a log query", a.Op, a.Op)
	case Literal:
		p.failAt(of, "%s aggregates a metric query, not a number", a.Op)
	}
	if second := p.now(); a.Grouping == nil {
		groupAt = second
		a.Grouping = p.grouping()
	} else if p.grouping() != nil {
		p.failAt(second, "by and without stand before the parentheses or behind them, not both")
	}
	if a.Grouping != nil && !rule.groups {
		p.failAt(groupAt, "%s takes no grouping", a.Op)
	}
	return a
}

func (p *parser) labelReplace() Expr {
	var l LabelReplace
	p.wantOp("(")
	of := p.now()
	l.Of = p.expression(1)
	switch l.Of.(type) {
	case Log, Literal:
		p.failAt(of, "label_replace takes a metric query")
	}
	var at token
	for i, s := range []*string{&l.Destination, &l.Replacement, &l.Source, &l.Regexp} {
		p.wantOp(",")
		*s, at = p.text()
		if i == 0 && p.err == nil && !labelName(l.Destination) {
			p.failAt(at, "%s is no name of a label", at)
		}
	}
	if _, err := regexp.Compile("^(?s:" + l.Regexp + ")$"); err != nil {
		p.failAt(at, "not a regular expression: %s", reason(err))
	}
	p.wantOp(")")
	return l
}

func labelName(s string) bool {
	return s != "" && wordStart(s[0]) && run(s, wordPart) == len(s) && !strings.Contains(s, ":")
}

// rangeAggregation reads the parentheses behind a range aggregation.
func (p *parser) rangeAggregation(at token) Expr {
	r := Range{Op: RangeOp(at.lower())}
	rule := rangeRules[r.Op]
	p.wantOp("(")
	if r.Op == QuantileOverTime {
		r.Parameter = p.literal()
		p.wantOp(",")
	}
	p.logRange(&r)
	p.wantOp(")")
	if r.Interval == 0 {
		p.failAt(at, "%s wants a range, as in %s({…}[5m])", r.Op, r.Op)
	}
	switch {
	case rule.unwrap == unwrapRequired && r.Unwrap == nil:
		p.failAt(at, "%s wants an unwrapped label, as in %s({…} | unwrap x [5m])", r.Op, r.Op)
	case rule.unwrap == unwrapForbidden && r.Unwrap != nil:
		p.failAt(at, "%s takes no unwrapped label", r.Op)
	}
	groupAt := p.now()
	if r.Grouping = p.grouping(); r.Grouping != nil && !rule.groups {
		p.failAt(groupAt, "%s takes no grouping, aggregate around it: sum by (…) (%s(…))", r.Op, r.Op)
	}
	return r
}

// logRange reads the log query with its range, which stands behind the selector or behind the pipeline, or
// behind parentheses around them.
func (p *parser) logRange(r *Range) {
	p.into()
	defer p.out()
	if p.op("(") {
		p.logRange(r)
		p.wantOp(")")
	} else {
		if !p.now().is("{") {
			p.want("a log query, as {service_name=\"cart\"}")
		}
		r.Of.Matchers = p.selector()
	}
	p.interval(r)
	at := p.now()
	stages, unwrap := p.pipeline(true)
	if r.Unwrap != nil && (len(stages) > 0 || unwrap != nil) {
		p.failAt(at, "only filters on labels may follow unwrap")
	}
	r.Of.Stages = append(r.Of.Stages, stages...)
	if unwrap != nil {
		r.Unwrap = unwrap
	}
	p.interval(r)
}

// interval reads [5m] offset 1h, if it is there.
func (p *parser) interval(r *Range) {
	open := p.now()
	if !p.op("[") {
		return
	}
	if r.Interval != 0 {
		p.failAt(open, "the query has two ranges")
	}
	r.Interval = p.duration("a range, as [5m]")
	if r.Interval <= 0 {
		p.failAt(open, "a range is longer than 0")
	}
	p.wantOp("]")
	if p.word("offset") {
		sign := p.sign()
		r.Offset = time.Duration(sign) * p.duration("a duration, as in offset 1h")
	}
}

func (p *parser) duration(what string) time.Duration {
	at := p.now()
	d, ok := quantity.Duration(at.raw)
	if at.kind != number || !ok || d == math.MinInt64 {
		p.want(what)
	}
	p.take()
	return d
}
