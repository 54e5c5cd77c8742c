package entry

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/logql"
)

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
	if texts, ok := alternatives(m); ok && (m.Name == TraceLabel || m.Name == SpanLabel) {
		return n.ids(m.Name, texts)
	}
	// What every entry has is not taken from the line.
	if n.parsed && m.Name != ServiceLabel && m.Name != LevelLabel {
		return n.parsedText(m)
	}
	return storedText(m)
}

// ids asks for records with one of some ids; the empty text is that of records without one.
func (n *narrowing) ids(label string, texts []string) (condition.Node, error) {
	or := condition.Or{}
	for _, text := range texts {
		if text == "" {
			or = append(or, withoutID(label), pushed)
			continue
		}
		m := plait.Matcher{Name: label, Op: plait.MatchEqual, Value: text}
		id, isID := idCondition(m)
		if n.parsed && (n.elsewhere || !isID && mayBeEscaped(text)) {
			return condition.Const(true), nil
		}
		if !isID { // what was pushed may say anything
			var err error
			if id, err = textCondition(attributePlaces(label), m); err != nil {
				return nil, err
			}
		}
		or = append(or, id)
		if n.parsed { // a parser takes it from the line as it stands there
			or = append(or, contains(text))
		}
	}
	return or, nil
}

// pushed are the records that came by Loki push: their ids are metadata, where their senders put them there.
var pushed = condition.Exists(condition.Field{Name: condition.ResourceAttribute, Key: LabelsAttribute})

// withoutID asks for records that have no id of the trace, or of the span.
func withoutID(label string) condition.Node {
	if label == SpanLabel {
		return condition.Absent(condition.Field{Name: condition.LogSpanID})
	}
	return condition.Absent(condition.Field{Name: condition.LogTraceID})
}

// storedText asks for records whose label is as a matcher wants it.
func storedText(m plait.Matcher) (condition.Node, error) {
	of, err := textCondition(places(m.Name), m)
	if m.Name == "severity_text" { // what was pushed has none but its metadata
		of = condition.Or{of, pushed}
	}
	return of, err
}

// parsedText asks for records whose label, or a text that a parser may have taken for it from their line, is as a matcher
// wants it.
func (n *narrowing) parsedText(m plait.Matcher) (condition.Node, error) {
	texts, ok := alternatives(m)
	if !ok || n.elsewhere || slices.ContainsFunc(texts, mayBeEscaped) {
		return condition.Const(true), nil
	}
	stored, err := storedText(m)
	or := condition.Or{stored}
	for _, text := range texts {
		or = append(or, contains(text))
	}
	return or, err
}

// mayBeEscaped says that writers of JSON and logfmt escape or quote a character of a text. The empty text is that of what is absent.
func mayBeEscaped(text string) bool {
	return text == "" || strings.ContainsFunc(text, func(r rune) bool {
		isLetter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !isLetter && (r < '0' || r > '9') && !strings.ContainsRune("-_.:@", r)
	})
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
	texts, ok := alternatives(m)
	if !ok {
		number := condition.Leaf{Field: f, Op: condition.OpIsNumber}
		encoded := condition.Leaf{Field: f, Op: condition.OpContains, Value: condition.Text(`{"$bytes":`)}
		return condition.Or{n, number, encoded}, nil
	}
	or := condition.Or{n}
	for _, text := range texts {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			or = append(or, condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Said(text)})
		}
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && text != "" {
			stored := plait.BytesValue(string(raw)).Text()
			or = append(or, condition.Leaf{Field: f, Op: condition.OpEqual, Value: condition.Text(stored)})
		}
	}
	return or, nil
}

// alternatives are the texts that a matcher asks for. It is not ok where it asks otherwise.
func alternatives(m plait.Matcher) (texts []string, ok bool) {
	switch m.Op {
	case plait.MatchEqual:
		return []string{m.Value}, true
	case plait.MatchRegexp:
		return condition.Alternatives(m.Value)
	}
	return nil, false
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
