package tracecontext

import (
	"strconv"
	"strings"

	"github.com/plaithq/plait"
)

// FromLog finds the trace and span id that a record carries outside of its own id fields, and
// says whether it found a trace id.
//
// It believes names only: a value counts when the name beside it is one that an ecosystem gives
// to its ids, or when its form leaves no doubt (traceparent, X-Ray, projects/P/traces/T, the
// brackets of Spring, New Relic's linking). A bare hexadecimal string is never an id. Places in
// order of trust:
//
//  1. attributes, maps and lists in them, and JSON in their texts;
//  2. the body when it is a map or a list, or JSON is in its text, four levels deep;
//  3. the body's text, and texts in it;
//  4. texts of attributes that hold a line.
//
// How what one place says is weighed, see finder. Zero ids are no ids.
func FromLog(rec *plait.LogRecord) (Context, bool) {
	var f finder
	f.attributes(rec.Attributes)
	if c, ok := f.result(); ok {
		return c, true
	}
	switch rec.Body.Kind() {
	case plait.KindString, plait.KindMap, plait.KindArray:
		if c, ok := f.body(rec.Body.Str()); ok {
			return c, true
		}
	}
	return f.lines(rec.Attributes)
}

func (f *finder) attributes(attrs plait.Attributes) {
	for i := range attrs {
		a := &attrs[i]
		switch a.Value.Kind() {
		case plait.KindString:
			if at, _ := fieldNamed(objects{}, a.Key); at != nil {
				f.add(at, a.Value.Str())
			} else if holdsJSON(a.Value.Str()) && !namesOther(a.Key) {
				f.json(a.Value.Str(), objects{inner: a.Key}, 1, lookForFields)
			}
		case plait.KindInt:
			if at, _ := fieldNamed(objects{}, a.Key); at != nil {
				f.add(at, strconv.FormatUint(uint64(a.Value.Int()), 10))
			}
		case plait.KindBytes:
			if at, _ := fieldNamed(objects{}, a.Key); at != nil {
				f.raw(at, a.Value.Str())
			}
		case plait.KindArray, plait.KindMap:
			if namesOther(a.Key) {
				continue
			}
			f.json(a.Value.Str(), objects{inner: a.Key}, 1, lookForFields)
		}
	}
}

// raw takes ids that were logged as the bytes they are.
func (f *finder) raw(at *field, value string) {
	var c Context
	if len(value) == len(c.TraceID) {
		copy(c.TraceID[:], value)
	} else if len(value) == len(c.SpanID) {
		copy(c.SpanID[:], value)
	}
	if c != (Context{}) && !at.upperHalf {
		f.collect(at, c)
	}
}

// maxObjects is how many JSON objects in one text are looked into.
const maxObjects = 4

// body looks into a log body: into JSON in it, and into text around that. Of whole JSON only the members'
// texts are read as text, so that what fieldNamed refused stays refused.
func (f *finder) body(s string) (Context, bool) {
	f.mixed(s, 1, lookForFields)
	if c, ok := f.result(); ok {
		return c, true
	}
	f.mixed(s, 1, lookIntoTexts)
	return f.result()
}

// mixed looks into a text with JSON in it, which stands in so many texts of JSON.
func (f *finder) mixed(s string, texts int, look look) {
	for range maxObjects {
		i := firstJSON(s)
		if i < 0 {
			break
		}
		end, whole := f.json(s[i:], objects{}, texts, look)
		if !whole {
			break
		}
		if look == lookForFields {
			f.text(s[:i])
		}
		s = s[i+end:]
	}
	if look == lookForFields {
		f.text(s)
	}
}

// firstJSON returns where the first object in a text begins, or the list that is all of it, -1 if there is
// none.
func firstJSON(s string) int {
	if start := strings.TrimLeft(s, " \t\r\n"); holdsJSON(start) {
		return len(s) - len(start)
	}
	for at := 0; ; at++ {
		i := strings.IndexByte(s[at:], '{')
		if i < 0 {
			return -1
		}
		if at += i; at+1 < len(s) && s[at+1] == '"' {
			return at
		}
	}
}

// lines looks into attributes that hold a log line.
func (f *finder) lines(attrs plait.Attributes) (Context, bool) {
	for i := range attrs {
		a := &attrs[i]
		switch kind := a.Value.Kind(); {
		case kind == plait.KindArray && !namesOther(a.Key):
			f.json(a.Value.Str(), objects{inner: a.Key}, 1, lookIntoTexts)
		case kind == plait.KindString && holdsLine(a.Key):
			f.mixed(a.Value.Str(), 1, lookForFields)
			f.mixed(a.Value.Str(), 1, lookIntoTexts)
		}
	}
	return f.result()
}

// holdsLine says that an attribute has the line as it was, as collectors keep it.
func holdsLine(key string) bool {
	switch key {
	case "message", "msg", "log", "MESSAGE", "event.original", "log.record.original", "log.original", "body",
		"full_message", "short_message", "@message", "line", "raw", "_raw":
		return true
	}
	return false
}
