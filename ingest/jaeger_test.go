package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	jaegerthrift "github.com/jaegertracing/jaeger-idl/thrift-gen/jaeger"
	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/opentracing/opentracing-go/log"
	jaegerclient "github.com/uber/jaeger-client-go"
	"github.com/uber/jaeger-client-go/transport"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plaithq/plait"
)

func jaegerDoors() []traceDoor {
	one := func(name, media string, protocol func(thrift.TTransport) thrift.TProtocol) traceDoor {
		return traceDoor{name: name, path: "/api/traces?format=jaeger.thrift", headers: []string{"Content-Type: " + media}, code: http.StatusAccepted,
			checkout: func(t testing.TB, number byte) []byte { return jaegerThrift(t, protocol, jaegerCheckout(number)) },
			flawed: func(t testing.TB, number byte) []byte {
				b := jaegerCheckout(number)
				b.Spans = append(b.Spans, &jaegerthrift.Span{TraceIdLow: 1, OperationName: "bad"})
				return jaegerThrift(t, protocol, b)
			},
			reason: `1 refused: span 2 ("bad" of service "shop"): its span id is missing or all zeros`, malformed: "hello"}
	}
	return []traceDoor{
		one("Jaeger Thrift, binary", "application/x-thrift", binaryThrift),
		one("Jaeger Thrift, compact", "application/vnd.apache.thrift.compact", func(t thrift.TTransport) thrift.TProtocol { return thrift.NewTCompactProtocolConf(t, nil) }),
	}
}

func binaryThrift(t thrift.TTransport) thrift.TProtocol { return thrift.NewTBinaryProtocolConf(t, nil) }

func jaegerThrift(t testing.TB, protocol func(thrift.TTransport) thrift.TProtocol, b *jaegerthrift.Batch) []byte {
	t.Helper()
	buffer := thrift.NewTMemoryBuffer()
	if err := b.Write(t.Context(), protocol(buffer)); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func jaegerCheckout(number byte) *jaegerthrift.Batch {
	const first, second = 0x0102030405060701, 0x0102030405060702
	id := testTraceID(number)
	span := func(s jaegerthrift.Span, tags ...*jaegerthrift.Tag) *jaegerthrift.Span {
		s.TraceIdHigh, s.TraceIdLow = int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:]))
		s.Tags = tags
		return &s
	}
	text := func(key, value string) *jaegerthrift.Tag {
		return &jaegerthrift.Tag{Key: key, VType: jaegerthrift.TagType_STRING, VStr: &value}
	}
	yes := true
	return &jaegerthrift.Batch{
		Process: &jaegerthrift.Process{ServiceName: "shop"},
		Spans: []*jaegerthrift.Span{
			span(jaegerthrift.Span{SpanId: first, OperationName: "GET /cart", StartTime: checkoutStart / 1000, Duration: checkoutTook / 1000, Flags: 1},
				text("span.kind", "server"), text("http.method", "GET")),
			span(jaegerthrift.Span{SpanId: second, ParentSpanId: first, OperationName: "charge card", StartTime: chargeStart / 1000, Duration: chargeTook / 1000, Flags: 1},
				text("span.kind", "client"), text("otel.status_description", "refused"), &jaegerthrift.Tag{Key: "error", VType: jaegerthrift.TagType_BOOL, VBool: &yes}),
		},
	}
}

func TestJaegersOwnClientSends(t *testing.T) {
	t.Parallel()
	ts := start(t)
	for name, options := range map[string][]jaegerclient.TracerOption{"64": nil, "128": {jaegerclient.TracerOptions.Gen128Bit(true)}} {
		t.Run(name, func(t *testing.T) {
			roundTripper := &http.Transport{}
			t.Cleanup(roundTripper.CloseIdleConnections)
			sender := transport.NewHTTPTransport("http://"+ts.HTTPAddr().String()+"/api/traces?format=jaeger.thrift", transport.HTTPRoundTripper(roundTripper))
			tracer, closer := jaegerclient.NewTracer("shop", jaegerclient.NewConstSampler(true), jaegerclient.NewRemoteReporter(sender), options...)
			root := tracer.StartSpan("checkout", ext.SpanKindRPCServer)
			child := tracer.StartSpan("charge card", opentracing.ChildOf(root.Context()), ext.SpanKindRPCClient)
			child.SetTag("amount", 12.5)
			child.SetTag("attempts", 2)
			child.LogFields(log.String("event", "refused"), log.Int("code", 7))
			ext.Error.Set(child, true)
			child.Finish()
			root.Finish()
			if err := closer.Close(); err != nil {
				t.Fatal(err)
			}
			sent := root.Context().(jaegerclient.SpanContext).TraceID()
			trace, err := ts.store.Trace(t.Context(), idOfHalves(sent.High, sent.Low), 10)
			if err != nil || len(trace.Spans) != 2 {
				t.Fatalf("%d spans are stored: %v", len(trace.Spans), err)
			}
			first, second := &trace.Spans[0], &trace.Spans[1]
			version, _ := first.Resource.Attributes.Get("jaeger.version")
			got := fmt.Sprintf("%s %s %q < %s %q %s %s, event %s %s", first.Resource.Service(), first.Kind, first.Name,
				second.Kind, second.Name, second.Status, second.Attributes.AppendJSON(nil), second.Events[0].Name, second.Events[0].Attributes.AppendJSON(nil))
			if want := `shop server "checkout" < client "charge card" error {"amount":12.5,"attempts":2}, event refused {"code":7}`; got != want ||
				second.ParentSpanID != first.SpanID || !strings.HasPrefix(version.Str(), "Go-") {
				t.Errorf("stored: %s, want %s: %+v", got, want, trace.Spans)
			}
		})
	}
}

// idOfHalves is a trace id whose halves are numbers, as in Jaeger, Zipkin and Datadog.
func idOfHalves(high, low uint64) (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

// jaegerPosts is the checkout of a number, and beside it a span that cannot be taken.
func jaegerPosts(number byte) *api_v2.PostSpansRequest {
	id := testTraceID(number)
	trace := model.NewTraceID(binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]))
	first, second := model.NewSpanID(0x0102030405060701), model.NewSpanID(0x0102030405060702)
	return &api_v2.PostSpansRequest{Batch: model.Batch{Process: model.NewProcess("shop", nil), Spans: []*model.Span{
		{TraceID: trace, SpanID: first, OperationName: "GET /cart", StartTime: time.Unix(0, checkoutStart), Duration: checkoutTook,
			Tags: []model.KeyValue{model.String("span.kind", "server"), model.String("http.method", "GET")}},
		{TraceID: trace, SpanID: second, OperationName: "charge card", StartTime: time.Unix(0, chargeStart), Duration: chargeTook,
			References: []model.SpanRef{model.NewChildOfRef(trace, first)},
			Tags:       []model.KeyValue{model.String("span.kind", "client"), model.Bool("error", true), model.String("otel.status_description", "refused")}},
		{TraceID: trace, OperationName: "bad"},
	}}}
}

// withJaegersPort opens the port of Jaeger's collector.
func withJaegersPort(c *Config, _ *Deps) { c.JaegerGRPCAddr = "127.0.0.1:0" }

// eachJaegerPort runs a test at each port where Jaeger's spans come in over gRPC, with a number for its trace.
func eachJaegerPort(t *testing.T, ts *testServer, test func(t *testing.T, addr net.Addr, number byte)) {
	t.Helper()
	t.Run("the port of OTLP", func(t *testing.T) { test(t, ts.GRPCAddr(), 1) })
	t.Run("the port of Jaeger's collector", func(t *testing.T) { test(t, ts.jaeger.Addr(), 2) })
}

// TestJaegersAgentsSendOverGRPC sends by the generated client of jaeger-idl.
func TestJaegersAgentsSendOverGRPC(t *testing.T) {
	t.Parallel()
	ts := start(t, withJaegersPort)
	eachJaegerPort(t, ts, func(t *testing.T, addr net.Addr, number byte) {
		client := api_v2.NewCollectorServiceClient(dialAt(t, addr))
		for range 2 { // a repeated request is stored once
			if _, err := client.PostSpans(t.Context(), jaegerPosts(number), grpc.UseCompressor("gzip")); err != nil {
				t.Fatal(err)
			}
		}
		if got := ts.outline(t, testTraceID(number)); got != wantCheckout {
			t.Errorf("stored:\n%s, want\n%s", got, wantCheckout)
		}
	})
	for _, r := range ts.Intake() {
		if r.Door == "jaeger_grpc" && (r.Requests != 4 || r.Stored != 4 || r.Refused != 4) {
			t.Errorf("what is told of the requests: %+v", r)
		}
	}
	if seen := len(ts.observer.seen()); seen != 4 {
		t.Errorf("the observer of spans has seen %d", seen)
	}
}

func TestJaegersPortsSayWhatTheyDoNotTake(t *testing.T) {
	t.Parallel()
	ts := serve(t, withJaegersPort, func(c *Config, d *Deps) { c.MaxBodyBytes, d.Writer = minBodyBytes, noDatabase{} })
	eachJaegerPort(t, ts, func(t *testing.T, addr net.Addr, number byte) {
		conn := dialAt(t, addr)
		client := api_v2.NewCollectorServiceClient(conn)
		check := func(what string, err error, code codes.Code, retry bool, says string) {
			t.Helper()
			st := status.Convert(err)
			if st.Code() != code || (retryDelay(t, st.Proto()) != nil) != retry || !strings.Contains(st.Message(), says) {
				t.Errorf("%s: answer %v, want %s and %q; to be sent again: %v", what, err, code, says, retry)
			}
		}
		_, err := client.PostSpans(t.Context(), jaegerPosts(number))
		check("without a database", err, codes.Unavailable, true, "the database cannot be reached")

		long := jaegerPosts(number)
		long.Batch.Spans[0].OperationName = strings.Repeat("long", minBodyBytes/4)
		_, err = client.PostSpans(t.Context(), long)
		check("a long message", err, codes.ResourceExhausted, false, "the limit is 65536")
		_, err = client.PostSpans(t.Context(), long, grpc.UseCompressor("gzip"))
		check("a bomb", err, codes.ResourceExhausted, false, "65536")

		var answer []byte
		err = conn.Invoke(t.Context(), "/jaeger.api_v2.CollectorService/PostSpans", []byte("hello"), &answer, grpc.ForceCodec(rawClientCodec{}))
		check("what is malformed", err, codes.InvalidArgument, false, "read Jaeger protobuf: byte ")

		held := ts.intake.budget.lease("somebody else")
		defer held.release()
		if err := held.grow(ts.config.MaxInFlightBytes - 1); err != nil {
			t.Fatal(err)
		}
		_, err = client.PostSpans(t.Context(), jaegerPosts(number))
		check("without memory", err, codes.ResourceExhausted, true, "")
	})
}

func flawedJaegerSpans() []badInput {
	send := func(number byte, sent string, body func(t *testing.T) []byte) badInput {
		return badInput{sent: "Jaeger: " + sent, path: "/api/traces", media: mediaThrift, body: func(t *testing.T) io.Reader { return bytes.NewReader(body(t)) }, stored: storedTrace(number)}
	}
	return []badInput{
		send(100, "a span without an id, beside good ones", func(t *testing.T) []byte {
			b := jaegerCheckout(100)
			b.Spans = append(b.Spans, &jaegerthrift.Span{TraceIdLow: 1, OperationName: "bad"})
			return jaegerThrift(t, binaryThrift, b)
		}),
		send(101, "a batch that ends early", func(t *testing.T) []byte { return shortened(jaegerThrift(t, binaryThrift, jaegerCheckout(101))) }),
		send(102, "a batch that says it has 2 billion spans", func(*testing.T) []byte { return []byte("\x0f\x00\x02\x0c\x7f\xff\xff\xff\x00") }),
		send(103, "values that nest 1,000 levels deep", func(*testing.T) []byte { return []byte(strings.Repeat("\x0c\x00\x09", 1000)) }),
		send(104, "5 MB of empty spans", func(*testing.T) []byte {
			return joinBytes([]byte("\x0f\x00\x02\x0c"), binary.BigEndian.AppendUint32(nil, 5_000_000), make([]byte, 5_000_001))
		}),
		send(105, "a span of the year 2262 that lasts 292 years", func(t *testing.T) []byte {
			b := jaegerCheckout(105)
			b.Spans = b.Spans[:1]
			b.Spans[0].StartTime, b.Spans[0].Duration = 1<<62, 1<<62
			return jaegerThrift(t, binaryThrift, b)
		}),
	}
}
