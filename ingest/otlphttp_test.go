package ingest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
)

// traceJSON is an OTLP/JSON request of one span.
func traceJSON(traceID, spanID, name string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
		"scopeSpans":[{"spans":[{"traceId":"` + traceID + `","spanId":"` + spanID + `","name":"` + name + `",
		"startTimeUnixNano":"1795000000000000000","endTimeUnixNano":"1795000001000000000"}]}]}]}`
}

func TestAnswersComeInTheRequestsEncoding(t *testing.T) {
	t.Parallel()
	ts := start(t)
	good := traceJSON("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "GET /")
	for _, c := range []struct{ name, media, body, wantMedia, want string }{
		{"JSON", "application/json", good, "application/json", "{}"},
		{"JSON with a charset", "application/json; charset=utf-8", good, "application/json", "{}"},
		{"protobuf", "application/x-protobuf", string(marshal(t, testTrace(1, "a"))), "application/x-protobuf", ""},
		{"an empty request", "application/x-protobuf", "", "application/x-protobuf", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ts.post(t, "/v1/traces", strings.NewReader(c.body), "Content-Type: "+c.media)
			if a.code != http.StatusOK || a.body != c.want || a.header.Get("Content-Type") != c.wantMedia {
				t.Errorf("answer %d %q of type %q, want 200 %q of type %q", a.code, a.body, a.header.Get("Content-Type"), c.want, c.wantMedia)
			}
		})
	}
	id := plait.TraceID{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}
	if diff := cmp.Diff([]string{"GET /"}, ts.spanNames(t, id)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestFailuresAreStatusMessagesInTheRequestsEncoding(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	a := ts.post(t, "/v1/logs", strings.NewReader(`{"resourceLogs": 7}`), "Content-Type: application/json")
	var st spb.Status
	if err := protojson.Unmarshal([]byte(a.body), &st); err != nil {
		t.Fatalf("answer %d %q is no google.rpc.Status: %v", a.code, a.body, err)
	}
	if a.code != http.StatusBadRequest || codes.Code(st.Code) != codes.InvalidArgument || !strings.Contains(st.Message, "resourceLogs") {
		t.Errorf("answer %d %v", a.code, &st)
	}
	a = ts.protobuf(t, "/v1/logs", []byte{0x0a, 0xff})
	if err := proto.Unmarshal([]byte(a.body), &st); err != nil {
		t.Fatalf("answer %d %q is no google.rpc.Status: %v", a.code, a.body, err)
	}
	if a.code != http.StatusBadRequest || codes.Code(st.Code) != codes.InvalidArgument || a.header.Get("Content-Type") != mediaProtobuf {
		t.Errorf("answer %d %v", a.code, &st)
	}
}

func TestBadSpansAmongGoodOnesAreRefusedAloneWithTheReason(t *testing.T) {
	t.Parallel()
	ts := start(t)
	request := testTrace(3, "first", "nobody", "third")
	request.ResourceSpans[0].ScopeSpans[0].Spans[1].SpanId = make([]byte, 8)
	a := ts.protobuf(t, "/v1/traces", marshal(t, request))
	var response coltrace.ExportTraceServiceResponse
	if err := proto.Unmarshal([]byte(a.body), &response); err != nil {
		t.Fatalf("answer %d %q: %v", a.code, a.body, err)
	}
	partial := response.GetPartialSuccess()
	if a.code != http.StatusOK || partial.GetRejectedSpans() != 1 || !strings.Contains(partial.GetErrorMessage(), "span id") {
		t.Errorf("answer %d %v", a.code, partial)
	}
	if diff := cmp.Diff([]string{"first", "third"}, ts.spanNames(t, testTraceID(3))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"first", "third"}, ts.observer.seen()); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestARepeatedRequestIsStoredAndObservedOnce(t *testing.T) {
	t.Parallel()
	ts := start(t)
	body := marshal(t, testTrace(4, "only"))
	for range 3 {
		if a := ts.protobuf(t, "/v1/traces", body); a.code != http.StatusOK {
			t.Fatalf("answer %d %q", a.code, a.body)
		}
	}
	// Compressed it is the same request.
	if a := ts.protobuf(t, "/v1/traces", gzipped(t, body), "Content-Encoding: gzip"); a.code != http.StatusOK {
		t.Fatalf("answer %d %q", a.code, a.body)
	}
	if diff := cmp.Diff([]string{"only"}, ts.observer.seen()); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	want := map[string]float64{"ok otlp_http": 1, "duplicate otlp_http": 3}
	if diff := cmp.Diff(want, counted(t, ts.registry, "plait_ingest_requests_total")); diff != "" {
		t.Errorf("requests counted (-want +got):\n%s", diff)
	}
}

func TestWrongRequestsAreToldWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	for _, c := range []struct {
		name, method, path, media string
		code                      int
		says                      string
	}{
		{"unknown path", http.MethodPost, "/v1/spans", mediaJSON, 404, "/v1/traces /v1/logs /v1/metrics"},
		{"root", http.MethodGet, "/", "", 404, `unknown path "/"`},
		{"wrong method", http.MethodGet, "/v1/traces", "", 405, "/v1/traces takes POST, not GET"},
		{"wrong type", http.MethodPost, "/v1/traces", "text/csv", 415, "send application/x-protobuf or application/json"},
		{"no type", http.MethodPost, "/v1/traces", "", 415, "send application/x-protobuf or application/json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+ts.HTTPAddr().String()+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", c.media)
			if a := ts.do(t, req); a.code != c.code || !strings.Contains(a.body, c.says) {
				t.Errorf("answer %d %q, want %d with %q", a.code, a.body, c.code, c.says)
			}
		})
	}
}

func TestGRPCAtThePortForHTTPIsToldWhereToGo(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ts.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	told, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if want := "OTLP/gRPC has a port of its own, " + ts.GRPCAddr().String(); !strings.Contains(string(told), want) {
		t.Errorf("the port for HTTP says %q, want %q", told, want)
	}
}

func TestOverloadIsAnsweredAtOnceOverHTTP(t *testing.T) {
	t.Parallel()
	var g *gate
	ts := start(t, withGate(&g), func(c *Config, _ *Deps) { c.MaxBodyBytes, c.MaxInFlightBytes = 1<<20, 2<<20+32<<10 })
	first := make(chan answered)
	body := marshal(t, testTrace(5, repeat(700, strings.Repeat("x", 1000))...))
	go func() { first <- ts.protobuf(t, "/v1/traces", body) }()
	<-g.waiting
	for range 3 {
		a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(6, repeat(700, strings.Repeat("y", 1000))...)))
		var st spb.Status
		if err := proto.Unmarshal([]byte(a.body), &st); err != nil {
			t.Fatal(err)
		}
		if a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" || retryDelay(t, &st) == nil {
			t.Errorf("answer %d %v, want 429 that says when to come back", a.code, &st)
		}
	}
	close(g.open)
	if a := <-first; a.code != http.StatusOK {
		t.Errorf("the request that was taken: %d %q", a.code, a.body)
	}
	if a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(6, "later"))); a.code != http.StatusOK {
		t.Errorf("after the overload: %d %q", a.code, a.body)
	}
}

func retryDelay(t *testing.T, st *spb.Status) *errdetails.RetryInfo {
	t.Helper()
	for _, d := range st.Details {
		var info errdetails.RetryInfo
		if d.MessageIs(&info) {
			if err := d.UnmarshalTo(&info); err != nil {
				t.Fatal(err)
			}
			return &info
		}
	}
	return nil
}

func TestABodyThatIsReadInPartIsNotTaken(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	body := marshal(t, testTrace(8, "a", "b"))
	a := ts.post(t, "/v1/traces", bytes.NewReader(body[:len(body)-3]), "Content-Type: application/x-protobuf")
	if a.code != http.StatusBadRequest {
		t.Errorf("answer %d %q, want 400", a.code, a.body)
	}
	if len(ts.observer.seen()) != 0 {
		t.Error("spans of a truncated request were taken")
	}
}
