package otlp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/plaithq/plait"
)

// TestTheCollectorReadsWhatIsWritten holds the protobuf of this package to that of the Collector's data model.
func TestTheCollectorReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	spans := append(everySpan(), typicalSpans(50)...)
	traces, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(EncodeTraces(spans))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := new(ptrace.JSONMarshaler).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(EncodeTracesJSON(spans)), string(shown)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	records := append(everyLog(), typicalLogs(50)...)
	logs, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(EncodeLogs(records))
	if err != nil {
		t.Fatal(err)
	}
	if shown, err = new(plog.JSONMarshaler).MarshalLogs(logs); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(EncodeLogsJSON(records)), string(shown)); diff != "" {
		t.Errorf("log records (-want +got):\n%s", diff)
	}
}

func TestPartsAreOneRequest(t *testing.T) {
	t.Parallel()
	spans := typicalSpans(60)
	whole := EncodeTraces(spans)
	inParts := AppendTraces([]byte("before"), spans[:7], nil, spans[7:31], spans[31:])
	if string(inParts) != "before"+string(whole) {
		t.Error("the spans of several parts are written in another way than those of one")
	}
}

func TestATimeBefore1970IsNone(t *testing.T) {
	t.Parallel()
	got, err := DecodeTraces(EncodeTraces([]plait.Span{{StartNanos: -5, EndNanos: 7}}))
	if err != nil || got.Spans[0].StartNanos != 0 || got.Spans[0].EndNanos != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}
