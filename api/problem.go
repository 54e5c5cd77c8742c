package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
)

// problem is a failure as RFC 9457 writes it. Its type is about:blank: the status says it all.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is for the user: what is wrong, where, and what to do.
	Detail string `json:"detail,omitempty"`
}

const problemType = "application/problem+json"

// statusClientGone is what nginx calls 499: nobody reads the answer, but it is counted.
const statusClientGone = 499

// kinds says what each kind of error is answered with. Errors of no kind are a 500 whose text
// stays with the operator.
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
	{context.Canceled, statusClientGone, 0},
}

// problemOf finds the answer to an error.
func problemOf(err error) (p problem, retry time.Duration) {
	p.Status = http.StatusInternalServerError
	var routing *echo.HTTPError
	if errors.As(err, &routing) {
		p.Status = routing.Code
	}
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
	case statusClientGone:
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

// answerError writes every failure of the API.
func (s *Server) answerError(err error, c echo.Context) {
	p, retry := problemOf(err)
	if p.Status == http.StatusInternalServerError || p.Status == http.StatusServiceUnavailable {
		s.log.ErrorContext(c.Request().Context(), "request not answered", "path", c.Request().URL.Path, "status", p.Status, "error", err)
	}
	if c.Response().Committed {
		return
	}
	if retry > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(retry/time.Second)))
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(p.Status, problemType, body)
	}
	if err != nil {
		s.log.DebugContext(c.Request().Context(), "answer not sent", "error", err)
	}
}
