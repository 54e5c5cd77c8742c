package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func TestGRPCAnswersPartialSuccess(t *testing.T) {
	t.Parallel()
	ts := start(t)
	request := testTrace(3, "first", "nobody")
	request.ResourceSpans[0].ScopeSpans[0].Spans[1].TraceId = make([]byte, 16)
	response, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if p := response.GetPartialSuccess(); p.GetRejectedSpans() != 1 || !strings.Contains(p.GetErrorMessage(), "trace id") {
		t.Errorf("answer %v", p)
	}
	if diff := cmp.Diff([]string{"first"}, ts.spanNames(t, testTraceID(3))); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestGRPCAndHTTPAreOneDoor(t *testing.T) {
	t.Parallel()
	ts := start(t)
	request := testLogs("the same bytes")
	if _, err := collogs.NewLogsServiceClient(ts.dial(t)).Export(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if a := ts.protobuf(t, "/v1/logs", marshal(t, request)); a.code != 200 {
		t.Fatalf("answer %d %q", a.code, a.body)
	}
	want := map[string]float64{"ok otlp_grpc": 1, "duplicate otlp_http": 1}
	if diff := cmp.Diff(want, counted(t, ts.registry, "plait_ingest_requests_total")); diff != "" {
		t.Errorf("requests counted (-want +got):\n%s", diff)
	}
}

// rawClient sends bytes as they are.
type rawClient struct{ grpc.ClientConnInterface }

type rawClientCodec struct{}

func (rawClientCodec) Name() string { return "proto" }

func (rawClientCodec) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (rawClientCodec) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(b)
	return nil
}

func (c rawClient) send(t testing.TB, service string, body []byte) ([]byte, error) {
	t.Helper()
	var out []byte
	err := c.Invoke(t.Context(), "/"+service+"/Export", body, &out, grpc.ForceCodec(rawClientCodec{}))
	return out, err
}

func TestGRPCSaysWhatIsMalformed(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(c *Config, _ *Deps) { c.MaxBodyBytes = 1 << 20 })
	client := rawClient{ts.dial(t)}
	for _, c := range []struct {
		name string
		body []byte
		code codes.Code
		says string
	}{
		{"truncated", []byte{0x0a, 0x10, 0x00}, codes.InvalidArgument, "byte"},
		{"beyond the limit", make([]byte, 2<<20), codes.ResourceExhausted, "the limit is 1048576"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.send(t, otlpSignals[0].service, c.body)
			st := status.Convert(err)
			if st.Code() != c.code || !strings.Contains(st.Message(), c.says) {
				t.Errorf("answer %v, want %v with %q", err, c.code, c.says)
			}
			if retryDelay(t, st.Proto()) != nil {
				t.Error("the sender is asked to try again")
			}
		})
	}
}

func TestOverloadIsAnsweredAtOnceOverGRPC(t *testing.T) {
	t.Parallel()
	var g *gate
	ts := start(t, withGate(&g), func(c *Config, _ *Deps) { c.MaxBodyBytes, c.MaxInFlightBytes = 1<<20, 2<<20+32<<10 })
	client := coltrace.NewTraceServiceClient(ts.dial(t))
	first := make(chan error)
	go func() {
		_, err := client.Export(t.Context(), testTrace(5, repeat(700, strings.Repeat("x", 1000))...))
		first <- err
	}()
	<-g.waiting
	_, err := client.Export(t.Context(), testTrace(6, repeat(700, strings.Repeat("x", 1000))...))
	st := status.Convert(err)
	if st.Code() != codes.ResourceExhausted || retryDelay(t, st.Proto()) == nil {
		t.Errorf("answer %v, want RESOURCE_EXHAUSTED with RetryInfo", err)
	}
	close(g.open)
	if err := <-first; err != nil {
		t.Errorf("the request that was taken: %v", err)
	}
}

func TestGRPCHealthSaysServing(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	response, err := healthpb.NewHealthClient(ts.dial(t)).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || response.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health: %v %v", response, err)
	}
}
