package ingest

import (
	"context"
	"sync"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait/wire/otlp"
)

// otlpDoors takes OTLP, over gRPC and HTTP.
type otlpDoors struct {
	pipeline *pipeline
	metrics  *otlp.MetricDecoder
	// memories are what requests are decoded into, of type *otlp.Memory. A batch is nobody's any more when
	// its export has returned: the writer has answered and the observer keeps nothing of it.
	memories sync.Pool
}

func newOTLPDoors(p *pipeline, c Config) *otlpDoors {
	return &otlpDoors{
		pipeline: p,
		metrics:  otlp.NewMetricDecoder(otlp.MetricSettings{PromoteResourceAttributes: c.PromoteResourceAttributes}),
		memories: sync.Pool{New: func() any { return new(otlp.Memory) }},
	}
}

// otlpSignal is one of OTLP's three signals. gRPC and HTTP share its export: how a request is
// framed differs, what it does cannot.
type otlpSignal struct {
	name    string
	path    string // OTLP/HTTP
	service string // OTLP/gRPC, with the one method Export
	proto   string // the service's file
	// weigh tells the memory that protobuf decodes to; nil when the decoder asks for all that it takes.
	weigh func(body []byte) int64
	// export takes a decompressed request, JSON or protobuf, to its commit.
	export func(d *otlpDoors, ctx context.Context, b *body, json bool) (outcome, error)
	// partial is the response when records were refused.
	partial func(refused int64, message string) proto.Message
}

var otlpSignals = []*otlpSignal{
	{
		name: traces, path: "/v1/traces",
		service: coltrace.TraceService_ServiceDesc.ServiceName, proto: "opentelemetry/proto/collector/trace/v1/trace_service.proto",
		weigh: otlp.WeighTraces, export: (*otlpDoors).exportTraces,
		partial: func(refused int64, message string) proto.Message {
			return &coltrace.ExportTraceServiceResponse{PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: refused, ErrorMessage: message}}
		},
	},
	{
		name: logs, path: "/v1/logs",
		service: collogs.LogsService_ServiceDesc.ServiceName, proto: "opentelemetry/proto/collector/logs/v1/logs_service.proto",
		weigh: otlp.WeighLogs, export: (*otlpDoors).exportLogs,
		partial: func(refused int64, message string) proto.Message {
			return &collogs.ExportLogsServiceResponse{PartialSuccess: &collogs.ExportLogsPartialSuccess{RejectedLogRecords: refused, ErrorMessage: message}}
		},
	},
	{
		name: metrics, path: "/v1/metrics",
		service: colmetrics.MetricsService_ServiceDesc.ServiceName, proto: "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
		export: (*otlpDoors).exportMetrics,
		partial: func(refused int64, message string) proto.Message {
			return &colmetrics.ExportMetricsServiceResponse{PartialSuccess: &colmetrics.ExportMetricsPartialSuccess{RejectedDataPoints: refused, ErrorMessage: message}}
		},
	},
}

// take exports a request. Its decoded form is within the budget: what a body of protobuf decodes to is
// weighed before, and decoders ask for what only they can tell.
func (d *otlpDoors) take(ctx context.Context, sig *otlpSignal, b *body, json bool) (outcome, error) {
	if !json && sig.weigh != nil {
		if err := b.lease.grow(sig.weigh(b.bytes)); err != nil {
			return outcome{}, err
		}
	}
	return sig.export(d, ctx, b, json)
}

func (d *otlpDoors) exportTraces(ctx context.Context, b *body, json bool) (outcome, error) {
	memory := d.memories.Get().(*otlp.Memory)
	defer func() { memory.Reset(); d.memories.Put(memory) }()
	decode := memory.DecodeTraces
	if json {
		decode = memory.DecodeTracesJSON
	}
	batch, err := decode(b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = d.pipeline.digests.of(traces, b.bytes)
	return d.pipeline.takeTraces(ctx, batch, b.lease.grow)
}

func (d *otlpDoors) exportLogs(ctx context.Context, b *body, json bool) (outcome, error) {
	memory := d.memories.Get().(*otlp.Memory)
	defer func() { memory.Reset(); d.memories.Put(memory) }()
	decode := memory.DecodeLogs
	if json {
		decode = memory.DecodeLogsJSON
	}
	batch, err := decode(b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = d.pipeline.digests.of(logs, b.bytes)
	return d.pipeline.takeLogs(ctx, batch, b.lease.grow)
}

func (d *otlpDoors) exportMetrics(ctx context.Context, b *body, json bool) (outcome, error) {
	decode := d.metrics.Decode
	if json {
		decode = d.metrics.DecodeJSON
	}
	batch, err := decode(ctx, b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = d.pipeline.digests.of(metrics, b.bytes)
	return d.pipeline.takeMetrics(ctx, batch)
}
