// Package evaltest draws traces and TraceQL queries, and evaluates these as slowly and as obviously as it can. It shares nothing
// with package eval but what computes and compares two values. What is faster has to agree with it.
package evaltest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// Trace is a trace to evaluate queries over.
type Trace struct{ Spans []plait.Span }

// Set is a span set: the places of spans in their trace, and the values of by() as Describe has them.
type Set struct {
	Spans []int
	Keys  []string
}

// Search finds span sets.
func (n Trace) Search(p traceql.Pipeline) []Set {
	all := make([]int, len(n.Spans))
	for i := range all {
		all[i] = i
	}
	return n.pipeline(p, all)
}

func (n Trace) pipeline(p traceql.Pipeline, spans []int) []Set {
	sets := []Set{{Spans: spans}}
	for _, stage := range p {
		var next []Set
		for _, s := range sets {
			next = append(next, n.stage(stage, s)...)
		}
		if _, ok := stage.(traceql.Coalesce); ok {
			next = []Set{{}}
			for _, s := range sets {
				next[0].Spans = union(next[0].Spans, s.Spans)
			}
		}
		sets = slices.DeleteFunc(next, func(s Set) bool { return len(s.Spans) == 0 })
	}
	return sets
}

func (n Trace) stage(stage traceql.Stage, s Set) []Set {
	switch stage := stage.(type) {
	case traceql.AggregateFilter:
		a, ok := n.aggregate(stage.Of.Left, s.Spans)
		b, both := n.aggregate(stage.Of.Right, s.Spans)
		if ok && both && holds(a, stage.Of.Op, b) {
			return []Set{s}
		}
		return nil
	case traceql.By:
		return n.by(stage, s)
	case traceql.Spanset:
		return []Set{{Spans: n.spanset(stage, s.Spans), Keys: s.Keys}}
	}
	return []Set{s}
}

func (n Trace) by(b traceql.By, s Set) (sets []Set) {
	for _, i := range s.Spans {
		key := "string nil"
		if traceql.TypeOf(b.Of) == traceql.TypeBool {
			key = fmt.Sprint("boolean ", n.condition(b.Of, i))
		} else if values := n.values(b.Of, i, false); len(values) > 0 {
			key = Describe(values[0])
		}
		at := slices.IndexFunc(sets, func(other Set) bool { return other.Keys[len(other.Keys)-1] == key })
		if at < 0 {
			at = len(sets)
			sets = append(sets, Set{Keys: append(slices.Clone(s.Keys), key)})
		}
		sets[at].Spans = append(sets[at].Spans, i)
	}
	return sets
}

// Describe is a value with its type.
func Describe(v plait.Value) string {
	switch v.Kind() {
	case plait.KindInt:
		return "integer " + v.Text()
	case plait.KindDouble:
		return "double " + v.Text()
	case plait.KindBool:
		return "boolean " + v.Text()
	case plait.KindString:
		return "string " + v.Text()
	}
	return "other " + v.Text()
}

func union(a, b []int) []int {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (n Trace) spanset(s traceql.Spanset, among []int) (found []int) {
	switch s := s.(type) {
	case traceql.Filter:
		for _, i := range among {
			if s.Of == nil || n.condition(s.Of, i) {
				found = append(found, i)
			}
		}
	case traceql.Wrapped:
		for _, set := range n.pipeline(s.Of, among) {
			found = union(found, set.Spans)
		}
	case traceql.SpansetOperation:
		return n.operation(s.Op, n.spanset(s.Left, among), n.spanset(s.Right, among))
	}
	return found
}

func (n Trace) operation(op traceql.Op, left, right []int) (found []int) {
	switch op {
	case "&&":
		if len(left) == 0 || len(right) == 0 {
			return nil
		}
		return union(left, right)
	case "||":
		return union(left, right)
	}
	text := string(op)
	plain := strings.TrimLeft(text, "!&")
	for _, b := range right {
		fits := false
		for _, a := range left {
			if n.related(a, plain, b) {
				fits = true
				if text[0] == '&' {
					found = append(found, a)
				}
			}
		}
		if fits != (text[0] == '!') {
			found = append(found, b)
		}
	}
	return union(found, nil)
}

// related says whether b stands to a as the operator says: a >> b when b is below a.
func (n Trace) related(a int, op string, b int) bool {
	switch op {
	case ">":
		return n.parent(b) == a
	case "<":
		return n.parent(a) == b
	case ">>":
		for p := n.parent(b); p >= 0; p = n.parent(p) {
			if p == a {
				return true
			}
		}
		return false
	case "<<":
		return n.related(b, ">>", a)
	}
	return a != b && !n.Spans[a].ParentSpanID.IsZero() && n.Spans[a].ParentSpanID == n.Spans[b].ParentSpanID
}

// parent is -1 where there is none.
func (n Trace) parent(i int) int {
	return slices.IndexFunc(n.Spans, func(s plait.Span) bool {
		return !n.Spans[i].ParentSpanID.IsZero() && s.SpanID == n.Spans[i].ParentSpanID
	})
}

func (n Trace) condition(e traceql.Expression, i int) bool {
	switch e := e.(type) {
	case traceql.Static:
		return e.Bool()
	case traceql.Field:
		return slices.ContainsFunc(n.values(e, i, true), func(v plait.Value) bool { return v.Kind() == plait.KindBool && v.Bool() })
	case traceql.Unary:
		if f, ok := e.Of.(traceql.Field); ok {
			return slices.ContainsFunc(n.values(f, i, true), func(v plait.Value) bool { return v.Kind() == plait.KindBool && !v.Bool() })
		}
		return !n.condition(e.Of, i)
	case traceql.Binary:
		switch {
		case e.Op == "&&":
			return n.condition(e.Left, i) && n.condition(e.Right, i)
		case e.Op == "||":
			return n.condition(e.Left, i) || n.condition(e.Right, i)
		case e.Right == traceql.Static{Type: traceql.TypeNil}:
			return (len(n.values(e.Left, i, false)) > 0) == (e.Op == "!=")
		case e.Left == traceql.Static{Type: traceql.TypeNil}:
			return (len(n.values(e.Right, i, false)) > 0) == (e.Op == "!=")
		}
		return anyHolds(n.values(e.Left, i, true), e.Op, n.values(e.Right, i, true))
	}
	panic(e)
}

// anyHolds: of several values one has to compare so; for != and !~ one has to be comparable, and none the same.
func anyHolds(left []plait.Value, op traceql.Op, right []plait.Value) bool {
	some := func(op traceql.Op) bool {
		for _, a := range left {
			for _, b := range right {
				if holds(a, op, b) {
					return true
				}
			}
		}
		return false
	}
	switch op {
	case "!=":
		return (some("<") || some(">")) && !some("=")
	case "!~":
		return (some(">=") || some("<")) && !some("=~")
	}
	return some(op)
}

func holds(a plait.Value, op traceql.Op, b plait.Value) bool {
	order, ok := condition.Compare(a, b)
	switch op {
	case "=":
		return ok && order == 0
	case "!=":
		return ok && order != 0
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	case ">=":
		return ok && order >= 0
	}
	return a.Kind() == plait.KindString && regexp.MustCompile("^(?s:"+b.Str()+")$").MatchString(a.Str())
}

// values are what an expression may stand for: the elements of arrays, if asked, and the value of each event.
func (n Trace) values(e traceql.Expression, i int, spread bool) (all []plait.Value) {
	switch e := e.(type) {
	case traceql.Static:
		switch e.Type {
		case traceql.TypeInt, traceql.TypeDuration:
			return []plait.Value{plait.IntValue(e.Int)}
		case traceql.TypeFloat:
			return []plait.Value{plait.DoubleValue(e.Float)}
		case traceql.TypeBool:
			return []plait.Value{plait.BoolValue(e.Bool())}
		case traceql.TypeString:
			return []plait.Value{plait.StringValue(e.Text)}
		}
		return []plait.Value{plait.StringValue(e.String())}
	case traceql.Unary:
		return n.values(traceql.Binary{Op: "-", Left: traceql.IntOf(0), Right: e.Of}, i, spread)
	case traceql.Binary:
		for _, a := range n.values(e.Left, i, spread) {
			for _, b := range n.values(e.Right, i, spread) {
				if v, ok := condition.Compute(a, string(e.Op)[0], b); ok {
					all = append(all, v)
				}
			}
		}
		return all
	}
	for _, v := range n.field(e.(traceql.Field), i) {
		if spread && v.Kind() == plait.KindArray {
			all = append(all, condition.Elements(v)...)
		} else {
			all = append(all, v)
		}
	}
	return all
}

func (n Trace) field(f traceql.Field, i int) []plait.Value {
	if f.Parent {
		if i = n.parent(i); i < 0 {
			return nil
		}
	}
	s := &n.Spans[i]
	get := func(a plait.Attributes) (all []plait.Value) {
		if v, ok := a.Get(f.Name); ok {
			all = append(all, v)
		}
		return all
	}
	switch f.Scope {
	case traceql.ScopeSpan:
		return get(s.Attributes)
	case traceql.ScopeResource:
		return get(s.Resource.Attributes)
	case traceql.ScopeAny:
		if own := get(s.Attributes); len(own) > 0 {
			return own
		}
		return get(s.Resource.Attributes)
	case traceql.ScopeEvent:
		var all []plait.Value
		for _, event := range s.Events {
			all = append(all, get(event.Attributes)...)
		}
		return all
	}
	return []plait.Value{n.intrinsic(f.Name, i)}
}

func (n Trace) intrinsic(name string, i int) plait.Value {
	s := &n.Spans[i]
	children, first, last := 0, s.StartNanos, s.EndNanos
	rootName, rootService := "", ""
	for j := range n.Spans {
		other := &n.Spans[j]
		if n.parent(j) == i {
			children++
		}
		first, last = min(first, other.StartNanos), max(last, other.EndNanos)
		if other.ParentSpanID.IsZero() {
			rootName, rootService = other.Name, other.Resource.Service()
		}
	}
	switch name {
	case "name":
		return plait.StringValue(s.Name)
	case "status":
		return plait.StringValue(s.Status.String())
	case "kind":
		return plait.StringValue(s.Kind.String())
	case "duration":
		return plait.IntValue(s.EndNanos - s.StartNanos)
	case "traceDuration":
		return plait.IntValue(last - first)
	case "rootName":
		return plait.StringValue(rootName)
	case "rootServiceName":
		return plait.StringValue(rootService)
	case "span:childCount":
		return plait.IntValue(int64(children))
	case "nestedSetParent": // asked for < 0 only
		if s.ParentSpanID.IsZero() {
			return plait.IntValue(-1)
		}
		return plait.IntValue(0)
	}
	panic(name)
}
