package otlp

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
)

// message writes a bytes field with a tag of one byte.
func message(field byte, contents ...string) string {
	content := strings.Join(contents, "")
	if len(content) > 127 {
		panic("too long for a length of one byte")
	}
	return string([]byte{field<<3 | protobuf.Bytes, byte(len(content))}) + content
}

// request wraps fields of one record.
func request(record ...string) []byte {
	return []byte(message(1, message(2, message(2, record...))))
}

func TestMalformedProtobufIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
	}{
		{"cut off at the top", "\x0a\x05\x12", "malformed OTLP: byte 0: field is longer than what is left of its message"},
		{"no protobuf at all", "hello", "malformed OTLP: byte 2: a group ends that has not begun"},
		{"field 0", "\x02\x00", "malformed OTLP: byte 0: field number is 0"},
		{"length without end", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "malformed OTLP: byte 0: field is longer than what is left of its message"},
		{"start of a group", "\x0b", "malformed OTLP: byte 0: a group does not end"},
		{
			"number cut off", string(request(message(9, message(1, "k"), message(2, "\x18\x80")))),
			"malformed OTLP: resource_spans[0].scope_spans[0].spans[0].attributes[0].value at byte 13: number is cut off or too long",
		},
		{
			"second attribute of an event", string(request(message(11, message(3), message(3, "\x0a\x09")))),
			"malformed OTLP: resource_spans[0].scope_spans[0].spans[0].events[0].attributes[1] at byte 12: field is longer than what is left of its message",
		},
		{
			"in an array", string(request(message(9, message(2, message(5, message(1), message(1, "\x21")))))),
			"malformed OTLP: resource_spans[0].scope_spans[0].spans[0].attributes[0].value.array_value.values[1] at byte 16: number is cut off",
		},
		{
			"array in two parts", string(request(message(9, message(2, message(5), message(5))))),
			"malformed OTLP: resource_spans[0].scope_spans[0].spans[0].attributes[0].value at byte 14: a value is set twice",
		},
		{
			"status", string(request(message(15, "\x1a"))),
			"malformed OTLP: resource_spans[0].scope_spans[0].spans[0].status at byte 8: field is longer than what is left of its message",
		},
		{"resource", message(1, message(1, "\x0a\x01")), "malformed OTLP: resource_spans[0].resource at byte 4: field is longer than what is left of its message"},
		{"scope", message(1, message(2, message(1, "\x0a\x01"))), "malformed OTLP: resource_spans[0].scope_spans[0].scope at byte 6: field is longer than what is left of its message"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeTraces([]byte(test.body))
			if !errors.Is(err, plait.ErrInvalid) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %v", err, test.want)
			}
		})
	}
}

func TestMalformedJSONIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	inSpan := func(field string) string {
		return `{"resourceSpans":[{},{"scopeSpans":[{"spans":[{` + field + `}]}]}]}`
	}
	const span = "malformed OTLP: resourceSpans[1].scopeSpans[0].spans[0]"
	tests := []struct {
		name, body, want string
	}{
		{"nothing", "", "malformed OTLP: byte 0: want {"},
		{"an array", "[]", "malformed OTLP: byte 0: want {"},
		{"text after the end", "{} x", "malformed OTLP: byte 3: text after the end"},
		{"a comma too many", `{"a":1,}`, "malformed OTLP: byte 7: want a string"},
		{"no comma", `{"a":1 "b":2}`, "malformed OTLP: byte 7: want , or }"},
		{"no colon", `{"a" 1}`, "malformed OTLP: byte 5: want : after a key"},
		{"wrong shape", `{"resourceSpans":{}}`, "malformed OTLP: resourceSpans at byte 17: want ["},
		{"hexadecimal number", inSpan(`"flags":0x1`), span + " at byte 56: want , or }"},
		{"bad escape", inSpan(`"name":"\x"`), span + ".name at byte 57: bad escape in a string"},
		{"bad unicode", inSpan(`"name":"\u12g4"`), span + `.name at byte 57: want four hexadecimal digits after \u`},
		{"control character", inSpan("\"name\":\"\n\""), span + ".name at byte 55: control character in a string"},
		{"unknown and broken", inSpan(`"x":[1,{]}`), span + ".x at byte 55: want a string"},
		{"cut off", `{"resourceSpans":[{"resource":{"attributes":[`, "malformed OTLP: resourceSpans[0].resource.attributes[0] at byte 45: want {"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeTracesJSON([]byte(test.body))
			if !errors.Is(err, plait.ErrInvalid) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %v", err, test.want)
			}
		})
	}
}

func TestRecordsWithValuesOfTheWrongKindAreRefusedAlone(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		`{"name":1}`:                                                 "name: want a string",
		`{"startTimeUnixNano":"now"}`:                                "startTimeUnixNano: want a whole number",
		`{"startTimeUnixNano":0.5}`:                                  "startTimeUnixNano: want a whole number",
		`{"status":{"code":{"a":[1,2]}}}`:                            "status.code: want a number",
		`{"attributes":{"k":"v"}}`:                                   "attributes: want [",
		`{"attributes":[{"key":"k"},{"value":{"boolValue":"yes"}}]}`: "attributes[1].value.boolValue: want true or false",
		`{"attributes":[{"value":{"bytesValue":"?"}}]}`:              "attributes[0].value.bytesValue: want base64",
		`{"attributes":[{"value":{"arrayValue":{"values":[{"doubleValue":"x"},{"a":1}]}}}],"x":5}`:    "attributes[0].value.arrayValue.values[0].doubleValue: want a number",
		`{"attributes":[{"value":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":[]}}]}}}]}`: "attributes[0].value.kvlistValue.values[0].value.intValue: want a number",
		`{"events":[{"name":"e"},{"attributes":7}]}`:                                                  "events[1].attributes: want [",
		`[1]`: "want {",
	} {
		got, err := DecodeTracesJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"before","attributes":[{"key":"a","value":{"intValue":1}}]},` + record + `,{"name":"after"}]}]}]}`))
		if err != nil {
			t.Errorf("%s: %v", record, err)
			continue
		}
		if len(got.Spans) != 2 || got.Spans[0].Name != "before" || string(got.Spans[0].Attributes.AppendJSON(nil)) != `{"a":1}` || got.Spans[1].Name != "after" || len(got.Spans[1].Attributes) > 0 {
			t.Errorf("%s: kept %+v", record, got.Spans)
		}
		refused := []plait.Refusal{{Count: 1, Reason: want + ", first in resourceSpans[0].scopeSpans[0].spans[1]"}}
		if diff := cmp.Diff(refused, got.Refused); diff != "" {
			t.Errorf("%s: %s", record, diff)
		}
	}
	logs, err := DecodeLogsJSON([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"LOUD","body":{"stringValue":5}},{"timeUnixNano":"x"},{"body":{"stringValue":"good"}},{"body":{"stringValue":5}}]}]}]}`))
	if err != nil || len(logs.Records) != 1 || logs.Records[0].Body.Str() != "good" || logs.Records[0].SeverityText != "" {
		t.Errorf("kept %+v (%v)", logs, err)
	}
	want := []plait.Refusal{
		{Count: 2, Reason: "body.stringValue: want a string, first in resourceLogs[0].scopeLogs[0].logRecords[0]"},
		{Count: 1, Reason: "timeUnixNano: want a whole number, first in resourceLogs[0].scopeLogs[0].logRecords[1]"},
	}
	if diff := cmp.Diff(want, logs.Refused); diff != "" {
		t.Error(diff)
	}
}

func TestDataPointsWithValuesOfTheWrongKindAreRefusedAlone(t *testing.T) {
	t.Parallel()
	const good = `{"timeUnixNano":"1700000000000000000","asInt":1}`
	for point, want := range map[string]plait.Refusal{
		`{"timeUnixNano":"now","asInt":1}`:       {Count: 1, Reason: `metric "m": a data point cannot be read: timeUnixNano: want a whole number`},
		`{"asDouble":{"a":[1]}}`:                 {Count: 1, Reason: `metric "m": a data point cannot be read: asDouble: want a number`},
		`{"attributes":[{"key":"a"},{"key":5}]}`: {Count: 1, Reason: `metric "m": a data point cannot be read: attributes[1].key: want a string`},
		`[]`:                                     {Count: 1, Reason: `metric "m": a data point cannot be read: want {`},
		`{"timeUnixNano":"1700000001000000000","asInt":2,"exemplars":[{"asDouble":"x"}]}`: {Reason: `metric "m": an exemplar is left out: asDouble: want a number`},
	} {
		got, err := NewMetricDecoder(MetricSettings{}).DecodeJSON(t.Context(), []byte(
			`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"aggregationTemporality":2,"dataPoints":[`+point+`,`+good+`]}},{"name":"n","gauge":{"dataPoints":[`+good+`]}}]}]}]}`), nil)
		if err != nil {
			t.Errorf("%s: %v", point, err)
			continue
		}
		samples := map[string]int{}
		for _, s := range got.Series {
			samples[s.Labels.Get("__name__")] += len(s.Samples)
		}
		if kept := 2 - want.Count; samples["m"] != kept || samples["n"] != 1 {
			t.Errorf("%s: kept %v", point, samples)
		}
		if diff := cmp.Diff([]plait.Refusal{want}, got.Refused); diff != "" {
			t.Errorf("%s: %s", point, diff)
		}
	}
}

func TestSpansWithIDsOfTheWrongLengthAreRefusedAlone(t *testing.T) {
	t.Parallel()
	body, err := proto.Marshal(&coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{
		{TraceId: make([]byte, 15), Name: "a"},
		{TraceId: make([]byte, 16), SpanId: make([]byte, 8), Name: "good"},
		{TraceId: make([]byte, 17), SpanId: make([]byte, 9), Name: "b"},
		{ParentSpanId: make([]byte, 1), Name: "c"},
	}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeTraces(body)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Spans) != 1 || got.Spans[0].Name != "good" {
		t.Errorf("kept %v", got.Spans)
	}
	want := []plait.Refusal{
		{Count: 2, Reason: "trace_id has 15 bytes, want 16, first in resource_spans[0].scope_spans[0].spans[0]"},
		{Count: 1, Reason: "parent_span_id has 1 bytes, want 8, first in resource_spans[0].scope_spans[0].spans[3]"},
	}
	if diff := cmp.Diff(want, got.Refused); diff != "" {
		t.Error(diff)
	}
}

func TestJSONSpansWithBadIDsAreRefusedAlone(t *testing.T) {
	t.Parallel()
	got, err := DecodeTracesJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[
		{"traceId":"CvdlGRbNQ92ESOshHIAxnA==","name":"base64"},
		{"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"B7ad6b7169203331","name":"good"},
		{"spanId":"xxxxxxxxxxxxxxxx"}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Spans) != 1 || got.Spans[0].Name != "good" || got.Spans[0].TraceID.String() != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("kept %v", got.Spans)
	}
	want := []plait.Refusal{
		{Count: 1, Reason: "traceId has 24 characters, want 32 hexadecimal digits, first in resourceSpans[0].scopeSpans[0].spans[0]"},
		{Count: 1, Reason: "spanId is not hexadecimal, first in resourceSpans[0].scopeSpans[0].spans[2]"},
	}
	if diff := cmp.Diff(want, got.Refused); diff != "" {
		t.Error(diff)
	}
}

func TestLogsWithBadIDsAreKeptWithoutThem(t *testing.T) {
	t.Parallel()
	got, err := DecodeLogs(request(message(9, "short"), message(10, "12345678")))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Records) != 1 || !got.Records[0].TraceID.IsZero() || got.Records[0].SpanID.IsZero() {
		t.Errorf("got %+v", got.Records)
	}
	if diff := cmp.Diff([]plait.Repair{{Count: 1, Reason: "bad_id"}}, got.Repaired); diff != "" {
		t.Error(diff)
	}
}

func TestValuesNestedTooDeepAreCutAndCounted(t *testing.T) {
	t.Parallel()
	value := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "bottom"}}
	for range 1000 {
		value = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{value}}}}
	}
	body, err := proto.Marshal(&coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{
		Spans: []*tracepb.Span{{Attributes: []*commonpb.KeyValue{{Key: "deep", Value: value}, {Key: "after", Value: &commonpb.AnyValue{}}}}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	asJSON := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"deep","value":` +
		strings.Repeat(`{"arrayValue":{"values":[`, 1000) + `{"stringValue":"bottom"}` + strings.Repeat(`]}}`, 1000) + `},{"key":"after"}]}]}]}]}`
	for name, decode := range map[string]func() (*plait.Traces, error){
		"protobuf": func() (*plait.Traces, error) { return DecodeTraces(body) },
		"JSON":     func() (*plait.Traces, error) { return DecodeTracesJSON([]byte(asJSON)) },
	} {
		got, err := decode()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := strings.Repeat("[", maxDepth) + `"` + deepText + `"` + strings.Repeat("]", maxDepth)
		if v := got.Spans[0].Attributes[0].Value.Str(); v != want || len(got.Spans[0].Attributes) != 2 {
			t.Errorf("%s: got %s", name, v)
		}
		if diff := cmp.Diff([]plait.Repair{{Count: 1, Reason: "too_deep"}}, got.Repaired); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTimesOutsideOfOursAreClamped(t *testing.T) {
	t.Parallel()
	got, err := DecodeTraces(request("\x39\xff\xff\xff\xff\xff\xff\xff\xff"))
	if err != nil || got.Spans[0].StartNanos != math.MaxInt64 {
		t.Errorf("got %+v, %v", got, err)
	}
	for text, want := range map[string]int64{
		`"18446744073709551615"`:   math.MaxInt64,
		`253402300799000000000`:    math.MaxInt64, // the year 9999
		`"-6795364578871345152"`:   -6795364578871345152,
		`"1700000000000000001"`:    1700000000000000001,
		`1700000000000000001`:      1700000000000000001,
		`1.7e18`:                   1700000000000000000,
		`"99999999999999999999e9"`: math.MaxInt64,
		`null`:                     0,
	} {
		got, err := DecodeTracesJSON([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":` + text + `}]}]}]}`))
		if err != nil || got.Spans[0].StartNanos != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

func TestJSONIsReadAsProtobufWritesIt(t *testing.T) {
	t.Parallel()
	got, err := DecodeLogsJSON([]byte(`{"resource_logs":[{"schema_url":"r","scope_logs":[{"schema_url":"s","log_records":[{
		"time_unix_nano":5,"observed_time_unix_nano":"6","severity_number":"SEVERITY_NUMBER_WARN2","severity_text":"W",
		"event_name":"e","flags":"1","dropped_attributes_count":7,"trace_id":"","span_id":null,"future":{"x":[1,null]},
		"body":{"kvlist_value":{"values":[{"value":{"int_value":3},"key":"$k"},{"key":"bytes","value":{"bytes_value":"_-8"}},{"key":"twice","value":{"bool_value":true}},{"key":"twice"}]}},
		"attributes":[{"key":"pair","value":{"string_value":"\ud83d\ude00\ud83d"}}]}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := plait.LogRecord{
		Resource: &plait.Resource{SchemaURL: "r"}, Scope: &plait.Scope{SchemaURL: "s"},
		TimeNanos: 5, ObservedNanos: 6, Severity: 14, SeverityText: "W", EventName: "e", Flags: 1, DroppedAttributes: 7,
		Body:       plait.MapValue(`{"$$k":3,"bytes":{"$bytes":"/+8="},"twice":null}`),
		Attributes: plait.Attributes{{Key: "pair", Value: plait.StringValue("😀\ufffd")}},
	}
	if diff := cmp.Diff([]plait.LogRecord{want}, got.Records, same); diff != "" {
		t.Error(diff)
	}
}

func TestAttributesMayLieScatteredAmongOtherFields(t *testing.T) {
	t.Parallel()
	attribute := func(key string) string { return message(9, message(1, key)) }
	got, err := DecodeTraces(request(attribute("a"), attribute("b"), message(11, message(3, message(1, "event"))), attribute("c"), message(5, "name"), attribute("d")))
	if err != nil {
		t.Fatal(err)
	}
	want := plait.Attributes{{Key: "a"}, {Key: "b"}, {Key: "c"}, {Key: "d"}}
	if diff := cmp.Diff(want, got.Spans[0].Attributes, same); diff != "" {
		t.Error(diff)
	}
	if got.Spans[0].Events[0].Attributes[0].Key != "event" {
		t.Errorf("got %+v", got.Spans[0].Events)
	}
}
