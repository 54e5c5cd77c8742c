package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
)

// door is one way in over HTTP.
type door struct {
	name string // label of the metrics
	path string // takes POST
	// serve reads the request with exchange.body, takes it, and answers success.
	serve func(*exchange) (outcome, error)
	// fail answers what serve returned as an error, in the door's own dialect. nil means
	// plain text, which is what most dialects have.
	fail func(*exchange, answer) error
}

// doors is every way in over HTTP.
func (s *Server) doors() []door {
	return slices.Concat(
		s.otlpDoors(),
		s.remoteWriteDoors(),
	)
}

// exchange is one request with its answer.
type exchange struct {
	echo.Context
	server *Server
	body   *body // nil until it is read
}

// read reads the body, which is released when the door returns.
func (x *exchange) read() error {
	var err error
	x.body, err = x.server.readBody(x.Response(), x.Request(), x.contentEncoding())
	return err
}

// readSnappy is read for the formats that are always compressed by snappy (remote write, Loki
// push), whatever the headers say.
func (x *exchange) readSnappy() error {
	var err error
	if x.body, err = x.server.readBody(x.Response(), x.Request(), ""); err != nil {
		return err
	}
	return x.server.unsnappy(x.body)
}

// httpHandler routes requests to all doors.
func (s *Server) httpHandler() http.Handler {
	e := echo.New()
	e.Logger.SetOutput(io.Discard) // failures are logged by observe
	e.HTTPErrorHandler = s.failPlain
	for _, d := range s.doors() {
		e.POST(d.path, s.handler(d))
		e.OPTIONS(d.path, s.preflight)
	}
	return e
}

// contentEncoding is the coding of the body in lower case: codings have no case (RFC 9110, 8.4.1).
func (x *exchange) contentEncoding() string {
	return strings.ToLower(strings.TrimSpace(x.Request().Header.Get("Content-Encoding")))
}

// handler runs a door: it refuses while draining, answers failures, survives panics, counts.
func (s *Server) handler(d door) echo.HandlerFunc {
	if d.fail == nil {
		d.fail = (*exchange).failText
	}
	return func(c echo.Context) error {
		begin := s.now()
		x := &exchange{Context: c, server: s}
		o, err := s.serve(d, x)
		name := o.name()
		if err != nil {
			if !errors.Is(err, errSlow) && !errors.Is(err, errShed) {
				drain(c.Response(), c.Request())
			}
			a := answerTo(err)
			name = a.name
			if a.retry > 0 {
				c.Response().Header().Set("Retry-After", strconv.Itoa(a.retrySeconds()))
			}
			if failErr := d.fail(x, a); failErr != nil {
				err = errors.Join(err, fmt.Errorf("answer: %w", failErr))
			}
		}
		s.observe(c.Request().Context(), d.name, name, begin, err)
		return nil
	}
}

// serve runs the door's own part with the body's life around it. After a failure the bytes are
// not used again: whoever failed may still hold them.
func (s *Server) serve(d door, x *exchange) (o outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = s.recovered(r)
		}
		if x.body == nil {
			return
		}
		s.meters.bytes.WithLabelValues(d.name).Add(float64(len(x.body.bytes)))
		if err != nil {
			x.body.forget()
		} else {
			x.body.release()
		}
	}()
	if s.draining.Load() {
		return outcome{}, plait.Errorf(errDraining, "the gateway stops")
	}
	if err := s.origins.admit(x.Response().Header(), x.Request()); err != nil {
		return outcome{}, err
	}
	return d.serve(x)
}

// recovered turns a panic into an error. The request that caused it is to blame, so its sender
// is told not to send it again.
func (s *Server) recovered(r any) error {
	s.meters.panics.Inc()
	return plait.Errorf(errPanicked, "panic: %v\n%s", r, debug.Stack())
}

// failText answers in plain text.
func (x *exchange) failText(a answer) error { return x.String(a.http, a.message+"\n") }

// failPlain answers what no door took: unknown paths and wrong methods.
func (s *Server) failPlain(err error, c echo.Context) {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		he = echo.NewHTTPError(http.StatusInternalServerError)
	}
	text := http.StatusText(he.Code)
	name := "error"
	switch he.Code {
	case http.StatusNotFound:
		name, text = "no_route", fmt.Sprintf("unknown path %.200q. POST to one of: %s", c.Request().URL.Path, strings.Join(s.paths(), " "))
	case http.StatusMethodNotAllowed:
		name, text = "method", fmt.Sprintf("%s takes POST, not %.20s", c.Request().URL.Path, c.Request().Method)
		c.Response().Header().Set("Allow", http.MethodPost)
	}
	s.count("none", name, s.now())
	if !c.Response().Committed {
		// A failure to answer is the connection's, and its sender knows.
		_ = c.String(he.Code, text+"\n")
	}
}

func (s *Server) paths() []string {
	var out []string
	for _, d := range s.doors() {
		out = append(out, d.path)
	}
	return out
}
