package datadog

import (
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/jsonvalue"
)

// embedded takes links and events out of the tags into which tracers write them as JSON, where a format has no field
// for them. What cannot be read stays a tag.
func (r *spanReader) embedded(d *span) {
	d.attributes = slices.DeleteFunc(d.attributes, func(a plait.Attribute) bool {
		switch a.Key {
		case keyLinks:
			return r.embeddedLinks(d, a.Value.Str())
		case keyEvents:
			return r.embeddedEvents(d, a.Value.Str())
		}
		return false
	})
}

func (r *spanReader) embeddedLinks(d *span, text string) bool {
	in := jsonvalue.Of(text)
	links := d.links
	for a := (jsontext.Array{}); r.err == nil && in.Item(&a); {
		var l plait.Link
		var trace, span string
		for o := (jsontext.Object{}); in.Field(&o); {
			switch o.Key {
			case "trace_id":
				trace = in.Str()
			case "span_id":
				span = in.Str()
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
		if l.TraceID.UnmarshalText([]byte(trace)) != nil || l.SpanID.UnmarshalText([]byte(span)) != nil {
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
