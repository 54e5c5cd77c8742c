package kill

import (
	"encoding/binary"
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
)

const (
	// perRequest is how many spans, log records or samples each request has.
	perRequest = 20
	// exemplarsPerRequest is how many of a request's samples carry an exemplar.
	exemplarsPerRequest = 2
	// metricName is the metric of which each metrics request brings a series of its own.
	metricName = "kill_test_total"
)

// A request's number says all about it: which way in it takes (ways take turns, one round of them
// is a group), which trace it belongs to and how it spells its id. All that a request brings has
// an attribute or label "request", by which it is found again.
//
// A group has three traces: its first three requests of spans bring one each, and the spans of other tracers, the
// requests of log records and the exemplars of samples belong to them. In every other group these spell only the
// lower half of the trace id, and in every fourth the second request of spans does, and belongs to
// the trace of the first. Every fifth group is of a year ago, which is stored elsewhere than what is of today.

const (
	wayCount       = 17
	tracesPerGroup = 3
)

func groupOf(number int) int { return number / wayCount }

func wayOf(number int) way { return ways[number%wayCount] }

// joinsSpans says that a request of spans belongs to the trace of the one before.
func joinsSpans(number int) bool { return groupOf(number)%4 == 3 && number%wayCount == 1 }

func spellsHalf(number int) bool {
	if number%wayCount < tracesPerGroup { // OTLP's spans
		return joinsSpans(number)
	}
	return groupOf(number)%2 == 1
}

// lowIDOf is the lower half of the id of the trace to which a request belongs.
func lowIDOf(number int) uint64 {
	if joinsSpans(number) {
		number--
	}
	return uint64(groupOf(number)*tracesPerGroup + number%wayCount%tracesPerGroup + 1)
}

// hexLowIDOf is the lower half as the views have it.
func hexLowIDOf(number int) string { return fmt.Sprintf("%016x", lowIDOf(number)) }

// spelledIDOf is the trace id as the request has it.
func spelledIDOf(number int) []byte {
	id := binary.BigEndian.AppendUint64([]byte("killtest"), lowIDOf(number))
	if spellsHalf(number) {
		clear(id[:8])
	}
	return id
}

// spanIDOf is the id of the n-th span that a request brings, or that its n-th record is of.
func spanIDOf(number, n int) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(number%wayCount*1000+n+1))
}

func timeOf(number int, now time.Time) time.Time {
	if groupOf(number)%5 == 0 {
		return now.AddDate(-1, 0, 0)
	}
	return now
}

func spansOf(number int, now time.Time) *coltrace.ExportTraceServiceRequest {
	now = timeOf(number, now)
	traceID := spelledIDOf(number)
	var spans []*trace.Span
	for n := range perRequest {
		at := now.Add(time.Duration(n) * time.Millisecond)
		span := &trace.Span{
			TraceId: traceID, SpanId: spanIDOf(number, n), Name: fmt.Sprintf("operation %d", n%5),
			Kind:              trace.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: uint64(at.UnixNano()), EndTimeUnixNano: uint64(at.Add(time.Second).UnixNano()),
			Attributes: attributes("request", fmt.Sprint(number)),
		}
		if n > 0 {
			span.ParentSpanId = spanIDOf(number, 0)
		}
		spans = append(spans, span)
	}
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: service(number), ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
	}}}
}

func recordsOf(number int, now time.Time) *collogs.ExportLogsServiceRequest {
	now = timeOf(number, now)
	traceID := spelledIDOf(number)
	var records []*logs.LogRecord
	for n := range perRequest {
		at := uint64(now.Add(time.Duration(n) * time.Millisecond).UnixNano())
		records = append(records, &logs.LogRecord{
			TimeUnixNano: at, ObservedTimeUnixNano: at, SeverityNumber: logs.SeverityNumber_SEVERITY_NUMBER_INFO,
			TraceId: traceID, SpanId: spanIDOf(number, n),
			Attributes: attributes("request", fmt.Sprint(number)),
			Body:       text(fmt.Sprintf("record %d of request %d", n, number)),
		})
	}
	return &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource: service(number), ScopeLogs: []*logs.ScopeLogs{{LogRecords: records}},
	}}}
}

func samplesOf(number int, now time.Time) *colmetrics.ExportMetricsServiceRequest {
	now = timeOf(number, now)
	traceID := spelledIDOf(number)
	var points []*metrics.NumberDataPoint
	for n := range perRequest {
		at := uint64(now.Add(time.Duration(n) * time.Millisecond).UnixNano())
		point := &metrics.NumberDataPoint{
			TimeUnixNano: at,
			Value:        &metrics.NumberDataPoint_AsInt{AsInt: int64(n)},
			Attributes:   attributes("request", fmt.Sprint(number)),
		}
		if n < exemplarsPerRequest {
			point.Exemplars = []*metrics.Exemplar{{
				TimeUnixNano: at, Value: &metrics.Exemplar_AsInt{AsInt: int64(n)},
				TraceId: traceID, SpanId: spanIDOf(number, n),
			}}
		}
		points = append(points, point)
	}
	return &colmetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metrics.ResourceMetrics{{
		Resource: service(number), ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: []*metrics.Metric{{
			Name: metricName, Data: &metrics.Metric_Sum{Sum: &metrics.Sum{
				DataPoints: points, IsMonotonic: true,
				AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
			}},
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
