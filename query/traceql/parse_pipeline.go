package traceql

import "slices"

var aggregateOps = []string{string(Count), string(Sum), string(Min), string(Max), string(Avg)}

// pipeline reads stages with | between them, up to what is no stage of a search.
func (p *parser) pipeline() (Pipeline, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var stages Pipeline
	for {
		if p.metricsAt(p.next) {
			return stages, nil
		}
		s, err := p.stage()
		if err != nil {
			return nil, err
		}
		stages = append(stages, s)
		if !p.is("|") {
			return stages, nil
		}
		if err := p.operator(p.take()); err != nil {
			return nil, err
		}
	}
}

func (p *parser) stage() (Stage, error) {
	if name, ok := p.call(); ok {
		switch name {
		case "by":
			p.next += 2
			e, err := p.groupBy()
			if err != nil {
				return nil, err
			}
			return By{Of: e}, p.expect(")")
		case "select":
			return p.selection()
		case "coalesce":
			p.next += 2
			return Coalesce{}, p.expect(")")
		case "topk", "bottomk":
			return nil, p.failAt(p.peek(), name+" chooses among series: a function such as rate() stands before it")
		}
	}
	if p.aggregateNext() {
		return p.aggregateFilter()
	}
	return p.spansets(false)
}

// aggregateNext says whether an aggregate filter follows.
func (p *parser) aggregateNext() bool {
	t := p.peek()
	if t.isOp("(") {
		aggregate, more := false, false
		p.parenthesesHold(func(i int) bool {
			in := p.tokens[i]
			aggregate = aggregate || in.kind == tokenWord && slices.Contains(aggregateOps, in.text)
			more = more || in.isOp("{") || in.isOp("|") || in.kind == tokenOp && Op(in.text).Comparison()
			return more
		})
		return aggregate && !more
	}
	return t.kind == tokenStatic || t.isOp("-") || t.kind == tokenWord && slices.Contains(aggregateOps, t.text) && p.peekAt(1).isOp("(")
}

func (p *parser) aggregateFilter() (Stage, error) {
	at := p.peek()
	e, err := p.expression(0, true)
	if err != nil {
		return nil, err
	}
	b, ok := e.(Binary)
	if !ok || !b.Op.Comparison() {
		return nil, p.failAt(at, e.String()+" is a number, and no condition: compare it with something")
	}
	for _, side := range [...]Expression{b.Left, b.Right} {
		if !TypeOf(side).Numeric() && TypeOf(side) != TypeAny || !hasNumbers(side) {
			return nil, p.failAt(at, "aggregates compare with numbers and durations")
		}
	}
	if !hasAggregate(b) {
		return nil, p.failAt(at, "the comparison has no aggregate such as count()")
	}
	return AggregateFilter{Of: b}, nil
}

// hasNumbers says that an expression is no comparison within a comparison.
func hasNumbers(e Expression) bool {
	b, ok := e.(Binary)
	return !ok || b.Op.Arithmetic()
}

func hasAggregate(e Expression) bool {
	for {
		switch of := e.(type) {
		case Aggregate:
			return true
		case Unary:
			e = of.Of
		case Binary:
			if hasAggregate(of.Right) {
				return true
			}
			e = of.Left
		default:
			return false
		}
	}
}

// aggregate reads count(), or another aggregate of something that may be a number.
func (p *parser) aggregate() (Expression, error) {
	name := p.take()
	if !slices.Contains(aggregateOps, name.text) {
		return nil, p.failAt(name, "there is no aggregate "+name.text+": count, sum, min, max and avg are")
	}
	p.next++
	a := Aggregate{Op: AggregateOp(name.text)}
	if a.Op == Count {
		return a, p.expect(")")
	}
	of, err := p.number(name)
	a.Of = of
	return a, err
}

// number reads the argument of a function that computes numbers, and the ) after it.
func (p *parser) number(function token) (Expression, error) {
	at := p.peek()
	e, err := p.expression(0, false)
	if err != nil {
		return nil, err
	}
	if !computable(e) || !hasField(e) {
		return nil, p.failAt(at, function.text+" computes with numbers of spans, and "+e.String()+" is "+TypeOf(e).String())
	}
	return e, p.expect(")")
}

func hasField(e Expression) bool {
	for {
		switch of := e.(type) {
		case Field:
			return true
		case Unary:
			e = of.Of
		case Binary:
			if hasField(of.Right) {
				return true
			}
			e = of.Left
		default:
			return false
		}
	}
}

// groupBy reads what spans are grouped by.
func (p *parser) groupBy() (Expression, error) {
	at := p.peek()
	e, err := p.expression(0, false)
	if err != nil {
		return nil, err
	}
	if !hasField(e) || TypeOf(e) == TypeNil {
		return nil, p.failAt(at, "by() groups by attributes and intrinsics")
	}
	return e, nil
}

func (p *parser) selection() (Stage, error) {
	p.next += 2
	var s Select
	for {
		t := p.take()
		if t.kind != tokenField || t.field.Type() == TypeNil {
			return nil, p.failAt(t, "found "+t.describe()+", want an attribute or an intrinsic")
		}
		s.Fields = append(s.Fields, t.field)
		if p.accept(")") {
			return s, nil
		}
		if !p.accept(",") {
			return nil, p.unexpected("a comma or )")
		}
	}
}

// spansets reads spansets and the operators between them: && and || of equal strength, structural ones tighter.
func (p *parser) spansets(structural bool) (Spanset, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	operand := func() (Spanset, error) { return p.spansets(true) }
	if structural {
		operand = p.spanset
	}
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		_, _, _, relative := Op(t.text).Structural()
		if t.kind != tokenOp || structural && !relative || !structural && !Op(t.text).Joins() {
			return left, nil
		}
		p.next++
		if err := p.operator(t); err != nil {
			return nil, err
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		if err := p.checkSides(left, right, t); err != nil {
			return nil, err
		}
		left = SpansetOperation{Op: Op(t.text), Left: left, Right: right}
	}
}

// checkSides: a pipeline on the left stands beside what is in parentheses too, as Tempo has it.
func (p *parser) checkSides(left, right Spanset, at token) error {
	if _, filter := right.(Filter); filter && wraps(left) && !p.tokens[p.next-1].isOp(")") {
		return p.failAt(at, "a pipeline stands beside a pipeline: write ("+right.String()+" | …), or put "+right.String()+" first")
	}
	return nil
}

func wraps(s Spanset) bool {
	for {
		switch of := s.(type) {
		case Wrapped:
			return true
		case SpansetOperation:
			if wraps(of.Right) {
				return true
			}
			s = of.Left
		default:
			return false
		}
	}
}

// spanset reads a filter, or what stands in parentheses: spansets, or a pipeline.
func (p *parser) spanset() (Spanset, error) {
	switch {
	case p.is("{"):
		f, err := p.filter()
		return f, err
	case p.accept("("):
		inner, err := p.pipeline()
		if err != nil {
			return nil, err
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
		if len(inner) == 1 {
			if s, ok := inner[0].(Spanset); ok {
				return s, nil
			}
		}
		return Wrapped{Of: inner}, nil
	}
	return nil, p.unexpected("a filter such as { status = error }")
}

func (p *parser) filter() (Filter, error) {
	p.next++
	if p.accept("}") {
		return Filter{}, nil
	}
	e, err := p.condition()
	if err != nil {
		return Filter{}, err
	}
	return Filter{Of: e}, p.expect("}")
}
