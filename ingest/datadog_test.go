package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// datadogSpan is a span of the checkout, as all formats have it.
type datadogSpan struct {
	name, resource, kind string
	id, parent           uint64
	start, took          int64
	failed               int
	meta                 [][2]string
}

func datadogCheckout(number byte) (trace uint64, high string, spans []datadogSpan) {
	id := testTraceID(number)
	return binary.BigEndian.Uint64(id[8:]), fmt.Sprintf("%x", id[:8]), []datadogSpan{
		{"web.request", "GET /cart", "web", 0x0102030405060701, 0, checkoutStart, checkoutTook, 0, [][2]string{{"http.method", "GET"}}},
		{"http.request", "charge card", "http", 0x0102030405060702, 0x0102030405060701, chargeStart, chargeTook, 1, [][2]string{{"error.message", "refused"}}},
	}
}

// datadogMap is a map of MessagePack with the given items in it.
func datadogMap(pairs int, items ...[]byte) []byte {
	return append(msgp.AppendMapHeader(nil, uint32(pairs)), joinBytes(items...)...)
}

func datadogList(items ...[]byte) []byte {
	return append(msgp.AppendArrayHeader(nil, uint32(len(items))), joinBytes(items...)...)
}

func mpText(texts ...string) (b []byte) {
	for _, text := range texts {
		b = msgp.AppendString(b, text)
	}
	return b
}

// pack is a span of formats 0.3, 0.4 and 0.7.
func (s *datadogSpan) pack(trace uint64, high string) []byte {
	meta := [][]byte{mpText("_dd.p.tid", high)}
	if high == "" {
		meta = nil
	}
	for _, m := range s.meta {
		meta = append(meta, mpText(m[0], m[1]))
	}
	b := msgp.AppendMapHeader(nil, 11)
	b = append(b, mpText("service", "shop", "name", s.name, "resource", s.resource, "type", s.kind, "trace_id")...)
	b = append(msgp.AppendUint64(b, trace), mpText("span_id")...)
	b = append(msgp.AppendUint64(b, s.id), mpText("parent_id")...)
	b = append(msgp.AppendUint64(b, s.parent), mpText("start")...)
	b = append(msgp.AppendInt64(b, s.start), mpText("duration")...)
	b = append(msgp.AppendInt64(b, s.took), mpText("error")...)
	b = append(msgp.AppendInt(b, s.failed), mpText("meta")...)
	return append(b, datadogMap(len(meta), meta...)...)
}

// datadogBad is a span without an id.
var datadogBad = datadogMap(2, mpText("name", "bad", "trace_id"), msgp.AppendInt(nil, 1))

func datadogLists(number byte, more ...[]byte) []byte {
	trace, high, spans := datadogCheckout(number)
	return datadogList(datadogList(append([][]byte{spans[0].pack(trace, high), spans[1].pack(trace, "")}, more...)...))
}

func datadogPayload(number byte, more ...[]byte) []byte {
	trace, high, spans := datadogCheckout(number)
	chunk := datadogMap(2, mpText("spans"), datadogList(append([][]byte{spans[0].pack(trace, ""), spans[1].pack(trace, "")}, more...)...),
		mpText("tags"), datadogMap(1, mpText("_dd.p.tid", high)))
	return datadogMap(2, mpText("chunks"), datadogList(chunk), mpText("env", "prod"))
}

func datadogJSON(number byte, more string) []byte {
	trace, high, spans := datadogCheckout(number)
	var texts []string
	for i, s := range spans {
		meta := ""
		for _, m := range s.meta {
			meta += fmt.Sprintf(`,%q:%q`, m[0], m[1])
		}
		texts = append(texts, fmt.Sprintf(`{"service":"shop","name":%q,"resource":%q,"type":%q,"trace_id":%d,"span_id":%d,"parent_id":%d,"start":%d,"duration":%d,"error":%d,"meta":{"n":"%d"%s}}`,
			s.name, s.resource, s.kind, trace, s.id, s.parent, s.start, s.took, s.failed, i, strings.Replace(meta, ",", `,"_dd.p.tid":"`+high+`",`, 1)))
	}
	return []byte("[[" + strings.Join(texts, ",") + more + "]]")
}

// datadogIndexed is the checkout in format 0.5, with as many more spans whose id is missing.
func datadogIndexed(number byte, bad int) []byte {
	trace, high, spans := datadogCheckout(number)
	var texts []string
	index := func(text string) []byte {
		texts = append(texts, text)
		return msgp.AppendInt(nil, len(texts)-1)
	}
	var items [][]byte
	for _, s := range append(spans, make([]datadogSpan, bad)...) {
		name := s.name
		if name == "" {
			name = "bad"
		}
		meta := [][]byte{index("_dd.p.tid"), index(high)}
		for _, m := range s.meta {
			meta = append(meta, index(m[0]), index(m[1]))
		}
		items = append(items, datadogList(index("shop"), index(name), index(s.resource), msgp.AppendUint64(nil, trace), msgp.AppendUint64(nil, s.id), msgp.AppendUint64(nil, s.parent),
			msgp.AppendInt64(nil, s.start), msgp.AppendInt64(nil, s.took), msgp.AppendInt(nil, s.failed), datadogMap(len(meta)/2, meta...), datadogMap(0), index(s.kind)))
	}
	var strings [][]byte
	for _, text := range texts {
		strings = append(strings, mpText(text))
	}
	return datadogList(datadogList(strings...), datadogList(datadogList(items...)))
}

func datadogDoors() []traceDoor {
	const reason = `1 refused: span 2 (\"bad\" of service \"unknown_service\"): its span id is missing or all zeros`
	ofNumber := func(body func(byte, ...[]byte) []byte) func(testing.TB, byte) []byte {
		return func(_ testing.TB, number byte) []byte { return body(number) }
	}
	flawed := func(body func(byte, ...[]byte) []byte) func(testing.TB, byte) []byte {
		return func(_ testing.TB, number byte) []byte { return body(number, datadogBad) }
	}
	msgpack := []string{"Content-Type: application/msgpack"}
	return []traceDoor{
		{name: "Datadog 0.3", path: "/v0.3/traces", method: http.MethodPut, headers: msgpack, code: http.StatusOK, checkout: ofNumber(datadogLists), flawed: flawed(datadogLists),
			reason: strings.ReplaceAll(reason, `\`, ""), malformed: "hello"},
		{name: "Datadog 0.4", path: "/v0.4/traces", headers: msgpack, code: http.StatusOK, checkout: ofNumber(datadogLists), flawed: flawed(datadogLists), reason: reason, malformed: "hello"},
		{name: "Datadog 0.4 JSON", path: "/v0.4/traces", method: http.MethodPut, headers: []string{"Content-Type: application/json"}, code: http.StatusOK,
			checkout: func(_ testing.TB, number byte) []byte { return datadogJSON(number, "") },
			flawed:   func(_ testing.TB, number byte) []byte { return datadogJSON(number, `,{"name":"bad","trace_id":1}`) },
			reason:   reason, malformed: `{"name":1}`},
		{name: "Datadog 0.5", path: "/v0.5/traces", headers: msgpack, code: http.StatusOK,
			checkout: func(_ testing.TB, number byte) []byte { return datadogIndexed(number, 0) },
			flawed:   func(_ testing.TB, number byte) []byte { return datadogIndexed(number, 1) },
			reason:   strings.Replace(reason, "unknown_service", "shop", 1), malformed: "hello"},
		{name: "Datadog 0.7", path: "/v0.7/traces", method: http.MethodPut, headers: msgpack, code: http.StatusOK, checkout: ofNumber(datadogPayload), flawed: flawed(datadogPayload), reason: reason, malformed: "hello"},
	}
}

func TestDatadogsAnswersTellToKeepAll(t *testing.T) {
	t.Parallel()
	ts := start(t)
	for path, want := range map[string]string{"/v0.3/traces": "OK\n", "/v0.4/traces": `{"rate_by_service":{"service:,env:":1}}`, "/v0.5/traces": `{"rate_by_service":{"service:,env:":1}}`} {
		body := datadogList() // as tracers send to see whether there is an agent
		if path == "/v0.5/traces" {
			body = datadogList(datadogList(), datadogList())
		}
		if a := ts.post(t, path, bytes.NewReader(body), "Content-Type: application/msgpack"); a.code != http.StatusOK || a.body != want {
			t.Errorf("%s: %d %q", path, a.code, a.body)
		}
	}
	if a := ts.post(t, "/v0.7/traces", strings.NewReader("{}"), "Content-Type: application/json"); a.code != http.StatusUnsupportedMediaType || !strings.Contains(a.body, "send application/msgpack") {
		t.Errorf("JSON of format 0.7: %d %q", a.code, a.body)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ts.HTTPAddr().String()+"/v0.4/traces", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if a := ts.do(t, request); a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") != "PUT, POST" || !strings.Contains(a.body, "takes PUT and POST, not GET") {
		t.Errorf("GET: %d %q, allowed %q", a.code, a.body, a.header.Get("Allow"))
	}
}

func TestDatadogsHeadersTellOfTheTracer(t *testing.T) {
	t.Parallel()
	ts := start(t)
	a := ts.post(t, "/v0.4/traces", bytes.NewReader(datadogLists(1)), "Content-Type: application/msgpack", "Datadog-Meta-Lang: python", "Datadog-Meta-Tracer-Version: 3.1",
		"Datadog-Container-Id: abc")
	trace, err := ts.store.Trace(t.Context(), testTraceID(1), 10)
	if err != nil || a.code != http.StatusOK {
		t.Fatalf("%d %q, %v", a.code, a.body, err)
	}
	const want = `{"service.name":"shop","container.id":"abc","telemetry.sdk.name":"datadog","telemetry.sdk.language":"python","telemetry.sdk.version":"3.1"}`
	if got := string(trace.Spans[0].Resource.Attributes.AppendJSON(nil)); got != want {
		t.Errorf("the resource is %s, want %s", got, want)
	}
}

func TestWhatATracerAsksItsAgentBesidesIsNotRefused(t *testing.T) {
	t.Parallel()
	ts := start(t)
	for _, path := range []string{"/info", "/v0.6/stats", "/v0.7/config", "/telemetry/proxy/api/v2/apmtelemetry"} {
		if a := ts.post(t, path, strings.NewReader("{}")); a.code != http.StatusNotFound || !strings.Contains(a.body, "as a Datadog agent does") {
			t.Errorf("%s: %d %q", path, a.code, a.body)
		}
	}
	if reports := ts.Intake(); len(reports) != 0 {
		t.Errorf("%+v", reports)
	}
	if a := ts.post(t, "/information", strings.NewReader("{}")); a.code != http.StatusNotFound || !strings.Contains(a.body, "unknown path") || len(ts.Intake()) != 1 {
		t.Errorf("an unknown path: %d %q, %+v", a.code, a.body, ts.Intake())
	}
}

func flawedDatadogSpans() []badInput {
	send := func(number byte, sent, path string, body []byte) badInput {
		return badInput{sent: "Datadog: " + sent, path: path, media: mediaMsgpack, body: func(*testing.T) io.Reader { return bytes.NewReader(body) }, stored: storedTrace(number)}
	}
	return []badInput{
		send(110, "a span without an id, beside good ones", "/v0.4/traces", datadogLists(110, datadogBad)),
		send(111, "a span whose tags are a text, beside good ones", "/v0.4/traces", datadogLists(111, datadogMap(2, mpText("name", "bad", "meta", "text")))),
		send(112, "traces that end early", "/v0.4/traces", shortened(datadogLists(112))),
		send(113, "a list that says it has 4 billion traces", "/v0.4/traces", []byte("\xdd\xff\xff\xff\xff")),
		send(114, "16 MB of lists in lists", "/v0.4/traces", bytes.Repeat([]byte("\x91"), 16<<20)),
		send(115, "5 MB of empty spans", "/v0.4/traces", joinBytes([]byte("\x91\xdd"), binary.BigEndian.AppendUint32(nil, 5_000_000), bytes.Repeat([]byte("\x80"), 5_000_000))),
	}
}
