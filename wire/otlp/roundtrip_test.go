package otlp

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/plaithq/plait"
)

// same compares decoded requests: values by their canonical JSON, and nil slices as empty ones.
var same = cmp.Options{
	cmp.Comparer(func(a, b plait.Value) bool {
		return a.Kind() == b.Kind() && string(a.AppendJSON(nil)) == string(b.AppendJSON(nil))
	}),
	cmp.Transformer("filled", func(a plait.Attributes) []plait.Attribute { return append([]plait.Attribute{}, a...) }),
	cmp.FilterValues(func(a, b []plait.Event) bool { return len(a)+len(b) == 0 }, cmp.Ignore()),
	cmp.FilterValues(func(a, b []plait.Link) bool { return len(a)+len(b) == 0 }, cmp.Ignore()),
}

// everyValue is a list with every kind of AnyValue, nested ones and awkward ones included.
func everyValue() plait.Attributes {
	return plait.Attributes{
		{Key: "empty", Value: plait.Value{}},
		{Key: "string", Value: plait.StringValue("naïve \"quoted\" \u2028 \x01")},
		{Key: "no text", Value: plait.StringValue("")},
		{Key: "bool", Value: plait.BoolValue(true)},
		{Key: "int", Value: plait.IntValue(math.MinInt64)},
		{Key: "double", Value: plait.DoubleValue(42)},
		{Key: "tiny", Value: plait.DoubleValue(math.SmallestNonzeroFloat64)},
		{Key: "nan", Value: plait.DoubleValue(math.NaN())},
		{Key: "inf", Value: plait.DoubleValue(math.Inf(-1))},
		{Key: "bytes", Value: plait.BytesValue("\x00\xff")},
		{Key: "array", Value: plait.ArrayValue(`[1,2.0,"three",null,[true],{"k":{"$bytes":"aGk="}}]`)},
		{Key: "empty array", Value: plait.ArrayValue(`[]`)},
		{Key: "map", Value: plait.MapValue(`{"a":{"b":[{"$double":"NaN"}]},"$$bytes":"not bytes","n":null}`)},
		{Key: "empty map", Value: plait.MapValue(`{}`)},
	}
}

// everySpan is spans in which every field is set, and one in which none is.
func everySpan() []plait.Span {
	r := &plait.Resource{Attributes: everyValue(), DroppedAttributes: 1, SchemaURL: "https://example.com/resource"}
	sc := &plait.Scope{Name: "scope", Version: "1.2", Attributes: everyValue(), DroppedAttributes: 2, SchemaURL: "https://example.com/scope"}
	full := plait.Span{
		TraceID: plait.TraceID{1, 2, 0xab}, SpanID: plait.SpanID{3, 0xcd}, ParentSpanID: plait.SpanID{4},
		StartNanos: 1_700_000_000_000_000_001, EndNanos: 1_700_000_000_000_000_003,
		Resource: r, Scope: sc, Name: "GET /", TraceState: "a=b", StatusMessage: "boom",
		Attributes: everyValue(), Flags: 0x301, DroppedAttributes: 3, DroppedEvents: 4, DroppedLinks: 5,
		Kind: plait.SpanKindConsumer, Status: plait.StatusError,
		Events: []plait.Event{
			{TimeNanos: 7, Name: "exception", Attributes: everyValue(), DroppedAttributes: 8},
			{},
		},
		Links: []plait.Link{
			{TraceID: plait.TraceID{9}, SpanID: plait.SpanID{10}, TraceState: "c=d", Attributes: everyValue(), DroppedAttributes: 11, Flags: 0x101},
			{},
		},
	}
	return []plait.Span{full, {Resource: r, Scope: sc}, {Resource: &plait.Resource{}, Scope: &plait.Scope{}}}
}

func everyLog() []plait.LogRecord {
	r := &plait.Resource{Attributes: everyValue(), DroppedAttributes: 1, SchemaURL: "https://example.com/resource"}
	sc := &plait.Scope{Name: "scope", Version: "1.2", Attributes: everyValue(), DroppedAttributes: 2, SchemaURL: "https://example.com/scope"}
	logs := []plait.LogRecord{{
		TraceID: plait.TraceID{1}, SpanID: plait.SpanID{2}, TimeNanos: 3, ObservedNanos: 4, Resource: r, Scope: sc,
		SeverityText: "warning", EventName: "session.start", Attributes: everyValue(),
		Severity: 13, DroppedAttributes: 5, Flags: 1,
	}}
	for _, a := range everyValue() {
		logs = append(logs, plait.LogRecord{Resource: r, Scope: sc, Body: a.Value})
	}
	return logs
}

func TestEveryFieldOfASpanSurvivesBothEncodings(t *testing.T) {
	t.Parallel()
	want := &plait.Traces{Spans: everySpan()}
	got, err := DecodeTraces(EncodeTraces(want.Spans))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("protobuf (-want +got):\n%s", diff)
	}
	if got, err = DecodeTracesJSON(EncodeTracesJSON(want.Spans)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestSpansAreGroupedByResourceAndScope(t *testing.T) {
	t.Parallel()
	a, b := &plait.Resource{SchemaURL: "a"}, &plait.Resource{SchemaURL: "b"}
	sc := &plait.Scope{Name: "scope"}
	got, err := DecodeTraces(EncodeTraces([]plait.Span{
		{Name: "1", Resource: a, Scope: sc}, {Name: "2", Resource: b, Scope: sc}, {Name: "3", Resource: a, Scope: sc},
	}))
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, s := range got.Spans {
		names += s.Name + s.Resource.SchemaURL + " "
	}
	if names != "1a 3a 2b " || got.Spans[0].Resource != got.Spans[1].Resource {
		t.Errorf("got %s", names)
	}
}

func TestALongAttributeListTakesTheMemoryOfItsLength(t *testing.T) {
	t.Parallel()
	const n = 200_000
	attributes := strings.Repeat(message(9), n)
	span := append([]byte{0x12}, binary.AppendUvarint(nil, uint64(len(attributes)))...)
	span = append(span, attributes...)
	scoped := append([]byte{0x12}, binary.AppendUvarint(nil, uint64(len(span)))...)
	scoped = append(scoped, span...)
	body := append([]byte{0x0a}, binary.AppendUvarint(nil, uint64(len(scoped)))...)
	body = append(body, scoped...)
	got, err := DecodeTraces(body)
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Spans[0].Attributes; len(a) != n || cap(a) != n {
		t.Errorf("%d attributes in a list for %d, want %d", len(a), cap(a), n)
	}
}

func TestEveryFieldOfALogRecordSurvivesBothEncodings(t *testing.T) {
	t.Parallel()
	want := &plait.Logs{Records: everyLog()}
	got, err := DecodeLogs(EncodeLogs(want.Records))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("protobuf (-want +got):\n%s", diff)
	}
	if got, err = DecodeLogsJSON(EncodeLogsJSON(want.Records)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestTheTestSetsEveryField fails when the vocabulary gets a field that everySpan and
// everyLog do not set, so that no encoding forgets it.
func TestTheTestSetsEveryField(t *testing.T) {
	t.Parallel()
	span, record := everySpan()[0], everyLog()[0]
	record.Body = plait.StringValue("set by the others")
	record.ID, span.KeptProbability = "given by the store", 0.1 // by the store, too
	for _, v := range []any{span, span.Events[0], span.Links[0], *span.Resource, *span.Scope, record} {
		fields := reflect.ValueOf(v)
		for i := range fields.NumField() {
			if fields.Field(i).IsZero() {
				t.Errorf("%T.%s is not set", v, fields.Type().Field(i).Name)
			}
		}
	}
}

// beforeEpoch finds times that protobuf has no way to say. Some are in the recordings.
var beforeEpoch = regexp.MustCompile(`UnixNano":"-[0-9]+"`)

// requests reads a file of one request a line.
func requests(t testing.TB, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for r := bufio.NewReader(z); ; {
		line, err := r.ReadBytes('\n')
		if len(line) > 1 {
			lines = append(lines, beforeEpoch.ReplaceAll(line, []byte(`UnixNano":"0"`)))
		}
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// recordings are the folders of recorded telemetry: the excerpt in the repository and, where it
// is there, the collection that it was taken from.
func recordings(t testing.TB) []string {
	t.Helper()
	var folders []string
	for _, pattern := range []string{"../../testdata/trainticket/case.json", "../../../shared/data/trainticket/*/*/case.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			folders = append(folders, filepath.Dir(f))
		}
	}
	if len(folders) == 0 {
		t.Fatal("the excerpt in testdata is gone")
	}
	return folders
}

func TestRecordedTracesReadTheSameInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, folder := range recordings(t) {
		for i, line := range requests(t, filepath.Join(folder, "traces.jsonl.gz")) {
			got, err := DecodeTracesJSON(line)
			if err != nil {
				t.Fatalf("%s line %d: %v", folder, i+1, err)
			}
			var u ptrace.JSONUnmarshaler
			slow, err := u.UnmarshalTraces(line)
			if err != nil {
				t.Fatal(err)
			}
			body, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(slow)
			if err != nil {
				t.Fatal(err)
			}
			want, err := DecodeTraces(body)
			if err != nil {
				t.Fatalf("%s line %d as protobuf: %v", folder, i+1, err)
			}
			if len(want.Spans) == 0 || !bytes.Equal(EncodeTraces(want.Spans), EncodeTraces(got.Spans)) {
				t.Errorf("%s line %d: JSON and protobuf differ", folder, i+1)
			}
		}
	}
}

func TestRecordedLogsReadTheSameInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, folder := range recordings(t) {
		for i, line := range requests(t, filepath.Join(folder, "logs.jsonl.gz")) {
			got, err := DecodeLogsJSON(line)
			if err != nil {
				t.Fatalf("%s line %d: %v", folder, i+1, err)
			}
			var u plog.JSONUnmarshaler
			slow, err := u.UnmarshalLogs(line)
			if err != nil {
				t.Fatal(err)
			}
			body, err := (&plog.ProtoMarshaler{}).MarshalLogs(slow)
			if err != nil {
				t.Fatal(err)
			}
			want, err := DecodeLogs(body)
			if err != nil {
				t.Fatalf("%s line %d as protobuf: %v", folder, i+1, err)
			}
			if len(want.Records) == 0 || !bytes.Equal(EncodeLogs(want.Records), EncodeLogs(got.Records)) {
				t.Errorf("%s line %d: JSON and protobuf differ", folder, i+1)
			}
		}
	}
}
