package logql

import (
	"math"
	"strconv"

	"github.com/plaithq/plait/query/logql/quantity"
)

// filters reads conditions on labels. The word and, a comma and mere space bind tighter than or.
func (p *parser) filters() Predicate {
	left := p.conjunction()
	for p.word("or") {
		p.operator()
		left = Or{left, p.conjunction()}
	}
	return left
}

func (p *parser) conjunction() Predicate {
	left := p.filter()
	for p.err == nil {
		if !p.word("and") && !p.op(",") && !p.filterFollows() {
			break
		}
		p.operator()
		left = And{left, p.filter()}
	}
	return left
}

// filterFollows says whether another filter stands here, with nothing but space before it.
func (p *parser) filterFollows() bool {
	if p.now().is("(") {
		return true
	}
	return p.now().kind == word && p.behind().kind == operation && (compareOps[p.behind().raw] != "" || matchOps[p.behind().raw] != "")
}

func (p *parser) filter() Predicate {
	p.into()
	defer p.out()
	if p.op("(") {
		inner := p.filters()
		p.wantOp(")")
		return inner
	}
	if now := p.now(); now.kind == word && stageWords[now.lower()] {
		p.failAt(now, "unexpected %s, want a filter on a label, as status=\"500\"", now)
	}
	name := p.name()
	op := p.now()
	if op.kind != operation || compareOps[op.raw] == "" && matchOps[op.raw] == "" {
		p.want("an operator: =, !=, =~, !~, >, >=, <, <= or ==")
		return nil
	}
	p.take()
	switch now := p.now(); {
	case now.kind == text:
		match, ok := matchOps[op.raw]
		if !ok {
			p.failAt(op, "%s compares numbers, not strings", op.raw)
		}
		value, at := p.text()
		p.regexpOf(match, value, at)
		return TextFilter{Name: name, Op: match, Value: value}
	case now.isWord("ip") && p.behind().is("("):
		if op.raw != "=" && op.raw != "!=" {
			p.failAt(op, "ip() goes with = and != only")
		}
		return IPFilter{name, op.raw == "!=", p.addresses()}
	}
	compare, ok := compareOps[op.raw]
	if !ok {
		p.want("a string in quotes")
		return nil
	}
	return p.numberFilter(name, compare)
}

var compareOps = map[string]CompareOp{"=": Equal, "==": Equal, "!=": NotEqual, "<": Less, "<=": LessOrEqual, ">": Greater, ">=": GreaterOrEqual}

// numberFilter reads the number of a comparison. Its unit decides what is compared.
func (p *parser) numberFilter(name string, op CompareOp) Predicate {
	f := NumberFilter{Name: name, Op: op}
	sign := p.sign()
	at := p.now()
	if at.kind != number {
		p.want("a string in quotes, a number, a duration or a size")
		return nil
	}
	p.take()
	if n, ok := plainNumber(at.raw); ok {
		f.Value = sign * n
	} else if d, ok := quantity.Duration(at.raw); ok && float64(d) < math.MaxInt64 {
		f.Value, f.Unit = sign*float64(d), Duration
	} else if b, ok := quantity.Bytes(at.raw); ok && !math.IsInf(b, 0) {
		f.Value, f.Unit = sign*b, Bytes
	} else {
		p.failAt(at, "%s is no number, duration (5s, 1h30m) or size (10KB, 1.5MiB)", at)
	}
	if f.Value == 0 {
		f.Value = 0 // without the sign
	}
	return f
}

// sign reads a + or -.
func (p *parser) sign() float64 {
	if p.op("-") {
		return -1
	}
	p.op("+")
	return 1
}

func plainNumber(raw string) (float64, bool) {
	n, err := strconv.ParseFloat(raw, 64)
	return n, err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
}
