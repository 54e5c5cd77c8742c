package otlp

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
)

// typicalSpans is what an instrumented HTTP service sends.
func typicalSpans(n int) []plait.Span {
	r := &plait.Resource{Attributes: plait.Attributes{
		{Key: "service.name", Value: plait.StringValue("checkout")},
		{Key: "service.instance.id", Value: plait.StringValue("checkout-6f6cfc45b-h5m2n")},
		{Key: "k8s.pod.name", Value: plait.StringValue("checkout-6f6cfc45b-h5m2n")},
	}}
	sc := &plait.Scope{Name: "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", Version: "0.71.0"}
	spans := make([]plait.Span, n)
	for i := range spans {
		id := byte(i)
		spans[i] = plait.Span{
			TraceID: plait.TraceID{1, 2, 3, id, 15: 1}, SpanID: plait.SpanID{1, id}, ParentSpanID: plait.SpanID{2, id},
			StartNanos: 1_700_000_000_000_000_000 + int64(i)*1000, EndNanos: 1_700_000_000_020_000_000 + int64(i)*1000,
			Resource: r, Scope: sc, Name: "GET /api/products/{id}", Kind: plait.SpanKindServer, Flags: 0x101,
			Attributes: plait.Attributes{
				{Key: "http.request.method", Value: plait.StringValue("GET")},
				{Key: "http.route", Value: plait.StringValue("/api/products/{id}")},
				{Key: "http.response.status_code", Value: plait.IntValue(200)},
				{Key: "url.path", Value: plait.StringValue(fmt.Sprintf("/api/products/%d", i))},
				{Key: "url.scheme", Value: plait.StringValue("http")},
				{Key: "server.address", Value: plait.StringValue("checkout.default.svc")},
				{Key: "server.port", Value: plait.IntValue(8080)},
				{Key: "user_agent.original", Value: plait.StringValue("Mozilla/5.0 (X11; Linux x86_64)")},
				{Key: "network.peer.address", Value: plait.StringValue("10.1.2.3")},
				{Key: "user.id", Value: plait.StringValue(fmt.Sprintf("user-%d", i))},
			},
		}
		if i%10 == 0 {
			spans[i].Events = []plait.Event{{TimeNanos: 1, Name: "message", Attributes: plait.Attributes{{Key: "message.id", Value: plait.IntValue(int64(i))}}}}
		}
	}
	return spans
}

func typicalLogs(n int) []plait.LogRecord {
	spans := typicalSpans(n)
	logs := make([]plait.LogRecord, n)
	for i := range logs {
		s := &spans[i]
		logs[i] = plait.LogRecord{
			TraceID: s.TraceID, SpanID: s.SpanID, TimeNanos: s.StartNanos, ObservedNanos: s.EndNanos,
			Resource: s.Resource, Scope: s.Scope, Severity: 9, SeverityText: "INFO",
			Body: plait.StringValue(fmt.Sprintf("order %d placed for 3 items, total 42.10", i)), Attributes: s.Attributes[:4],
		}
	}
	return logs
}

// perRecord reports the time of one record; a microsecond each is a CPU second per million.
func perRecord(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
	b.ReportAllocs()
}

const benchmarkRecords = 1000

func BenchmarkDecodeTraces(b *testing.B) {
	body := EncodeTraces(typicalSpans(benchmarkRecords))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := DecodeTraces(body); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkDecodeTracesByProto(b *testing.B) {
	body := EncodeTraces(typicalSpans(benchmarkRecords))
	for b.Loop() {
		var req coltrace.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &req); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkDecodeTracesByPdata(b *testing.B) {
	body := EncodeTraces(typicalSpans(benchmarkRecords))
	for b.Loop() {
		if err := ptraceotlp.NewExportRequest().UnmarshalProto(body); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkDecodeTracesJSON(b *testing.B) {
	body := EncodeTracesJSON(typicalSpans(benchmarkRecords))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := DecodeTracesJSON(body); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkDecodeTracesJSONByPdata(b *testing.B) {
	body := EncodeTracesJSON(typicalSpans(benchmarkRecords))
	for b.Loop() {
		if err := ptraceotlp.NewExportRequest().UnmarshalJSON(body); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkDecodeLogs(b *testing.B) {
	body := EncodeLogs(typicalLogs(benchmarkRecords))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := DecodeLogs(body); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkDecodeLogsByProto(b *testing.B) {
	body := EncodeLogs(typicalLogs(benchmarkRecords))
	for b.Loop() {
		var req collogs.ExportLogsServiceRequest
		if err := proto.Unmarshal(body, &req); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b, benchmarkRecords)
}

func BenchmarkEncodeTraces(b *testing.B) {
	spans := typicalSpans(benchmarkRecords)
	for b.Loop() {
		EncodeTraces(spans)
	}
	perRecord(b, benchmarkRecords)
}
