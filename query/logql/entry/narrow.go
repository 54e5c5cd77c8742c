package entry

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql"
)

// Narrow is a condition that every log record fits whose entry the query keeps, so that the store need not
// read the others. It is made of the selector and of the filters whose lines and labels are those of the
// record; records that fit are still led through the pipeline. An error is plait.ErrInvalid.
func (m *Mapping) Narrow(l logql.Log) (condition.Node, error) {
	n := narrowing{lines: true, labels: true, made: map[string]condition.Node{}}
	for _, matcher := range l.Matchers {
		of, err := m.ofStream(matcher)
		if err != nil {
			return nil, err
		}
		n.and = append(n.and, of)
	}
	for _, s := range l.Stages {
		if _, ok := s.(logql.Distinct); ok {
			break // keeps the first of those that come to it
		}
		if err := n.stage(s); err != nil {
			return nil, err
		}
	}
	return condition.Simplify(n.and), nil
}

// narrowing goes through the stages of a query.
type narrowing struct {
	and    condition.And
	lines  bool // that filters see are those of records
	labels bool // likewise
	parsed bool // parsers have found labels beside them
	// elsewhere says that a parser read another line than the record's.
	elsewhere bool
	// made are labels that a format makes "true" where a condition holds.
	made map[string]condition.Node
}

func (n *narrowing) stage(s logql.Stage) error {
	switch s := s.(type) {
	case logql.LineFilter:
		if n.lines {
			n.and = append(n.and, lineCondition(s))
		}
	case logql.LabelFilter:
		of, err := n.predicate(s.Of)
		n.and = append(n.and, of)
		return err
	case logql.JSON, logql.Logfmt, logql.Pattern, logql.Regexp:
		n.parsed, n.elsewhere = true, n.elsewhere || !n.lines
	case logql.LabelFormat:
		n.format(s)
	case logql.Drop:
		for _, c := range s.Labels {
			n.labels = n.labels && strings.HasPrefix(c.Name, "__")
		}
	case logql.LineFormat, logql.Decolorize:
		n.lines = false
	case logql.Unpack:
		n.lines, n.labels = false, false
	default:
		n.labels = false
	}
	return nil
}

// containsFormat is the template by which Grafana asks whether a line has a text.
var containsFormat = regexp.MustCompile(`^\s*\{\{\s*contains\s+("(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `)\s+__line__\s*\}\}\s*$`)

func (n *narrowing) format(s logql.LabelFormat) {
	for _, f := range s.Formats {
		found := containsFormat.FindStringSubmatch(f.Template)
		if f.From != "" || found == nil || !n.lines || f.Name == TraceLabel || f.Name == SpanLabel {
			n.labels = false
			return
		}
		text, err := strconv.Unquote(found[1])
		if err != nil {
			n.labels = false
			return
		}
		n.made[f.Name] = contains(text)
	}
}

// ofTrace asks for records of the trace whose id a text is.
func ofTrace(text string) (condition.Node, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(plait.TraceID{}) || plait.TraceID(raw).IsZero() {
		return nil, false
	}
	return condition.Leaf{Field: condition.Field{Name: condition.LogTraceID}, Op: condition.OpEqual, Value: condition.OfTrace(plait.TraceID(raw))}, true
}

func ofSpan(text string) (condition.Node, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(plait.SpanID{}) || plait.SpanID(raw).IsZero() {
		return nil, false
	}
	return condition.Leaf{Field: condition.Field{Name: condition.LogSpanID}, Op: condition.OpEqual, Value: condition.OfSpan(plait.SpanID(raw))}, true
}

// contains asks for bodies with a text.
func contains(text string) condition.Node {
	return condition.Leaf{Field: condition.Field{Name: condition.LogBody}, Op: condition.OpContains, Value: condition.Text(condition.Stored(text))}
}

// lineCondition is a line filter as a condition on the record, which is true for what only the pipeline knows.
func lineCondition(f logql.LineFilter) condition.Node {
	or := condition.Or{}
	for _, t := range f.Terms {
		switch {
		case t.IP || f.Op == logql.LineHasPattern || f.Op == logql.LineHasNoPattern:
			return condition.Const(true)
		case f.Op == logql.LineMatches || f.Op == logql.LineMatchesNot:
			// How the condition treats line breaks and NUL is its own; only expressions without both are asked.
			if strings.ContainsAny(t.Text, ".$^\\[\x00(") {
				return condition.Const(true)
			}
			or = append(or, condition.Leaf{Field: condition.Field{Name: condition.LogBody}, Op: condition.OpSearch, Value: condition.Text(t.Text)})
		case t.Text == "":
			return condition.Const(!f.Op.Negative())
		case f.Op.Negative() && condition.Stored(t.Text) != t.Text:
			// No line has it, and what is stored in its place is another text.
		default:
			or = append(or, contains(t.Text))
			if f.Op == logql.LineContains {
				or = append(or, idsNamed(t.Text)...)
			}
		}
	}
	if f.Op.Negative() {
		return condition.Not{Of: or}
	}
	return or
}

// idsNamed asks for records whose ids a line filter names: they stay, whether or not the line has them.
func idsNamed(text string) (or []condition.Node) {
	text = strings.ToLower(text)
	if n, ok := ofTrace(text); ok {
		or = append(or, n)
	}
	if n, ok := ofSpan(text); ok {
		or = append(or, n)
	}
	return or
}
