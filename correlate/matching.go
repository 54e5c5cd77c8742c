package correlate

import (
	"regexp"

	"github.com/plaithq/plait"
)

// predicate is a matcher that is ready to compare.
type predicate struct {
	matcher plait.Matcher
	pattern *regexp.Regexp // nil for plain text
}

func newPredicate(m plait.Matcher) (predicate, error) {
	p := predicate{matcher: m}
	if m.Op == plait.MatchRegexp || m.Op == plait.MatchNotRegexp {
		var err error
		if p.pattern, err = regexp.Compile("^(?s:" + m.Value + ")$"); err != nil {
			return p, plait.Errorf(plait.ErrInvalid, "matcher %s%s%q: %w", m.Name, m.Op, m.Value, err)
		}
	}
	return p, nil
}

func (p predicate) matches(value string) bool {
	switch p.matcher.Op {
	case plait.MatchEqual:
		return value == p.matcher.Value
	case plait.MatchNotEqual:
		return value != p.matcher.Value
	case plait.MatchRegexp:
		return p.pattern.MatchString(value)
	default:
		return !p.pattern.MatchString(value)
	}
}

// predicates hold for a value when all of them do.
type predicates []predicate

func (p predicates) match(value string) bool {
	for _, one := range p {
		if !one.matches(value) {
			return false
		}
	}
	return true
}
