// Package traceql reads TraceQL, the query language of Grafana Tempo: text to tree and back. The API parses
// what users ask, and query/traceql/eval says what it means. Here nothing is evaluated.
//
// The tree of a text prints as a text that parses to an equal tree. Where the grammar surprises:
//
//	{ .a = 1 || .b = 2 && .c = 3 }   && and || have one strength: (a || b) && c
//	{ span.a+1 = 3 }                 a name runs on to the next space: the attribute is called a+1
//	{a} || {b} >> {c}                structural operators bind tighter than && and ||
//	-2 ^ 2                           the sign binds tightest: (-2) ^ 2
package traceql

import (
	"strings"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// Bounds of a query. Grafana writes lists of values as chains of ||.
const (
	maxLength    = 128 << 10 // bytes
	maxNesting   = 200       // parentheses and signs in one another
	maxOperators = 2_000     // each may be one level more of the tree
)

// Query is a whole query: of traces, or of metrics.
type Query struct {
	Pipeline Pipeline // of a search; nil for metrics
	Metrics  Metrics  // nil for a search
	Hints    []Hint
}

// Hint is one setting of with(…). Who does not know it ignores it.
type Hint struct {
	Name  string
	Value Static
}

// Hint returns the value of the last hint with a name.
func (q *Query) Hint(name string) (value Static, ok bool) {
	for _, h := range q.Hints {
		if h.Name == name {
			value, ok = h.Value, true
		}
	}
	return value, ok
}

// Error is a query that cannot be read, or that means nothing. It is plait.ErrInvalid.
type Error struct {
	Line, Column int // of the place, from 1; the column counts characters
	Problem      string
}

func (e *Error) Error() string {
	return plait.Errorf(plait.ErrInvalid, "TraceQL, line %d, column %d: %s", e.Line, e.Column, e.Problem).Error()
}

// Unwrap returns plait.ErrInvalid.
func (e *Error) Unwrap() error { return plait.ErrInvalid }

// errorAt makes an error of what is wrong at a byte of the text.
func errorAt(text string, at int, problem string) *Error {
	before := text[:at]
	line := strings.LastIndexByte(before, '\n') + 1
	return &Error{Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[line:]) + 1, Problem: problem}
}

// Parse reads a query. Errors are *Error, and say where it is wrong.
func Parse(text string) (*Query, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, err
	}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	return q, nil
}

// ParseField reads the name of an attribute or intrinsic as queries have it: span.http.route, .x, name,
// span:kind. A part that holds spaces need not be quoted.
func ParseField(text string) (Field, error) {
	if p, err := newParser(text); err == nil && len(p.tokens) == 2 && p.tokens[0].kind == tokenField {
		return p.tokens[0].field, nil
	}
	name, parent := strings.CutPrefix(text, "parent.")
	for scope, prefix := range scopePrefixes {
		if key, ok := strings.CutPrefix(name, prefix+"."); ok && key != "" && utf8.ValidString(key) && (prefix != "" || !parent) {
			return Field{Scope: Scope(scope), Name: key, Parent: parent}, nil
		}
	}
	return Field{}, errorAt(text, 0, "this is no attribute such as span.http.route or .http.route, and no intrinsic")
}

// ParseUnfinished reads what a user has typed so far, to narrow what is suggested: the conditions on a span
// that are whole, joined by &&. What is not whole is left out. The filter is empty where nothing is.
func ParseUnfinished(text string) Filter {
	if len(text) > maxLength {
		return Filter{}
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	tokens := scanUnfinished(text)
	var of Expression
	for len(tokens) > 0 {
		end := endOfCondition(tokens)
		if e := wholeCondition(text, tokens[:end]); e != nil && of == nil {
			of = e
		} else if e != nil {
			of = Binary{Op: OpAnd, Left: of, Right: e}
		}
		tokens = tokens[min(end+1, len(tokens)):]
	}
	return Filter{Of: of}
}

// endOfCondition returns where the next && stands, or a brace, that is in no parentheses.
func endOfCondition(tokens []token) int {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.isOp("("):
			depth++
		case t.isOp(")"):
			depth--
		case t.isOp("{"), t.isOp("}"), depth <= 0 && t.isOp("&&"):
			return i
		}
	}
	return len(tokens)
}

// wholeCondition is nil where the tokens are no condition. An attribute alone is one whose operator is missing.
func wholeCondition(text string, tokens []token) Expression {
	if len(tokens) == 0 {
		return nil
	}
	end := token{kind: tokenEnd, at: len(text)}
	p := &parser{text: text, tokens: append(append([]token{}, tokens...), end)}
	e, err := p.condition()
	if _, alone := e.(Field); err != nil || alone || p.peek().kind != tokenEnd {
		return nil
	}
	return e
}
