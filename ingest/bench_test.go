package ingest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/otlp"
)

// benchTraces is a request of n spans with ten attributes each.
func benchTraces(n int) *coltrace.ExportTraceServiceRequest {
	keys := []string{"http.request.method", "url.path", "http.response.status_code", "server.address", "client.address",
		"user_agent.original", "network.protocol.version", "user.id", "thread.name", "code.function.name"}
	request := testTrace(1, repeat(n, "GET /api/v1/products/{id}")...)
	for i, span := range request.ResourceSpans[0].ScopeSpans[0].Spans {
		span.TraceId = fmt.Appendf(nil, "%016d", i/12)
		span.SpanId = fmt.Appendf(nil, "%08d", i)
		span.Kind = tracepb.Span_SPAN_KIND_SERVER
		for j, key := range keys {
			span.Attributes = append(span.Attributes, &commonpb.KeyValue{Key: key, Value: textValue(fmt.Sprintf("value-%d-%d", i, j))})
		}
	}
	return request
}

// nowhere is a Writer that takes all and does nothing, to see what the doors cost alone.
type nowhere struct{}

func (nowhere) WriteTraces(context.Context, *plait.Traces) (plait.Receipt, error) {
	return plait.Receipt{}, nil
}

func (nowhere) WriteLogs(context.Context, *plait.Logs) (plait.Receipt, error) {
	return plait.Receipt{}, nil
}

func (nowhere) WriteMetrics(context.Context, *plait.Metrics) (plait.Receipt, error) {
	return plait.Receipt{}, nil
}

// BenchmarkHandler takes 500 spans a request through everything but the socket and the writer.
func BenchmarkHandler(b *testing.B) {
	ts := serve(b, func(_ *Config, d *Deps) { d.Writer, d.Spans = nowhere{}, nil })
	body := marshal(b, benchTraces(500))
	for _, c := range []struct {
		name, encoding string
		body           []byte
	}{{"plain", "", body}, {"gzip", "gzip", gzipped(b, body)}, {"zstd", "zstd", zstded(b, body)}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/traces", bytes.NewReader(c.body))
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Content-Type", mediaProtobuf)
				req.Header.Set("Content-Encoding", c.encoding)
				w := newDeadlineRecorder()
				ts.http.Handler().ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Seconds())/float64(b.N)*1e6/500, "s/Mspan")
		})
	}
}

// BenchmarkSteps says where a request's time goes.
func BenchmarkSteps(b *testing.B) {
	body := marshal(b, benchTraces(500))
	perMillion := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Seconds())/float64(b.N)*1e6/500, "s/Mspan")
	}
	digests, err := newDigester([32]byte{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			digests.of(traces, body)
		}
		perMillion(b)
	})
	b.Run("weigh", func(b *testing.B) {
		for b.Loop() {
			otlp.WeighTraces(body)
		}
		perMillion(b)
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := otlp.DecodeTraces(body); err != nil {
				b.Fatal(err)
			}
		}
		perMillion(b)
	})
	b.Run("clean", func(b *testing.B) {
		cleaner, _ := newTestCleaner(b)
		batch, err := otlp.DecodeTraces(body)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			cleaner.cleanSpans(batch, &outcome{})
		}
		perMillion(b)
	})
}
