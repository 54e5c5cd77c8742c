package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
)

// mayDiffer says whether a difference between our error and the reference's is meant:
//
//   - The reference refuses invalid UTF-8, which is repaired one record at a time here.
//   - Groups, which proto3 does not have, and a second member beside an array or map are refused here.
//   - What lies deeper than maxDepth is not looked at here.
func mayDiffer(ours, reference error, repaired []plait.Repair) bool {
	switch {
	case (ours == nil) == (reference == nil):
		return true
	case ours == nil:
		return strings.Contains(reference.Error(), "invalid UTF-8") || len(repaired) > 0
	}
	return strings.Contains(ours.Error(), "wire type is none") || strings.Contains(ours.Error(), "set twice")
}

// usedMemory had other requests before, whole ones and malformed ones.
func usedMemory() *Memory {
	m := new(Memory)
	for _, body := range usedBodies() {
		_, _ = m.DecodeTraces(body, nil)
		_, _ = m.DecodeLogs(body, nil)
		m.Reset()
	}
	return m
}

var usedBodies = sync.OnceValue(func() [][]byte {
	spans, logs := EncodeTraces(append(everySpan(), typicalSpans(20)...)), EncodeLogs(append(everyLog(), typicalLogs(20)...))
	return [][]byte{spans, logs, spans[:len(spans)-5], logs[:len(logs)/2]}
})

func FuzzDecodeTraces(f *testing.F) {
	f.Add([]byte{})
	f.Add(EncodeTraces(everySpan()))
	f.Add(EncodeTraces(typicalSpans(2)))
	f.Add(EncodeTraces([]plait.Span{{Attributes: plait.Attributes{{Key: "deep", Value: plait.ArrayValue(deepArray(maxDepth + 2))}}}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := usedMemory().DecodeTraces(body, nil)
		var req coltrace.ExportTraceServiceRequest
		reference := proto.Unmarshal(body, &req)
		if err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Fatalf("error without a kind: %v", err)
		}
		var repaired []plait.Repair
		if err == nil {
			repaired = got.Repaired
		}
		if !mayDiffer(err, reference, repaired) {
			t.Fatalf("ours %v, reference %v", err, reference)
		}
		if err != nil || reference != nil {
			return
		}
		want, refused := referenceTraces(&req)
		if !bytes.Equal(EncodeTraces(want), EncodeTraces(got.Spans)) {
			t.Fatalf("-reference +ours:\n%s", cmp.Diff(want, got.Spans, same))
		}
		if n := count(got.Refused); n != refused {
			t.Fatalf("refused %d, reference %d", n, refused)
		}
	})
}

func FuzzDecodeLogs(f *testing.F) {
	f.Add([]byte{})
	f.Add(EncodeLogs(everyLog()))
	f.Add(EncodeLogs(typicalLogs(2)))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := usedMemory().DecodeLogs(body, nil)
		var req collogs.ExportLogsServiceRequest
		reference := proto.Unmarshal(body, &req)
		if err != nil && !errors.Is(err, plait.ErrInvalid) {
			t.Fatalf("error without a kind: %v", err)
		}
		var repaired []plait.Repair
		if err == nil {
			repaired = got.Repaired
		}
		if !mayDiffer(err, reference, repaired) {
			t.Fatalf("ours %v, reference %v", err, reference)
		}
		if err != nil || reference != nil {
			return
		}
		if want := referenceLogs(&req); !bytes.Equal(EncodeLogs(want), EncodeLogs(got.Records)) {
			t.Fatalf("-reference +ours:\n%s", cmp.Diff(want, got.Records, same))
		}
	})
}

// FuzzDecodeTracesJSON holds that only JSON is accepted, that what is read can be written and
// reads the same again, and that the Collector, which is stricter, reads the same if it reads at all.
func FuzzDecodeTracesJSON(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(strings.ReplaceAll(seed, "RECORD", "span")))
	}
	f.Add(EncodeTracesJSON(everySpan()))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := DecodeTracesJSON(body)
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is no JSON: %q", body)
		}
		again, err := DecodeTracesJSON(EncodeTracesJSON(got.Spans))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(EncodeTraces(got.Spans), EncodeTraces(again.Spans)) {
			t.Fatalf("read %v\nagain %v", got.Spans, again.Spans)
		}
		var u ptrace.JSONUnmarshaler
		slow, err := u.UnmarshalTraces(body)
		if err != nil || len(got.Refused) > 0 || bytes.Contains(body, emptyKey) {
			return
		}
		slowBody, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(slow)
		if err != nil {
			t.Fatal(err)
		}
		want, err := DecodeTraces(slowBody)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(EncodeTraces(want.Spans), EncodeTraces(got.Spans)) {
			t.Fatalf("-Collector +ours:\n%s", cmp.Diff(want.Spans, got.Spans, same))
		}
	})
}

func FuzzDecodeLogsJSON(f *testing.F) {
	for _, seed := range jsonSeeds {
		f.Add([]byte(strings.NewReplacer("RECORD", "log", "Spans", "Logs", `"spans"`, `"logRecords"`).Replace(seed)))
	}
	f.Add(EncodeLogsJSON(everyLog()))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := DecodeLogsJSON(body)
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is no JSON: %q", body)
		}
		again, err := DecodeLogsJSON(EncodeLogsJSON(got.Records))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(EncodeLogs(got.Records), EncodeLogs(again.Records)) {
			t.Fatalf("read %v\nagain %v", got.Records, again.Records)
		}
		var u plog.JSONUnmarshaler
		slow, err := u.UnmarshalLogs(body)
		if err != nil || bytes.Contains(body, emptyKey) {
			return
		}
		slowBody, err := (&plog.ProtoMarshaler{}).MarshalLogs(slow)
		if err != nil {
			t.Fatal(err)
		}
		want, err := DecodeLogs(slowBody)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Repaired) == 0 && !bytes.Equal(EncodeLogs(want.Records), EncodeLogs(got.Records)) {
			t.Fatalf("-Collector +ours:\n%s", cmp.Diff(want.Records, got.Records, same))
		}
	})
}

// emptyKey ends an object for the Collector's reader, whatever follows.
var emptyKey = []byte(`""`)

var jsonSeeds = []string{
	`{}`,
	`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331","attributes":[{"key":"k","value":{"intValue":"1"}}]}]}]}]}`,
	`{"resource_spans":[{"resource":null,"scope_spans":[{"spans":[{"name":"RECORD","kind":"SPAN_KIND_CLIENT"},{"timeUnixNano":1e3,"severityNumber":"SEVERITY_NUMBER_WARN2"}]}]}],"x":[1,{"y":null}]}`,
	`{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"value":{"kvlistValue":{"values":[{"value":{"arrayValue":{"values":[{"bytesValue":"aGk="},{}]}},"key":"\u00e9\ud83d\ude00"}]}}}]}]}]}]}`,
}

func count(refused []plait.Refusal) (n int) {
	for _, r := range refused {
		n += r.Count
	}
	return n
}

// deepArray is an array in an array, so many of them.
func deepArray(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}
