package ingest

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
)

var update = flag.Bool("update", false, "rewrite docs/bad-input.md and testdata/captured with what came out")

const badInputHead = `# Bad input and how Plait responds

Each line was sent to a running gateway over OTLP/HTTP, or to the ways in of Loki, of log lines and of other tracers where it says so; the same goes for OTLP/gRPC, which shares all but the framing.
A test sends them again and compares (` + "`go test ./ingest -run TestBadInput -update`" + ` rewrites this page). Limits are settings;
those here are the defaults. Everything is counted by reason in ` + "`plait_ingest_refused_total` and `plait_ingest_repaired_total`" + `.

| sent | answer | stored |
| --- | --- | --- |
`

// badInput is a request that somebody should not have sent.
type badInput struct {
	sent     string
	path     string // /v1/traces when empty
	media    string // protobuf when empty
	encoding string
	body     func(t *testing.T) io.Reader
	// stored reads back what became of it.
	stored func(t *testing.T, ts *testServer) string
}

func TestBadInputIsAnsweredAsDocumented(t *testing.T) {
	t.Parallel()
	ts := start(t)
	page := bytes.NewBufferString(badInputHead)
	for _, c := range badInputs() {
		a := ts.sendBad(t, c)
		fmt.Fprintf(page, "| %s | %s | %s |\n", c.sent, a, c.stored(t, ts))
		if after := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(255, "alive"))); after.code != http.StatusOK {
			t.Fatalf("after %s a good request is answered %d %q", c.sent, after.code, after.body)
		}
	}
	const file = "../docs/bad-input.md"
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("%s is not what happens (-page +answers):\n%s", file, diff)
	}
}

// sendBad sends a request and returns its answer as the page shows it.
func (ts *testServer) sendBad(t *testing.T, c badInput) string {
	t.Helper()
	path, media := c.path, c.media
	if path == "" {
		path = "/v1/traces"
	}
	if media == "" {
		media = mediaProtobuf
	}
	headers := []string{"Content-Type: " + media}
	if c.encoding != "" {
		headers = append(headers, "Content-Encoding: "+c.encoding)
	}
	a := ts.post(t, path, c.body(t), headers...)
	if !strings.HasPrefix(path, "/v1/") { // no answer of OTLP
		return strings.TrimSuffix(strings.TrimSpace(fmt.Sprintf("%d: %s", a.code, a.body)), ":")
	}
	decode := proto.Unmarshal
	if media == mediaJSON {
		decode = protojson.Unmarshal
	}
	if a.code == http.StatusOK {
		var response coltrace.ExportTraceServiceResponse // those of the other signals differ in a name
		if err := decode([]byte(strings.Replace(a.body, "rejectedDataPoints", "rejectedSpans", 1)), &response); err != nil {
			t.Fatalf("%s: answer %q: %v", c.sent, a.body, err)
		}
		if p := response.GetPartialSuccess(); p != nil {
			return fmt.Sprintf("200, partial success, %d rejected: %s", p.GetRejectedSpans(), p.GetErrorMessage())
		}
		return "200"
	}
	var st spb.Status
	if err := decode([]byte(a.body), &st); err != nil {
		t.Fatalf("%s: answer %d %q: %v", c.sent, a.code, a.body, err)
	}
	return fmt.Sprintf("%d: %s", a.code, st.Message)
}

// nothing is stored of a request that is refused whole.
func nothing(*testing.T, *testServer) string { return "nothing" }

func fixed(b []byte) func(*testing.T) io.Reader {
	return func(*testing.T) io.Reader { return bytes.NewReader(b) }
}

// spans is a request whose good span, number's, was changed.
func spans(number byte, change func(*tracepb.Span)) func(*testing.T) io.Reader {
	return func(t *testing.T) io.Reader {
		request := testTrace(number, "bad", "good")
		s := request.ResourceSpans[0].ScopeSpans[0].Spans[0]
		s.StartTimeUnixNano, s.EndTimeUnixNano = 1_795_000_000_000_000_000, 1_795_000_000_000_000_500
		change(s)
		return bytes.NewReader(marshal(t, request))
	}
}

// storedSpan describes the span that spans changed.
func storedSpan(number byte, describe func(*plait.Span) string) func(*testing.T, *testServer) string {
	return func(t *testing.T, ts *testServer) string {
		t.Helper()
		trace, err := ts.store.Trace(t.Context(), testTraceID(number), 10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range trace.Spans {
			if s := &trace.Spans[i]; s.SpanID == (plait.SpanID{1, 2, 3, 4, 5, 6, 7, 1}) {
				return describe(s)
			}
		}
		if len(trace.Spans) == 1 && trace.Spans[0].Name == "good" {
			return "the other span of the request"
		}
		return fmt.Sprintf("%d spans", len(trace.Spans))
	}
}

func badInputs() []badInput {
	var cases []badInput
	cases = append(cases, malformedInputs()...)
	cases = append(cases, oversizedInputs()...)
	cases = append(cases, flawedSpans()...)
	cases = append(cases, flawedMetrics()...)
	cases = append(cases, flawedPushes()...)
	cases = append(cases, flawedForeignSpans()...)
	return append(cases, flawedAttributes()...)
}

func malformedInputs() []badInput {
	return []badInput{
		{sent: "protobuf that ends early", stored: nothing, body: func(t *testing.T) io.Reader {
			b := marshal(t, testTrace(20, "a", "b"))
			return bytes.NewReader(b[:len(b)-5])
		}},
		{sent: "bytes that are no protobuf", stored: nothing, body: fixed([]byte("hello"))},
		{sent: "JSON of the wrong shape", stored: nothing, media: mediaJSON,
			body: fixed([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":"none"}]}]}`))},
		{sent: "JSON that ends early", stored: nothing, media: mediaJSON, body: fixed([]byte(`{"resourceSpans":[{`))},
		{sent: "a log request of the wrong shape", stored: nothing, media: mediaJSON, path: "/v1/logs",
			body: fixed([]byte(`{"resourceLogs":{"scopeLogs":[]}}`))},
		{sent: "text that claims to be gzip", stored: nothing, encoding: "gzip", body: fixed([]byte("hello"))},
	}
}

func oversizedInputs() []badInput {
	return []badInput{
		{sent: "a body of 100 MiB", stored: nothing, body: fixed(make([]byte, 100<<20))},
		{sent: "the same in chunks, of unknown length", stored: nothing, body: func(*testing.T) io.Reader { return zeros(100 << 20) }},
		{sent: "a gzip bomb, 100 MiB in 100 kB", stored: nothing, encoding: "gzip",
			body: func(t *testing.T) io.Reader { return bytes.NewReader(gzipped(t, make([]byte, 100<<20))) }},
		{sent: "a zstd bomb, 100 MiB in 10 kB", stored: nothing, encoding: "zstd",
			body: func(t *testing.T) io.Reader { return bytes.NewReader(zstded(t, make([]byte, 100<<20))) }},
		{sent: "16 MB of spans of two bytes, which would decode to 2 GB", stored: nothing, body: func(*testing.T) io.Reader {
			scoped := bytes.Repeat(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), nil), 8_000_000)
			for _, field := range []protowire.Number{2, 1} { // of its resource, of the request
				scoped = protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), scoped)
			}
			return bytes.NewReader(scoped)
		}},
	}
}

func flawedSpans() []badInput {
	times := func(s *plait.Span) string {
		return fmt.Sprintf("start %d, duration %d ns", s.StartNanos, s.DurationNanos())
	}
	status := func(s *plait.Span) string { return "status " + s.Status.String() }
	return []badInput{
		{sent: "a span whose trace id is zero, beside a good one", stored: storedSpan(30, times),
			body: spans(30, func(s *tracepb.Span) { s.TraceId = make([]byte, 16) })},
		{sent: "a span without a span id, beside a good one", stored: storedSpan(31, times),
			body: spans(31, func(s *tracepb.Span) { s.SpanId = nil })},
		{sent: "a span whose trace id has 7 bytes, beside a good one", stored: storedSpan(32, times),
			body: spans(32, func(s *tracepb.Span) { s.TraceId = s.TraceId[:7] })},
		{sent: "a span that ends before it starts", stored: storedSpan(33, times),
			body: spans(33, func(s *tracepb.Span) { s.EndTimeUnixNano = s.StartTimeUnixNano - 1000 })},
		{sent: "a span without times", stored: storedSpan(34, times),
			body: spans(34, func(s *tracepb.Span) { s.StartTimeUnixNano, s.EndTimeUnixNano = 0, 0 })},
		{sent: "a span of the last moment that OTLP can express (2554)", stored: storedSpan(35, times),
			body: spans(35, func(s *tracepb.Span) { s.StartTimeUnixNano, s.EndTimeUnixNano = math.MaxUint64, math.MaxUint64 })},
		{sent: "a span whose status code is `ERROR`", media: mediaJSON, body: jsonStatus(38, "ERROR"), stored: storedSpan(38, status)},
		{sent: "a span whose status code is `BROKEN`", media: mediaJSON, body: jsonStatus(39, "BROKEN"), stored: nothing},
		{sent: "JSON of a span whose name is a number, beside a good one", media: mediaJSON,
			stored: storedSpan(29, func(*plait.Span) string { return "the other span of the request" }),
			body:   fixed([]byte(strings.Replace(traceJSON(testTraceID(29).String(), "0102030405060701", "GET /"), `"spans":[`, `"spans":[{"name":5},`, 1)))},
		jsonTime(36, "a span of the year 1, which OTLP cannot express", "-62135596800000000000", times),
		jsonTime(37, "a span of the year 9999, which OTLP cannot express", "253402214400000000000", times),
		{sent: "a log record without time, ids and body", path: "/v1/logs", stored: func(*testing.T, *testServer) string { return "at its time of arrival" },
			body: func(t *testing.T) io.Reader {
				return bytes.NewReader(marshal(t, &collogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
					ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{}}}}}}}))
			}},
	}
}

func jsonStatus(number byte, code string) func(*testing.T) io.Reader {
	request := traceJSON(testTraceID(number).String(), "0102030405060701", "GET /")
	return fixed([]byte(strings.Replace(request, `"name":`, `"status":{"code":"`+code+`"},"name":`, 1)))
}

func jsonTime(number byte, sent, nanos string, describe func(*plait.Span) string) badInput {
	request := traceJSON(testTraceID(number).String(), "0102030405060701", "GET /")
	for _, good := range []string{"1795000000000000000", "1795000001000000000"} {
		request = strings.Replace(request, good, nanos, 1)
	}
	return badInput{sent: sent, media: mediaJSON, body: fixed([]byte(request)), stored: storedSpan(number, describe)}
}

// flawedMetrics are requests of a metric that has something wrong, and of a good one.
func flawedMetrics() []badInput {
	request := func(sent, number, metrics string) badInput {
		good := `{"name":"good` + number + `","gauge":{"dataPoints":[{"timeUnixNano":"1795000000000000000","asInt":1}]}}`
		return badInput{sent: sent, path: "/v1/metrics", media: mediaJSON, stored: storedMetrics(number), body: fixed([]byte(
			`{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeMetrics":[` + metrics + `,{"metrics":[` + good + `]}]}]}`))}
	}
	sum := func(name, scope, point string) string {
		return `{"scope":{"name":"` + scope + `"},"metrics":[{"name":"` + name + `","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1795000000000000000",` + point + `}]}}]}`
	}
	buckets := strings.Repeat("1,", 500_000) + "1"
	return []badInput{
		request("a data point with an exemplar whose trace id has 8 bytes", "50",
			sum("refunds50", "a", `"asInt":2,"exemplars":[{"asInt":1,"traceId":"23456789a1bfef97"}]`)),
		request("a metric of two scopes, which have one series in Prometheus's names", "51",
			sum("requests51", "lib.http", `"asInt":3`)+","+sum("requests51", "lib.grpc", `"asInt":4`)),
		request("a metric whose name has 3,000 bytes, beside a good one", "52", sum(strings.Repeat("n", 3000), "a", `"asInt":3`)),
		request("a label whose value nests 1,000 deep", "53", sum("deep53", "a", `"asInt":3,"attributes":[{"key":"k","value":`+
			strings.Repeat(`{"arrayValue":{"values":[`, 1000)+"{}"+strings.Repeat("]}}", 1000)+`}]`)),
		request("a histogram of 500,000 buckets, beside a good metric", "54",
			`{"metrics":[{"name":"wide54","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1795000000000000000","bucketCounts":[`+buckets+`]}]}}]}`),
		request("a temporality that OTLP does not define, beside a good metric", "55",
			strings.Replace(sum("odd55", "a", `"asInt":3`), `:2,"isMonotonic"`, `:"SIDEWAYS","isMonotonic"`, 1)),
	}
}

// storedMetrics lists the metrics that end in a number, and how many samples each has.
func storedMetrics(number string) func(*testing.T, *testServer) string {
	return func(t *testing.T, ts *testServer) string {
		t.Helper()
		found, err := ts.store.Series(t.Context(), []plait.Matcher{{Name: "__name__", Op: plait.MatchRegexp, Value: ".*" + number + "(_.*)?"}}, plait.TimeRange{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, ls := range found {
			names = append(names, "`"+ls.Get("__name__")+"`")
		}
		return strings.Join(names, ", ")
	}
}

// unstorable takes the place of marker in encoded messages: protobuf's own encoder refuses it.
const (
	marker     = "@@@@"
	unstorable = "a\x00\xff\xc3"
)

func flawedAttributes() []badInput {
	size := func(s *plait.Span) string {
		return fmt.Sprintf("%d attributes, %d dropped", len(s.Attributes), s.DroppedAttributes)
	}
	attributes := func(n int) func(*tracepb.Span) {
		return func(s *tracepb.Span) {
			for i := range n {
				s.Attributes = append(s.Attributes, &commonpb.KeyValue{Key: fmt.Sprintf("key-%d", i), Value: textValue("v")})
			}
		}
	}
	value := func(describe func(plait.Value) string) func(*plait.Span) string {
		return func(s *plait.Span) string {
			v, _ := s.Attributes.Get("k")
			return describe(v)
		}
	}
	return []badInput{
		{sent: "NUL and invalid UTF-8 in every string field", body: everyField(40), stored: storedSpan(40, everyText)},
		{sent: "10,000 attributes", body: spans(41, attributes(10_000)), stored: storedSpan(41, size)},
		{sent: "10,001 attributes", body: spans(42, attributes(10_001)), stored: storedSpan(42, size)},
		{sent: "an attribute of 10 MB", body: spans(43, func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "k", Value: textValue(strings.Repeat("x", 10_000_000))}}
		}), stored: storedSpan(43, value(func(v plait.Value) string {
			return fmt.Sprintf("%d bytes of it, ending in `%s`", len(v.Str()), v.Str()[strings.Index(v.Str(), "…"):])
		}))},
		{sent: "a value nested 1,000 deep", body: spans(44, func(s *tracepb.Span) {
			s.Attributes = []*commonpb.KeyValue{{Key: "k", Value: nestedValue(1000)}}
		}), stored: storedSpan(44, value(func(v plait.Value) string {
			return fmt.Sprintf("%d levels, then `%s`", strings.Count(v.Str(), "["), strings.Trim(v.Str(), "[]"))
		}))},
		{sent: "an attribute key three times", body: spans(45, func(s *tracepb.Span) {
			for i := range 3 {
				s.Attributes = append(s.Attributes, &commonpb.KeyValue{Key: "k", Value: textValue(fmt.Sprint("value ", i+1))})
			}
		}), stored: storedSpan(45, func(s *plait.Span) string { return fmt.Sprintf("`%s`", s.Attributes.AppendJSON(nil)) })},
		{sent: "a span name of 5,000 bytes", body: spans(46, func(s *tracepb.Span) { s.Name = strings.Repeat("n", 5000) }),
			stored: storedSpan(46, func(s *plait.Span) string {
				return fmt.Sprintf("%d bytes of it, ending in `%s`", len(s.Name), s.Name[strings.Index(s.Name, "…"):])
			})},
	}
}

func nestedValue(depth int) *commonpb.AnyValue {
	v := textValue("innermost")
	for range depth {
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{v}}}}
	}
	return v
}

// everyField is a span with text that cannot be stored in each of its string fields.
func everyField(number byte) func(*testing.T) io.Reader {
	return func(t *testing.T) io.Reader {
		pair := func(name string) []*commonpb.KeyValue {
			return []*commonpb.KeyValue{{Key: name + marker, Value: textValue(marker)}}
		}
		request := testTrace(number, marker)
		batch := request.ResourceSpans[0]
		batch.SchemaUrl = marker
		batch.Resource.Attributes = append(batch.Resource.Attributes, pair("resource")...)
		scoped := batch.ScopeSpans[0]
		scoped.SchemaUrl = marker
		scoped.Scope = &commonpb.InstrumentationScope{Name: marker, Version: marker, Attributes: pair("scope")}
		s := scoped.Spans[0]
		s.TraceState, s.Status = marker, &tracepb.Status{Message: marker, Code: tracepb.Status_STATUS_CODE_ERROR}
		s.Attributes = append(pair("span"), &commonpb.KeyValue{Key: "array", Value: &commonpb.AnyValue{
			Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{textValue(marker)}}}}})
		s.Events = []*tracepb.Span_Event{{Name: marker, Attributes: pair("event")}}
		s.Links = []*tracepb.Span_Link{{TraceId: s.TraceId, SpanId: s.SpanId, TraceState: marker, Attributes: pair("link")}}
		return bytes.NewReader(bytes.ReplaceAll(marshal(t, request), []byte(marker), []byte(unstorable)))
	}
}

// everyText says what all string fields of a span hold, if it is the same in all.
func everyText(s *plait.Span) string {
	pair := func(a plait.Attributes, name string) string {
		v, _ := a.Get(name + "a\ufffd\ufffd\ufffd")
		return v.Str()
	}
	array, _ := s.Attributes.Get("array")
	texts := []string{
		s.Name, s.TraceState, s.StatusMessage, s.Scope.Name, s.Scope.Version, s.Scope.SchemaURL, s.Resource.SchemaURL,
		s.Events[0].Name, s.Links[0].TraceState, strings.Trim(array.Str(), `["]`),
		pair(s.Attributes, "span"), pair(s.Resource.Attributes, "resource"), pair(s.Scope.Attributes, "scope"),
		pair(s.Events[0].Attributes, "event"), pair(s.Links[0].Attributes, "link"),
	}
	for i, text := range texts {
		if text != texts[0] {
			return fmt.Sprintf("field %d is %q, others %q", i, text, texts[0])
		}
	}
	return fmt.Sprintf("`a`, NUL and two bad bytes became `%s` in all %d", texts[0], len(texts))
}
