// Package promsel finds the series that a PromQL expression is about: the matchers of each of
// its vector selectors. The API asks it what a user who pivots from a graph is looking at. It
// evaluates nothing.
package promsel

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/plaithq/plait"
)

var ops = map[labels.MatchType]plait.MatchOp{
	labels.MatchEqual:     plait.MatchEqual,
	labels.MatchNotEqual:  plait.MatchNotEqual,
	labels.MatchRegexp:    plait.MatchRegexp,
	labels.MatchNotRegexp: plait.MatchNotRegexp,
}

// Selectors returns the matchers of each vector selector in an expression, in the order in which
// they stand there, each set of matchers once. The metric's name is a matcher of __name__. Errors
// say where the expression is wrong and wrap plait.ErrInvalid.
func Selectors(expression string) ([][]plait.Matcher, error) {
	if err := Check(expression); err != nil {
		return nil, err
	}
	p := parser.NewParser(parser.Options{EnableExperimentalFunctions: true})
	parsed, err := p.ParseExpr(expression)
	if err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read PromQL: %w", err)
	}
	var found [][]plait.Matcher
	for _, selector := range parser.ExtractSelectors(parsed) {
		matchers := make([]plait.Matcher, 0, len(selector))
		for _, m := range selector {
			matchers = append(matchers, plait.Matcher{Name: m.Name, Op: ops[m.Type], Value: m.Value})
		}
		if !slices.ContainsFunc(found, func(other []plait.Matcher) bool { return slices.Equal(matchers, other) }) {
			found = append(found, matchers)
		}
	}
	if len(found) == 0 {
		return nil, plait.Errorf(plait.ErrInvalid, "read PromQL: %.200q selects no series", expression)
	}
	return found, nil
}
