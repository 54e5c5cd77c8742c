package promsel

import (
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/plaithq/plait"
)

// Prometheus's parser recurses as deep as its input nests, and what it does with a tree takes time
// that grows with the square of its depth: 300,000 parentheses take minutes, which no time limit ends.
const (
	// maxLength bounds an expression in bytes. Dashboards write lists of names into regular expressions.
	maxLength = 64 << 10
	// maxNesting bounds parentheses, calls, braces and brackets within each other.
	maxNesting = 100
	// maxOperators bounds operators, each of which is one level more of the tree.
	maxOperators = 1000
)

// Check says whether an expression is small enough to be parsed. Its errors wrap plait.ErrInvalid; an
// expression that is no PromQL is left to the parser.
func Check(expression string) error {
	if len(expression) > maxLength {
		return plait.Errorf(plait.ErrInvalid, "the expression has %d bytes, the limit is %d", len(expression), maxLength)
	}
	depth, operators := 0, 0
	lexer := parser.Lex(expression)
	for {
		var item parser.Item
		lexer.NextItem(&item)
		switch {
		case item.Typ == parser.EOF || item.Typ == parser.ERROR:
			return nil
		case item.Typ == parser.LEFT_PAREN || item.Typ == parser.LEFT_BRACE || item.Typ == parser.LEFT_BRACKET:
			depth++
		case item.Typ == parser.RIGHT_PAREN || item.Typ == parser.RIGHT_BRACE || item.Typ == parser.RIGHT_BRACKET:
			depth--
		case item.Typ.IsOperator():
			operators++
		}
		if depth > maxNesting {
			return plait.Errorf(plait.ErrInvalid, "the expression nests more than %d deep at byte %d", maxNesting, item.Pos)
		}
		if operators > maxOperators {
			return plait.Errorf(plait.ErrInvalid, "the expression has more than %d operators", maxOperators)
		}
	}
}
