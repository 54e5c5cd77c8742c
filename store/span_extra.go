package store

import (
	"strconv"

	"github.com/plaithq/plait"
)

// extra is the JSON object of what few rows have. What is empty or 0 is left out, and an
// object with nothing in it is the empty text.
type extra struct {
	dst   []byte
	begun int
}

func beginExtra(dst []byte) extra { return extra{dst: dst, begun: len(dst)} }

// key begins the next member.
func (e *extra) key(name string) {
	separator := byte(',')
	if len(e.dst) == e.begun {
		separator = '{'
	}
	e.dst = append(e.dst, separator, '"')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '"', ':')
}

func (e *extra) text(name, value string) {
	if value != "" {
		e.key(name)
		e.dst = plait.AppendJSONString(e.dst, value)
	}
}

func (e *extra) count(name string, value uint32) {
	if value != 0 {
		e.key(name)
		e.dst = strconv.AppendUint(e.dst, uint64(value), 10)
	}
}

func (e *extra) attributes(attributes plait.Attributes) {
	if len(attributes) > 0 {
		e.key("attributes")
		e.dst = appendAttributes(e.dst, attributes)
	}
}

// close ends the object, which is {} in an array and nothing by itself.
func (e *extra) close(inArray bool) []byte {
	if len(e.dst) > e.begun {
		return append(e.dst, '}')
	}
	if inArray {
		return append(e.dst, '{', '}')
	}
	return e.dst
}

// appendSpanExtra appends what the columns of plait_store.span have no place for.
func appendSpanExtra(dst []byte, row *spanEntry) []byte {
	e := beginExtra(dst)
	if row.inline {
		e.text("name", row.Name)
	}
	e.text("status_message", row.StatusMessage)
	e.text("trace_state", row.TraceState)
	if len(row.Events) > 0 {
		e.key("events")
		e.dst = appendList(e.dst, row.Events, appendEvent)
	}
	if len(row.Links) > 0 {
		e.key("links")
		e.dst = appendList(e.dst, row.Links, appendLink)
	}
	e.count("dropped_attributes_count", row.DroppedAttributes)
	e.count("dropped_events_count", row.DroppedEvents)
	e.count("dropped_links_count", row.DroppedLinks)
	return e.close(false)
}

// appendList appends a JSON array.
func appendList[T any](dst []byte, list []T, appendOne func([]byte, *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(dst, &list[i])
	}
	return append(dst, ']')
}

func appendEvent(dst []byte, event *plait.Event) []byte {
	e := beginExtra(dst)
	e.key("time_unix_nano")
	e.dst = strconv.AppendInt(e.dst, event.TimeNanos, 10)
	e.text("name", event.Name)
	e.attributes(event.Attributes)
	e.count("dropped_attributes_count", event.DroppedAttributes)
	return e.close(true)
}

func appendLink(dst []byte, link *plait.Link) []byte {
	e := beginExtra(dst)
	e.text("trace_id", link.TraceID.String())
	e.text("span_id", link.SpanID.String())
	e.text("trace_state", link.TraceState)
	e.attributes(link.Attributes)
	e.count("dropped_attributes_count", link.DroppedAttributes)
	e.count("flags", link.Flags)
	return e.close(true)
}
