package loki

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// DecodeJSON reads a request in JSON, as Decode does one in protobuf. The form of Loki's first clients, with labels in a
// string and entries that are objects, is understood, too.
func DecodeJSON(body []byte, claim func(bytes int64) error) (*plait.Logs, error) {
	d := &jsonDecoder{decoder: decoder{claim: claim}, r: jsontext.Of(view(body))}
	for o := (jsontext.Object{}); d.r.Field(&o); {
		if o.Key != "streams" {
			d.r.Skip()
			continue
		}
		for a := (jsontext.Array{}); d.r.Item(&a); {
			d.readStream()
		}
	}
	d.r.End()
	switch {
	case d.failed != nil:
		return nil, d.failed
	case d.r.Err != nil:
		return nil, malformed(d.r.Err)
	}
	return d.result()
}

type jsonDecoder struct {
	decoder
	r      jsontext.Reader
	failed error // the claim's
}

// stop ends the reading with an error that is not the request's.
func (d *jsonDecoder) stop(err error) {
	if err != nil && d.failed == nil {
		d.failed = err
		d.r.Fail("the reading was ended")
	}
}

// readStream reads the labels, wherever they stand, before the entries.
func (d *jsonDecoder) readStream() {
	var labels []plait.Label
	var problem error
	begin := d.r
	for o := (jsontext.Object{}); d.r.Field(&o); {
		if o.Key == "stream" || o.Key == "labels" {
			labels, problem = d.readLabels()
			break
		}
		d.r.Skip()
	}
	if d.r.Err != nil {
		return
	}
	made := d.r.Made
	d.r = begin
	d.stop(d.take(made))
	d.stop(d.stream(labels, problem))
	for o := (jsontext.Object{}); d.r.Field(&o); {
		read := d.readEntry
		switch o.Key {
		case "values":
		case "entries":
			read = d.readEntryObject
		default:
			d.r.Skip()
			continue
		}
		for a := (jsontext.Array{}); d.r.Item(&a); {
			read()
		}
	}
}

// readLabels reads an object, or a text such as {app="cart"}, with what is wrong with it.
func (d *jsonDecoder) readLabels() (labels []plait.Label, problem error) {
	d.r.Space()
	if d.r.Peek() == '"' {
		return parseLabels(d.r.Str())
	}
	for o := (jsontext.Object{}); d.r.Field(&o); {
		if len(labels) > MaxLabels {
			d.r.Skip()
			continue
		}
		labels = append(labels, plait.Label{Name: o.Key, Value: d.r.Str()})
	}
	d.stop(d.take(len(labels) * int(unsafe.Sizeof(plait.Label{}))))
	return labels, nil
}

// readEntry reads ["nanoseconds", "line", {"metadata": "…"}].
func (d *jsonDecoder) readEntry() {
	var e entry
	before := d.r.Made
	items := 0
	for a := (jsontext.Array{}); d.r.Item(&a); items++ {
		switch a.Index {
		case 0:
			e.nanos = d.readTime()
		case 1:
			e.line = d.r.Str()
		case 2:
			for o := (jsontext.Object{}); d.r.Field(&o); {
				e.describe(o.Key, d.r.Str())
			}
		default:
			d.r.Skip()
		}
	}
	if d.r.Err == nil {
		if items < 2 {
			e.problem = "it has no time or no line"
		}
		d.stop(d.take(d.r.Made - before))
		d.stop(d.add(&e))
	}
}

// readEntryObject reads {"ts": "2026-11-21T10:00:00.5Z", "line": "line", "structuredMetadata": {"metadata": "…"}}.
func (d *jsonDecoder) readEntryObject() {
	var e entry
	before := d.r.Made
	for o := (jsontext.Object{}); d.r.Field(&o); {
		switch o.Key {
		case "ts", "timestamp":
			at := d.r.Pos
			t, err := time.Parse(time.RFC3339Nano, d.r.Str())
			if err != nil && d.r.Err == nil {
				d.r.FailAt(at, "a time is not in RFC 3339")
			}
			e.nanos = nanosOf(t)
		case "line":
			e.line = d.r.Str()
		case "structuredMetadata":
			for pair := (jsontext.Object{}); d.r.Field(&pair); {
				e.describe(pair.Key, d.r.Str())
			}
		default:
			d.r.Skip()
		}
	}
	if d.r.Err == nil {
		d.stop(d.take(d.r.Made - before))
		d.stop(d.add(&e))
	}
}

// nanosOf is a time in nanoseconds, at the ends of their range where it lies outside; no time is 0.
func nanosOf(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// readTime is nanoseconds as a string, or as a number.
func (d *jsonDecoder) readTime() int64 {
	at := d.r.Pos
	d.r.Space()
	var text string
	if d.r.Peek() == '"' {
		text = strings.TrimSpace(d.r.Str())
	} else {
		text, _ = d.r.Number()
	}
	nanos, err := strconv.ParseInt(text, 10, 64)
	if err != nil && d.r.Err == nil {
		d.r.FailAt(at, "a time is not in nanoseconds since 1970")
	}
	return nanos
}
