// Package xray reads the segments that AWS X-Ray's SDKs and daemon send into Plait's vocabulary. It is pure.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
package xray

import (
	"fmt"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/jsontext"
	"github.com/plaithq/plait/wire/batch"
	"github.com/plaithq/plait/wire/jsonvalue"
)

// Decode reads a request of PutTraceSegments: JSON with a list of documents, which are JSON in texts. Spans may alias
// the body. A document that cannot be read is left out and told in Refused, and so is a subsegment without a usable id.
// Segments that are in progress are left out without a word, with what is in them: they are sent again when they are complete. Memory for
// spans is asked for of claim, whose error ends the decoding; claim may be nil. Other errors wrap plait.ErrInvalid.
func Decode(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	d := newDecoder(claim)
	r := jsontext.Of(batch.Text(body))
	for o := (jsontext.Object{}); r.Field(&o); {
		if o.Key != "TraceSegmentDocuments" {
			r.Skip()
			continue
		}
		for a := (jsontext.Array{}); r.Item(&a); {
			made := r.Made
			document := r.Str()
			if r.Err != nil {
				break
			}
			if err := d.Take(r.Made - made); err != nil {
				return nil, err
			}
			if err := d.document(document); err != nil {
				return nil, err
			}
		}
	}
	if r.End(); r.Err != nil {
		return nil, plait.Errorf(plait.ErrInvalid, "read X-Ray's request: %w", r.Err)
	}
	return d.Result()
}

// DecodeDatagram reads what an SDK sends to the daemon: a line that says how the document is written, and a document.
// It is as Decode otherwise.
func DecodeDatagram(body []byte, claim func(bytes int64) error) (*plait.Traces, error) {
	head, document, ok := strings.Cut(batch.Text(body), "\n")
	var format string
	r := jsonvalue.Of(head)
	for o := (jsontext.Object{}); r.Field(&o); {
		if o.Key == "format" {
			format = r.Str()
		} else {
			r.Skip()
		}
	}
	switch r.End(); {
	case r.Err != nil:
		return nil, plait.Errorf(plait.ErrInvalid, "read the head of X-Ray's datagram: %w", r.Err)
	case format != "json":
		return nil, plait.Errorf(plait.ErrInvalid, "the document is in format %.32q, want json", format)
	case !ok:
		return nil, plait.Errorf(plait.ErrInvalid, "no document follows the head of X-Ray's datagram")
	}
	d := newDecoder(claim)
	if err := d.document(document); err != nil {
		return nil, err
	}
	return d.Result()
}

// decoder gathers a request.
type decoder struct {
	*batch.Spans
	scope *plait.Scope
	index int // of the document that is read
}

func newDecoder(claim func(int64) error) decoder {
	return decoder{Spans: batch.New(claim), scope: &plait.Scope{}}
}

// document adds the segment of a document with all that is in it, or refuses it. The error is the claim's.
func (d *decoder) document(text string) error {
	index := d.index
	d.index++
	r := segmentReader{Reader: jsonvalue.Of(text), memory: d.Take}
	r.Nulls = true // they are told within metadata
	r.segment(-1, maxDepth)
	if r.refused != nil {
		return r.refused
	}
	if r.End(); r.Err != nil {
		d.Refuse(func() string { return fmt.Sprintf("segment %d (%.64q): %v", index, r.name(), r.Err) })
		return nil //nolint:nilerr // the sender is told by Refused
	}
	made := r.Made + r.Written
	for i := range r.segments {
		s := &r.segments[i]
		span, problem := s.span(r.segments)
		switch {
		case problem != nil:
			d.Refuse(func() string { return fmt.Sprintf("segment %d (%.64q): %v", index, s.name, problem) })
			continue
		case s.unfinished(r.segments):
			continue
		}
		var err error
		if span.Resource, err = d.resource(s.document(r.segments)); err != nil {
			return err
		}
		span.Scope = d.scope
		if err := d.Add(&span, made); err != nil {
			return err
		}
		made = 0
	}
	return nil
}

// resource is that of a document. The name of a segment is its service's; of a subsegment that comes by itself nobody
// knows the service.
func (d *decoder) resource(s *segment) (*plait.Resource, error) {
	service := s.name
	if s.isSubsegment() {
		service = ""
	}
	return d.Resource(service+"\x00"+s.version+"\x00"+s.origin, func() plait.Attributes {
		var out plait.Attributes
		for _, a := range []plait.Attribute{text("service.name", service), text("service.version", s.version), text("aws.xray.origin", s.origin)} {
			if a.Value.Str() != "" {
				out = append(out, a)
			}
		}
		return out
	})
}

func text(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}
