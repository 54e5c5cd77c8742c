package forward

import (
	"net/http"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestWhatAStatusOfHTTPMeans(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		code  int
		after string
		want  verdict
		pause time.Duration
	}{
		{400, "", refused, 0}, {413, "", refused, 0}, {422, "", refused, 0},
		{500, "", broken, 0},
		{429, "3", later, 3 * time.Second}, {503, "0.5", later, 500 * time.Millisecond}, {502, "-1", later, 0}, {504, "soon", later, 0},
		{503, "Thu, 26 Nov 2026 12:00:30 GMT", later, 30 * time.Second}, {503, "Thu, 26 Nov 2026 11:00:00 GMT", later, 0},
		{503, "1e300", later, time.Hour}, {503, "NaN", later, 0},
		{401, "", later, 0}, {403, "", later, 0}, {404, "", later, 0}, {405, "", later, 0}, {307, "", later, 0},
	} {
		f := statusFailure(&http.Response{StatusCode: c.code, Header: http.Header{"Retry-After": {c.after}}}, []byte("why\n"), now)
		if f.verdict != c.want || f.after != c.pause {
			t.Errorf("%d with Retry-After %q: verdict %d after %v, want %d after %v", c.code, c.after, f.verdict, f.after, c.want, c.pause)
		}
	}
}

func TestWhatAnAnswerSays(t *testing.T) {
	t.Parallel()
	message, err := proto.Marshal(&spb.Status{Code: 14, Message: "the queue is full"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ contentType, body, want string }{
		{"text/plain", "away\n", "503 Service Unavailable: away"},
		{"", "", "503 Service Unavailable"},
		{"application/x-protobuf", string(message), "503 Service Unavailable: the queue is full"},
		{"application/x-protobuf", "no message", "503 Service Unavailable: no message"},
	} {
		f := statusFailure(&http.Response{StatusCode: http.StatusServiceUnavailable, Status: "503 Service Unavailable", Header: http.Header{"Content-Type": {c.contentType}}}, []byte(c.body), time.Now())
		if f.text != c.want {
			t.Errorf("%s %q: %q, want %q", c.contentType, c.body, f.text, c.want)
		}
	}
}

func TestWhatAStatusOfGRPCMeans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code    codes.Code
		message string
		retry   time.Duration
		want    verdict
	}{
		{codes.InvalidArgument, "", 0, refused},
		{codes.ResourceExhausted, "grpc: received message larger than max (5 vs. 4)", 0, refused},
		{codes.ResourceExhausted, "the body has more than the limit of 5 bytes", 0, refused},
		{codes.ResourceExhausted, "quota", 0, broken},
		{codes.ResourceExhausted, "the body has more than the limit of 5 bytes", time.Second, later},
		{codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", 0, later},
		{codes.Internal, "", 0, broken}, {codes.Unknown, "", 0, broken},
		{codes.Unavailable, "", 2 * time.Second, later}, {codes.DeadlineExceeded, "", 0, later},
		{codes.Unauthenticated, "", 0, later}, {codes.Unimplemented, "", 0, later},
		{codes.Canceled, "", 0, later}, {codes.Aborted, "", 0, later}, {codes.OutOfRange, "", 0, later}, {codes.DataLoss, "", 0, later},
	} {
		s := status.New(c.code, c.message)
		if c.retry > 0 {
			s, _ = s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(c.retry)})
		}
		if f := grpcFailure(s.Err()); f.verdict != c.want || f.after != c.retry {
			t.Errorf("%s %q: verdict %d after %v, want %d after %v", c.code, c.message, f.verdict, f.after, c.want, c.retry)
		}
	}
}
