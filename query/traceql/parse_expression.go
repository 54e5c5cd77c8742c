package traceql

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// condition reads what stands in braces.
func (p *parser) condition() (Expression, error) {
	at := p.peek()
	e, err := p.expression(0, false)
	if err != nil {
		return nil, err
	}
	if t := TypeOf(e); t != TypeBool && !conditional(e) {
		return nil, p.failAt(at, e.String()+" is "+t.String()+", and no condition: compare it with something")
	}
	return e, nil
}

// conditional says that an expression may be a condition: it is one, or an attribute that may be a boolean.
func conditional(e Expression) bool {
	_, field := e.(Field)
	return TypeOf(e) == TypeBool || field && TypeOf(e) == TypeAny
}

// expression reads operators that bind at least so tight, and their operands. In an aggregate filter the
// operands are aggregates and numbers.
func (p *parser) expression(tight int, aggregates bool) (Expression, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	left, err := p.operand(aggregates)
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		own, ok := precedences[Op(t.text)]
		if t.kind != tokenOp || !ok || own < tight || aggregates && Op(t.text).Joins() {
			return left, nil
		}
		p.next++
		if err := p.operator(t); err != nil {
			return nil, err
		}
		then := own + 1
		if Op(t.text) == OpPower {
			then = own
		}
		right, err := p.expression(then, aggregates)
		if err != nil {
			return nil, err
		}
		b := Binary{Op: Op(t.text), Left: left, Right: right}
		if err := p.checkBinary(b, t); err != nil {
			return nil, err
		}
		left = b
	}
}

// operand reads a field, a constant, an aggregate, something in parentheses, or one with a sign.
func (p *parser) operand(aggregates bool) (Expression, error) {
	t := p.peek()
	switch {
	case t.isOp("("):
		p.next++
		e, err := p.expression(0, aggregates)
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case t.isOp("-"):
		return p.negative(aggregates)
	case t.isOp("!") && !aggregates:
		p.next++
		e, err := p.expression(precedenceOfNot, false)
		if err == nil && !conditional(e) {
			err = p.failAt(t, "! negates conditions, and "+e.String()+" is "+TypeOf(e).String())
		}
		return Unary{Op: OpNot, Of: e}, err
	case t.kind == tokenField && !aggregates:
		p.next++
		return t.field, nil
	case aggregates && t.kind == tokenWord && p.peekAt(1).isOp("("):
		return p.aggregate()
	case t.kind == tokenStatic, t.kind == tokenWord && constants[t.text] != Static{}:
		return p.constant()
	case t.kind == tokenWord:
		return nil, p.failAt(t, t.text+" is no field: an attribute has a scope or a dot before it, as in ."+t.text)
	}
	return nil, p.unexpected("an attribute, an intrinsic or a constant")
}

// negative reads a number with a sign, which binds tighter than any operator.
func (p *parser) negative(aggregates bool) (Expression, error) {
	sign := p.take()
	if t := p.peek(); t.kind == tokenStatic && t.static.Type.Numeric() {
		p.next++
		return p.signed(sign, t.static, t, true)
	}
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	e, err := p.operand(aggregates)
	if err == nil && !computable(e) {
		err = p.failAt(sign, "a sign stands before numbers, and "+e.String()+" is "+TypeOf(e).String())
	}
	if s, ok := e.(Static); ok && err == nil {
		return p.signed(sign, s, token{}, true)
	}
	return Unary{Op: OpSubtract, Of: e}, err
}

func computable(e Expression) bool { return TypeOf(e).Numeric() || TypeOf(e) == TypeAny }

// checkBinary says what an operator does not take.
func (p *parser) checkBinary(b Binary, at token) error {
	left, right := TypeOf(b.Left), TypeOf(b.Right)
	mistake := func(problem string) error { return p.failAt(at, problem) }
	between := left.String() + " and " + right.String()
	switch {
	case b.Op.Joins():
		if !conditional(b.Left) || !conditional(b.Right) {
			return mistake(string(b.Op) + " joins conditions, not " + between)
		}
	case b.Op.Arithmetic():
		if !computable(b.Left) || !computable(b.Right) {
			return mistake("numbers are computed, not " + between)
		}
	case b.Op == OpRegexp || b.Op == OpNotRegexp:
		return p.checkRegexp(b, at)
	case left == TypeNil || right == TypeNil:
		return p.checkNil(b, at)
	case !comparable(left, right):
		return mistake(between + " do not compare")
	case b.Op != OpEqual && b.Op != OpNotEqual && (unordered(left) || unordered(right)):
		return mistake("of " + between + " none is more: only = and != compare them")
	case isCondition(b.Left) || isCondition(b.Right):
		return mistake("not supported by Plait: comparing conditions with " + string(b.Op) + "; join them with && or ||")
	}
	return nil
}

func comparable(a, b Type) bool {
	return a == b || a == TypeAny || b == TypeAny || a.Numeric() && b.Numeric()
}

func unordered(t Type) bool { return t == TypeBool || t == TypeStatus || t == TypeKind }

// isCondition says that an expression is a comparison or more, and no constant.
func isCondition(e Expression) bool {
	_, constant := e.(Static)
	return TypeOf(e) == TypeBool && !constant
}

func (p *parser) checkRegexp(b Binary, at token) error {
	s, ok := b.Right.(Static)
	if !ok || s.Type != TypeString {
		return p.failAt(at, string(b.Op)+" compares with a regular expression in quotes")
	}
	if t := TypeOf(b.Left); t != TypeString && t != TypeAny {
		return p.failAt(at, "regular expressions fit strings, and "+b.Left.String()+" is "+t.String())
	}
	if _, err := regexp.Compile(`^(?s:` + s.Text + `)$`); err != nil {
		problem := err.Error()
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			problem = e.Code.String()
		}
		return p.failAt(at, "the regular expression "+s.String()+" is none: "+problem)
	}
	// what stands alone may be more than what stands in parentheses: a)(b
	if _, err := syntax.Parse(s.Text, syntax.Perl); err != nil {
		return p.failAt(at, "the regular expression "+s.String()+" is none")
	}
	return nil
}

// checkNil: whether an attribute is there can be asked, and of intrinsics only that they are.
func (p *parser) checkNil(b Binary, at token) error {
	of := b.Left
	if isNil(of) {
		of = b.Right
	}
	field, ok := of.(Field)
	switch {
	case b.Op != OpEqual && b.Op != OpNotEqual:
		return p.failAt(at, "nil compares with = and != only")
	case !ok || isNil(b.Left) == isNil(b.Right):
		return p.failAt(at, "only attributes compare with nil")
	case b.Op == OpEqual && field.Scope == ScopeIntrinsic && field.Intrinsic() != ParentSpan:
		return p.failAt(at, field.Name+" is never nil")
	}
	return nil
}

func isNil(e Expression) bool { return e == Static{Type: TypeNil} }
