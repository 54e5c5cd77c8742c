package datadog

import (
	"encoding/binary"

	"github.com/plaithq/plait"
)

// spanReader reads one span, and asks for the memory of its lists.
type spanReader struct {
	reader
	memory  func(bytes int) error
	refused error // of memory
}

// take asks for memory, and ends the reading where there is none.
func (r *spanReader) take(bytes int) {
	if err := r.memory(bytes); err != nil && r.refused == nil {
		r.refused = err
		r.fail("the reading was ended")
	}
}

// span reads a span of formats 0.3, 0.4 and 0.7, which is a map.
func (r *spanReader) span() (d span) {
	for n := r.object(); r.next(&n); {
		switch r.text() {
		case "service":
			d.service = r.text()
		case "name":
			d.name = r.text()
		case "resource":
			d.resource = r.text()
		case "type":
			d.kind = r.text()
		case "trace_id":
			d.traceID = uint64(r.number())
		case "span_id":
			d.id = uint64(r.number())
		case "parent_id":
			d.parentID = uint64(r.number())
		case "start":
			d.start = r.number()
		case "duration":
			d.duration = r.number()
		case "error":
			d.failed = r.number() != 0
		case "meta":
			r.attributes(&d.attributes, func() plait.Value { return plait.StringValue(r.text()) })
		case "metrics":
			r.attributes(&d.attributes, r.value)
		case "meta_struct":
			r.attributes(&d.attributes, func() plait.Value { return plait.BytesValue(r.text()) })
		case "span_links":
			d.links = r.links()
		case "span_events":
			d.events = r.events()
		default:
			r.skip()
		}
	}
	r.embedded(&d)
	return d
}

// attributes appends a map from keys to values.
func (r *spanReader) attributes(to *plait.Attributes, value func() plait.Value) {
	for n := r.object(); r.next(&n); {
		key := r.text()
		*to = append(*to, plait.Attribute{Key: key, Value: value()})
		r.take(attributeCost)
	}
}

func (r *spanReader) links() (out []plait.Link) {
	for n := r.list(); r.next(&n); {
		var l plait.Link
		for n := r.object(); r.next(&n); {
			switch r.text() {
			case "trace_id":
				binary.BigEndian.PutUint64(l.TraceID[8:], uint64(r.number()))
			case "trace_id_high":
				binary.BigEndian.PutUint64(l.TraceID[:8], uint64(r.number()))
			case "span_id":
				l.SpanID = plait.SpanIDFromInt64(r.number())
			case "attributes":
				r.attributes(&l.Attributes, func() plait.Value { return plait.StringValue(r.text()) })
			case "tracestate":
				l.TraceState = r.text()
			case "flags":
				l.Flags = uint32(r.number())
			default:
				r.skip()
			}
		}
		out = append(out, l)
		r.take(linkCost)
	}
	return out
}

func (r *spanReader) events() (out []plait.Event) {
	for n := r.list(); r.next(&n); {
		var e plait.Event
		for n := r.object(); r.next(&n); {
			switch r.text() {
			case "time_unix_nano":
				e.TimeNanos = r.number()
			case "name":
				e.Name = r.text()
			case "attributes":
				r.attributes(&e.Attributes, r.attribute)
			default:
				r.skip()
			}
		}
		out = append(out, e)
		r.take(eventCost)
	}
	return out
}

// attribute reads an attribute of an event.
func (r *spanReader) attribute() plait.Value { return r.typed(true) }

// typed reads a value that has a field for each of its types. Items of lists are no lists themselves.
func (r *spanReader) typed(mayBeList bool) (v plait.Value) {
	for n := r.object(); r.next(&n); {
		switch field := r.text(); {
		case field == "string_value":
			v = plait.StringValue(r.text())
		case field == "bool_value":
			v = plait.BoolValue(r.truth())
		case field == "int_value":
			v = plait.IntValue(r.number())
		case field == "double_value":
			v = r.double()
		case field == "array_value" && mayBeList:
			v = r.array()
		default: // "type" among them: the field says it, too
			r.skip()
		}
	}
	return v
}

// double reads what is a double even where it is whole.
func (r *spanReader) double() plait.Value {
	v := r.value()
	if v.Kind() == plait.KindInt {
		return plait.DoubleValue(float64(v.Int()))
	}
	return v
}

// array reads a list of scalars.
func (r *spanReader) array() (v plait.Value) {
	for n := r.object(); r.next(&n); {
		if r.text() != "values" {
			r.skip()
			continue
		}
		text := []byte{'['}
		for n := r.list(); r.next(&n); {
			if len(text) > 1 {
				text = append(text, ',')
			}
			from := len(text)
			text = r.typed(false).AppendJSON(text)
			r.take(2 * (len(text) - from))
		}
		v = plait.ArrayValue(string(append(text, ']')))
	}
	return v
}

// fieldCount is of a span of format 0.5, which is a list.
const fieldCount = 12

// indexed reads a span of format 0.5. Its texts are indexes into the strings of the request.
func (r *spanReader) indexed(strings []string) (d span) {
	n := r.list()
	if n != fieldCount {
		r.fail("a span of %d fields, want %d", n, fieldCount)
	}
	text := func() string { return r.indexedText(strings) }
	d.service, d.name, d.resource = text(), text(), text()
	d.traceID, d.id, d.parentID = uint64(r.number()), uint64(r.number()), uint64(r.number())
	d.start, d.duration, d.failed = r.number(), r.number(), r.number() != 0
	for n := r.object(); r.next(&n); {
		key := text()
		d.attributes = append(d.attributes, plait.Attribute{Key: key, Value: plait.StringValue(text())})
		r.take(attributeCost)
	}
	for n := r.object(); r.next(&n); {
		key := text()
		d.attributes = append(d.attributes, plait.Attribute{Key: key, Value: r.value()})
		r.take(attributeCost)
	}
	d.kind = text()
	r.embedded(&d)
	return d
}

func (r *spanReader) indexedText(strings []string) string {
	i := r.number()
	if r.err == nil && (i < 0 || i >= int64(len(strings))) {
		r.fail("there is no string of index %d among the %d of the request", i, len(strings))
	}
	if r.err != nil {
		return ""
	}
	return strings[i]
}
