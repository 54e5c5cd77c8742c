package loki

import (
	"strconv"
	"strings"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
)

// DecodeJSON reads a request in JSON, as Decode does one in protobuf.
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
	begin := d.r
	for o := (jsontext.Object{}); d.r.Field(&o); {
		if o.Key == "stream" || o.Key == "labels" {
			labels = d.readLabels()
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
	d.stop(d.stream(labels, nil))
	for o := (jsontext.Object{}); d.r.Field(&o); {
		if o.Key != "values" {
			d.r.Skip()
			continue
		}
		for a := (jsontext.Array{}); d.r.Item(&a); {
			d.readEntry()
		}
	}
}

func (d *jsonDecoder) readLabels() (labels []plait.Label) {
	for o := (jsontext.Object{}); d.r.Field(&o); {
		if len(labels) > MaxLabels {
			d.r.Skip()
			continue
		}
		labels = append(labels, plait.Label{Name: o.Key, Value: d.r.Str()})
	}
	d.stop(d.take(len(labels) * int(unsafe.Sizeof(plait.Label{}))))
	return labels
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
