package tempo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/tracesearch"
)

// Grafana asks by gRPC where its Tempo data source is set to streaming: tempopb.StreamingQuerier, at the host and port of
// the data source, whatever its path is. Each question has the parameters of a path of the HTTP API and its answer, in
// protobuf. What streaming is for, answers that come in parts while blocks are read, does not apply: an answer is one
// message, or several where a search found much.

// StreamPrefix is the path of the service, which gRPC fixes.
const StreamPrefix = "/" + streamService

const (
	streamService = "tempopb.StreamingQuerier"
	// maxStreamQuestion bounds a question in bytes, as a URL is bounded.
	maxStreamQuestion = 64 << 10
)

// streamed is a method of the service.
type streamed struct {
	name string
	// read makes the parameters of the HTTP API of a question, and names the tag that it is about, if it is about one.
	read   func(message string) (q url.Values, tag string, err error)
	answer func(ctx context.Context, q url.Values, tag string) (messages [][]byte, err error)
}

// NewStreamHandler returns what answers gRPC below StreamPrefix. It reads what is asked for from r.
func NewStreamHandler(r Reader, c tracesearch.Config) http.Handler {
	h := newHandler(r, c)
	service := grpc.ServiceDesc{ServiceName: streamService}
	for _, m := range []streamed{
		{"Search", readSearchQuestion, h.streamSearch},
		{"SearchTags", readTagsQuestion, h.streamTagsV1},
		{"SearchTagsV2", readTagsQuestion, h.streamTags},
		{"SearchTagValues", readValuesQuestion, h.streamValuesV1},
		{"SearchTagValuesV2", readValuesQuestion, h.streamValues},
		{"MetricsQueryRange", readRangeQuestion, h.streamRange},
		{"MetricsQueryInstant", readInstantQuestion, h.streamInstant},
	} {
		service.Streams = append(service.Streams, grpc.StreamDesc{
			StreamName: m.name, ServerStreams: true,
			Handler: func(_ any, s grpc.ServerStream) error { return h.stream(s, &m) },
		})
	}
	server := grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}), grpc.MaxRecvMsgSize(maxStreamQuestion))
	server.RegisterService(&service, nil)
	return server
}

// stream answers one question.
func (h *handler) stream(s grpc.ServerStream, m *streamed) error {
	ctx, cancel := context.WithTimeout(s.Context(), h.Timeout)
	defer cancel()
	bounded, release := h.Memory.Begin(ctx)
	defer release()
	messages, err := m.ask(bounded, s)
	if err != nil {
		return h.streamFailure(ctx, m, err)
	}
	for i := range messages {
		if err := s.SendMsg(&messages[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *streamed) ask(ctx context.Context, s grpc.ServerStream) ([][]byte, error) {
	var message []byte
	if err := s.RecvMsg(&message); err != nil {
		return nil, err
	}
	q, tag, err := m.read(string(message))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", m.name, err)
	}
	return m.answer(ctx, q, tag)
}

// streamCodes are gRPC's words for the statuses of HTTP.
var streamCodes = map[int]codes.Code{
	http.StatusBadRequest: codes.InvalidArgument, http.StatusUnauthorized: codes.Unauthenticated, http.StatusNotFound: codes.NotFound,
	http.StatusRequestEntityTooLarge: codes.ResourceExhausted, http.StatusTooManyRequests: codes.ResourceExhausted,
	http.StatusServiceUnavailable: codes.Unavailable, http.StatusGatewayTimeout: codes.DeadlineExceeded, ask.StatusClientGone: codes.Canceled,
}

// streamFailure says a failure in gRPC, and logs what the operator has to know.
func (h *handler) streamFailure(ctx context.Context, m *streamed, err error) error {
	if _, ok := status.FromError(err); ok {
		return err // gRPC's own
	}
	p, _ := ask.ProblemOf(err, http.StatusInternalServerError)
	code, ok := streamCodes[p.Status]
	if !ok {
		code = codes.Internal
	}
	if code == codes.Internal || code == codes.Unavailable {
		h.Logger.ErrorContext(ctx, "request not answered", "method", m.name, "status", p.Status, "error", err)
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	return status.Error(code, p.Detail)
}

// bytesCodec leaves messages as they are: they are read and written by hand.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}
