package entry

import (
	"encoding/base64"
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
		n.parsed = true
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

// places are where a label of LogQL may stand in a log record, the first that is there. This is the one
// table from labels to fields. It is empty for labels that no condition is asked about: those of errors, those
// that were renamed because two had one name, and what is not compared as a text.
func places(label string) []condition.Field {
	named := func(in condition.Name) condition.Field {
		return condition.Field{Name: in, Key: label, Lookup: condition.LookupLabel}
	}
	resource, own, scope := named(condition.ResourceAttribute), named(condition.LogAttribute), named(condition.ScopeAttribute)
	switch label {
	case ServiceLabel:
		return []condition.Field{{Name: condition.Service}}
	case LevelLabel:
		return []condition.Field{{Name: condition.LogLevel}}
	case "severity_text":
		return []condition.Field{resource, {Name: condition.LogSeverityText}, own, scope}
	case "scope_name":
		return []condition.Field{resource, own, {Name: condition.ScopeName}, scope}
	case "scope_version":
		return []condition.Field{resource, own, {Name: condition.ScopeVersion}, scope}
	case TraceLabel, SpanLabel, "severity_number", "flags", "event_name", Name(LabelsAttribute):
		return nil
	}
	if strings.HasPrefix(label, "__") || strings.HasSuffix(label, "_extracted") {
		return nil
	}
	return attributePlaces(label)
}

// attributePlaces are where an attribute of a record may stand, the first that is there.
func attributePlaces(label string) []condition.Field {
	in := func(name condition.Name) condition.Field {
		return condition.Field{Name: name, Key: label, Lookup: condition.LookupLabel}
	}
	return []condition.Field{in(condition.ResourceAttribute), in(condition.LogAttribute), in(condition.ScopeAttribute)}
}

// ofStream is a matcher of the selector as a condition on log records.
func (m *Mapping) ofStream(matcher plait.Matcher) (condition.Node, error) {
	if matcher.Name == ServiceLabel {
		return textCondition(places(ServiceLabel), matcher)
	}
	absent, err := fitsEmpty(matcher)
	if err != nil {
		return nil, err
	}
	if absent { // also what has the attribute, but not as a label
		return condition.Const(true), nil
	}
	return textCondition([]condition.Field{{Name: condition.ResourceAttribute, Key: matcher.Name, Lookup: condition.LookupLabel}}, matcher)
}

// fitsEmpty says whether a matcher fits what is absent.
func fitsEmpty(m plait.Matcher) (fits bool, err error) {
	switch m.Op {
	case plait.MatchRegexp, plait.MatchNotRegexp:
		re, err := regexp.Compile("^(?s:" + m.Value + ")$")
		if err != nil {
			return false, plait.Errorf(plait.ErrInvalid, "label %s: %w", m.Name, err)
		}
		return re.MatchString("") == (m.Op == plait.MatchRegexp), nil
	case plait.MatchNotEqual:
		return m.Value != "", nil
	}
	return m.Value == "", nil
}

// textCondition compares the first of some fields that is there, where an absent label is the empty text.
func textCondition(fields []condition.Field, m plait.Matcher) (condition.Node, error) {
	if len(fields) == 0 {
		return condition.Const(true), nil
	}
	return condition.FirstOf(fields, func(f condition.Field) (condition.Node, error) {
		if !f.Name.Keyed() {
			return asText(f, m)
		}
		return attributeCondition(f, m)
	})
}

func asText(f condition.Field, m plait.Matcher) (condition.Node, error) {
	value := condition.Stored(m.Value)
	if value != m.Value && m.Op != plait.MatchEqual {
		return condition.Const(true), nil
	}
	return condition.Label(f, m.Op, value)
}

// attributeCondition is about attributes, of which Loki writes some as condition.Label does not: doubles and
// bytes.
func attributeCondition(f condition.Field, m plait.Matcher) (condition.Node, error) {
	n, err := asText(f, m)
	if err != nil {
		return nil, err
	}
	number := condition.Leaf{Field: f, Op: condition.OpIsNumber}
	encoded := condition.Leaf{Field: f, Op: condition.OpContains, Value: condition.Text(`{"$bytes":`)}
	if m.Op != plait.MatchEqual {
		return condition.Or{n, number, encoded}, nil
	}
	or := condition.Or{n}
	if _, err := strconv.ParseFloat(m.Value, 64); err == nil {
		or = append(or, condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Said(m.Value)})
	}
	if raw, err := base64.StdEncoding.DecodeString(m.Value); err == nil && m.Value != "" {
		text := plait.BytesValue(string(raw)).Text()
		or = append(or, condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Text(text)})
	}
	return or, nil
}

// idCondition is an id that is asked for as it is written, for which there is an index.
func idCondition(m plait.Matcher) (condition.Node, bool) {
	if m.Op != plait.MatchEqual || m.Value != strings.ToLower(m.Value) {
		return nil, false
	}
	switch m.Name {
	case TraceLabel:
		return ofTrace(m.Value)
	case SpanLabel:
		return ofSpan(m.Value)
	}
	return nil, false
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

// predicate is what entries have to fit that a condition on labels keeps.
func (n *narrowing) predicate(of logql.Predicate) (condition.Node, error) {
	switch of := of.(type) {
	case logql.And:
		left, right, err := n.both(of.Left, of.Right)
		return condition.And{left, right}, err
	case logql.Or:
		left, right, err := n.both(of.Left, of.Right)
		return condition.Or{left, right}, err
	case logql.TextFilter:
		return n.text(plait.Matcher(of))
	}
	return condition.Const(true), nil // numbers keep what does not parse, with an error
}

func (n *narrowing) both(l, r logql.Predicate) (left, right condition.Node, err error) {
	left, err = n.predicate(l)
	if err == nil {
		right, err = n.predicate(r)
	}
	return left, right, err
}

func (n *narrowing) text(m plait.Matcher) (condition.Node, error) {
	if !n.labels {
		return condition.Const(true), nil
	}
	if made, ok := n.made[m.Name]; ok {
		if m.Op == plait.MatchEqual && m.Value == "true" {
			return made, nil
		}
		return condition.Const(true), nil
	}
	if id, ok := idCondition(m); ok {
		or := condition.Or{id}
		if n.parsed { // a parser takes it from the line as it stands there
			or = append(or, contains(m.Value))
		}
		return or, nil
	}
	// What every entry has is not taken from the line.
	if n.parsed && m.Name != ServiceLabel && m.Name != LevelLabel {
		return condition.Const(true), nil
	}
	if isID := m.Name == TraceLabel || m.Name == SpanLabel; isID && m.Op == plait.MatchEqual && m.Value != "" {
		return textCondition(attributePlaces(m.Name), m) // no id is written so, but what was pushed may say anything
	}
	of, err := textCondition(places(m.Name), m)
	if m.Name == "severity_text" { // what was pushed has none but its metadata
		of = condition.Or{of, condition.Leaf{Field: condition.Field{Name: condition.ResourceAttribute, Key: LabelsAttribute}, Op: condition.OpExists}}
	}
	return of, err
}
