package datadog

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/jsonvalue"
)

// embedded takes links and events out of the tags into which tracers write them as JSON, where a format has no field
// for them. What cannot be read stays a tag. Some tracers write both.
func (r *spanReader) embedded(d *span) {
	hasLinks, hasEvents := len(d.links) > 0, len(d.events) > 0
	d.attributes = slices.DeleteFunc(d.attributes, func(a plait.Attribute) bool {
		switch a.Key {
		case keyLinks:
			return hasLinks || r.embeddedLinks(d, a.Value.Str())
		case keyEvents:
			return hasEvents || r.embeddedEvents(d, a.Value.Str())
		}
		return false
	})
}

func (r *spanReader) embeddedLinks(d *span, text string) bool {
	in := jsonvalue.Of(text)
	links := d.links
	for a := (jsontext.Array{}); r.err == nil && in.Item(&a); {
		var l plait.Link
		readable := true
		for o := (jsontext.Object{}); in.Field(&o); {
			switch o.Key {
			case "trace_id":
				readable = embeddedID(&in, l.TraceID[:]) && readable
			case "trace_id_high":
				readable = embeddedID(&in, l.TraceID[:8]) && readable
			case "span_id":
				readable = embeddedID(&in, l.SpanID[:]) && readable
			case "tracestate":
				l.TraceState = in.Str()
			case "flags":
				l.Flags = uint32(in.Value().Int())
			case "attributes":
				l.Attributes = r.embeddedAttributes(&in)
			default:
				in.Skip()
			}
		}
		if !readable || l.TraceID.IsZero() || l.SpanID.IsZero() {
			return false
		}
		links = append(links, l)
		r.take(linkCost)
	}
	if in.End(); in.Err != nil {
		return false
	}
	d.links = links
	r.take(in.Made + in.Written)
	return true
}

// embeddedID reads an id: in hex, all of it, or as a number, which is its lower 64 bits.
func embeddedID(in *jsonvalue.Reader, id []byte) bool {
	if in.Space(); in.Peek() == '"' {
		digits := in.Str()
		if len(digits) != hex.EncodedLen(len(id)) {
			return false
		}
		_, err := hex.Decode(id, []byte(digits))
		return err == nil
	}
	text, _ := in.Number()
	number, err := strconv.ParseUint(text, 10, 64)
	binary.BigEndian.PutUint64(id[len(id)-8:], number)
	return err == nil
}

func (r *spanReader) embeddedEvents(d *span, text string) bool {
	in := jsonvalue.Of(text)
	events := d.events
	for a := (jsontext.Array{}); r.err == nil && in.Item(&a); {
		var e plait.Event
		for o := (jsontext.Object{}); in.Field(&o); {
			switch o.Key {
			case "name":
				e.Name = in.Str()
			case "time_unix_nano":
				e.TimeNanos = in.Value().Int()
			case "attributes":
				e.Attributes = r.embeddedAttributes(&in)
			default:
				in.Skip()
			}
		}
		events = append(events, e)
		r.take(eventCost)
	}
	if in.End(); in.Err != nil {
		return false
	}
	d.events = events
	r.take(in.Made + in.Written)
	return true
}

func (r *spanReader) embeddedAttributes(in *jsonvalue.Reader) (out plait.Attributes) {
	for o := (jsontext.Object{}); r.err == nil && in.Field(&o); {
		out = append(out, plait.Attribute{Key: o.Key, Value: in.Value()})
		r.take(attributeCost)
	}
	return out
}
