package traceql

import (
	"strconv"
	"unicode/utf8"
)

// parser reads tokens by recursive descent, one function for each construct. Types are checked where a node is
// made, while the place of its operator is known.
type parser struct {
	text      string
	tokens    []token
	next      int
	depth     int
	operators int
}

func newParser(text string) (*parser, error) {
	if len(text) > maxLength {
		return nil, errorAt(text, 0, "the query has "+strconv.Itoa(len(text))+" bytes, the limit is "+strconv.Itoa(maxLength))
	}
	if !utf8.ValidString(text) {
		return nil, errorAt(text, 0, "the query is not UTF-8")
	}
	tokens, err := scan(text)
	return &parser{text: text, tokens: tokens}, err
}

func (p *parser) peek() token { return p.tokens[p.next] }

// peekAt looks so many tokens ahead.
func (p *parser) peekAt(ahead int) token { return p.tokens[min(p.next+ahead, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokenEnd {
		p.next++
	}
	return t
}

func (p *parser) is(op string) bool { return p.peek().isOp(op) }

// accept takes an operator if it is next.
func (p *parser) accept(op string) bool {
	if p.is(op) {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(op string) error {
	if p.accept(op) {
		return nil
	}
	return p.unexpected(op)
}

// unexpected says what was found where something else was wanted.
func (p *parser) unexpected(want string) error {
	return p.failAt(p.peek(), "found "+p.peek().describe()+", want "+want)
}

func (t token) describe() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the query"
	case tokenStatic:
		return t.static.String()
	}
	return t.text
}

func (p *parser) failAt(t token, problem string) error { return errorAt(p.text, t.at, problem) }

// deeper goes one level into what nests, and is not ok where that is too deep.
func (p *parser) deeper() error {
	if p.depth++; p.depth > maxNesting {
		return p.failAt(p.peek(), "the query nests more than "+strconv.Itoa(maxNesting)+" deep")
	}
	return nil
}

// operator counts operators.
func (p *parser) operator(t token) error {
	if p.operators++; p.operators > maxOperators {
		return p.failAt(t, "the query has more than "+strconv.Itoa(maxOperators)+" operators")
	}
	return nil
}

// call says that the next tokens are a function's name and its (.
func (p *parser) call() (name string, ok bool) {
	if t := p.peek(); t.kind == tokenWord && p.peekAt(1).isOp("(") {
		return t.text, true
	}
	return "", false
}

// parenthesesHold says whether the ( that is next holds a token, at any depth. Those without a ) hold all that
// follows.
func (p *parser) parenthesesHold(fits func(i int) bool) bool {
	end := p.peek().match
	if end == 0 {
		end = len(p.tokens)
	}
	for i := p.next; i < end; i++ {
		if fits(i) {
			return true
		}
	}
	return false
}

// query reads a whole query.
func (p *parser) query() (*Query, error) {
	q := &Query{}
	var err error
	metrics := false
	for i := range p.tokens {
		metrics = metrics || p.metricsAt(i)
	}
	if metrics {
		q.Metrics, err = p.metrics()
	} else {
		q.Pipeline, err = p.pipeline()
	}
	if err != nil {
		return nil, err
	}
	if name, ok := p.call(); ok && name == "with" {
		if q.Hints, err = p.hints(); err != nil {
			return nil, err
		}
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected("the end of the query")
	}
	return q, nil
}

// hints reads with(name=value, …).
func (p *parser) hints() (hints []Hint, err error) {
	p.next += 2
	for {
		name := p.take()
		if name.kind != tokenWord && (name.kind != tokenField || name.field.Scope != ScopeIntrinsic) {
			return nil, p.failAt(name, "a hint is name=value")
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		value, err := p.constant()
		if err != nil {
			return nil, err
		}
		hints = append(hints, Hint{Name: name.text, Value: value})
		if p.accept(")") {
			return hints, nil
		}
		if !p.accept(",") {
			return nil, p.unexpected("a comma or )")
		}
	}
}

// constant reads a constant with its sign.
func (p *parser) constant() (Static, error) {
	at := p.peek()
	negative := p.accept("-")
	t := p.take()
	value, ok := t.static, t.kind == tokenStatic
	if t.kind == tokenWord {
		value, ok = constants[t.text]
	}
	if !ok || negative && !value.Type.Numeric() {
		return Static{}, p.failAt(t, "found "+t.describe()+", want a constant")
	}
	return p.signed(at, value, t, negative)
}

// signed gives a constant its sign. An integer of 64 bits may only be as low as with one.
func (p *parser) signed(at token, value Static, t token, negative bool) (Static, error) {
	written := t.kind == tokenStatic && value.Type == TypeInt && value.Int < 0
	switch {
	case written && !negative:
		return Static{}, p.failAt(at, "the integer has more than 64 bits")
	case negative && value.Type == TypeFloat:
		value.Float = -value.Float
	case negative:
		value.Int = -value.Int
	}
	return value, nil
}

// integer reads a constant that is a whole number of a range.
func (p *parser) integer(least, most int64, what string) (int64, error) {
	at := p.peek()
	value, err := p.constant()
	if err != nil {
		return 0, err
	}
	if value.Type != TypeInt || value.Int < least || value.Int > most {
		return 0, p.failAt(at, what+" is an integer from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
	}
	return value.Int, nil
}
