package otlp

import (
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

var (
	jsonTracePlace = place{batches: "resourceSpans", scopes: "scopeSpans", records: "spans"}
	jsonLogPlace   = place{batches: "resourceLogs", scopes: "scopeLogs", records: "logRecords"}
)

var spanKindNumbers = enumNames{"SPAN_KIND_", map[string]int32{
	"UNSPECIFIED": int32(plait.SpanKindUnspecified),
	"INTERNAL":    int32(plait.SpanKindInternal),
	"SERVER":      int32(plait.SpanKindServer),
	"CLIENT":      int32(plait.SpanKindClient),
	"PRODUCER":    int32(plait.SpanKindProducer),
	"CONSUMER":    int32(plait.SpanKindConsumer),
}}

var statusNumbers = enumNames{"STATUS_CODE_", map[string]int32{
	"UNSET": int32(plait.StatusUnset),
	"OK":    int32(plait.StatusOK),
	"ERROR": int32(plait.StatusError),
}}

// DecodeTracesJSON is DecodeTraces for OTLP/JSON. Field names of the .proto files, names of
// enumerations, and 64-bit numbers that are not strings are understood too.
func DecodeTracesJSON(body []byte) (*plait.Traces, error) {
	return new(Memory).DecodeTracesJSON(body, nil)
}

// DecodeTracesJSON is the package's DecodeTracesJSON. Memory for what is decoded is asked for of claim, whose error
// ends the decoding; claim may be nil.
func (*Memory) DecodeTracesJSON(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	d := traceJSONDecoder{jsonDecoder: newJSONDecoder(body, jsonTracePlace, claim)}
	d.events, d.links = newArena[plait.Event](8), newArena[plait.Link](8)
	d.spans = make([]plait.Span, 0, min(d.guess(`"spanId"`), maxGuess))
	if err := d.request(tracePlace, d.span); err != nil {
		return nil, err
	}
	return &plait.Traces{Spans: d.spans, Refused: d.refused, Repaired: d.repairs(d.nested.tooDeep)}, nil
}

type traceJSONDecoder struct {
	jsonDecoder
	spans  []plait.Span
	events arena[plait.Event]
	links  arena[plait.Link]
}

func (d *traceJSONDecoder) span(r *plait.Resource, sc *plait.Scope) {
	d.r.account(2 * int(unsafe.Sizeof(plait.Span{})))
	s := plait.Span{Resource: r, Scope: sc}
	bad := badID{}
	start := d.r.Pos
	for o := (jsontext.Object{}); d.r.field(&o); {
		d.spanField(&s, o.Key, &bad)
	}
	if kind, why := d.misread(start); why != "" {
		d.refuse(kind, why, &d.place)
		return
	}
	if bad.field != "" {
		d.refuse(bad.field, bad.String(), &d.place)
		return
	}
	d.spans = append(d.spans, s)
}

func (d *traceJSONDecoder) spanField(s *plait.Span, key string, bad *badID) {
	switch key {
	case "traceId", "trace_id":
		bad.readHex(s.TraceID[:], d.r.str(), "traceId")
	case "spanId", "span_id":
		bad.readHex(s.SpanID[:], d.r.str(), "spanId")
	case "traceState", "trace_state":
		s.TraceState = d.r.str()
	case "parentSpanId", "parent_span_id":
		bad.readHex(s.ParentSpanID[:], d.r.str(), "parentSpanId")
	case "flags":
		s.Flags = d.r.count()
	case "name":
		s.Name = d.r.str()
	case "kind":
		n, unknown := d.r.enum(spanKindNumbers)
		bad.unknown("kind", unknown)
		s.Kind = kindOf(n)
	case "startTimeUnixNano", "start_time_unix_nano":
		s.StartNanos = d.r.integer()
	case "endTimeUnixNano", "end_time_unix_nano":
		s.EndNanos = d.r.integer()
	case "attributes":
		s.Attributes = d.attributeList(s.Attributes)
	case "droppedAttributesCount", "dropped_attributes_count":
		s.DroppedAttributes = d.r.count()
	case "events":
		s.Events = d.eventList(s.Events)
	case "droppedEventsCount", "dropped_events_count":
		s.DroppedEvents = d.r.count()
	case "links":
		s.Links = d.linkList(s.Links)
	case "droppedLinksCount", "dropped_links_count":
		s.DroppedLinks = d.r.count()
	case "status":
		d.status(s, bad)
	default:
		d.r.Skip()
	}
}

func (d *traceJSONDecoder) status(s *plait.Span, bad *badID) {
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "code":
			n, unknown := d.r.enum(statusNumbers)
			bad.unknown("status.code", unknown)
			s.Status = statusOf(n)
		case "message":
			s.StatusMessage = d.r.str()
		default:
			d.r.Skip()
		}
	}
}

func (d *traceJSONDecoder) eventList(list []plait.Event) []plait.Event {
	run := d.events.open()
	for a := (jsontext.Array{}); d.r.Item(&a); {
		d.r.account(2 * int(unsafe.Sizeof(plait.Event{})))
		run = d.events.extend(run)
		d.event(&run[len(run)-1])
	}
	if len(run) == 0 {
		return list
	}
	return d.events.close(list, run)
}

func (d *traceJSONDecoder) event(e *plait.Event) {
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "timeUnixNano", "time_unix_nano":
			e.TimeNanos = d.r.integer()
		case "name":
			e.Name = d.r.str()
		case "attributes":
			e.Attributes = d.attributeList(e.Attributes)
		case "droppedAttributesCount", "dropped_attributes_count":
			e.DroppedAttributes = d.r.count()
		default:
			d.r.Skip()
		}
	}
}

func (d *traceJSONDecoder) linkList(list []plait.Link) []plait.Link {
	run := d.links.open()
	for a := (jsontext.Array{}); d.r.Item(&a); {
		d.r.account(2 * int(unsafe.Sizeof(plait.Link{})))
		run = d.links.extend(run)
		d.link(&run[len(run)-1])
	}
	if len(run) == 0 {
		return list
	}
	return d.links.close(list, run)
}

func (d *traceJSONDecoder) link(l *plait.Link) {
	bad := badID{}
	for o := (jsontext.Object{}); d.r.field(&o); {
		switch o.Key {
		case "traceId", "trace_id":
			bad.readHex(l.TraceID[:], d.r.str(), "traceId")
		case "spanId", "span_id":
			bad.readHex(l.SpanID[:], d.r.str(), "spanId")
		case "traceState", "trace_state":
			l.TraceState = d.r.str()
		case "attributes":
			l.Attributes = d.attributeList(l.Attributes)
		case "droppedAttributesCount", "dropped_attributes_count":
			l.DroppedAttributes = d.r.count()
		case "flags":
			l.Flags = d.r.count()
		default:
			d.r.Skip()
		}
	}
	if bad.field != "" {
		d.repaired++
	}
}
