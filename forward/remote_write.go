package forward

import (
	"context"
	"errors"

	"github.com/klauspost/compress/snappy"

	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/remotewrite"
)

// remoteWrite sends series by Prometheus's remote write 2.0.
type remoteWrite struct{ *poster }

func openRemoteWrite(t *Target, _ outbox.Signal) (exporter, error) {
	p, err := newPoster(t, "/api/v1/write", "application/x-protobuf;proto=io.prometheus.write.v2.Request", false)
	if err != nil {
		return nil, err
	}
	p.headers.Set("Content-Encoding", "snappy")
	p.headers.Set("X-Prometheus-Remote-Write-Version", "2.0.0")
	return remoteWrite{p}, nil
}

// validateRemoteWrite refuses what series do not have.
func validateRemoteWrite(t *Target) error {
	if t.Severity != "" {
		return errors.New("severity is of log records, and prometheus_remote_write has none")
	}
	return nil
}

func (e remoteWrite) encode(c content) ([]byte, error) {
	return remotewrite.EncodeV2(c.known, c.series)
}

func (e remoteWrite) send(ctx context.Context, body []byte) (partial, error) {
	_, err := e.post(ctx, snappy.Encode(nil, body))
	return partial{}, err
}
