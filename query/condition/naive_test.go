package condition_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	. "github.com/plaithq/plait/query/condition"
)

// naive is a second evaluator, written for being short: it lists all values of a field and compares each.
type naive struct {
	span  *SpanView
	log   *plait.LogRecord
	trace *TraceView
}

func (e naive) holds(n Node) bool {
	switch n := n.(type) {
	case Const:
		return bool(n)
	case Not:
		return !e.holds(n.Of)
	case And:
		return !slices.ContainsFunc(n, func(n Node) bool { return !e.holds(n) })
	case Or:
		return slices.ContainsFunc(n, e.holds)
	case Leaf:
		return slices.ContainsFunc(e.values(n.Field), func(v plait.Value) bool { return naiveFits(n, v) })
	case HasSpan:
		for i := range e.trace.Spans {
			s := &e.trace.Spans[i]
			view := SpanView{Span: s, Trace: e.trace.Summary}
			for j := range e.trace.Spans {
				if e.trace.Spans[j].SpanID == s.ParentSpanID {
					view.Parent = &e.trace.Spans[j]
				}
			}
			if (naive{span: &view}).holds(n.Of) {
				return true
			}
		}
		return false
	case Computed:
		for _, a := range e.computed(n.Left) {
			for _, b := range e.computed(n.Right) {
				if naiveCompared(a, n.Op, b) {
					return true
				}
			}
		}
		return false
	}
	panic("no such node")
}

func text(s string) plait.Value  { return plait.StringValue(s) }
func number(i int64) plait.Value { return plait.IntValue(i) }

func ids[T interface {
	IsZero() bool
	String() string
}](all ...T) (values []plait.Value) {
	for _, id := range all {
		if !id.IsZero() {
			values = append(values, text(id.String()))
		}
	}
	return values
}

func nonEmpty(s string) []plait.Value {
	if s == "" {
		return nil
	}
	return []plait.Value{text(s)}
}

func (e naive) values(f Field) []plait.Value {
	if f.Name.OfTrace() || e.trace != nil {
		t := e.trace
		if t == nil {
			t = &TraceView{Summary: e.span.Trace}
		}
		if t.Summary == nil {
			return nil
		}
		return naiveTrace(t.Summary, f)
	}
	if e.log != nil {
		return naiveLog(e.log, f)
	}
	s := e.span.Span
	if f.Parent {
		s = e.span.Parent
	}
	if s == nil {
		return nil
	}
	return naiveSpan(s, f)
}

func naiveTrace(t *plait.TraceSummary, f Field) (all []plait.Value) {
	switch f.Name {
	case TraceID:
		return ids(t.TraceID)
	case TraceDuration:
		return []plait.Value{number(t.DurationNanos)}
	case TraceRootName:
		return []plait.Value{text(t.RootName)}
	case TraceRootService:
		return []plait.Value{text(t.RootService)}
	case TraceStart:
		return []plait.Value{number(t.StartNanos)}
	case TraceSpanCount:
		return []plait.Value{number(int64(t.SpanCount))}
	case TraceErrorCount:
		return []plait.Value{number(int64(t.ErrorCount))}
	case TraceServices:
		for _, s := range t.Services {
			all = append(all, text(s))
		}
		return all
	}
	panic("no such field")
}

func naiveSpan(s *plait.Span, f Field) (all []plait.Value) {
	switch f.Name {
	case SpanName:
		return []plait.Value{text(s.Name)}
	case SpanKind:
		return []plait.Value{number(int64(s.Kind))}
	case SpanStatus:
		return []plait.Value{number(int64(s.Status))}
	case SpanStatusMessage:
		return []plait.Value{text(s.StatusMessage)}
	case SpanDuration:
		return []plait.Value{number(s.EndNanos - s.StartNanos)}
	case SpanStart:
		return []plait.Value{number(s.StartNanos)}
	case SpanParentID:
		return ids(s.ParentSpanID)
	case SpanID:
		return ids(s.SpanID)
	case TraceID:
		return ids(s.TraceID)
	case SpanAttribute:
		return naiveAttribute(s.Attributes, f)
	}
	for _, e := range s.Events {
		switch f.Name {
		case EventName:
			all = append(all, text(e.Name))
		case EventSinceStart:
			all = append(all, number(e.TimeNanos-s.StartNanos))
		case EventAttribute:
			all = append(all, naiveAttribute(e.Attributes, f)...)
		}
	}
	for _, l := range s.Links {
		switch f.Name {
		case LinkTraceID:
			all = append(all, ids(l.TraceID)...)
		case LinkSpanID:
			all = append(all, ids(l.SpanID)...)
		case LinkAttribute:
			all = append(all, naiveAttribute(l.Attributes, f)...)
		}
	}
	return append(all, naiveOrigin(s.Resource, s.Scope, f)...)
}

func naiveLog(r *plait.LogRecord, f Field) []plait.Value {
	switch f.Name {
	case LogTime:
		return []plait.Value{number(r.TimeNanos)}
	case LogObserved:
		if r.ObservedNanos != 0 {
			return []plait.Value{number(r.ObservedNanos)}
		}
	case LogSeverity:
		if r.Severity != 0 {
			return []plait.Value{number(int64(r.Severity))}
		}
	case LogSeverityText:
		return nonEmpty(r.SeverityText)
	case LogLevel:
		return []plait.Value{text(Level(r))}
	case LogEventName:
		return nonEmpty(r.EventName)
	case LogTraceID:
		return ids(r.TraceID)
	case LogSpanID:
		return ids(r.SpanID)
	case LogAttribute:
		return naiveAttribute(r.Attributes, f)
	case LogBody:
		if f.Path == "" {
			return []plait.Value{text(r.Body.Text())}
		}
		if r.Body.Kind() != plait.KindString {
			return naivePath(r.Body, f.Path)
		}
		if v, err := canonical.ParseValue(r.Body.Str()); err == nil && (v.Kind() == plait.KindMap || v.Kind() == plait.KindArray) {
			return naivePath(v, f.Path)
		}
	}
	return naiveOrigin(r.Resource, r.Scope, f)
}

func naiveOrigin(r *plait.Resource, s *plait.Scope, f Field) []plait.Value {
	switch f.Name {
	case Service:
		return []plait.Value{text(r.Service())}
	case ResourceAttribute:
		return naiveAttribute(r.Attributes, f)
	case ScopeName:
		return nonEmpty(s.Name)
	case ScopeVersion:
		return nonEmpty(s.Version)
	case ScopeAttribute:
		return naiveAttribute(s.Attributes, f)
	}
	return nil
}

// found is a value with the keys on the way to it.
type found struct {
	keys  []string
	value plait.Value
	list  bool // an index was on the way
}

// everything lists a value and all within it, in order.
func everything(f found) []found {
	all := []found{f}
	switch f.value.Kind() {
	case plait.KindMap:
		members, _ := canonical.ParseAttributes(f.value.Str())
		for _, m := range members {
			key := m.Key
			if strings.HasPrefix(key, "$$") {
				key = key[1:]
			}
			all = append(all, everything(found{append(slices.Clone(f.keys), key), m.Value, f.list})...)
		}
	case plait.KindArray:
		var raw []json.RawMessage
		_ = json.Unmarshal([]byte(f.value.Str()), &raw)
		for i, r := range raw {
			v, _ := canonical.ParseValue(string(r))
			all = append(all, everything(found{append(slices.Clone(f.keys), "\x00"+strconv.Itoa(i)), v, true})...)
		}
	}
	return all
}

func naiveAttribute(attributes plait.Attributes, f Field) (all []plait.Value) {
	for _, a := range attributes {
		if f.Lookup == LookupExact {
			if a.Key == f.Key {
				return naivePath(a.Value, f.Path)
			}
			continue
		}
		for _, member := range everything(found{keys: []string{a.Key}, value: a.Value}) {
			switch f.Lookup {
			case LookupDotted:
				if dottedName(member.keys) == f.Key {
					all = append(all, member.value)
				}
			case LookupLabel:
				if labelName(member.keys) == f.Key && !member.list && member.value.Kind() != plait.KindMap && member.value.Text() != "" {
					return []plait.Value{member.value}
				}
			}
		}
	}
	return all
}

// dottedName leaves out indexes, of which maps have to follow: a list in a list is none of maps.
func dottedName(keys []string) string {
	var names []string
	for i, k := range keys {
		if strings.HasPrefix(k, "\x00") {
			if i == len(keys)-1 || strings.HasPrefix(keys[i+1], "\x00") {
				return "\x00"
			}
			continue
		}
		names = append(names, k)
	}
	return strings.Join(names, ".")
}

var notInLabels = regexp.MustCompile(`[^0-9A-Za-z_]`)

func labelName(keys []string) string {
	return notInLabels.ReplaceAllString(strings.Join(keys, "."), "_")
}

func naivePath(v plait.Value, path string) []plait.Value {
	if path == "" {
		return []plait.Value{v}
	}
	for _, member := range everything(found{value: v}) {
		pointer := ""
		for _, key := range member.keys {
			if key, ok := strings.CutPrefix(key, "\x00"); ok {
				pointer += "/" + key
				continue
			}
			pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		}
		if pointer == path && len(member.keys) > 0 {
			return []plait.Value{member.value}
		}
	}
	return nil
}
