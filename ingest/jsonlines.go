package ingest

import (
	"mime"
	"net/http"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/jsonlines"
)

// linesDoor takes log lines as applications write them.
type linesDoor struct{ pipeline *pipeline }

func (d *linesDoor) overHTTP() []door {
	return []door{{name: "json_lines", path: "/ingest/logs", serve: d.serve}}
}

// serve answers 204, with the numbers of records in headers as OTLP's answers have them.
func (d *linesDoor) serve(x *exchange) (outcome, error) {
	header := x.Request().Header.Get("Content-Type")
	switch media, _, _ := mime.ParseMediaType(header); media {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines", "application/stream+json", mediaJSON:
	default: // text/plain too, which any page of the web could send
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send application/x-ndjson", header)
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	batch, err := jsonlines.Decode(x.body.bytes, x.body.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = d.pipeline.digests.of(logs, x.body.bytes)
	o, err := d.pipeline.takeLogs(x.Request().Context(), batch, x.body.lease.grow)
	if err != nil {
		return o, err
	}
	x.count(&o)
	if len(o.reasons) > 0 {
		return o, x.String(http.StatusBadRequest, o.message()+"\n")
	}
	return o, x.NoContent(http.StatusNoContent)
}
