package kill

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// perRequest is how many spans, log records or samples each request has.
const perRequest = 40

// metricName is the metric of which each metrics request brings a series of its own.
const metricName = "kill_test"

// request is one that a sender repeats until it is acknowledged. Its number is in the identity
// of all that it holds: the trace id, or the label "request".
type request struct {
	number int
	path   string
	body   []byte
}

// The kinds of request, which take turns.
const (
	spanRequest = iota
	logRequest
	sampleRequest
	kinds
)

func kindOf(number int) int { return number % kinds }

// newRequest makes the request of a number. Each tenth is of a year ago, which
// is stored elsewhere than what is of today.
func newRequest(number int, now time.Time) (request, error) {
	if number%10 == 0 {
		now = now.AddDate(-1, 0, 0)
	}
	var path string
	var message proto.Message
	switch kindOf(number) {
	case spanRequest:
		path, message = "/v1/traces", spansOf(number, now)
	case logRequest:
		path, message = "/v1/logs", recordsOf(number, now)
	case sampleRequest:
		path, message = "/v1/metrics", samplesOf(number, now)
	}
	body, err := proto.Marshal(message)
	return request{number, path, body}, err
}

// traceIDOf returns the trace id of what a request brings.
func traceIDOf(number int) []byte {
	return binary.BigEndian.AppendUint64([]byte("killtest"), uint64(number))
}

func hexTraceIDOf(number int) string { return hex.EncodeToString(traceIDOf(number)) }

func spanIDOf(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n+1)) }

func spansOf(number int, now time.Time) proto.Message {
	var spans []*trace.Span
	for n := range perRequest {
		at := now.Add(time.Duration(n) * time.Millisecond)
		span := &trace.Span{
			TraceId: traceIDOf(number), SpanId: spanIDOf(n), Name: fmt.Sprintf("operation %d", n%5),
			Kind:              trace.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: uint64(at.UnixNano()), EndTimeUnixNano: uint64(at.Add(time.Second).UnixNano()),
			Attributes: attributes("request", fmt.Sprint(number)),
		}
		if n > 0 {
			span.ParentSpanId = spanIDOf(0)
		}
		spans = append(spans, span)
	}
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: service(number), ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
	}}}
}

func recordsOf(number int, now time.Time) proto.Message {
	var records []*logs.LogRecord
	for n := range perRequest {
		at := uint64(now.Add(time.Duration(n) * time.Millisecond).UnixNano())
		records = append(records, &logs.LogRecord{
			TimeUnixNano: at, ObservedTimeUnixNano: at, SeverityNumber: logs.SeverityNumber_SEVERITY_NUMBER_INFO,
			TraceId: traceIDOf(number), SpanId: spanIDOf(n),
			Body: text(fmt.Sprintf("record %d of request %d", n, number)),
		})
	}
	return &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: service(number), ScopeLogs: []*logs.ScopeLogs{{LogRecords: records}},
	}}}
}

func samplesOf(number int, now time.Time) proto.Message {
	var points []*metrics.NumberDataPoint
	for n := range perRequest {
		points = append(points, &metrics.NumberDataPoint{
			TimeUnixNano: uint64(now.Add(time.Duration(n) * time.Millisecond).UnixNano()),
			Value:        &metrics.NumberDataPoint_AsInt{AsInt: int64(n)},
			Attributes:   attributes("request", fmt.Sprint(number)),
		})
	}
	return &colmetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metrics.ResourceMetrics{{
		Resource: service(number), ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: []*metrics.Metric{{
			Name: metricName, Data: &metrics.Metric_Gauge{Gauge: &metrics.Gauge{DataPoints: points}},
		}}}},
	}}}
}

func service(number int) *resource.Resource {
	return &resource.Resource{Attributes: attributes("service.name", fmt.Sprintf("service-%d", number%7))}
}

func attributes(key, value string) []*common.KeyValue {
	return []*common.KeyValue{{Key: key, Value: text(value)}}
}

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}
