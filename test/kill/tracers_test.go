package kill

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	jaeger "github.com/jaegertracing/jaeger-idl/thrift-gen/jaeger"
	"github.com/tinylib/msgp/msgp"
)

// What spansOf is, as other tracers send it.

// eachSpan calls do for each span of a request, with when it begins.
func eachSpan(number int, now time.Time, do func(n int, at time.Time)) {
	now = timeOf(number, now)
	for n := range perRequest {
		do(n, now.Add(time.Duration(n)*time.Millisecond))
	}
}

func operation(n int) string { return fmt.Sprintf("operation %d", n%5) }

func serviceName(number int) string { return fmt.Sprintf("service-%d", number%7) }

// parentIDOf is the id of the n-th span's parent, empty for the first of a request.
func parentIDOf(number, n int) []byte {
	if n == 0 {
		return nil
	}
	return spanIDOf(number, 0)
}

func zipkinOf(number int, now time.Time) ([]byte, error) {
	var spans []any
	eachSpan(number, now, func(n int, at time.Time) {
		span := map[string]any{
			"traceId": hex.EncodeToString(spelledIDOf(number)), "id": hex.EncodeToString(spanIDOf(number, n)), "name": operation(n), "kind": "SERVER",
			"timestamp": at.UnixMicro(), "duration": time.Second.Microseconds(), "localEndpoint": map[string]string{"serviceName": serviceName(number)},
			"tags": map[string]string{"request": strconv.Itoa(number)},
		}
		if parent := parentIDOf(number, n); parent != nil {
			span["parentId"] = hex.EncodeToString(parent)
		}
		spans = append(spans, span)
	})
	return json.Marshal(spans)
}

// signed is an id as a number that may be negative; 0 for none.
func signed(id []byte) int64 {
	if len(id) == 0 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(id))
}

func jaegerOf(number int, now time.Time) ([]byte, error) {
	request, id := strconv.Itoa(number), spelledIDOf(number)
	batch := jaeger.Batch{Process: &jaeger.Process{ServiceName: serviceName(number)}}
	eachSpan(number, now, func(n int, at time.Time) {
		batch.Spans = append(batch.Spans, &jaeger.Span{
			TraceIdHigh: signed(id[:8]), TraceIdLow: signed(id[8:]), SpanId: signed(spanIDOf(number, n)), ParentSpanId: signed(parentIDOf(number, n)),
			OperationName: operation(n), StartTime: at.UnixMicro(), Duration: time.Second.Microseconds(),
			Tags: []*jaeger.Tag{{Key: "request", VType: jaeger.TagType_STRING, VStr: &request}},
		})
	})
	serializer := thrift.NewTSerializer()
	serializer.Protocol = thrift.NewTBinaryProtocolConf(serializer.Transport, nil)
	return serializer.Write(context.Background(), &batch)
}

func datadogOf(number int, now time.Time) ([]byte, error) {
	id := spelledIDOf(number)
	var spans []any
	eachSpan(number, now, func(n int, at time.Time) {
		span := map[string]any{
			"service": serviceName(number), "name": "kill.test", "resource": operation(n), "type": "web",
			"trace_id": uint64(signed(id[8:])), "span_id": uint64(signed(spanIDOf(number, n))), "parent_id": uint64(signed(parentIDOf(number, n))),
			"start": at.UnixNano(), "duration": time.Second.Nanoseconds(), "error": 0,
		}
		meta := map[string]any{"request": strconv.Itoa(number)}
		if n == perRequest/2 && !spellsHalf(number) { // one of them tells the upper half
			meta["_dd.p.tid"] = hex.EncodeToString(id[:8])
		}
		span["meta"] = meta
		spans = append(spans, span)
	})
	return msgp.AppendIntf(nil, []any{spans})
}

func xrayOf(number int, now time.Time) ([]byte, error) {
	id := hex.EncodeToString(spelledIDOf(number))
	var first map[string]any
	var subsegments []any
	eachSpan(number, now, func(n int, at time.Time) {
		segment := map[string]any{
			"id": hex.EncodeToString(spanIDOf(number, n)), "name": operation(n), "annotations": map[string]string{"request": strconv.Itoa(number)},
			"start_time": seconds(at), "end_time": seconds(at.Add(time.Second)),
		}
		if n == 0 {
			first = segment
			first["trace_id"] = "1-" + id[:8] + "-" + id[8:]
			return
		}
		subsegments = append(subsegments, segment)
	})
	first["subsegments"] = subsegments
	document, err := json.Marshal(first)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"TraceSegmentDocuments": []string{string(document)}})
}

func seconds(at time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond()))
}
