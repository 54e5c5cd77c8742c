package tracecontext

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/plaithq/plait/jsontext"
)

const (
	// maxDepth is how deep objects and lists are looked into. Ids stand at the top or in an object
	// such as dd, trace or context.
	maxDepth = 4
	// maxTexts is how often JSON may stand in the text of JSON, as each collector on the way adds it.
	maxTexts = 4
	// maxUnescaped bounds the bytes of such texts that are read for one record.
	maxUnescaped = 256 << 10
)

// A look says what is looked for in the members of an object. (It is no function: the finder
// would escape to the heap through one.)
type look uint8

const (
	lookForFields look = iota // members whose name is a field's
	lookIntoTexts             // ids in the members' texts, such as the message
)

// A walk is the way through one JSON text.
type walk struct {
	jsontext.Scanner
	look  look
	texts int // how many texts it is in
}

// holdsJSON says whether s begins as an object or as a list of objects or strings.
func holdsJSON(s string) bool {
	if len(s) < 2 || s[0] != '{' && s[0] != '[' {
		return false
	}
	switch c := strings.TrimLeft(s[1:min(len(s), 16)], " \t\r\n"); {
	case c == "":
		return false
	case s[0] == '{':
		return c[0] == '"' || c[0] == '}'
	default:
		return c[0] == '{' || c[0] == '"'
	}
}

// json looks at the JSON object or list that s begins with, which is the value of the member in.inner.
// Log lines are cut short: what stood before the cut counts, and the answer is where the JSON ends and
// whether it was whole.
func (f *finder) json(s string, in objects, texts int, look look) (end int, whole bool) {
	w := walk{Scanner: jsontext.Scanner{Text: s}, look: look, texts: texts}
	around := f.place
	defer func() { f.place = around }()
	switch w.Next() {
	case '{':
		whole = f.object(&w, in, 1)
	case '[':
		whole = f.list(&w, objects{}, in.inner, 1)
	}
	return w.Pos, whole
}

// object looks at the members of an object whose opening bracket is consumed.
func (f *finder) object(w *walk, in objects, depth int) bool {
	around := f.place
	f.places++
	if f.place = (place{f.places, uint32(depth)}); depth == 1 && w.texts == 1 && in.inner == "" {
		f.place = around // the record itself
	}
	defer func() { f.place = around }()
	var pair namedValue
	for {
		switch w.Next() {
		case ',':
			continue
		case '}':
			f.pair(&pair, around, w.look)
			return true
		case '"':
		default:
			return false
		}
		name, ok := w.Quoted()
		if !ok || w.Next() != ':' {
			return false
		}
		if !f.member(w, in, name, depth, around, &pair) {
			return false
		}
	}
}

// member looks at a member whose name and colon are consumed.
func (f *finder) member(w *walk, in objects, name string, depth int, around place, pair *namedValue) (ok bool) {
	switch c := w.Next(); {
	case c == '{' && depth < maxDepth && !namesOther(name):
		if pair.isValue(name) {
			pair.value = onlyText(&w.Scanner)
		}
		return f.object(w, objects{outer: in.inner, inner: name}, depth+1)
	case c == '[' && depth < maxDepth && !namesOther(name):
		return f.list(w, in, name, depth)
	case c == '{' || c == '[':
		return w.Close()
	case c == '"':
		var value string
		if value, ok = w.Quoted(); ok {
			f.string(w, in, name, value, around)
			pair.note(name, value)
		}
		return ok
	default:
		if value := w.Bare(); w.look == lookForFields && !isFloat(value) {
			f.named(in, name, value, around)
			pair.note(name, value)
		}
		return true
	}
}

// string takes a member that is a string, its escapes included.
func (f *finder) string(w *walk, in objects, name, value string, around place) {
	if w.look == lookForFields {
		if strings.IndexByte(value, '"') < 0 || !f.nested(w, name, value) {
			f.named(in, name, value, around)
		}
		return
	}
	begin := f.n
	switch {
	case strings.IndexByte(value, '"') < 0:
		f.text(value)
	case !f.nested(w, name, value):
		if s, ok := f.unescape(w, value); ok {
			f.mixed(s, w.texts+1, lookForFields)
			f.mixed(s, w.texts+1, lookIntoTexts)
		} else {
			f.text(value)
		}
	}
	if f.n > begin && namesOther(name) {
		f.n = begin
	}
}

// nested looks into JSON that is the text of a member.
func (f *finder) nested(w *walk, name, value string) bool {
	start := strings.TrimLeft(value, " ")
	if start == "" || start[0] != '{' && start[0] != '[' && start[0] != '\\' || namesOther(name) {
		return false
	}
	s, ok := f.unescape(w, value)
	if !ok {
		return false
	}
	if s = strings.TrimLeft(s, " \t\r\n"); !holdsJSON(s) {
		return false
	}
	_, whole := f.json(s, objects{inner: name}, w.texts+1, w.look)
	return whole
}

// unescape returns a string of JSON without its escapes, within the bounds of depth and bytes.
func (f *finder) unescape(w *walk, value string) (s string, ok bool) {
	if w.texts >= maxTexts || f.unescaped+len(value) > maxUnescaped {
		return "", false
	}
	f.unescaped += len(value)
	return s, json.Unmarshal([]byte(`"`+value+`"`), &s) == nil
}

// named reads a value under its name, in the place where the name begins.
func (f *finder) named(in objects, name, value string, around place) {
	at, above := fieldNamed(in, name)
	if at == nil {
		return
	}
	here := f.place
	if above > 0 {
		f.place = around
	}
	f.add(at, unescaped(value))
	f.place = here
}

// unescaped undoes the only escape that JSON writers put into ids.
func unescaped(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return strings.ReplaceAll(s, `\/`, "/")
}

// isFloat says that a number is written as one that has lost digits that an id needs. Some writers
// leave the quotes off ids, and 16 or 32 digits with an e are likelier one of these.
func isFloat(bare string) bool {
	switch {
	case strings.Contains(bare, "."):
		return true
	case !strings.ContainsAny(bare, "eE"), len(bare) == traceDigits, len(bare) == spanDigits:
		return false
	}
	_, err := strconv.ParseFloat(bare, 64)
	return err == nil
}

// list looks at the members of a list whose opening bracket is consumed. Of a header's values the
// first counts, as for servers. Lists under other fields' names are of several traces' ids.
func (f *finder) list(w *walk, in objects, name string, depth int) bool {
	if at, _ := fieldNamed(in, name); at != nil {
		if at.header && w.look == lookForFields {
			f.first(&w.Scanner, at)
		}
		return w.Close()
	}
	around, begin := f.place, f.n
	f.places++
	f.place = place{f.places, uint32(depth)}
	defer func() { f.place = around }()
	for {
		switch c := w.Next(); c {
		case ',':
			continue
		case ']':
			f.oneTrace(begin, f.place)
			return true
		case '{':
			if depth >= maxDepth && !w.Close() || depth < maxDepth && !f.object(w, objects{outer: in.inner, inner: name}, depth+1) {
				return false
			}
		case '[':
			if !w.Close() {
				return false
			}
		case '"':
			value, ok := w.Quoted()
			if !ok {
				return false
			}
			f.string(w, objects{}, "", value, around)
		case 0:
			return false
		default:
			w.Bare()
		}
	}
}

// first reads the first value of a list whose opening bracket is consumed, and stays before it.
func (f *finder) first(j *jsontext.Scanner, at *field) {
	start := j.Pos
	if j.Next() == '"' {
		if value, ok := j.Quoted(); ok {
			f.add(at, unescaped(value))
		}
	}
	j.Pos = start
}

// onlyText returns the text of the first member of an object whose opening bracket is consumed, as
// OTLP has values, and consumes nothing.
func onlyText(j *jsontext.Scanner) (value string) {
	start := j.Pos
	if j.Next() == '"' {
		if _, ok := j.Quoted(); ok && j.Next() == ':' && j.Next() == '"' {
			value, _ = j.Quoted()
		}
	}
	j.Pos = start
	return value
}

// A namedValue is an object that says a name and a value, as lists of attributes and headers do.
type namedValue struct{ name, kind, value string }

func (p *namedValue) note(name, value string) {
	if len(name) > len("header") {
		return
	}
	switch name {
	case "key", "Key", "name", "Name", "k", "header", "field":
		p.name = value
	case "type":
		p.kind = value
	default:
		if p.isValue(name) {
			p.value = value
		}
	}
}

func (p *namedValue) isValue(name string) bool {
	return name == "value" || name == "Value" || name == "v" || name == "val"
}

// pair reads a named value as a member of what it stands in. A type beside a value counts only
// when it is a header's name.
func (f *finder) pair(p *namedValue, around place, look look) {
	if p.value == "" || look != lookForFields {
		return
	}
	if at, _ := fieldNamed(objects{}, p.kind); at != nil && at.header {
		f.add(at, unescaped(p.value))
	}
	if at, _ := fieldNamed(objects{}, p.name); at != nil {
		here := f.place
		f.place = around
		f.add(at, unescaped(p.value))
		f.place = here
	}
}
