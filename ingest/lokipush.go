package ingest

import (
	"net/http"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/loki"
)

// lokiDoor takes Loki's push requests, in protobuf and JSON.
type lokiDoor struct{ pipeline *pipeline }

func (d *lokiDoor) overHTTP() []door {
	return []door{{name: "loki_push", path: "/loki/api/v1/push", serve: d.serve}}
}

// serve answers 204. When something was refused the answer is 400, as Loki's is, and the others are stored all
// the same: a sender does not repeat a 400.
func (d *lokiDoor) serve(x *exchange) (outcome, error) {
	decode := loki.Decode
	switch x.mediaType() {
	case mediaProtobuf:
		if encoding := x.contentEncoding(); encoding != "" && encoding != "snappy" {
			return outcome{}, plait.Errorf(errUnsupported, "content encoding %.100q: push in protobuf is compressed by snappy", encoding)
		}
		if err := x.readSnappy(); err != nil {
			return outcome{}, err
		}
	case mediaJSON:
		decode = loki.DecodeJSON
		if err := x.read(); err != nil {
			return outcome{}, err
		}
	default:
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send %s or %s", x.Request().Header.Get("Content-Type"), mediaProtobuf, mediaJSON)
	}
	batch, err := decode(x.body.bytes, x.body.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = d.pipeline.digests.of(logs, x.body.bytes)
	o, err := d.pipeline.takeLogs(x.Request().Context(), batch, x.body.lease.grow)
	if err != nil {
		return o, err
	}
	x.countSampled(&o)
	if len(o.reasons) > 0 {
		return o, x.String(http.StatusBadRequest, o.message()+"\n")
	}
	return o, x.NoContent(http.StatusNoContent)
}
