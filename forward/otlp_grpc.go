package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/plaithq/plait/store/outbox"
)

// otlpGRPC sends OTLP over gRPC.
type otlpGRPC struct {
	conn    *grpc.ClientConn
	method  string
	headers metadata.MD
	options []grpc.CallOption
}

// exportMethods are the calls that take signals.
var exportMethods = map[outbox.Signal]string{
	outbox.Traces:  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
	outbox.Logs:    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
	outbox.Metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}

func openOTLPGRPC(_ *Config, t *Target, s outbox.Signal) (exporter, error) {
	transport, err := grpcCredentials(t)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(grpcAddress(t), grpc.WithTransportCredentials(transport), grpc.WithUserAgent("Plait"))
	if err != nil {
		return nil, fmt.Errorf("make its gRPC client: %w", err)
	}
	e := &otlpGRPC{conn: conn, method: exportMethods[s], headers: metadata.MD{}, options: []grpc.CallOption{grpc.ForceCodecV2(encodedAlready{})}}
	for name, value := range t.Headers {
		e.headers.Set(name, string(value))
	}
	if t.TenantID != "" {
		e.headers.Set("x-scope-orgid", t.TenantID)
	}
	if t.Compression == compressionGzip {
		e.options = append(e.options, grpc.UseCompressor(gzip.Name))
	}
	return e, nil
}

// validateGRPC refuses what only clients of HTTP can do.
func validateGRPC(t *Target) error {
	c := &t.Client
	if c.BasicAuth != nil || c.Authorization != nil || c.OAuth2 != nil || c.BearerToken != "" || c.BearerTokenFile != "" || c.HTTPHeaders != nil || c.ProxyURL.URL != nil {
		return errors.New("otlp_grpc takes headers and tls_config, and no other setting of HTTP clients: send a token as the header authorization")
	}
	if strings.Trim(t.URL.Path, "/") != "" {
		return fmt.Errorf("url: %q has a path, and gRPC has none of its own", t.URL.Redacted())
	}
	return nil
}

// grpcAddress is host and port of the target.
func grpcAddress(t *Target) string {
	if t.URL.Port() != "" {
		return "dns:///" + t.URL.Host
	}
	if t.URL.Scheme == "https" {
		return "dns:///" + t.URL.Host + ":443"
	}
	return "dns:///" + t.URL.Host + ":4317"
}

func grpcCredentials(t *Target) (credentials.TransportCredentials, error) {
	if t.URL.Scheme != "https" {
		return insecure.NewCredentials(), nil
	}
	c, err := config.NewTLSConfig(&t.Client.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("tls_config: %w", err)
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return credentials.NewTLS(c), nil
}

func (e *otlpGRPC) encode(c content) ([]byte, error) { return encodeOTLP(c) }

func (e *otlpGRPC) send(ctx context.Context, body []byte) (partial, error) {
	var answer []byte
	err := e.conn.Invoke(metadata.NewOutgoingContext(ctx, e.headers), e.method, body, &answer, e.options...)
	if err != nil {
		return partial{}, grpcFailure(err)
	}
	return partialOTLP(answer), nil
}

func (e *otlpGRPC) close() { _ = e.conn.Close() } // it fails only if it was closed before

// grpcFailure is what a status of gRPC means, as OTLP has it.
func grpcFailure(err error) *failure {
	s := status.Convert(err)
	f := &failure{code: s.Code().String(), text: fmt.Sprintf("%s: %s", s.Code(), s.Message())}
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			f.after = min(max(info.GetRetryDelay().AsDuration(), time.Millisecond), maxRetryAfter)
		}
	}
	switch code := s.Code(); {
	case code == codes.Internal && strings.Contains(s.Message(), "RST_STREAM"): // the stream was cut: nobody has answered
		f.verdict, f.code = later, codeNone
	case code == codes.InvalidArgument, code == codes.ResourceExhausted && f.after == 0 && tooLarge(s.Message()):
		f.verdict = refused
	case code == codes.Unknown, code == codes.Internal, code == codes.ResourceExhausted && f.after == 0:
		f.verdict = broken
	default:
		f.verdict = later
	}
	return f
}

// tooLarge says whether a target means the size of the request, as gRPC's own servers and Plait's word it.
func tooLarge(message string) bool {
	return strings.Contains(message, "larger than") || strings.Contains(message, "too large") || strings.Contains(message, "more than")
}

// encodedAlready is the codec of messages that are bytes.
type encodedAlready struct{}

// Name is that of the encoding: it goes into the content type.
func (encodedAlready) Name() string { return "proto" }

// Marshal takes bytes.
func (encodedAlready) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no encoded message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal gives bytes.
func (encodedAlready) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T takes no encoded message", v)
	}
	*b = data.Materialize()
	return nil
}
