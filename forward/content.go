package forward

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/wire/otlp"
)

// content is records of one signal, in the order in which they were committed.
type content struct {
	spans []plait.Span
	logs  []plait.LogRecord
}

func (c content) len() int { return len(c.spans) + len(c.logs) }

// slice is a part of the records.
func (c content) slice(from, to int) content {
	if len(c.spans) > 0 {
		return content{spans: c.spans[from:to]}
	}
	return content{logs: c.logs[from:to]}
}

// What stands in the outbox is OTLP, compressed by zstd at its fastest: it is written while a commit waits.
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
	}
}

// encoded is content as it stands in the outbox.
func encoded(c content) []byte {
	if len(c.spans) > 0 {
		return Encoding().Traces(c.spans)
	}
	return Encoding().Logs(c.logs)
}

// read adds what a row of the outbox holds.
func (c *content) read(s outbox.Signal, body []byte) error {
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
