package ingest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/xray"
)

// xrayDoor takes the segments of AWS X-Ray, as its daemon sends them (PutTraceSegments).
type xrayDoor struct{ pipeline *pipeline }

func (d *xrayDoor) overHTTP() []door {
	return []door{{name: "xray", path: "/TraceSegments", serve: d.serve}}
}

func (d *xrayDoor) serve(x *exchange) (outcome, error) {
	contentType := x.Request().Header.Get("Content-Type")
	switch media, _, _ := mime.ParseMediaType(contentType); media {
	case mediaJSON, "application/x-amz-json-1.1":
	default:
		return outcome{}, plait.Errorf(errUnsupported, "content type %.64q: send %s", contentType, mediaJSON)
	}
	if err := x.read(); err != nil {
		return outcome{}, err
	}
	o, err := d.pipeline.takeSpans(x.Request().Context(), x.body, xray.Decode)
	if err != nil {
		return o, err
	}
	return o, x.succeedXRay(&o)
}

// unprocessedSegment is how X-Ray tells of a segment that was refused.
type unprocessedSegment struct{ ErrorCode, Message string }

// succeedXRay answers as X-Ray does, with a word about what was refused.
func (x *exchange) succeedXRay(o *outcome) error {
	x.count(o)
	answer := struct{ UnprocessedTraceSegments []unprocessedSegment }{[]unprocessedSegment{}}
	if o.partial() {
		code := "InvalidSegment"
		if len(o.reasons) == 0 {
			code = "SampledOut"
		}
		answer.UnprocessedTraceSegments = append(answer.UnprocessedTraceSegments, unprocessedSegment{code, o.refusals()})
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return x.Blob(http.StatusOK, mediaJSON, b)
}
