package condition

import (
	"github.com/plaithq/plait"
)

// spanLeaf compiles a leaf of a condition on spans.
func spanLeaf(l Leaf) (matcher[SpanView], error) {
	if l.Field.Name.OfTrace() {
		m, err := traceLeaf(l, ofSpan)
		return func(v *SpanView) bool { return v.Trace != nil && m(v.Trace) }, err
	}
	if err := l.check(ofSpan); err != nil {
		return nil, err
	}
	if l.Field.Name.OfPlace() {
		return leafOf(l, placeReader(l.Field.Name), nil)
	}
	ids := spanIDReaders[l.Field.Name]
	m, err := leafOf(l, l.spanReader(), ids)
	if l.Field.Parent {
		return func(v *SpanView) bool { return v.Parent != nil && m(v.Parent) }, err
	}
	return func(v *SpanView) bool { return m(v.Span) }, err
}

var spanIDReaders = map[Name]idReader[plait.Span]{
	TraceID:      func(s *plait.Span, fits func(id) bool) bool { return traceIDOf(s.TraceID, fits) },
	SpanID:       func(s *plait.Span, fits func(id) bool) bool { return spanIDOf(s.SpanID, fits) },
	SpanParentID: func(s *plait.Span, fits func(id) bool) bool { return spanIDOf(s.ParentSpanID, fits) },
	LinkTraceID: func(s *plait.Span, fits func(id) bool) bool {
		for i := range s.Links {
			if traceIDOf(s.Links[i].TraceID, fits) {
				return true
			}
		}
		return false
	},
	LinkSpanID: func(s *plait.Span, fits func(id) bool) bool {
		for i := range s.Links {
			if spanIDOf(s.Links[i].SpanID, fits) {
				return true
			}
		}
		return false
	},
}

// spanReaders are those of the fields that have no key.
var spanReaders = map[Name]reader[plait.Span]{
	SpanName:          func(s *plait.Span, fits test) bool { return fits(plait.StringValue(s.Name)) },
	SpanKind:          func(s *plait.Span, fits test) bool { return fits(plait.IntValue(int64(s.Kind))) },
	SpanStatus:        func(s *plait.Span, fits test) bool { return fits(plait.IntValue(int64(s.Status))) },
	SpanStatusMessage: func(s *plait.Span, fits test) bool { return fits(plait.StringValue(s.StatusMessage)) },
	SpanDuration:      func(s *plait.Span, fits test) bool { return fits(plait.IntValue(s.DurationNanos())) },
	SpanStart:         func(s *plait.Span, fits test) bool { return fits(plait.IntValue(s.StartNanos)) },
	Service:           func(s *plait.Span, fits test) bool { return fits(plait.StringValue(s.Resource.Service())) },
	ScopeName:         func(s *plait.Span, fits test) bool { return s.Scope != nil && present(s.Scope.Name, fits) },
	ScopeVersion:      func(s *plait.Span, fits test) bool { return s.Scope != nil && present(s.Scope.Version, fits) },
	EventName: func(s *plait.Span, fits test) bool {
		for i := range s.Events {
			if fits(plait.StringValue(s.Events[i].Name)) {
				return true
			}
		}
		return false
	},
	EventSinceStart: func(s *plait.Span, fits test) bool {
		for i := range s.Events {
			if fits(plait.IntValue(s.Events[i].TimeNanos - s.StartNanos)) {
				return true
			}
		}
		return false
	},
}

func (l Leaf) spanReader() reader[plait.Span] {
	attributes := l.Field.attributeReader()
	switch l.Field.Name {
	case SpanKind:
		if l.Value.typ == TypeText {
			return func(s *plait.Span, fits test) bool { return fits(plait.StringValue(s.Kind.String())) }
		}
	case SpanStatus:
		if l.Value.typ == TypeText {
			return func(s *plait.Span, fits test) bool { return fits(plait.StringValue(s.Status.String())) }
		}
	case SpanAttribute:
		return func(s *plait.Span, fits test) bool { return attributes(s.Attributes, fits) }
	case ResourceAttribute:
		return func(s *plait.Span, fits test) bool { return ofResource(s.Resource, attributes, fits) }
	case ScopeAttribute:
		return func(s *plait.Span, fits test) bool { return s.Scope != nil && attributes(s.Scope.Attributes, fits) }
	case EventAttribute:
		return func(s *plait.Span, fits test) bool {
			for i := range s.Events {
				if attributes(s.Events[i].Attributes, fits) {
					return true
				}
			}
			return false
		}
	case LinkAttribute:
		return func(s *plait.Span, fits test) bool {
			for i := range s.Links {
				if attributes(s.Links[i].Attributes, fits) {
					return true
				}
			}
			return false
		}
	}
	return spanReaders[l.Field.Name]
}

func ofResource(r *plait.Resource, attributes attributeReader, fits test) bool {
	return r != nil && attributes(r.Attributes, fits)
}
