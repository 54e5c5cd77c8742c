package ingest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/plaithq/plait"
)

// Failures that only a door can have, beside the kinds of package plait.
var (
	errUnsupported = errors.New("unsupported media type")
	errSlow        = errors.New("too slow")
	errForbidden   = errors.New("forbidden")
	errDraining    = errors.New("shutting down")
	errPanicked    = errors.New("internal error")
	errNoRoute     = errors.New("no such way in")
)

// answer is how a door answers a request that it did not take.
type answer struct {
	name    string // label of plait_ingest_requests_total
	http    int
	grpc    codes.Code
	retry   time.Duration // when to send the same again; 0 says that it would not help
	message string        // for the sender: what is wrong, where, and what to do; empty in the table where the error says it
}

// answers says what each kind of error is answered with. OTLP senders repeat a request after
// HTTP 429, 502, 503 and 504, after gRPC UNAVAILABLE, and after gRPC RESOURCE_EXHAUSTED if it
// comes with RetryInfo; everything else makes them drop it. So a stalled body is a 503 where
// HTTP alone would have said 408.
var answers = []struct {
	kind error
	answer
}{
	{plait.ErrInvalid, answer{name: "invalid", http: http.StatusBadRequest, grpc: codes.InvalidArgument}},
	{plait.ErrTooLarge, answer{name: "too_large", http: http.StatusRequestEntityTooLarge, grpc: codes.ResourceExhausted}},
	{plait.ErrOverloaded, answer{name: "overloaded", http: http.StatusTooManyRequests, grpc: codes.ResourceExhausted, retry: time.Second}},
	{plait.ErrUnavailable, answer{name: "unavailable", http: http.StatusServiceUnavailable, grpc: codes.Unavailable, retry: 5 * time.Second,
		message: "the database cannot be reached: send the request again"}},
	{plait.ErrUnauthorized, answer{name: "unauthorized", http: http.StatusUnauthorized, grpc: codes.Unauthenticated}},
	{errUnsupported, answer{name: "unsupported", http: http.StatusUnsupportedMediaType, grpc: codes.Unimplemented}},
	{errForbidden, answer{name: "forbidden", http: http.StatusForbidden, grpc: codes.PermissionDenied}},
	{errNoRoute, answer{name: "no_route", http: http.StatusNotFound, grpc: codes.Unimplemented}},
	{errSlow, answer{name: "slow", http: http.StatusServiceUnavailable, grpc: codes.Unavailable, retry: time.Second}},
	{errDraining, answer{name: "draining", http: http.StatusServiceUnavailable, grpc: codes.Unavailable, retry: time.Second}},
	{errPanicked, answer{name: "panic", http: http.StatusInternalServerError, grpc: codes.Internal,
		message: "the gateway failed at this request, which its log explains: do not send it again"}},
	{context.Canceled, answer{name: "canceled", http: http.StatusServiceUnavailable, grpc: codes.Canceled, retry: time.Second}},
	{context.DeadlineExceeded, answer{name: "canceled", http: http.StatusServiceUnavailable, grpc: codes.DeadlineExceeded, retry: time.Second}},
}

// unknownAnswer is for errors of no kind. They are retryable: the request may or may not be
// stored, and one that is stored is not stored again.
var unknownAnswer = answer{name: "error", http: http.StatusServiceUnavailable, grpc: codes.Unavailable, retry: 5 * time.Second,
	message: "the request could not be stored: send it again"}

// answerTo finds the answer to an error. What went wrong on our side stays with the operator.
func answerTo(err error) answer {
	for _, a := range answers {
		if errors.Is(err, a.kind) {
			if a.message == "" {
				a.message = plait.Message(err)
			}
			return a.answer
		}
	}
	return unknownAnswer
}

// isKind says whether answers has a row for the error.
func isKind(err error) bool { return answerTo(err) != unknownAnswer }

// ours says whether the failure is the gateway's, and therefore worth a log line of the operator.
func (a answer) ours() bool {
	return a.name == unknownAnswer.name || a.name == "unavailable" || a.name == "panic"
}

// retrySeconds is the answer's Retry-After, 0 for none.
func (a answer) retrySeconds() int { return int(a.retry / time.Second) }
