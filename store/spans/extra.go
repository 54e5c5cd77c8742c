package spans

import (
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
)

// appendSpanExtra appends what the columns of plait_store.span have no place for.
func appendSpanExtra(dst []byte, row *spanEntry) []byte {
	e := rowcodec.BeginObject(dst)
	if row.inline {
		e.Text("name", row.Name)
	}
	e.Text("status_message", row.StatusMessage)
	e.Text("trace_state", row.TraceState)
	if len(row.Events) > 0 {
		e.Key("events")
		e.Dst = rowcodec.AppendList(e.Dst, row.Events, appendEvent)
	}
	if len(row.Links) > 0 {
		e.Key("links")
		e.Dst = rowcodec.AppendList(e.Dst, row.Links, appendLink)
	}
	e.Count("dropped_attributes_count", row.DroppedAttributes)
	e.Count("dropped_events_count", row.DroppedEvents)
	e.Count("dropped_links_count", row.DroppedLinks)
	return e.Close(false)
}

func appendEvent(dst []byte, event *plait.Event) []byte {
	e := rowcodec.BeginObject(dst)
	e.Key("time_unix_nano")
	e.Dst = strconv.AppendInt(e.Dst, event.TimeNanos, 10)
	e.Text("name", event.Name)
	e.Attributes(event.Attributes)
	e.Count("dropped_attributes_count", event.DroppedAttributes)
	return e.Close(true)
}

func appendLink(dst []byte, link *plait.Link) []byte {
	e := rowcodec.BeginObject(dst)
	e.Text("trace_id", link.TraceID.String())
	e.Text("span_id", link.SpanID.String())
	e.Text("trace_state", link.TraceState)
	e.Attributes(link.Attributes)
	e.Count("dropped_attributes_count", link.DroppedAttributes)
	e.Count("flags", link.Flags)
	return e.Close(true)
}
