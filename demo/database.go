package demo

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// A database stands for a server that a service queries: it takes its time and leaves the
// client's span and metric, as an instrumented driver would.
type database struct {
	name     string
	system   attribute.KeyValue
	tracer   trace.Tracer
	duration metric.Float64Histogram
}

func (s *service) database(name string, system attribute.KeyValue) (*database, error) {
	duration, err := s.telemetry.metrics.Meter("shop/"+s.name).Float64Histogram("db.client.operation.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of database client operations."),
		metric.WithExplicitBucketBoundaries(.001, .005, .01, .05, .1, .5, 1, 5, 10))
	if err != nil {
		return nil, fmt.Errorf("make histogram of %s: %w", name, err)
	}
	return &database{name: name, system: system, tracer: s.tracer, duration: duration}, nil
}

// query runs a statement that takes the given time. operation is its verb and target its table.
func (d *database) query(ctx context.Context, operation, target, text string, takes time.Duration) error {
	attributes := []attribute.KeyValue{
		d.system,
		semconv.DBNamespace(d.name),
		semconv.DBOperationName(operation),
		semconv.DBCollectionName(target),
	}
	start := time.Now()
	ctx, span := d.tracer.Start(ctx, operation+" "+target,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attributes...),
		trace.WithAttributes(semconv.DBQueryText(text), attribute.String("peer.service", d.name)))
	defer span.End()
	err := wait(ctx, takes)
	if err != nil {
		span.SetStatus(codes.Error, "cancelled")
		err = fmt.Errorf("query %s: %w", d.name, err)
	}
	d.duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attributes...))
	return err
}
