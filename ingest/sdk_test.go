package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/plaithq/plait"
)

func TestTheOpenTelemetrySDKSendsAllThreeSignals(t *testing.T) {
	t.Parallel()
	ts := start(t)
	ctx, addr := t.Context(), ts.HTTPAddr().String()
	traceExporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(addr), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	logExporter, err := otlploghttp.New(ctx, otlploghttp.WithEndpoint(addr), otlploghttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	metricExporter, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(addr), otlpmetrichttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(traceExporter))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logExporter)))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metricExporter)))

	spanCtx, parent := tracers.Tracer("shop").Start(ctx, "checkout")
	_, child := tracers.Tracer("shop").Start(spanCtx, "charge card")
	var record log.Record
	record.SetBody(attribute.StringValue("card refused"))
	loggers.Logger("shop").Emit(spanCtx, record)
	counter, err := meters.Meter("shop").Int64Counter("orders")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(spanCtx, 1)
	child.End()
	parent.End()
	for name, shutdown := range map[string]func() error{
		"traces":  func() error { return tracers.Shutdown(ctx) },
		"logs":    func() error { return loggers.Shutdown(ctx) },
		"metrics": func() error { return meters.Shutdown(ctx) },
	} {
		if err := shutdown(); err != nil {
			t.Errorf("the SDK's exporter of %s: %v", name, err)
		}
	}

	id := plait.TraceID(parent.SpanContext().TraceID())
	if diff := cmp.Diff([]string{"checkout", "charge card"}, ts.spanNames(t, id)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	records, _, err := ts.store.TraceLogs(ctx, id, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1 || records[0].Body.Str() != "card refused" || records[0].SpanID != plait.SpanID(parent.SpanContext().SpanID()) {
		t.Errorf("log records of the trace: %+v", records)
	}
	if taken := counted(t, ts.registry, "plait_ingest_records_total"); taken["metrics"] < 1 {
		t.Errorf("samples taken: %v", taken)
	}
}
