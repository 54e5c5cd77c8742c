package eval

import (
	"regexp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// valuer reads the value of an expression from a span. It is not ok where the span has none.
type valuer func(*condition.SpanView) (plait.Value, bool)

// value compiles what functions are asked about: a field, a computation, or a condition.
func (c *compiler) value(e traceql.Expression) (valuer, error) {
	if f, ok := e.(traceql.Field); ok {
		c.tree = c.tree || nested(f) || f.Parent
		return func(v *condition.SpanView) (plait.Value, bool) { return readField(f, v) }, nil
	}
	if traceql.TypeOf(e) == traceql.TypeBool {
		fits, err := c.condition(traceql.Filter{Of: e})
		if err != nil {
			return nil, err
		}
		return func(v *condition.SpanView) (plait.Value, bool) { return plait.BoolValue(fits.Match(v)), true }, nil
	}
	switch e := e.(type) {
	case traceql.Static:
		constant := valueOfStatic(e)
		return func(*condition.SpanView) (plait.Value, bool) { return constant, true }, nil
	case traceql.Unary:
		return c.value(traceql.Binary{Op: traceql.OpSubtract, Left: traceql.IntOf(0), Right: e.Of})
	case traceql.Binary:
		left, err := c.value(e.Left)
		if err != nil {
			return nil, err
		}
		right, err := c.value(e.Right)
		if err != nil {
			return nil, err
		}
		return func(v *condition.SpanView) (plait.Value, bool) {
			a, ok := left(v)
			if !ok {
				return plait.Value{}, false
			}
			b, ok := right(v)
			if !ok {
				return plait.Value{}, false
			}
			return condition.Compute(a, e.Op[0], b)
		}, nil
	}
	return nil, plait.Errorf(plait.ErrInvalid, "TraceQL: %s has no value", e)
}

// readField reads a field. Of several events or links the first that has it counts.
func readField(f traceql.Field, v *condition.SpanView) (plait.Value, bool) {
	span := v.Span
	if f.Parent {
		if span = v.Parent; span == nil {
			return plait.Value{}, false
		}
	}
	key := condition.Stored(f.Name)
	switch f.Scope {
	case traceql.ScopeAny:
		if own, ok := present(span.Attributes.Get(key)); ok {
			return own, true
		}
		return ofResource(span, key)
	case traceql.ScopeSpan:
		return present(span.Attributes.Get(key))
	case traceql.ScopeResource:
		return ofResource(span, key)
	case traceql.ScopeScope:
		if span.Scope == nil {
			return plait.Value{}, false
		}
		return present(span.Scope.Attributes.Get(key))
	case traceql.ScopeEvent, traceql.ScopeLink:
		return first(readAll(f, v))
	}
	return readIntrinsic(f, v)
}

func ofResource(s *plait.Span, key string) (plait.Value, bool) {
	if s.Resource == nil {
		return plait.Value{}, false
	}
	return present(s.Resource.Attributes.Get(key))
}

// present takes an empty value for none.
func present(v plait.Value, ok bool) (plait.Value, bool) { return v, ok && v.Kind() != plait.KindEmpty }

func text(s string, ok bool) (plait.Value, bool) { return plait.StringValue(s), ok }

func number(i int64) (plait.Value, bool) { return plait.IntValue(i), true }

func readIntrinsic(f traceql.Field, v *condition.SpanView) (plait.Value, bool) {
	i, s := f.Intrinsic(), v.Span
	switch i {
	case traceql.Name:
		return text(s.Name, true)
	case traceql.Status:
		return text(s.Status.String(), true)
	case traceql.StatusMessage:
		return text(s.StatusMessage, true)
	case traceql.Kind:
		return text(s.Kind.String(), true)
	case traceql.Duration:
		return number(s.DurationNanos())
	case traceql.SpanID:
		return text(s.SpanID.String(), true)
	case traceql.ParentID:
		return text(s.ParentSpanID.String(), !s.ParentSpanID.IsZero())
	case traceql.TraceID:
		return text(s.TraceID.String(), true)
	case traceql.ScopeName:
		return text(scopeOf(s).Name, true)
	case traceql.ScopeVersion:
		return text(scopeOf(s).Version, true)
	case traceql.EventName, traceql.EventSinceStart, traceql.LinkTraceID, traceql.LinkSpanID:
		return first(readAll(f, v))
	case traceql.RootName, traceql.RootService, traceql.TraceDuration:
		return readTrace(i, v.Trace)
	}
	return readPlace(i, v.Place)
}

func scopeOf(s *plait.Span) *plait.Scope {
	if s.Scope == nil {
		return &plait.Scope{}
	}
	return s.Scope
}

func first(values []plait.Value) (plait.Value, bool) {
	if len(values) == 0 {
		return plait.Value{}, false
	}
	return values[0], true
}

// readAll reads a field of each event or link, and the one value of any other.
func readAll(f traceql.Field, v *condition.SpanView) (values []plait.Value) {
	attribute := func(a plait.Attributes) {
		if found, ok := present(a.Get(condition.Stored(f.Name))); ok {
			values = append(values, found)
		}
	}
	intrinsic, s := f.Intrinsic(), v.Span
	switch {
	case f.Scope == traceql.ScopeEvent, intrinsic == traceql.EventName, intrinsic == traceql.EventSinceStart:
		for i := range s.Events {
			switch event := &s.Events[i]; intrinsic {
			case traceql.EventName:
				values = append(values, plait.StringValue(event.Name))
			case traceql.EventSinceStart:
				values = append(values, plait.IntValue(event.TimeNanos-s.StartNanos))
			default:
				attribute(event.Attributes)
			}
		}
	case f.Scope == traceql.ScopeLink, intrinsic == traceql.LinkTraceID, intrinsic == traceql.LinkSpanID:
		for i := range s.Links {
			switch link := &s.Links[i]; intrinsic {
			case traceql.LinkTraceID:
				values = append(values, plait.StringValue(link.TraceID.String()))
			case traceql.LinkSpanID:
				values = append(values, plait.StringValue(link.SpanID.String()))
			default:
				attribute(link.Attributes)
			}
		}
	default:
		if one, ok := readField(f, v); ok {
			values = append(values, one)
		}
	}
	return values
}

func readTrace(i traceql.Intrinsic, t *plait.TraceSummary) (plait.Value, bool) {
	if t == nil {
		return plait.Value{}, false
	}
	switch i {
	case traceql.RootName:
		return text(t.RootName, true)
	case traceql.RootService:
		return text(t.RootService, true)
	}
	return number(t.DurationNanos)
}

func readPlace(i traceql.Intrinsic, p *condition.Place) (plait.Value, bool) {
	if p == nil {
		return plait.Value{}, false
	}
	switch i {
	case traceql.NestedSetLeft:
		return number(p.NestedSetLeft)
	case traceql.NestedSetRight:
		return number(p.NestedSetRight)
	case traceql.NestedSetParent:
		return number(p.NestedSetParent)
	case traceql.ChildCount:
		return number(p.ChildCount)
	}
	return plait.Value{}, false
}

// wholeText compiles an expression that the parser has read: it has to fit a text as a whole.
func wholeText(expression string) *regexp.Regexp {
	return regexp.MustCompile(`^(?s:` + expression + `)$`)
}
