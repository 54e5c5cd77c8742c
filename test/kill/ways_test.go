package kill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

type signal int

const (
	spanSignal signal = iota
	logSignal
	sampleSignal
)

// way is one of the ways in.
type way struct {
	name   string
	signal signal
	make   func(number int, now time.Time) (call, error)
}

// call sends one request, the same bytes each time. It returns errRepeat when it may be sent again.
type call func(ctx context.Context, d *doors) error

// errRepeat says that a request was not acknowledged, and may be sent again.
var errRepeat = fmt.Errorf("to be sent again")

// ways take turns. The first of each signal are three, as a group has three traces.
var ways = [wayCount]way{
	{"spans, OTLP/HTTP protobuf", spanSignal, overHTTP("/v1/traces", "application/x-protobuf", binaryOf(spansOf))},
	{"spans, OTLP/HTTP JSON", spanSignal, overHTTP("/v1/traces", "application/json", jsonOf(spansOf, ptraceotlp.NewExportRequest))},
	{"spans, OTLP/gRPC", spanSignal, overGRPC(spansOf, exportSpans)},
	{"logs, OTLP/HTTP protobuf", logSignal, overHTTP("/v1/logs", "application/x-protobuf", binaryOf(recordsOf))},
	{"logs, OTLP/HTTP JSON", logSignal, overHTTP("/v1/logs", "application/json", jsonOf(recordsOf, plogotlp.NewExportRequest))},
	{"logs, OTLP/gRPC", logSignal, overGRPC(recordsOf, exportLogs)},
	{"logs, Loki push", logSignal, overHTTP("/loki/api/v1/push", "application/json", pushOf)},
	{"logs, lines of JSON", logSignal, overHTTP("/ingest/logs", "application/x-ndjson", linesOf)},
	{"samples, OTLP/HTTP protobuf", sampleSignal, overHTTP("/v1/metrics", "application/x-protobuf", binaryOf(samplesOf))},
	{"samples, OTLP/HTTP JSON", sampleSignal, overHTTP("/v1/metrics", "application/json", jsonOf(samplesOf, pmetricotlp.NewExportRequest))},
	{"samples, OTLP/gRPC", sampleSignal, overGRPC(samplesOf, exportSamples)},
	{"samples, remote write 1.0", sampleSignal, overHTTP("/api/v1/write", "application/x-protobuf", remoteWrite1)},
	{"samples, remote write 2.0", sampleSignal, overHTTP("/api/v1/write", "application/x-protobuf;proto=io.prometheus.write.v2.Request", remoteWrite2)},
	{"spans, Zipkin", spanSignal, overHTTP("/api/v2/spans", "application/json", zipkinOf)},
	{"spans, Jaeger Thrift", spanSignal, overHTTP("/api/traces", "application/x-thrift", jaegerOf)},
	{"spans, Datadog", spanSignal, overHTTP("/v0.4/traces", "application/msgpack", datadogOf)},
	{"spans, X-Ray", spanSignal, overHTTP("/TraceSegments", "application/json", xrayOf)},
}

func binaryOf[M proto.Message](message func(int, time.Time) M) func(int, time.Time) ([]byte, error) {
	return func(number int, now time.Time) ([]byte, error) { return proto.Marshal(message(number, now)) }
}

// exportRequest is a request in OpenTelemetry's own JSON, which spells ids in hex.
type exportRequest interface {
	UnmarshalProto(data []byte) error
	MarshalJSON() ([]byte, error)
}

func jsonOf[M proto.Message, R exportRequest](message func(int, time.Time) M, newRequest func() R) func(int, time.Time) ([]byte, error) {
	return func(number int, now time.Time) ([]byte, error) {
		body, err := proto.Marshal(message(number, now))
		if err != nil {
			return nil, err
		}
		r := newRequest()
		if err := r.UnmarshalProto(body); err != nil {
			return nil, err
		}
		return r.MarshalJSON()
	}
}

// doors are where a gateway takes telemetry in.
type doors struct {
	http *http.Client
	url  string
	grpc *grpc.ClientConn
}

func openDoors(url, grpcAddr string) (*doors, error) {
	soon := grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: retryDelay, Multiplier: 1, MaxDelay: retryDelay},
		MinConnectTimeout: requestLimit,
	}
	conn, err := grpc.NewClient(grpcAddr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(soon))
	return &doors{http: &http.Client{Timeout: requestLimit}, url: url, grpc: conn}, err
}

func (d *doors) close() error {
	d.http.CloseIdleConnections()
	return d.grpc.Close()
}

func overHTTP(path, contentType string, encode func(int, time.Time) ([]byte, error)) func(int, time.Time) (call, error) {
	return func(number int, now time.Time) (call, error) {
		body, err := encode(number, now)
		return func(ctx context.Context, d *doors) error { return d.post(ctx, path, contentType, body) }, err
	}
}

// fullSuccess are the answers of doors that have refused nothing.
var fullSuccess = []string{"", "{}", `{"rate_by_service":{"service:,env:":1}}`, `{"UnprocessedTraceSegments":[]}`}

func (d *doors) post(ctx context.Context, path, contentType string, body []byte) error {
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	post.Header.Set("Content-Type", contentType)
	if path == "/api/v1/write" {
		post.Header.Set("Content-Encoding", "snappy")
	}
	response, err := d.http.Do(post)
	if err != nil {
		return errRepeat // there is no whole answer, as when the gateway is killed
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil, response.StatusCode == http.StatusTooManyRequests, response.StatusCode == http.StatusServiceUnavailable:
		return errRepeat
	case response.StatusCode/100 == 2 && slices.Contains(fullSuccess, string(answer)):
		return nil // any other tells of refused records
	}
	return fmt.Errorf("%s answered %d %q", path, response.StatusCode, answer)
}

func overGRPC[M proto.Message](message func(int, time.Time) M, export func(context.Context, grpc.ClientConnInterface, M) (refused string, err error)) func(int, time.Time) (call, error) {
	return func(number int, now time.Time) (call, error) {
		m := message(number, now)
		return func(ctx context.Context, d *doors) error {
			ctx, cancel := context.WithTimeout(ctx, requestLimit)
			defer cancel()
			refused, err := export(ctx, d.grpc, m)
			switch status.Code(err) {
			case codes.OK:
				if refused != "" {
					return fmt.Errorf("OTLP/gRPC refused records: %s", refused)
				}
				return nil
			case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Canceled:
				return errRepeat
			}
			return err
		}, nil
	}
}

func exportSpans(ctx context.Context, conn grpc.ClientConnInterface, m *coltrace.ExportTraceServiceRequest) (string, error) {
	answer, err := coltrace.NewTraceServiceClient(conn).Export(ctx, m)
	return answer.GetPartialSuccess().GetErrorMessage(), err
}

func exportLogs(ctx context.Context, conn grpc.ClientConnInterface, m *collogs.ExportLogsServiceRequest) (string, error) {
	answer, err := collogs.NewLogsServiceClient(conn).Export(ctx, m)
	return answer.GetPartialSuccess().GetErrorMessage(), err
}

func exportSamples(ctx context.Context, conn grpc.ClientConnInterface, m *colmetrics.ExportMetricsServiceRequest) (string, error) {
	answer, err := colmetrics.NewMetricsServiceClient(conn).Export(ctx, m)
	return answer.GetPartialSuccess().GetErrorMessage(), err
}
