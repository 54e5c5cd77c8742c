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
// brackets of Spring). A bare hexadecimal string is never an id. Places in order of trust:
//
//  1. attributes, and maps in them;
//  2. the body when it is a map or the text of a JSON object, three levels deep;
//  3. the body's text.
//
// Within a place, 128-bit ids win over 64-bit ones, then the order of ecosystems counts, and a
// span id of the same ecosystem as the trace id wins over others. Zero ids are no ids.
func FromLog(rec *plait.LogRecord) (Context, bool) {
	var f finder
	f.attributes(rec.Attributes)
	if c, ok := f.result(); ok {
		return c, true
	}
	switch rec.Body.Kind() {
	case plait.KindString, plait.KindMap, plait.KindArray:
		return f.body(rec.Body.Str())
	}
	return Context{}, false
}

// A finder collects what each ecosystem's fields say about one record.
type finder struct {
	seen  bool // whether anything was collected
	found [len(ecosystems)]findings
}

type findings struct {
	Context
	weakSpan  plait.SpanID // of a field that is fallback or beside
	beside    bool
	upperHalf plait.TraceID
}

// add reads a value under a field's name. The first of each kind counts, but a wider trace id
// replaces a narrower one.
func (f *finder) add(at *field, value string) bool {
	c, ok := at.read(value)
	if ok {
		f.collect(at, c)
	}
	return ok
}

func (f *finder) collect(at *field, c Context) {
	f.seen = true
	have := &f.found[at.owner]
	switch {
	case at.upperHalf:
		have.upperHalf = c.TraceID
		return
	case at.fallback || at.beside:
		have.weakSpan, have.beside = c.SpanID, at.beside
		return
	}
	if have.TraceID.IsZero() || have.Bits64() && !c.Bits64() {
		if !c.TraceID.IsZero() {
			have.TraceID, have.Sampled = c.TraceID, c.Sampled
		}
	}
	if have.SpanID.IsZero() {
		have.SpanID = c.SpanID
	}
}

// result weighs what was collected.
func (f *finder) result() (Context, bool) {
	if !f.seen {
		return Context{}, false
	}
	var best Context
	for i := range f.found {
		c := f.found[i].Context
		if c.TraceID.IsZero() {
			continue
		}
		if c.Bits64() {
			copy(c.TraceID[:8], f.found[i].upperHalf[:8])
		}
		if best.TraceID.IsZero() || best.Bits64() && !c.Bits64() {
			best = c
		}
	}
	if best.TraceID.IsZero() {
		return Context{}, false
	}
	for i := 0; i < len(f.found) && best.SpanID.IsZero(); i++ {
		best.SpanID = f.found[i].SpanID
	}
	for i := 0; i < len(f.found) && best.SpanID.IsZero(); i++ {
		if !f.found[i].beside || f.found[i].TraceID == best.TraceID {
			best.SpanID = f.found[i].weakSpan
		}
	}
	return best, true
}

func (f *finder) attributes(attrs plait.Attributes) {
	for i := range attrs {
		a := &attrs[i]
		switch a.Value.Kind() {
		case plait.KindString:
			if at := fieldNamed(objects{}, a.Key); at != nil {
				f.add(at, a.Value.Str())
			}
		case plait.KindInt:
			if at := fieldNamed(objects{}, a.Key); at != nil {
				f.add(at, strconv.FormatUint(uint64(a.Value.Int()), 10))
			}
		case plait.KindBytes:
			if at := fieldNamed(objects{}, a.Key); at != nil {
				f.raw(at, a.Value.Str())
			}
		case plait.KindArray:
			if at := fieldNamed(objects{}, a.Key); at != nil && at.header {
				if j := (jsonText{s: a.Value.Str()}); j.next() == '[' {
					f.list(&j, at)
				}
			}
		case plait.KindMap:
			if !namesOther(a.Key) {
				f.object(a.Value.Str(), a.Key, lookForFields)
			}
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

// body looks into a log body: as an object if it is one, then as text. Of a whole object only
// the members' texts are read as text, so that what fieldNamed refused stays refused.
func (f *finder) body(s string) (Context, bool) {
	if start := strings.TrimLeft(s, " \t\r\n"); start != "" && start[0] == '{' {
		whole := f.object(start, "", lookForFields)
		if c, ok := f.result(); ok {
			return c, true
		}
		if whole {
			f.object(start, "", lookIntoTexts)
			return f.result()
		}
	}
	f.text(s)
	return f.result()
}
