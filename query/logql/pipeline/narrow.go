package pipeline

import (
	"encoding/hex"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql"
)

// Narrow is a condition that every log record fits whose entry the query keeps, so that the store need not
// read the others. It is made of the selector and of the filters that stand before what changes lines and
// labels; records that fit are still led through the pipeline. An error is plait.ErrInvalid.
func Narrow(l logql.Log) (condition.Node, error) {
	and := condition.And{}
	for _, m := range l.Matchers {
		n, err := labelCondition(m)
		if err != nil {
			return nil, err
		}
		and = append(and, n)
	}
	for _, s := range l.Stages {
		switch s := s.(type) {
		case logql.LineFilter:
			and = append(and, lineCondition(s))
		case logql.LabelFilter:
			n, err := predicateCondition(s.Of)
			if err != nil {
				return nil, err
			}
			and = append(and, n)
		default: // parsers, formats, keep: the names and lines behind them are others
			return condition.Simplify(and), nil
		}
	}
	return condition.Simplify(and), nil
}

// places are where a label of LogQL may stand in a log record, the first that is there. This is the one
// table from labels to fields. It is empty for labels that no condition is asked about: those of errors, those
// that were renamed because two had one name, and what is not compared as a text.
func places(label string) []condition.Field {
	switch label {
	case "service_name":
		return []condition.Field{{Name: condition.Service}}
	case "detected_level":
		return []condition.Field{{Name: condition.LogLevel}}
	case "severity_text":
		return []condition.Field{{Name: condition.LogSeverityText}}
	case "scope_name":
		return []condition.Field{{Name: condition.ScopeName}}
	case "scope_version":
		return []condition.Field{{Name: condition.ScopeVersion}}
	case "trace_id", "span_id", "severity_number", "flags", "event_name":
		return nil
	}
	if strings.HasPrefix(label, "__") || strings.HasSuffix(label, extracted) {
		return nil
	}
	var fields []condition.Field
	for _, in := range []condition.Name{condition.ResourceAttribute, condition.LogAttribute, condition.ScopeAttribute} {
		fields = append(fields, condition.Field{Name: in, Key: label, Lookup: condition.LookupLabel})
	}
	return fields
}

// labelCondition is a matcher as a condition on log records, where an absent label is the empty text. It is
// true where the store is not to be asked.
func labelCondition(m plait.Matcher) (condition.Node, error) {
	if n, ok := idCondition(m); ok {
		return n, nil
	}
	fields := places(m.Name)
	if len(fields) == 0 {
		return condition.Const(true), nil
	}
	return condition.FirstOf(fields, func(f condition.Field) (condition.Node, error) {
		return condition.Label(f, m.Op, condition.Stored(m.Value))
	})
}

// idCondition is an id that is asked for as it is written, for which there is an index.
func idCondition(m plait.Matcher) (condition.Node, bool) {
	if m.Op != plait.MatchEqual || m.Value != strings.ToLower(m.Value) {
		return nil, false
	}
	raw, err := hex.DecodeString(m.Value)
	if err != nil {
		return nil, false
	}
	leaf := condition.Leaf{Op: condition.OpEqual}
	switch {
	case m.Name == "trace_id" && len(raw) == len(plait.TraceID{}):
		leaf.Field, leaf.Value = condition.Field{Name: condition.LogTraceID}, condition.OfTrace(plait.TraceID(raw))
	case m.Name == "span_id" && len(raw) == len(plait.SpanID{}):
		leaf.Field, leaf.Value = condition.Field{Name: condition.LogSpanID}, condition.OfSpan(plait.SpanID(raw))
	default:
		return nil, false
	}
	return leaf, true
}

// lineCondition is a line filter as a condition on the body, which is true for what only the pipeline knows.
func lineCondition(f logql.LineFilter) condition.Node {
	body := condition.Field{Name: condition.LogBody}
	or := condition.Or{}
	for _, t := range f.Terms {
		leaf := condition.Leaf{Field: body, Op: condition.OpContains, Value: condition.Text(condition.Stored(t.Text))}
		switch {
		case t.IP || f.Op == logql.LineHasPattern || f.Op == logql.LineHasNoPattern:
			return condition.Const(true)
		case f.Op == logql.LineMatches || f.Op == logql.LineMatchesNot:
			// How the condition treats line breaks and NUL is its own; only expressions without both are asked.
			if strings.ContainsAny(t.Text, ".$^\\[\x00(") {
				return condition.Const(true)
			}
			leaf.Op = condition.OpSearch
		case t.Text == "":
			return condition.Const(!f.Op.Negative())
		}
		or = append(or, leaf)
	}
	if f.Op.Negative() {
		return condition.Not{Of: or}
	}
	return or
}

// predicateCondition is what entries have to fit that a condition on labels keeps.
func predicateCondition(of logql.Predicate) (condition.Node, error) {
	switch of := of.(type) {
	case logql.And:
		left, right, err := bothConditions(of.Left, of.Right)
		return condition.And{left, right}, err
	case logql.Or:
		left, right, err := bothConditions(of.Left, of.Right)
		return condition.Or{left, right}, err
	case logql.TextFilter:
		return labelCondition(plait.Matcher(of))
	}
	return condition.Const(true), nil // numbers keep what does not parse, with an error
}

func bothConditions(l, r logql.Predicate) (left, right condition.Node, err error) {
	left, err = predicateCondition(l)
	if err == nil {
		right, err = predicateCondition(r)
	}
	return left, right, err
}
