package ingest

import (
	"mime"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/jaeger"
)

// jaegerDoor takes Jaeger's spans in Thrift, as its clients send them to a collector.
type jaegerDoor struct{ pipeline *pipeline }

// The media types of Thrift, of which Jaeger's clients use the first.
const (
	mediaThrift        = "application/x-thrift"
	mediaBinaryThrift  = "application/vnd.apache.thrift.binary"
	mediaCompactThrift = "application/vnd.apache.thrift.compact"
)

func (d *jaegerDoor) overHTTP() []door {
	return []door{{name: "jaeger", path: "/api/traces", serve: d.serve}}
}

func (d *jaegerDoor) serve(x *exchange) (outcome, error) {
	var decode decodeSpans
	value := x.Request().Header.Get("Content-Type")
	switch media, _, _ := mime.ParseMediaType(value); media {
	case mediaThrift, mediaBinaryThrift:
		decode = jaeger.DecodeThrift
	case mediaCompactThrift:
		decode = jaeger.DecodeCompactThrift
	default:
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send %s or %s", value, mediaThrift, mediaCompactThrift)
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	o, err := d.pipeline.takeSpans(x, decode)
	if err != nil {
		return o, err
	}
	return o, x.accepted(&o)
}
