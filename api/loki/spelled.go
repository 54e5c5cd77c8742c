package loki

import (
	"slices"

	"github.com/plaithq/plait"
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
		if p.Op == plait.MatchEqual && p.Name == entry.TraceLabel && p.Value != "" {
			return readings(p)
		}
	}
	return p
}

// readings is an id in each way it can be read, and in the half that 64-bit tracers know of it.
func readings(f logql.TextFilter) logql.Predicate {
	values := []string{f.Value}
	add := func(id plait.TraceID) {
		if text := id.String(); !slices.Contains(values, text) {
			values = append(values, text)
		}
	}
	for _, c := range tracecontext.ParseAll(f.Value) {
		add(c.TraceID)
		half := c.TraceID
		clear(half[:8])
		if !half.IsZero() {
			add(half)
		}
	}
	var or logql.Predicate = f
	for _, v := range values[1:] {
		or = logql.Or{Left: or, Right: logql.TextFilter{Name: f.Name, Op: f.Op, Value: v}}
	}
	return or
}
