package forward

import (
	"context"

	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/zipkin"
)

// zipkinV2 sends spans as Zipkin's JSON of version 2.
type zipkinV2 struct{ *poster }

func openZipkin(_ *Config, t *Target, _ outbox.Signal) (exporter, error) {
	p, err := newPoster(t, "/api/v2/spans", "application/json", true)
	if err != nil {
		return nil, err
	}
	return zipkinV2{p}, nil
}

func (e zipkinV2) encode(c content) ([]byte, error) { return zipkin.EncodeJSON(c.spans) }

func (e zipkinV2) send(ctx context.Context, body []byte) (partial, error) {
	_, err := e.post(ctx, body)
	return partial{}, err
}
