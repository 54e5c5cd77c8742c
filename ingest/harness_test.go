package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// testServer is a running Server on ports of its own.
type testServer struct {
	*Server
	store    *store.Store // nil for servers that serve has started
	observer *observer
	registry *prometheus.Registry
	client   *http.Client
	stop     func() error // ends Run and returns its error
}

var _ Writer = (*store.Store)(nil)

// start runs a server with a real store behind it. Each change alters its configuration or what
// it works with.
func start(t testing.TB, changes ...func(*Config, *Deps)) *testServer {
	t.Helper()
	st := storetest.New(t)
	withStore := func(_ *Config, d *Deps) { d.Writer = st }
	ts := serve(t, append([]func(*Config, *Deps){withStore}, changes...)...)
	ts.store = st
	return ts
}

// serve runs a server without a Writer, for what never comes so far, unless a change sets one.
func serve(t testing.TB, changes ...func(*Config, *Deps)) *testServer {
	t.Helper()
	ts := &testServer{observer: &observer{}, registry: prometheus.NewRegistry()}
	c := DefaultConfig()
	c.HTTPAddr, c.GRPCAddr = "127.0.0.1:0", "127.0.0.1:0"
	d := Deps{Spans: ts.observer, Registerer: ts.registry, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, change := range changes {
		change(&c, &d)
	}
	var err error
	if ts.Server, err = New(c, d); err != nil {
		t.Fatal(err)
	}
	if err := ts.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- ts.Run(ctx) }()
	ts.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	transport := &http.Transport{DisableCompression: true}
	ts.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := ts.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if held := ts.intake.budget.inUse(); held != 0 {
			t.Errorf("%d bytes of the budget are held by nobody", held)
		}
	})
	return ts
}

// answered is what came back over HTTP.
type answered struct {
	code   int
	header http.Header
	body   string
}

// post sends a body with headers given as "Name: value".
func (ts *testServer) post(t testing.TB, path string, body io.Reader, headers ...string) answered {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ts.HTTPAddr().String()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return ts.do(t, req)
}

func (ts *testServer) do(t testing.TB, req *http.Request) answered {
	t.Helper()
	resp, err := ts.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, string(b)}
}

// protobuf posts a protobuf body.
func (ts *testServer) protobuf(t testing.TB, path string, body []byte, headers ...string) answered {
	t.Helper()
	return ts.post(t, path, bytes.NewReader(body), append([]string{"Content-Type: application/x-protobuf"}, headers...)...)
}

// dial connects to the gRPC port.
func (ts *testServer) dial(t testing.TB, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	return dialAt(t, ts.GRPCAddr(), options...)
}

func dialAt(t testing.TB, addr net.Addr, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr.String(), append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// spanNames returns what the store has of a trace.
func (ts *testServer) spanNames(t testing.TB, id plait.TraceID) []string {
	t.Helper()
	trace, err := ts.store.Trace(t.Context(), id, 1000)
	if err != nil {
		t.Fatalf("read trace %s: %v", id, err)
	}
	var names []string
	for _, s := range trace.Spans {
		names = append(names, s.Name)
	}
	return names
}

// observer keeps the names of spans that it was told of.
type observer struct {
	mu    sync.Mutex
	names []string
}

func (o *observer) ObserveSpans(spans []plait.Span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range spans {
		o.names = append(o.names, strings.Clone(s.Name))
	}
}

func (o *observer) seen() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.names...)
}

// gate is a Writer whose writes wait until it opens.
type gate struct {
	Writer
	waiting chan struct{} // gets a value for each write that has come to the gate
	open    chan struct{} // closed to let all pass
}

func newGate(w Writer) *gate {
	return &gate{Writer: w, waiting: make(chan struct{}, 100), open: make(chan struct{})}
}

func (g *gate) WriteTraces(ctx context.Context, b *plait.Traces) (plait.Receipt, error) {
	g.waiting <- struct{}{}
	select {
	case <-g.open:
		return g.Writer.WriteTraces(ctx, b)
	case <-ctx.Done():
		return plait.Receipt{}, ctx.Err()
	}
}

// grpcRequest is an export with a body as it is, in gRPC's framing or not.
func (ts *testServer) grpcRequest(t testing.TB, service string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ts.GRPCAddr().String()+"/"+service+"/Export", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc+proto")
	req.Header.Set("Te", "trailers")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return req
}

// http2Client speaks HTTP/2 without TLS, as gRPC does.
func http2Client(t testing.TB) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// grpcDo sends a request and returns its status.
func grpcDo(t testing.TB, client *http.Client, req *http.Request) (codes.Code, string) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	code, err := strconv.Atoi(resp.Trailer.Get("Grpc-Status"))
	if err != nil {
		t.Fatalf("answer %s without a status: %v", resp.Status, resp.Trailer)
	}
	message, err := url.PathUnescape(resp.Trailer.Get("Grpc-Message"))
	if err != nil {
		t.Fatal(err)
	}
	return codes.Code(code), message
}

// grpcCall exports one message, compressed if there is an encoding.
func (ts *testServer) grpcCall(t testing.TB, service, encoding string, message []byte) (codes.Code, string) {
	t.Helper()
	var headers []string
	if encoding != "" {
		headers = []string{"Grpc-Encoding: " + encoding}
	}
	return grpcDo(t, http2Client(t), ts.grpcRequest(t, service, bytes.NewReader(framed(encoding != "", message)), headers...))
}

// framed is a message in gRPC's framing.
func framed(compressed bool, message []byte) []byte {
	head := make([]byte, grpcHead)
	if compressed {
		head[0] = 1
	}
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	return append(head, message...)
}

// withGate puts a gate before the store.
func withGate(g **gate) func(*Config, *Deps) {
	return func(_ *Config, d *Deps) {
		*g = newGate(d.Writer)
		d.Writer = *g
	}
}

// testTrace is a request of one trace with spans of the given names, whose second byte of id is
// the number, so that requests differ.
func testTrace(number byte, names ...string) *coltrace.ExportTraceServiceRequest {
	at := uint64(time.Now().UnixNano())
	var spans []*tracepb.Span
	for i, name := range names {
		id := testTraceID(number)
		spans = append(spans, &tracepb.Span{
			TraceId: id[:], SpanId: []byte{1, 2, 3, 4, 5, 6, 7, byte(i + 1)}, Name: name,
			StartTimeUnixNano: at + uint64(i), EndTimeUnixNano: at + 1e6,
		})
	}
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   testResource(),
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "test"}, Spans: spans}},
	}}}
}

func testTraceID(number byte) plait.TraceID { return plait.TraceID{0xaa, number, 3: 1, 15: 7} }

func testResource() *resourcepb.Resource {
	return &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: textValue("shop")}}}
}

func textValue(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

// testLogs is a request of log records with the given bodies.
func testLogs(bodies ...string) *collogs.ExportLogsServiceRequest {
	var records []*logspb.LogRecord
	for _, body := range bodies {
		records = append(records, &logspb.LogRecord{TimeUnixNano: uint64(time.Now().UnixNano()), Body: textValue(body)})
	}
	return &collogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		Resource: testResource(), ScopeLogs: []*logspb.ScopeLogs{{LogRecords: records}},
	}}}
}

// deadlineRecorder is a ResponseRecorder for doors, which set deadlines.
type deadlineRecorder struct{ *httptest.ResponseRecorder }

func newDeadlineRecorder() deadlineRecorder { return deadlineRecorder{httptest.NewRecorder()} }

func (deadlineRecorder) SetReadDeadline(time.Time) error { return nil }

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
