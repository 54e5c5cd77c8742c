package logql

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/plaithq/plait"
)

// Bounds of a query. The parser calls itself as deep as parentheses nest, and trees are as deep as they have
// operators. Programs write long lists into regular expressions, so that the length is the widest.
const (
	maxLength    = 128 << 10
	maxNesting   = 100
	maxOperators = 2000
)

// Parse reads a query. An error is an *Error, or plait.ErrTooLarge for a text of more than 128 KiB.
func Parse(query string) (Expr, error) {
	p, err := newParser(query)
	if err != nil {
		return nil, err
	}
	e := p.expression(1)
	p.end()
	if p.err != nil {
		return nil, p.err
	}
	return e, nil
}

// ParseLog reads a log query.
func ParseLog(query string) (Log, error) {
	e, err := Parse(query)
	if err != nil {
		return Log{}, err
	}
	l, ok := e.(Log)
	if !ok {
		return Log{}, &Error{1, 1, "want a log query, as {service_name=\"cart\"}, not a metric query"}
	}
	return l, nil
}

// ParseSelector reads a stream selector, of which nothing is asked but that it is well-formed: {} selects
// all.
func ParseSelector(query string) ([]plait.Matcher, error) {
	p, err := newParser(query)
	if err != nil {
		return nil, err
	}
	matchers := p.matchers()
	p.end()
	if p.err != nil {
		return nil, p.err
	}
	return matchers, nil
}

func newParser(query string) (*parser, error) {
	if len(query) > maxLength {
		return nil, plait.Errorf(plait.ErrTooLarge, "the query has %d bytes, the limit is %d", len(query), maxLength)
	}
	p := &parser{lexer: lexer{query: query}}
	for {
		t, err := p.next()
		if err != nil {
			p.wrong = err
			t = token{kind: end, at: len(query)}
		}
		p.tokens = append(p.tokens, t)
		if t.kind == end {
			return p, nil
		}
	}
}

// parser goes through the tokens. The first error stays: from then on every token is the end, so that loops
// end.
type parser struct {
	lexer
	tokens []token
	i      int    // of the token that is read next
	wrong  *Error // where the tokens end before the query does
	err    *Error

	depth, operators int
}

// now is the token that is read next.
func (p *parser) now() token {
	if p.err != nil {
		return p.tokens[len(p.tokens)-1]
	}
	return p.tokens[p.i]
}

// behind is the token behind that.
func (p *parser) behind() token {
	if p.err != nil {
		return p.now()
	}
	return p.tokens[min(p.i+1, len(p.tokens)-1)]
}

// take reads a token.
func (p *parser) take() token {
	t := p.now()
	if t.kind != end {
		p.i++
	}
	return t
}

// failAt notes an error, unless there is one.
func (p *parser) failAt(t token, format string, args ...any) {
	switch {
	case p.err != nil:
	case t.kind == end && p.wrong != nil:
		p.err = p.wrong
	default:
		p.err = p.fail(t.at, format, args...)
	}
}

// want fails because another token should stand here.
func (p *parser) want(what string) {
	p.failAt(p.now(), "unexpected %s, want %s", p.now(), what)
}

// op reads an operator, and says whether it is there.
func (p *parser) op(op string) bool {
	if !p.now().is(op) {
		return false
	}
	p.take()
	return true
}

func (p *parser) wantOp(op string) {
	if !p.op(op) {
		p.want(fmt.Sprintf("%q", op))
	}
}

// word reads a keyword, and says whether it is there.
func (p *parser) word(w string) bool {
	if !p.now().isWord(w) {
		return false
	}
	p.take()
	return true
}

// name reads the name of a label.
func (p *parser) name() string {
	if p.now().kind != word {
		p.want("the name of a label")
		return ""
	}
	return p.take().raw
}

// text reads a string.
func (p *parser) text() (string, token) {
	if p.now().kind != text {
		p.want("a string in quotes")
		return "", p.now()
	}
	t := p.take()
	return t.str, t
}

func (p *parser) end() {
	if p.now().kind != end || p.wrong != nil {
		p.want("the end of the query")
	}
}

// into counts parentheses within each other; out undoes it.
func (p *parser) into() {
	if p.depth++; p.depth > maxNesting {
		p.failAt(p.now(), "parentheses and functions nest more than %d deep", maxNesting)
	}
}

func (p *parser) out() { p.depth-- }

// operator counts an operator.
func (p *parser) operator() {
	if p.operators++; p.operators > maxOperators {
		p.failAt(p.now(), "the query has more than %d operators, filters and stages", maxOperators)
	}
}

// names reads names in parentheses: by (a, b).
func (p *parser) names() []string {
	var names []string
	p.wantOp("(")
	for !p.op(")") && p.err == nil {
		if len(names) > 0 {
			p.wantOp(",")
		}
		names = append(names, p.name())
	}
	return names
}

var matchOps = map[string]plait.MatchOp{"=": plait.MatchEqual, "!=": plait.MatchNotEqual, "=~": plait.MatchRegexp, "!~": plait.MatchNotRegexp}

// matchers reads a selector.
func (p *parser) matchers() []plait.Matcher {
	var matchers []plait.Matcher
	p.wantOp("{")
	if p.op("}") {
		return nil
	}
	for p.err == nil {
		m := plait.Matcher{Name: p.name()}
		op, ok := matchOps[p.now().raw]
		if !ok || p.now().kind != operation {
			p.want("=, !=, =~ or !~")
		}
		m.Op = op
		p.take()
		value, at := p.text()
		m.Value = value
		p.regexpOf(m.Op, value, at)
		matchers = append(matchers, m)
		if p.op("}") {
			break
		}
		if p.operator(); !p.op(",") {
			p.want(`"," or "}"`)
		}
	}
	return matchers
}

// regexpOf checks the expression of a matcher.
func (p *parser) regexpOf(op plait.MatchOp, value string, at token) (fitsEmpty bool) {
	negative := op == plait.MatchNotEqual || op == plait.MatchNotRegexp
	if op != plait.MatchRegexp && op != plait.MatchNotRegexp {
		return (value == "") != negative
	}
	re, err := regexp.Compile("^(?s:" + value + ")$")
	if err != nil {
		p.failAt(at, "not a regular expression: %v", reason(err))
		return false
	}
	return re.MatchString("") != negative
}

// reason is an error of regexp without the expression that we put around.
func reason(err error) string {
	var syntax *syntax.Error
	if errors.As(err, &syntax) {
		return syntax.Code.String()
	}
	return err.Error()
}

// selector reads the selector of a log query: some matcher has to be false for a stream without its label.
func (p *parser) selector() []plait.Matcher {
	at := p.now()
	matchers := p.matchers()
	if p.err != nil {
		return nil
	}
	for _, m := range matchers {
		if !p.regexpOf(m.Op, m.Value, at) {
			return matchers
		}
	}
	p.failAt(at, `a selector needs a matcher that does not fit the empty text, as in {service_name=~".+"}`)
	return nil
}
