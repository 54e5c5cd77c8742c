package pipeline

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/address"
	"github.com/plaithq/plait/query/logql/quantity"
)

// textMatch is a matcher, compiled.
type textMatch struct {
	name string
	fits func(string) bool
}

func newTextMatch(m plait.Matcher) (textMatch, error) {
	equal := func(s string) bool { return s == m.Value }
	if m.Op == plait.MatchRegexp || m.Op == plait.MatchNotRegexp {
		re, err := regexp.Compile("^(?s:" + m.Value + ")$")
		if err != nil {
			return textMatch{}, plait.Errorf(plait.ErrInvalid, "label %s: %w", m.Name, err)
		}
		equal = re.MatchString
	}
	if m.Op == plait.MatchNotEqual || m.Op == plait.MatchNotRegexp {
		return textMatch{m.Name, func(s string) bool { return !equal(s) }}, nil
	}
	return textMatch{m.Name, equal}, nil
}

// predicate compiles a condition on labels. One that fails marks the entry and keeps it.
func predicate(of logql.Predicate) (func(*state) bool, error) {
	switch of := of.(type) {
	case logql.And:
		left, right, err := both(of.Left, of.Right)
		return func(s *state) bool { return left(s) && right(s) }, err
	case logql.Or:
		left, right, err := both(of.Left, of.Right)
		return func(s *state) bool { return left(s) || right(s) }, err
	case logql.TextFilter:
		m, err := newTextMatch(plait.Matcher(of))
		return func(s *state) bool {
			value, _ := s.get(m.name)
			return m.fits(value)
		}, err
	case logql.NumberFilter:
		return numberFilter(of), nil
	case logql.IPFilter:
		set, ok := address.Parse(of.Addresses)
		if !ok {
			return nil, plait.Errorf(plait.ErrInvalid, "%q is no address", of.Addresses)
		}
		return func(s *state) bool {
			value, there := s.get(of.Name)
			return s.err != "" || there && set.Has(value) != of.Not
		}, nil
	}
	return nil, plait.Errorf(plait.ErrInvalid, "a condition of an unknown type %T", of)
}

func both(l, r logql.Predicate) (left, right func(*state) bool, err error) {
	left, err = predicate(l)
	if err == nil {
		right, err = predicate(r)
	}
	return left, right, err
}

func numberFilter(f logql.NumberFilter) func(*state) bool {
	return func(s *state) bool {
		text, ok := s.get(f.Name)
		if !ok {
			return s.err != "" // a parser that failed may not have come to the label
		}
		value, ok := read(text, f.Unit)
		switch {
		case ok:
		case s.err != "":
			return true
		default:
			return s.fail("LabelFilterErr", errors.New(strconv.Quote(plait.OneLine(text, 100))+" does not compare with a number, duration or size"))
		}
		return compare(value, f.Op, f.Value)
	}
}

func read(text string, unit logql.Unit) (float64, bool) {
	switch unit {
	case logql.Duration:
		d, ok := quantity.Duration(text)
		return float64(d), ok
	case logql.Bytes:
		return quantity.Bytes(text)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return n, err == nil
}

func compare(a float64, op logql.CompareOp, b float64) bool {
	switch op {
	case logql.Equal:
		return a == b
	case logql.NotEqual:
		return a != b
	case logql.Less:
		return a < b
	case logql.LessOrEqual:
		return a <= b
	case logql.Greater:
		return a > b
	}
	return a >= b
}
