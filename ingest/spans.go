package ingest

import (
	"context"
	"net/http"
	"strconv"

	"github.com/plaithq/plait"
)

// What the ways in for spans of other tracing systems have in common.

// decodeSpans makes a batch of a decompressed body. It asks claim for the memory that the batch takes.
type decodeSpans func(body []byte, claim func(bytes int64) error) (*plait.Traces, error)

// takeSpans decodes a body and has its spans written.
func (p *pipeline) takeSpans(ctx context.Context, b *body, decode decodeSpans) (outcome, error) {
	batch, err := decode(b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = p.digests.of(traces, b.bytes)
	return p.takeTraces(ctx, batch, b.lease.grow)
}

// accepted answers 202, as the collectors of Zipkin and Jaeger do, with a line about what was refused or sampled out. It is no
// failure: some senders would repeat the whole request, the spans that were refused with it.
func (x *exchange) accepted(o *outcome) error {
	x.count(o)
	if o.partial() {
		return x.String(http.StatusAccepted, o.refusals()+"\n")
	}
	return x.NoContent(http.StatusAccepted)
}

// refusals says how many spans were refused, and how many sampled out, and why.
func (o *outcome) refusals() string {
	if len(o.reasons) == 0 {
		return o.sampling
	}
	return strconv.Itoa(o.refusedCount) + " refused: " + o.told()
}
