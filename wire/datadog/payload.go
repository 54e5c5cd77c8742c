package datadog

import (
	"github.com/plaithq/plait"
)

// DecodePayload is Decode for format 0.7, which tells of the sender in the body, before or behind its traces.
func DecodePayload(body []byte, sender Tracer, claim func(bytes int64) error) (*plait.Traces, error) {
	r := readerOf(body)
	var chunks reader
	for n := r.object(); r.next(&n); {
		switch r.text() {
		case "container_id":
			sender.ContainerID = r.text()
		case "language_name":
			sender.Language = r.text()
		case "tracer_version":
			sender.Version = r.text()
		case "runtime_id":
			sender.instance = r.text()
		case "env":
			sender.env = r.text()
		case "hostname":
			sender.host = r.text()
		case "app_version":
			sender.version = r.text()
		case "chunks":
			chunks = r.skip()
		default:
			r.skip()
		}
	}
	d := newDecoder(sender, claim)
	if r.err == nil && len(chunks.rest) > 0 {
		for n := chunks.list(); chunks.next(&n); {
			if err := d.chunk(&chunks); err != nil {
				return nil, err
			}
		}
		r.err = chunks.err
	}
	return d.result(&r)
}

// chunk is a trace of format 0.7, or a part of one.
type chunk struct {
	spans reader
	// about is what is known of all of it: tags, the sampling priority, the origin.
	about plait.Attributes
}

// noPriority stands for a priority that nobody has decided on.
const noPriority = -128

// chunk reads a chunk, what is known of it before or behind its spans. The error is the claim's.
func (d *decoder) chunk(r *reader) error {
	one := spanReader{reader: r.skip(), memory: d.Take}
	c := one.chunk()
	if one.refused != nil {
		return one.refused
	}
	if r.err == nil {
		r.err = one.err
	}
	if r.err != nil || len(c.spans.rest) == 0 {
		return nil //nolint:nilerr // result has it
	}
	first := len(d.Gathered())
	if err := d.trace(&c.spans, (*spanReader).span); err != nil {
		return err
	}
	r.err = c.spans.err
	return d.tell(d.Gathered()[first:], c.about)
}

func (r *spanReader) chunk() (c chunk) {
	for n := r.object(); r.next(&n); {
		switch r.text() {
		case "priority":
			if priority := r.number(); priority != noPriority {
				c.about = append(c.about, plait.Attribute{Key: keyPriority, Value: plait.IntValue(priority)})
			}
		case "origin":
			if origin := r.text(); origin != "" {
				c.about = append(c.about, plait.Attribute{Key: keyOrigin, Value: plait.StringValue(origin)})
			}
		case "tags":
			r.attributes(&c.about, func() plait.Value { return plait.StringValue(r.text()) })
		case "spans":
			c.spans = r.skip()
		default:
			r.skip()
		}
	}
	return c
}

// tell gives what is known of all spans of a chunk to the first of them, as formats without chunks have it.
func (d *decoder) tell(spans []plait.Span, about plait.Attributes) error {
	if len(spans) == 0 {
		return nil
	}
	s := &spans[0]
	for _, a := range about {
		if _, told := s.Attributes.Get(a.Key); told {
			continue
		}
		if high, ok := (&span{attributes: plait.Attributes{a}}).high(); ok {
			if err := d.learn(s.TraceID.Low(), high); err != nil {
				return err
			}
			continue
		}
		s.Attributes = append(s.Attributes, a)
	}
	return d.sampled(spans)
}
