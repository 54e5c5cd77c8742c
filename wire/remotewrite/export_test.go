package remotewrite

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

// Decode reads a request with Prometheus's types alone. It is what the decoder is compared with.
func Decode(body []byte, v Version) (*plait.Metrics, error) {
	d := newDecoder(context.Background(), new(Memory), nil)
	if v == V2 {
		var req writev2.Request
		if err := req.Unmarshal(body); err != nil {
			return nil, fmt.Errorf("%w: %w", err, plait.ErrInvalid)
		}
		if len(req.Symbols) > 0 && req.Symbols[0] != "" {
			return nil, fmt.Errorf("the first symbol is not empty: %w", plait.ErrInvalid)
		}
		builder := labels.NewScratchBuilder(16)
		for i := range req.Timeseries {
			d.addV2(&req.Timeseries[i], &builder, req.Symbols)
		}
		return d.metrics(), nil
	}
	var req prompb.WriteRequest
	if err := req.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("%w: %w", err, plait.ErrInvalid)
	}
	for i := range req.Timeseries {
		d.addV1(&req.Timeseries[i])
	}
	rest, err := (&prompb.WriteRequest{Metadata: req.Metadata}).Marshal()
	if err != nil {
		return nil, err
	}
	return d.metrics(), d.metadataV1(rest)
}
