package forward

import (
	"context"

	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/otlp"
)

// otlpHTTP sends OTLP over HTTP, in protobuf.
type otlpHTTP struct{ *poster }

func openOTLPHTTP(_ *Config, t *Target, s outbox.Signal) (exporter, error) {
	p, err := newPoster(t, "/v1/"+s.String(), "application/x-protobuf", true)
	if err != nil {
		return nil, err
	}
	return otlpHTTP{p}, nil
}

func (e otlpHTTP) encode(c content) ([]byte, error) { return encodeOTLP(c) }

func (e otlpHTTP) send(ctx context.Context, body []byte) (partial, error) {
	answer, err := e.post(ctx, body)
	if err != nil {
		return partial{}, err
	}
	return partialOTLP(answer.body), nil
}

// encodeOTLP makes an export request.
func encodeOTLP(c content) ([]byte, error) {
	switch {
	case len(c.spans) > 0:
		return otlp.EncodeTraces(c.spans), nil
	case len(c.series) > 0:
		return otlp.EncodeMetrics(c.known, c.series)
	}
	return otlp.EncodeLogs(c.logs), nil
}

// partialOTLP reads the answer to an export request. A success that cannot be read is one.
func partialOTLP(answer []byte) partial {
	refused, said := otlp.PartialSuccess(answer)
	return partial{refused: refused, said: said}
}
