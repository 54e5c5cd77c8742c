package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// How soon telemetry leaves the shop. A visitor waits for it, so it is sooner than the SDK's defaults.
const (
	batchInterval  = time.Second
	metricInterval = 5 * time.Second
	exportTimeout  = 10 * time.Second // of one request; a busy machine is slow
	// retryFor is short, since closing the shop waits for up to two requests of each signal, should the
	// gateway be gone.
	retryFor = 2 * time.Second
)

// telemetry is one service's own set of providers, as a process of its own would have it.
type telemetry struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	logs    *sdklog.LoggerProvider
}

func newTelemetry(ctx context.Context, cfg Config, service, version string) (*telemetry, error) {
	base := strings.TrimSuffix(cfg.OTLPEndpoint, "/")
	retry := otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: 100 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: retryFor,
	}
	spans, err := otlptracehttp.New(ctx,
		otlptracehttp.WithEndpointURL(base+"/v1/traces"), otlptracehttp.WithHeaders(cfg.OTLPHeaders),
		otlptracehttp.WithTimeout(exportTimeout), otlptracehttp.WithRetry(retry))
	if err != nil {
		return nil, fmt.Errorf("make span exporter: %w", err)
	}
	metrics, err := otlpmetrichttp.New(ctx,
		otlpmetrichttp.WithEndpointURL(base+"/v1/metrics"), otlpmetrichttp.WithHeaders(cfg.OTLPHeaders),
		otlpmetrichttp.WithTimeout(exportTimeout), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig(retry)))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make metric exporter: %w", err), spans.Shutdown(ctx))
	}
	logs, err := otlploghttp.New(ctx,
		otlploghttp.WithEndpointURL(base+"/v1/logs"), otlploghttp.WithHeaders(cfg.OTLPHeaders),
		otlploghttp.WithTimeout(exportTimeout), otlploghttp.WithRetry(otlploghttp.RetryConfig(retry)))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make log exporter: %w", err), spans.Shutdown(ctx), metrics.Shutdown(ctx))
	}
	entity := resource.NewWithAttributes(semconv.SchemaURL,
		semconv.ServiceName(service),
		semconv.ServiceVersion(version),
		semconv.ServiceNamespace("shop"),
		semconv.ServiceInstanceID(service+"-1"),
		semconv.HostName(service+"-1.shop.example"),
		attribute.String("deployment.environment.name", "demo"),
	)
	return &telemetry{
		traces: sdktrace.NewTracerProvider(
			sdktrace.WithResource(entity),
			sdktrace.WithBatcher(spans, sdktrace.WithBatchTimeout(batchInterval))),
		metrics: sdkmetric.NewMeterProvider(
			sdkmetric.WithResource(entity),
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics, sdkmetric.WithInterval(metricInterval)))),
		logs: sdklog.NewLoggerProvider(
			sdklog.WithResource(entity),
			sdklog.WithProcessor(sdklog.NewBatchProcessor(logs, sdklog.WithExportInterval(batchInterval)))),
	}, nil
}

// shutdown sends what is still here. Spans go first: an exemplar that arrives after its
// trace resolves at once.
func (t *telemetry) shutdown(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.logs.Shutdown(ctx), t.metrics.Shutdown(ctx))
}
