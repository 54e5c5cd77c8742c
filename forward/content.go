package forward

import (
	"context"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/otlp"
	"github.com/plaithq/plait/wire/remotewrite"
)

// content is records of one signal, in the order in which they were committed.
type content struct {
	spans  []plait.Span
	logs   []plait.LogRecord
	series []plait.SeriesData
	// metadata is what came with series, by the names of families.
	metadata map[string]plait.MetricMetadata
}

// known tells what came with series of their metrics.
func (c content) known(metric string) (plait.MetricMetadata, bool) {
	m, ok := c.metadata[metric]
	return m, ok
}

func (c content) len() int { return len(c.spans) + len(c.logs) + len(c.series) }

// slice is a part of the records.
func (c content) slice(from, to int) content {
	switch {
	case len(c.spans) > 0:
		return content{spans: c.spans[from:to]}
	case len(c.series) > 0:
		return content{series: c.series[from:to], metadata: c.metadata}
	}
	return content{logs: c.logs[from:to]}
}

// What stands in the outbox is OTLP, or remote write 2.0 for series, compressed by zstd at its fastest: it is written while a commit waits.
const outboxWindow = 512 << 10

var (
	outboxEncoder = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(outboxWindow)))
	outboxDecoder = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(1<<30)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // options that stand in this file
	}
	return v
}

// Encoding is how records stand in the outbox.
func Encoding() outbox.Encoding {
	return outbox.Encoding{
		Traces: func(parts ...[]plait.Span) []byte {
			return outboxEncoder.EncodeAll(otlp.AppendTraces(nil, parts...), nil)
		},
		Logs: func(parts ...[]plait.LogRecord) []byte {
			return outboxEncoder.EncodeAll(otlp.AppendLogs(nil, parts...), nil)
		},
		Metrics: func(known plait.Describe, parts ...[]plait.SeriesData) []byte {
			body, err := remotewrite.EncodeV2(known, parts...)
			if err != nil {
				return []byte(err.Error()) // which cannot be read either, and is set aside: no decoder makes such a histogram
			}
			return outboxEncoder.EncodeAll(body, nil)
		},
	}
}

// encoded is content as it stands in the outbox.
func encoded(c content) []byte {
	switch {
	case len(c.spans) > 0:
		return Encoding().Traces(c.spans)
	case len(c.series) > 0:
		return Encoding().Metrics(c.known, c.series)
	}
	return Encoding().Logs(c.logs)
}

// read adds what a row of the outbox holds. The decoder reads series, and remembers their names.
func (c *content) read(series *remotewrite.Decoder, s outbox.Signal, body []byte) error {
	plain, err := outboxDecoder.DecodeAll(body, nil)
	if err != nil {
		return fmt.Errorf("decompress a row of the outbox: %w", err)
	}
	switch s {
	case outbox.Traces:
		traces, err := otlp.DecodeTraces(plain)
		if err != nil {
			return fmt.Errorf("read spans of the outbox: %w", err)
		}
		c.spans = joined(c.spans, traces.Spans)
	case outbox.Metrics:
		m, err := series.Decode(context.Background(), plain, remotewrite.V2, new(remotewrite.Memory), nil)
		if err != nil {
			return fmt.Errorf("read series of the outbox: %w", err)
		}
		c.series = joined(c.series, m.Series)
		for _, told := range m.Metadata {
			if c.metadata == nil {
				c.metadata = map[string]plait.MetricMetadata{}
			}
			c.metadata[told.Metric] = told
		}
	default:
		logs, err := otlp.DecodeLogs(plain)
		if err != nil {
			return fmt.Errorf("read log records of the outbox: %w", err)
		}
		c.logs = joined(c.logs, logs.Records)
	}
	return nil
}

// joined appends a list, without a copy of the first one.
func joined[T any](list, more []T) []T {
	if len(list) == 0 {
		return more
	}
	return append(list, more...)
}
