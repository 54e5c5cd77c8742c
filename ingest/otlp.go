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
	export func(p *pipeline, ctx context.Context, b *body, json bool) (outcome, error)
	// partial is the response when records were refused.
	partial func(refused int64, message string) proto.Message
}

var otlpSignals = []*otlpSignal{
	{
		name: traces, path: "/v1/traces",
		service: coltrace.TraceService_ServiceDesc.ServiceName, proto: "opentelemetry/proto/collector/trace/v1/trace_service.proto",
		weigh: otlp.WeighTraces, export: (*pipeline).exportTraces,
		partial: func(refused int64, message string) proto.Message {
			return &coltrace.ExportTraceServiceResponse{PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: refused, ErrorMessage: message}}
		},
	},
	{
		name: logs, path: "/v1/logs",
		service: collogs.LogsService_ServiceDesc.ServiceName, proto: "opentelemetry/proto/collector/logs/v1/logs_service.proto",
		weigh: otlp.WeighLogs, export: (*pipeline).exportLogs,
		partial: func(refused int64, message string) proto.Message {
			return &collogs.ExportLogsServiceResponse{PartialSuccess: &collogs.ExportLogsPartialSuccess{RejectedLogRecords: refused, ErrorMessage: message}}
		},
	},
	{
		name: metrics, path: "/v1/metrics",
		service: colmetrics.MetricsService_ServiceDesc.ServiceName, proto: "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
		export: (*pipeline).exportMetrics,
		partial: func(refused int64, message string) proto.Message {
			return &colmetrics.ExportMetricsServiceResponse{PartialSuccess: &colmetrics.ExportMetricsPartialSuccess{RejectedDataPoints: refused, ErrorMessage: message}}
		},
	},
}

// take exports a request. Its decoded form is within the budget: what a body of protobuf decodes to is
// weighed before, and decoders ask for what only they can tell.
func (sig *otlpSignal) take(ctx context.Context, p *pipeline, b *body, json bool) (outcome, error) {
	if !json && sig.weigh != nil {
		if err := b.lease.grow(sig.weigh(b.bytes)); err != nil {
			return outcome{}, err
		}
	}
	return sig.export(p, ctx, b, json)
}

// memories are what requests are decoded into. A batch is nobody's any more when its export has
// returned: the writer has answered and the observer keeps nothing of it.
var memories = sync.Pool{New: func() any { return new(otlp.Memory) }}

func (p *pipeline) exportTraces(ctx context.Context, b *body, json bool) (outcome, error) {
	memory := memories.Get().(*otlp.Memory)
	defer func() { memory.Reset(); memories.Put(memory) }()
	decode := memory.DecodeTraces
	if json {
		decode = memory.DecodeTracesJSON
	}
	batch, err := decode(b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = p.digests.of(traces, b.bytes)
	return p.takeTraces(ctx, batch)
}

func (p *pipeline) exportLogs(ctx context.Context, b *body, json bool) (outcome, error) {
	memory := memories.Get().(*otlp.Memory)
	defer func() { memory.Reset(); memories.Put(memory) }()
	decode := memory.DecodeLogs
	if json {
		decode = memory.DecodeLogsJSON
	}
	batch, err := decode(b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = p.digests.of(logs, b.bytes)
	return p.takeLogs(ctx, batch)
}

func (p *pipeline) exportMetrics(ctx context.Context, b *body, json bool) (outcome, error) {
	decode := p.otlpMetrics.Decode
	if json {
		decode = p.otlpMetrics.DecodeJSON
	}
	batch, err := decode(ctx, b.bytes, b.lease.grow)
	if err != nil {
		return outcome{}, err
	}
	batch.Digest = p.digests.of(metrics, b.bytes)
	return p.takeMetrics(ctx, batch)
}
