package otlp

import (
	"testing"
	"unsafe"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
)

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func repeat[T any](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func TestEmptyRecordsWeighWhatTheyDecodeTo(t *testing.T) {
	spans := marshal(t, &coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: repeat(1000, &tracepb.Span{})}}}}})
	if got, want := WeighTraces(spans), int64(1000*unsafe.Sizeof(plait.Span{})); got != want {
		t.Errorf("1000 empty spans in %d bytes weigh %d, want %d", len(spans), got, want)
	}
	records := marshal(t, &collogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		ScopeLogs: []*logspb.ScopeLogs{{LogRecords: repeat(1000, &logspb.LogRecord{})}}}}})
	if got, want := WeighLogs(records), int64(1000*unsafe.Sizeof(plait.LogRecord{})); got != want {
		t.Errorf("1000 empty log records in %d bytes weigh %d, want %d", len(records), got, want)
	}
}

func TestAttributesWeighWhereverTheyStand(t *testing.T) {
	attrs := repeat(10, &commonpb.KeyValue{Key: "k"})
	body := marshal(t, &coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Attributes: attrs},
			Spans: []*tracepb.Span{{
				Attributes: attrs,
				Events:     []*tracepb.Span_Event{{Attributes: attrs}},
				Links:      []*tracepb.Span_Link{{Attributes: attrs}},
			}},
		}}}}})
	want := 40*unsafe.Sizeof(plait.Attribute{}) + unsafe.Sizeof(plait.Scope{}) + unsafe.Sizeof(plait.Span{}) +
		unsafe.Sizeof(plait.Event{}) + unsafe.Sizeof(plait.Link{})
	if got := WeighTraces(body); got != int64(want) {
		t.Errorf("got %d, want %d", got, want)
	}
}

func FuzzWeighSurvivesAnything(f *testing.F) {
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{0x0b, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := WeighTraces(b); got < 0 {
			t.Errorf("as traces it weighs %d", got)
		}
		if got := WeighLogs(b); got < 0 {
			t.Errorf("as logs it weighs %d", got)
		}
	})
}
