package ingest

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// findSeverity fills in the severity of a record that came without a number. It looks, in order of
// trust, at the record's own text, at attributes, at the members of a body that is JSON, and at the
// head of a body that is text. A name counts before a number, and what stands at the top before
// what stands in objects.
func findSeverity(r *plait.LogRecord) {
	if r.Severity = plait.ParseSeverity(r.SeverityText); r.Severity != 0 {
		return
	}
	if n, ok := wholeNumber(r.SeverityText); ok {
		if r.Severity = anyLevelNumber(n); r.Severity != 0 {
			return
		}
	}
	f := levelFinder{rank: noRank}
	for i := range r.Attributes {
		a := &r.Attributes[i]
		switch a.Value.Kind() {
		case plait.KindString:
			f.text("", a.Key, a.Value.Str(), 0)
		case plait.KindInt:
			f.number("", a.Key, a.Value.Int(), 0)
		case plait.KindDouble:
			f.number("", a.Key, int64(a.Value.Double()), 0)
		case plait.KindMap:
			f.object(a.Key, a.Value.Str(), 1)
		}
	}
	if f.level == 0 {
		f.body(&r.Body)
	}
	r.Severity = f.level
}

// A levelFinder keeps the level of the lowest rank.
type levelFinder struct {
	level plait.SeverityNumber
	rank  int
}

const (
	noRank = 1 << 10
	// a step into an object or a text costs more than any difference of names
	depthRank = 10
	// levels that a text or a format tells without a name
	unnamedRank = 9
	// maxLevelDepth is how deep objects, and JSON in texts, are looked into.
	maxLevelDepth = 4
	// maxLevelBody is how much of a body is looked at.
	maxLevelBody = 64 << 10
)

func (f *levelFinder) offer(level plait.SeverityNumber, rank int) {
	if level != 0 && rank < f.rank {
		f.level, f.rank = level, rank
	}
}

func (f *levelFinder) body(v *plait.Value) {
	s := v.Str()
	s = s[:min(len(s), maxLevelBody)]
	switch v.Kind() {
	case plait.KindMap:
		f.object("", s, 0)
	case plait.KindString:
		f.line(s, 0)
	}
}

// line looks into a text: as JSON if it is that, else at its head, then at JSON behind the head.
func (f *levelFinder) line(s string, depth int) {
	if start := strings.TrimLeft(s, " \t\r\n"); strings.HasPrefix(start, "{") {
		f.object("", start, depth)
		return
	}
	f.offer(levelInText(s), depth*depthRank+unnamedRank)
	if i := strings.Index(s, `{"`); f.level == 0 && i >= 0 && depth < maxLevelDepth {
		f.object("", s[i:], depth+1)
	}
}

// object looks at the members of a JSON object, called parent in the one around it.
func (f *levelFinder) object(parent, text string, depth int) {
	var compact compactEvent
	eachMember(text, func(name, value string) {
		compact.note(name)
		switch {
		case value[0] == '{' && depth < maxLevelDepth:
			f.object(name, value, depth+1)
		case value[0] == '"':
			f.stringMember(parent, name, value, depth)
		default:
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				f.number(parent, name, int64(n), depth)
			}
		}
	})
	if compact.complete() {
		f.offer(plait.ParseSeverity("Information"), depth*depthRank+unnamedRank)
	}
}

func (f *levelFinder) stringMember(parent, name, value string, depth int) {
	if levelFieldNamed(parent, name) == nil {
		if depth >= maxLevelDepth || !holdsLine(name) {
			return
		}
		if s := unquoted(value); depth > 0 || strings.Contains(s, `{"`) || name == "log" {
			f.line(s, depth+1)
		}
		return
	}
	f.text(parent, name, unquoted(value), depth)
}

func unquoted(literal string) string {
	if s := literal[1 : len(literal)-1]; strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var s string
	if json.Unmarshal([]byte(literal), &s) != nil {
		return ""
	}
	return s
}

// holdsLine says that a member with the name holds a line that something else wrote.
func holdsLine(name string) bool {
	switch name {
	case "log", "message", "msg", "MESSAGE", "@message", "body", "event", "line", "record", "payload":
		return true
	}
	return false
}

func (f *levelFinder) text(parent, name, value string, depth int) {
	at := levelFieldNamed(parent, name)
	if at == nil {
		return
	}
	rank := depth*depthRank + at.rank
	if n, ok := wholeNumber(value); ok {
		f.offer(at.numbers(n), rank+1)
		return
	}
	f.offer(plait.ParseSeverity(value), rank)
}

func (f *levelFinder) number(parent, name string, n int64, depth int) {
	if at := levelFieldNamed(parent, name); at != nil {
		f.offer(at.numbers(n), depth*depthRank+at.rank+1)
	}
}

func wholeNumber(text string) (int64, bool) {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// compactEvent tells the compact JSON of Serilog, in which no level means Information.
type compactEvent struct{ time, message, level bool }

func (e *compactEvent) note(name string) {
	switch name {
	case "@t":
		e.time = true
	case "@m", "@mt":
		e.message = true
	case "@l":
		e.level = true
	}
}

func (e *compactEvent) complete() bool { return e.time && e.message && !e.level }
