package ingest

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/zipkin"
)

// zipkinDoor takes Zipkin's spans: JSON of versions 1 and 2, and protobuf.
type zipkinDoor struct{ pipeline *pipeline }

// overHTTP are the paths of both versions. Spans say by their fields which version they are of, so each path takes
// either.
func (d *zipkinDoor) overHTTP() []door {
	return []door{{name: "zipkin", path: "/api/v2/spans", serve: d.serve}, {name: "zipkin", path: "/api/v1/spans", serve: d.serve}}
}

func (d *zipkinDoor) serve(x *exchange) (outcome, error) {
	var decode decodeSpans
	switch x.mediaType() {
	case mediaProtobuf:
		decode = zipkin.DecodeProtobuf
	case mediaJSON:
		decode = zipkin.DecodeJSON
	default:
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send %s or %s", x.Request().Header.Get("Content-Type"), mediaJSON, mediaProtobuf)
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	o, err := d.pipeline.takeSpans(x.Request().Context(), x.body, decode)
	if err != nil {
		return o, err
	}
	return o, x.accepted(&o)
}
