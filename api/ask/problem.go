package ask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/plaithq/plait"
)

// Problem is a failure as RFC 9457 writes it. Its type is about:blank: the status says it all.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is for the user: what is wrong, where, and what to do.
	Detail string `json:"detail,omitempty"`
	// Missing is what else is known of what is not here, nil for most problems.
	Missing any `json:"missing,omitempty"`
}

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// StatusClientGone is what nginx calls 499: nobody reads the answer, but it is counted.
const StatusClientGone = 499

// kinds says what each kind of error is answered with. The text of a 500 stays with the operator.
var kinds = []struct {
	kind   error
	status int
	retry  time.Duration
}{
	{plait.ErrInvalid, http.StatusBadRequest, 0},
	{plait.ErrUnauthorized, http.StatusUnauthorized, 0},
	{plait.ErrNotFound, http.StatusNotFound, 0},
	{plait.ErrTooLarge, http.StatusRequestEntityTooLarge, 0},
	{plait.ErrOverloaded, http.StatusTooManyRequests, time.Second},
	{plait.ErrUnavailable, http.StatusServiceUnavailable, 5 * time.Second},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, 0},
	{context.Canceled, StatusClientGone, 0},
}

// ProblemOf finds the answer to an error, and when to ask again: 0 says that it would not help. An error of no
// kind has the status otherwise.
func ProblemOf(err error, otherwise int) (p Problem, retry time.Duration) {
	p.Status = otherwise
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			p.Status, p.Detail, retry = k.status, plait.Message(err), k.retry
			break
		}
	}
	p.Title = http.StatusText(p.Status)
	switch p.Status {
	case http.StatusInternalServerError:
		p.Detail = "the gateway could not answer; its log says why"
	case http.StatusServiceUnavailable:
		p.Detail = "the database cannot be reached or is not ready"
		if errors.Is(err, plait.ErrReadOnly) {
			p.Detail = plait.ErrReadOnly.Error()
		}
	case http.StatusGatewayTimeout:
		p.Detail = "the answer took too long: ask for less, or for a shorter time"
	case StatusClientGone:
		p.Title, p.Detail = "Client Closed Request", ""
	case http.StatusNotFound:
		if p.Detail == "" {
			p.Detail = "there is nothing at this path; /openapi.json lists what there is"
		}
	case http.StatusMethodNotAllowed:
		p.Detail = "only GET and HEAD are answered here"
	}
	return p, retry
}

// Write answers with the problem, as RFC 9457 has it.
func (p Problem) Write(w http.ResponseWriter, retry time.Duration) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	if retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(retry/time.Second)))
	}
	w.Header().Set("Content-Type", ProblemType)
	w.WriteHeader(p.Status)
	_, err = w.Write(body)
	return err
}
