package otlp

import (
	"fmt"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// Tags of opentelemetry.proto.trace.v1.
const (
	spanTraceID       protobuf.Tag = 1<<3 | protobuf.Bytes
	spanSpanID        protobuf.Tag = 2<<3 | protobuf.Bytes
	spanTraceState    protobuf.Tag = 3<<3 | protobuf.Bytes
	spanParentSpanID  protobuf.Tag = 4<<3 | protobuf.Bytes
	spanName          protobuf.Tag = 5<<3 | protobuf.Bytes
	spanKind          protobuf.Tag = 6<<3 | protobuf.Varint
	spanStart         protobuf.Tag = 7<<3 | protobuf.Fixed64
	spanEnd           protobuf.Tag = 8<<3 | protobuf.Fixed64
	spanAttributes    protobuf.Tag = 9<<3 | protobuf.Bytes
	spanDropped       protobuf.Tag = 10<<3 | protobuf.Varint
	spanEvents        protobuf.Tag = 11<<3 | protobuf.Bytes
	spanDroppedEvents protobuf.Tag = 12<<3 | protobuf.Varint
	spanLinks         protobuf.Tag = 13<<3 | protobuf.Bytes
	spanDroppedLinks  protobuf.Tag = 14<<3 | protobuf.Varint
	spanStatus        protobuf.Tag = 15<<3 | protobuf.Bytes
	spanFlags         protobuf.Tag = 16<<3 | protobuf.Fixed32

	eventTime       protobuf.Tag = 1<<3 | protobuf.Fixed64
	eventName       protobuf.Tag = 2<<3 | protobuf.Bytes
	eventAttributes protobuf.Tag = 3<<3 | protobuf.Bytes
	eventDropped    protobuf.Tag = 4<<3 | protobuf.Varint

	linkTraceID    protobuf.Tag = 1<<3 | protobuf.Bytes
	linkSpanID     protobuf.Tag = 2<<3 | protobuf.Bytes
	linkTraceState protobuf.Tag = 3<<3 | protobuf.Bytes
	linkAttributes protobuf.Tag = 4<<3 | protobuf.Bytes
	linkDropped    protobuf.Tag = 5<<3 | protobuf.Varint
	linkFlags      protobuf.Tag = 6<<3 | protobuf.Fixed32

	statusMessage protobuf.Tag = 2<<3 | protobuf.Bytes
	statusCode    protobuf.Tag = 3<<3 | protobuf.Varint
)

var tracePlace = place{batches: "resource_spans", scopes: "scope_spans", records: "spans"}

// DecodeTraces reads an ExportTraceServiceRequest. The result aliases the body.
//
// A span with an id of the wrong length is left out and told in Refused; a missing or zero id is
// left to whoever cleans. An error wraps plait.ErrInvalid, means that nothing can be made of
// the request, and says where it is malformed.
func DecodeTraces(body []byte) (*plait.Traces, error) {
	return new(Memory).DecodeTraces(body, nil)
}

type traceDecoder struct{ decoder }

func (d *traceDecoder) result() *plait.Traces {
	return &plait.Traces{Spans: d.spans, Refused: d.refused, Repaired: d.repairs(d.nested.tooDeep)}
}

func (d *traceDecoder) span(f protobuf.Fields, r *plait.Resource, sc *plait.Scope) error {
	d.spans = append(d.spans, plait.Span{Resource: r, Scope: sc})
	s := &d.spans[len(d.spans)-1]
	var id ids
	for f.Next() {
		if err := d.spanField(s, &f, &id); err != nil {
			return err
		}
	}
	var bad badID
	bad.read(s.TraceID[:], id.trace, "trace_id")
	bad.read(s.SpanID[:], id.span, "span_id")
	bad.read(s.ParentSpanID[:], id.parent, "parent_span_id")
	if bad.field != "" {
		d.refuseSpan(bad)
	}
	return f.Err
}

// refuseSpan takes out the span that was read last.
func (d *traceDecoder) refuseSpan(bad badID) {
	last := len(d.spans) - 1
	d.spans[last] = plait.Span{}
	d.spans = d.spans[:last]
	d.refuse(bad.field, bad.String(), &d.place)
}

func (d *traceDecoder) spanField(s *plait.Span, f *protobuf.Fields, id *ids) (err error) {
	switch f.Tag {
	case spanTraceID:
		id.trace = f.Text()
	case spanSpanID:
		id.span = f.Text()
	case spanTraceState:
		s.TraceState = f.Text()
	case spanParentSpanID:
		id.parent = f.Text()
	case spanName:
		s.Name = f.Text()
	case spanKind:
		s.Kind = kindOf(int32(f.Num))
	case spanStart:
		s.StartNanos = clampNanos(f.Num)
	case spanEnd:
		s.EndNanos = clampNanos(f.Num)
	case spanAttributes:
		s.Attributes, err = d.attributeList(f, s.Attributes)
	case spanDropped:
		s.DroppedAttributes = uint32(f.Num)
	case spanEvents:
		s.Events, err = d.eventList(f, s.Events)
	case spanDroppedEvents:
		s.DroppedEvents = uint32(f.Num)
	case spanLinks:
		s.Links, err = d.linkList(f, s.Links)
	case spanDroppedLinks:
		s.DroppedLinks = uint32(f.Num)
	case spanStatus:
		err = in(status(s, f.Message()), "status")
	case spanFlags:
		s.Flags = uint32(f.Num)
	}
	return err
}

func status(s *plait.Span, f protobuf.Fields) error {
	for f.Next() {
		switch f.Tag {
		case statusMessage:
			s.StatusMessage = f.Text()
		case statusCode:
			s.Status = statusOf(int32(f.Num))
		}
	}
	return f.Err
}

// eventList reads the event that f stands at and those that follow it directly.
func (d *traceDecoder) eventList(f *protobuf.Fields, list []plait.Event) ([]plait.Event, error) {
	run := d.events.open()
	for {
		run = d.events.extendFrom(f, run)
		if err := d.event(&run[len(run)-1], f.Message()); err != nil {
			return nil, inItem(err, "events", len(list)+len(run)-1)
		}
		if !f.Repeats() {
			return d.events.close(list, run), nil
		}
	}
}

func (d *traceDecoder) event(e *plait.Event, f protobuf.Fields) (err error) {
	for f.Next() {
		switch f.Tag {
		case eventTime:
			e.TimeNanos = clampNanos(f.Num)
		case eventName:
			e.Name = f.Text()
		case eventAttributes:
			if e.Attributes, err = d.attributeList(&f, e.Attributes); err != nil {
				return err
			}
		case eventDropped:
			e.DroppedAttributes = uint32(f.Num)
		}
	}
	return f.Err
}

// linkList reads the link that f stands at and those that follow it directly.
func (d *traceDecoder) linkList(f *protobuf.Fields, list []plait.Link) ([]plait.Link, error) {
	run := d.links.open()
	for {
		run = d.links.extendFrom(f, run)
		if err := d.link(&run[len(run)-1], f.Message()); err != nil {
			return nil, inItem(err, "links", len(list)+len(run)-1)
		}
		if !f.Repeats() {
			return d.links.close(list, run), nil
		}
	}
}

func (d *traceDecoder) link(l *plait.Link, f protobuf.Fields) (err error) {
	var id ids
	for f.Next() {
		switch f.Tag {
		case linkTraceID:
			id.trace = f.Text()
		case linkSpanID:
			id.span = f.Text()
		case linkTraceState:
			l.TraceState = f.Text()
		case linkAttributes:
			if l.Attributes, err = d.attributeList(&f, l.Attributes); err != nil {
				return err
			}
		case linkDropped:
			l.DroppedAttributes = uint32(f.Num)
		case linkFlags:
			l.Flags = uint32(f.Num)
		}
	}
	var bad badID
	bad.read(l.TraceID[:], id.trace, "trace_id")
	bad.read(l.SpanID[:], id.span, "span_id")
	if bad.field != "" {
		d.repaired++
	}
	return f.Err
}

// ids are the ids of a record as they were sent. They are read at its end, since a field that
// occurs twice has its last value.
type ids struct{ trace, span, parent string }

// badID is the first field of a record that cannot be read: an id that is none, or the name of an
// enumeration that is not known.
type badID struct {
	field   string
	problem string
}

func (b badID) String() string { return b.field + " " + b.problem }

// read copies an id of a binary encoding. An empty one is absent.
func (b *badID) read(id []byte, text, field string) {
	if len(text) == len(id) {
		copy(id, text)
		return
	}
	if text != "" && b.field == "" {
		*b = badID{field, fmt.Sprintf("has %d bytes, want %d", len(text), len(id))}
	}
}
