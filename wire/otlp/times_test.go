package otlp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
)

func requestsOfAllSignals() map[string]proto.Message {
	return map[string]proto.Message{
		"traces": &coltrace.ExportTraceServiceRequest{}, "logs": &collogs.ExportLogsServiceRequest{}, "metrics": &colmetrics.ExportMetricsServiceRequest{},
	}
}

// fill sets every field of a message, those of a oneof to the one that is chosen, and returns how many times there are.
func fill(m protoreflect.Message, chosen, depth int) (times int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if oneof := field.ContainingOneof(); oneof != nil && oneof.Fields().Get(chosen%oneof.Fields().Len()) != field {
			continue
		}
		switch {
		case field.Message() != nil && depth == 0:
		case field.IsList() && field.Message() != nil:
			for range 2 {
				times += fill(m.Mutable(field).List().AppendMutable().Message(), chosen, depth-1)
			}
		case field.Message() != nil:
			times += fill(m.Mutable(field).Message(), chosen, depth-1)
		case field.Kind() == protoreflect.Fixed64Kind && field.IsList():
			m.Mutable(field).List().Append(protoreflect.ValueOfUint64(42))
		case field.Kind() == protoreflect.Fixed64Kind:
			m.Set(field, protoreflect.ValueOfUint64(1_700_000_000_000_000_000))
			if isTime(field) {
				times++
			}
		case field.Name() == "trace_id":
			m.Set(field, protoreflect.ValueOfBytes(make([]byte, 16)))
		case field.Name() == "span_id":
			m.Set(field, protoreflect.ValueOfBytes(make([]byte, 8)))
		case field.Kind() == protoreflect.StringKind && !field.IsList():
			m.Set(field, protoreflect.ValueOfString("name"))
		}
	}
	return times
}

// isTime says it by the name: in OTLP every fixed64 whose name ends so is a time.
func isTime(field protoreflect.FieldDescriptor) bool {
	const suffix = "time_unix_nano"
	name := string(field.Name())
	return field.Kind() == protoreflect.Fixed64Kind && len(name) >= len(suffix) && name[len(name)-len(suffix):] == suffix
}

// moveByName adds an hour to all times of a message.
func moveByName(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case !field.IsList() && isTime(field):
			m.Set(field, protoreflect.ValueOfUint64(v.Uint()+hour))
		case field.IsList() && field.Message() != nil:
			for i := range v.List().Len() {
				moveByName(v.List().Get(i).Message())
			}
		case field.Message() != nil && !field.IsList():
			moveByName(v.Message())
		}
		return true
	})
}

const hour = 3_600_000_000_000

func TestAllTimesOfARequestAreMapped(t *testing.T) {
	t.Parallel()
	for signal, m := range requestsOfAllSignals() {
		for chosen := range 5 { // kinds of metrics
			m := proto.Clone(m)
			want := fill(m.ProtoReflect(), chosen, 8)
			body, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			mapped, err := MapTimes(signal, body, func(nanos int64) int64 {
				got++
				return nanos + hour
			})
			if err != nil || got != want || want == 0 {
				t.Errorf("%s: %d times are mapped with error %v, want %d", signal, got, err, want)
			}
			moveByName(m.ProtoReflect())
			after := m.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(mapped, after); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, after, protocmp.Transform()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", signal, diff)
			}
			if told, ok := SignalOf(body); !ok || told != signal {
				t.Errorf("%s is taken for %q", signal, told)
			}
		}
	}
}

func TestUnknownTimesStayUnknown(t *testing.T) {
	t.Parallel()
	body := request("\x39\x00\x00\x00\x00\x00\x00\x00\x00", "\x41\xff\xff\xff\xff\xff\xff\xff\xff")
	mapped, err := MapTimes("traces", body, func(int64) int64 { return 5 })
	if err != nil || string(mapped) != string(body) {
		t.Errorf("%q becomes %q with error %v", body, mapped, err)
	}
	if _, err := MapTimes("traces", []byte("\x0a\x05"), nil); err == nil {
		t.Error("a request that is cut off is mapped")
	}
	if _, err := MapTimes("profiles", nil, nil); err == nil {
		t.Error("a request of no signal is mapped")
	}
}

func TestTimesOfJSONAreMappedHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"timeUnixNano":"1700000000000000000","startTimeUnixNano":1700000000000000000}`:                               `{"timeUnixNano":"1700003600000000000","startTimeUnixNano":1700003600000000000}`,
		`{"end_time_unix_nano" : "5", "observedTimeUnixNano": 1.7e18}`:                                                 `{"end_time_unix_nano" : "3600000000005", "observedTimeUnixNano": 1700003600000000000}`,
		`{"timeUnixNano":"0","startTimeUnixNano":0,"endTimeUnixNano":null}`:                                            `{"timeUnixNano":"0","startTimeUnixNano":0,"endTimeUnixNano":null}`,
		`{"timeUnixNano":"soon","startTimeUnixNano":-5,"endTimeUnixNano":18446744073709551615,"timeUnixNano":0.5}`:     `{"timeUnixNano":"soon","startTimeUnixNano":-5,"endTimeUnixNano":18446744073709551615,"timeUnixNano":0.5}`,
		`{"body":{"stringValue":"{\"timeUnixNano\":\"5\"}"},"key":"timeUnixNano","stringValue":"5","timeUnixNanos":5}`: `{"body":{"stringValue":"{\"timeUnixNano\":\"5\"}"},"key":"timeUnixNano","stringValue":"5","timeUnixNanos":5}`,
	} {
		if got := string(MapTimesJSON([]byte(text), func(nanos int64) int64 { return nanos + hour })); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}

func TestPartialSuccessIsReadForAllSignals(t *testing.T) {
	t.Parallel()
	for _, m := range []proto.Message{
		&coltrace.ExportTraceServiceResponse{PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: 3, ErrorMessage: "why"}},
		&collogs.ExportLogsServiceResponse{PartialSuccess: &collogs.ExportLogsPartialSuccess{RejectedLogRecords: 3, ErrorMessage: "why"}},
		&colmetrics.ExportMetricsServiceResponse{PartialSuccess: &colmetrics.ExportMetricsPartialSuccess{RejectedDataPoints: 3, ErrorMessage: "why"}},
	} {
		body, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if refused, reason := PartialSuccess(body); refused != 3 || reason != "why" {
			t.Errorf("%v is read as %d, %q", m, refused, reason)
		}
	}
	for _, body := range []string{"", "\x0a", "\x0a\x00", "no protobuf"} {
		if refused, reason := PartialSuccess([]byte(body)); refused != 0 || reason != "" {
			t.Errorf("%q is read as %d, %q", body, refused, reason)
		}
	}
}

func TestWhatIsNoExportRequestHasNoSignal(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "hello", "\x0a\x00", "\x0a\x02\x12\x00", "\x0a\x04\x12\x02\x12\x00", "\x0a\x05\x12", string(request("\x0b"))} {
		if signal, ok := SignalOf([]byte(body)); ok {
			t.Errorf("%q is taken for %s", body, signal)
		}
	}
}
