// Package jaeger reads Jaeger's spans into Plait's vocabulary, in Thrift and in protobuf. It is pure.
package jaeger

import (
	"math"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/batch"
)

// span is a span as Jaeger's clients send it. Times are nanoseconds.
type span struct {
	traceID    plait.TraceID
	id         plait.SpanID
	parentID   plait.SpanID // of Thrift, which has it beside the references
	name       string
	flags      uint64
	start      int64
	duration   int64
	references []reference
	tags       plait.Attributes
	logs       []log
}

// reference is a span that this one follows. Only some have caused it in a way that the other waits for it.
type reference struct {
	traceID plait.TraceID
	id      plait.SpanID
	follows bool // FOLLOWS_FROM, and not CHILD_OF
}

type log struct {
	nanos  int64
	fields plait.Attributes
}

// What items of lists cost while a span is read, in bytes: lists grow by copying.
const (
	tagCost       = 2 * int(unsafe.Sizeof(plait.Attribute{}))
	logCost       = 2 * int(unsafe.Sizeof(log{}))
	referenceCost = 2 * int(unsafe.Sizeof(reference{}))
)

// Flags of Jaeger's.
const (
	flagSampled = 1
	flagDebug   = 2
)

// Tags that say what OpenTelemetry has a field for
// (https://opentelemetry.io/docs/specs/otel/common/mapping-to-non-otlp/, and OpenTracing's conventions).
const (
	tagKind          = "span.kind"
	tagError         = "error"
	tagStatusCode    = "otel.status_code"
	tagStatusMessage = "otel.status_description"
	tagTraceState    = "w3c.tracestate"
	tagScopeName     = "otel.scope.name"
	tagScopeVersion  = "otel.scope.version"
	tagLibraryName   = "otel.library.name"
	tagLibraryVer    = "otel.library.version"

	fieldEvent = "event"
)

// Attributes.
const (
	attributeService = "service.name"
	attributeHost    = "host.name"
	attributeDebug   = "jaeger.debug"
	attributeRefType = "opentracing.ref_type"

	processHost = "hostname"
)

var kinds = map[string]plait.SpanKind{
	"client": plait.SpanKindClient, "server": plait.SpanKindServer, "producer": plait.SpanKindProducer,
	"consumer": plait.SpanKindConsumer, "internal": plait.SpanKindInternal,
}

// add makes a span of Plait's vocabulary and hands it over. The error is the claim's.
func (j *span) add(b *batch.Spans, r *plait.Resource) error {
	s := plait.Span{
		TraceID: j.traceID, SpanID: j.id, ParentSpanID: j.parentID, Name: j.name, Kind: plait.SpanKindInternal,
		StartNanos: j.start, EndNanos: later(j.start, j.duration), Resource: r, Flags: uint32(j.flags & flagSampled),
	}
	var scopeName, scopeVersion string
	s.Attributes = j.tags[:0]
	for _, t := range j.tags {
		value := t.Value.Str()
		switch t.Key {
		case tagScopeName, tagLibraryName:
			scopeName = value
		case tagScopeVersion, tagLibraryVer:
			scopeVersion = value
		default:
			if !means(&s, t) {
				s.Attributes = append(s.Attributes, t)
			}
		}
	}
	if j.flags&flagDebug != 0 {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributeDebug, Value: plait.BoolValue(true)})
	}
	j.refer(&s)
	if len(j.logs) > 0 {
		s.Events = make([]plait.Event, 0, len(j.logs))
	}
	for i := range j.logs {
		s.Events = append(s.Events, j.logs[i].event())
	}
	var err error
	if s.Scope, err = b.Scope(scopeName, scopeVersion); err != nil {
		return err
	}
	return b.Add(&s, 0)
}

// means takes a tag that says what the span has a field for. Others are attributes.
func means(s *plait.Span, t plait.Attribute) bool {
	value := t.Value.Str()
	switch t.Key {
	case tagKind:
		kind, ok := kinds[strings.ToLower(value)]
		if ok {
			s.Kind = kind
		}
		return ok
	case tagError:
		// OpenTracing's is a truth value. Some instrumentations write the error itself.
		yes := t.Value.Kind() == plait.KindBool && t.Value.Bool() || value == "true"
		said := !yes && t.Value.Kind() == plait.KindString && value != "" && value != "false"
		if yes || said {
			s.Status = plait.StatusError
		}
		if said && s.StatusMessage == "" {
			s.StatusMessage = value
		}
		return yes
	case tagStatusCode:
		switch strings.ToUpper(value) {
		case "ERROR":
			s.Status = plait.StatusError
		case "OK":
			s.Status = plait.StatusOK
		default:
			return false
		}
	case tagStatusMessage:
		s.StatusMessage = value
	case tagTraceState:
		s.TraceState = value
	default:
		return false
	}
	return true
}

// refer finds the parent among the references, as Jaeger does where it is not told by itself: the first span of the
// trace of which this one is a child, else the first that it follows. Other references are links.
func (j *span) refer(s *plait.Span) {
	parent := -1
	for i, r := range j.references {
		switch {
		case r.traceID != j.traceID, !j.parentID.IsZero() && r.id != j.parentID:
		case parent < 0, j.references[parent].follows && !r.follows:
			parent = i
		}
	}
	if parent >= 0 {
		s.ParentSpanID = j.references[parent].id
	}
	for i, r := range j.references {
		if i == parent {
			continue
		}
		kind := "child_of"
		if r.follows {
			kind = "follows_from"
		}
		s.Links = append(s.Links, plait.Link{TraceID: r.traceID, SpanID: r.id,
			Attributes: plait.Attributes{{Key: attributeRefType, Value: plait.StringValue(kind)}}})
	}
}

// event is a log as an event, which has its name in a field.
func (l *log) event() plait.Event {
	e := plait.Event{TimeNanos: l.nanos, Attributes: l.fields[:0]}
	for _, f := range l.fields {
		if f.Key == fieldEvent && e.Name == "" && f.Value.Kind() == plait.KindString {
			e.Name = f.Value.Str()
			continue
		}
		e.Attributes = append(e.Attributes, f)
	}
	return e
}

// process is the sender of a batch.
type process struct {
	service string
	tags    plait.Attributes
}

// attributes are the process's as a resource's.
func (p *process) attributes() plait.Attributes {
	out := make(plait.Attributes, 0, 1+len(p.tags))
	if p.service != "" {
		out = append(out, plait.Attribute{Key: attributeService, Value: plait.StringValue(p.service)})
	}
	for _, t := range p.tags {
		if t.Key == processHost {
			t.Key = attributeHost
		}
		out = append(out, t)
	}
	return out
}

// nanosOf is a number of microseconds in nanoseconds, as far as int64 goes.
func nanosOf(micros int64) int64 {
	return max(min(micros, math.MaxInt64/1000), math.MinInt64/1000) * 1000
}

// later adds a duration, as far as int64 goes.
func later(start, duration int64) int64 {
	if end := start + duration; duration <= 0 || end > start {
		return end
	}
	return math.MaxInt64
}
