package otlp

import (
	"fmt"

	"github.com/plaithq/plait"
)

// Tags of opentelemetry.proto.trace.v1.
const (
	spanTraceID       tag = 1<<3 | wireBytes
	spanSpanID        tag = 2<<3 | wireBytes
	spanTraceState    tag = 3<<3 | wireBytes
	spanParentSpanID  tag = 4<<3 | wireBytes
	spanName          tag = 5<<3 | wireBytes
	spanKind          tag = 6<<3 | wireVarint
	spanStart         tag = 7<<3 | wireFixed64
	spanEnd           tag = 8<<3 | wireFixed64
	spanAttributes    tag = 9<<3 | wireBytes
	spanDropped       tag = 10<<3 | wireVarint
	spanEvents        tag = 11<<3 | wireBytes
	spanDroppedEvents tag = 12<<3 | wireVarint
	spanLinks         tag = 13<<3 | wireBytes
	spanDroppedLinks  tag = 14<<3 | wireVarint
	spanStatus        tag = 15<<3 | wireBytes
	spanFlags         tag = 16<<3 | wireFixed32

	eventTime       tag = 1<<3 | wireFixed64
	eventName       tag = 2<<3 | wireBytes
	eventAttributes tag = 3<<3 | wireBytes
	eventDropped    tag = 4<<3 | wireVarint

	linkTraceID    tag = 1<<3 | wireBytes
	linkSpanID     tag = 2<<3 | wireBytes
	linkTraceState tag = 3<<3 | wireBytes
	linkAttributes tag = 4<<3 | wireBytes
	linkDropped    tag = 5<<3 | wireVarint
	linkFlags      tag = 6<<3 | wireFixed32

	statusMessage tag = 2<<3 | wireBytes
	statusCode    tag = 3<<3 | wireVarint
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

func (d *traceDecoder) span(f fields, r *plait.Resource, sc *plait.Scope) error {
	d.spans = append(d.spans, plait.Span{Resource: r, Scope: sc})
	s := &d.spans[len(d.spans)-1]
	var id ids
	for f.next() {
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
	return f.err
}

// refuseSpan takes out the span that was read last.
func (d *traceDecoder) refuseSpan(bad badID) {
	last := len(d.spans) - 1
	d.spans[last] = plait.Span{}
	d.spans = d.spans[:last]
	d.refuse(bad.field, bad.String(), &d.place)
}

func (d *traceDecoder) spanField(s *plait.Span, f *fields, id *ids) (err error) {
	switch f.tag {
	case spanTraceID:
		id.trace = f.text()
	case spanSpanID:
		id.span = f.text()
	case spanTraceState:
		s.TraceState = f.text()
	case spanParentSpanID:
		id.parent = f.text()
	case spanName:
		s.Name = f.text()
	case spanKind:
		s.Kind = kindOf(int32(f.num))
	case spanStart:
		s.StartNanos = clampNanos(f.num)
	case spanEnd:
		s.EndNanos = clampNanos(f.num)
	case spanAttributes:
		s.Attributes, err = d.attributeList(f, s.Attributes)
	case spanDropped:
		s.DroppedAttributes = uint32(f.num)
	case spanEvents:
		s.Events, err = d.eventList(f, s.Events)
	case spanDroppedEvents:
		s.DroppedEvents = uint32(f.num)
	case spanLinks:
		s.Links, err = d.linkList(f, s.Links)
	case spanDroppedLinks:
		s.DroppedLinks = uint32(f.num)
	case spanStatus:
		err = in(status(s, f.message()), "status")
	case spanFlags:
		s.Flags = uint32(f.num)
	}
	return err
}

func status(s *plait.Span, f fields) error {
	for f.next() {
		switch f.tag {
		case statusMessage:
			s.StatusMessage = f.text()
		case statusCode:
			s.Status = statusOf(int32(f.num))
		}
	}
	return f.err
}

// eventList reads the event that f stands at and those that follow it directly.
func (d *traceDecoder) eventList(f *fields, list []plait.Event) ([]plait.Event, error) {
	run := d.events.open()
	for {
		run = d.events.extendFrom(f, run)
		if err := d.event(&run[len(run)-1], f.message()); err != nil {
			return nil, inItem(err, "events", len(list)+len(run)-1)
		}
		if !f.repeats() {
			return d.events.close(list, run), nil
		}
	}
}

func (d *traceDecoder) event(e *plait.Event, f fields) (err error) {
	for f.next() {
		switch f.tag {
		case eventTime:
			e.TimeNanos = clampNanos(f.num)
		case eventName:
			e.Name = f.text()
		case eventAttributes:
			if e.Attributes, err = d.attributeList(&f, e.Attributes); err != nil {
				return err
			}
		case eventDropped:
			e.DroppedAttributes = uint32(f.num)
		}
	}
	return f.err
}

// linkList reads the link that f stands at and those that follow it directly.
func (d *traceDecoder) linkList(f *fields, list []plait.Link) ([]plait.Link, error) {
	run := d.links.open()
	for {
		run = d.links.extendFrom(f, run)
		if err := d.link(&run[len(run)-1], f.message()); err != nil {
			return nil, inItem(err, "links", len(list)+len(run)-1)
		}
		if !f.repeats() {
			return d.links.close(list, run), nil
		}
	}
}

func (d *traceDecoder) link(l *plait.Link, f fields) (err error) {
	var id ids
	for f.next() {
		switch f.tag {
		case linkTraceID:
			id.trace = f.text()
		case linkSpanID:
			id.span = f.text()
		case linkTraceState:
			l.TraceState = f.text()
		case linkAttributes:
			if l.Attributes, err = d.attributeList(&f, l.Attributes); err != nil {
				return err
			}
		case linkDropped:
			l.DroppedAttributes = uint32(f.num)
		case linkFlags:
			l.Flags = uint32(f.num)
		}
	}
	var bad badID
	bad.read(l.TraceID[:], id.trace, "trace_id")
	bad.read(l.SpanID[:], id.span, "span_id")
	if bad.field != "" {
		d.repaired++
	}
	return f.err
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
