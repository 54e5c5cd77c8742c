package loki

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/tracecontext"
)

// spelled is a query in which ids of traces are written as entries have them, in whichever way the user
// wrote them.
func spelled(e logql.Expr) logql.Expr {
	switch e := e.(type) {
	case logql.Log:
		return spelledLog(e)
	case logql.Range:
		e.Of = spelledLog(e.Of)
		return e
	case logql.Aggregation:
		e.Of = spelled(e.Of)
		return e
	case logql.LabelReplace:
		e.Of = spelled(e.Of)
		return e
	case logql.Binary:
		e.Left, e.Right = spelled(e.Left), spelled(e.Right)
		return e
	}
	return e
}

// spelledLog takes a matcher of an id, which strict tools write into the selector, for a filter.
func spelledLog(l logql.Log) logql.Log {
	var matchers []plait.Matcher
	var stages []logql.Stage
	for _, m := range l.Matchers {
		if m.Op == plait.MatchEqual && m.Name == entry.TraceLabel {
			stages = append(stages, logql.LabelFilter{Of: spelledPredicate(logql.TextFilter(m))})
			continue
		}
		matchers = append(matchers, m)
	}
	for _, s := range l.Stages {
		if f, ok := s.(logql.LabelFilter); ok {
			s = logql.LabelFilter{Of: spelledPredicate(f.Of)}
		}
		stages = append(stages, s)
	}
	l.Matchers, l.Stages = matchers, stages
	return l
}

func spelledPredicate(p logql.Predicate) logql.Predicate {
	switch p := p.(type) {
	case logql.And:
		return logql.And{Left: spelledPredicate(p.Left), Right: spelledPredicate(p.Right)}
	case logql.Or:
		return logql.Or{Left: spelledPredicate(p.Left), Right: spelledPredicate(p.Right)}
	case logql.TextFilter:
		if p.Name == entry.TraceLabel {
			return readings(p)
		}
	}
	return p
}

// readings asks for each id that a condition names in each way it can be read, and in the half that 64-bit tracers
// know of it. A condition that wants none of the ids wants none of these.
func readings(f logql.TextFilter) logql.Predicate {
	var texts []string
	negative := f.Op == plait.MatchNotEqual || f.Op == plait.MatchNotRegexp
	if f.Op == plait.MatchEqual || f.Op == plait.MatchNotEqual {
		texts = []string{f.Value}
	} else {
		texts, _ = condition.Alternatives(f.Value)
	}
	var of logql.Predicate = f
	for _, id := range idsOf(texts) {
		if negative {
			of = logql.And{Left: of, Right: logql.TextFilter{Name: f.Name, Op: plait.MatchNotEqual, Value: id}}
		} else {
			of = logql.Or{Left: of, Right: logql.TextFilter{Name: f.Name, Op: plait.MatchEqual, Value: id}}
		}
	}
	return of
}

// idsOf are the ids that texts can be read as, but for the texts themselves.
func idsOf(texts []string) (ids []string) {
	add := func(id plait.TraceID) {
		if text := id.String(); !slices.Contains(texts, text) && !slices.Contains(ids, text) {
			ids = append(ids, text)
		}
	}
	for _, text := range texts {
		for _, c := range tracecontext.ParseAll(text) {
			add(c.TraceID)
			half := c.TraceID
			clear(half[:8])
			if !half.IsZero() {
				add(half)
			}
		}
	}
	return ids
}
