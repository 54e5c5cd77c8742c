package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sockets"
)

// door is one way in over HTTP. It owns what its decoding keeps from one request to the next.
type door struct {
	name    string   // label of the metrics
	path    string   // where it is
	methods []string // that it takes; POST when empty
	// serve reads the request with exchange.read, takes it, and answers success.
	serve func(*exchange) (outcome, error)
	// fail answers what serve returned as an error, in the door's own dialect. nil means
	// plain text, which is what most dialects have.
	fail func(*exchange, answer) error
}

// exchange is one request with its answer.
type exchange struct {
	echo.Context
	body *body
}

// read reads the body in the coding that its header names.
func (x *exchange) read() error { return x.decode(x.contentEncoding()) }

// readSnappy is read for the formats that are always compressed by snappy (remote write, Loki
// push), whatever the headers say.
func (x *exchange) readSnappy() error {
	if err := x.decode(""); err != nil {
		return err
	}
	return x.body.unsnappy()
}

// decode reads the body under its limits. One that cannot fit is refused before it is read.
func (x *exchange) decode(encoding string) error {
	w, r, limit := x.Response(), x.Request(), x.body.limits.MaxBodyBytes
	if r.ContentLength > limit {
		return plait.Errorf(plait.ErrTooLarge, "the body has %d bytes, the limit is %d", r.ContentLength, limit)
	}
	control := http.NewResponseController(w)
	err := x.body.arrive(r.Context(), control, r.Body, func(raw io.Reader) error {
		return x.body.decode(http.MaxBytesReader(w, io.NopCloser(raw), limit), r.ContentLength, encoding)
	})
	if err != nil {
		return err
	}
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return plait.Errorf(errSlow, "clear the time for the body: %w", err)
	}
	return nil
}

// httpHandler routes requests to all doors.
func (s *Server) httpHandler() http.Handler {
	e := echo.New()
	e.Logger.SetOutput(io.Discard) // failures are logged by the intake
	e.HTTPErrorHandler = s.failPlain
	for _, d := range s.doors {
		e.Match(d.takes(), d.path, s.handler(d))
		e.OPTIONS(d.path, s.preflight)
	}
	return e
}

// contentEncoding is the coding of the body in lower case: codings have no case (RFC 9110, 8.4.1).
func (x *exchange) contentEncoding() string {
	return strings.ToLower(strings.TrimSpace(x.Request().Header.Get("Content-Encoding")))
}

// handler leads requests to a door through the intake.
func (s *Server) handler(d door) echo.HandlerFunc {
	if d.fail == nil {
		d.fail = (*exchange).failText
	}
	return func(c echo.Context) error {
		x := &exchange{Context: c}
		s.intake.take(c.Request().Context(), request{
			door: d.name, sender: sockets.Sender(c.Request().RemoteAddr),
			serve: func(b *body) (outcome, error) {
				x.body = b
				if err := s.origins.admit(c.Response().Header(), c.Request()); err != nil {
					return outcome{}, err
				}
				return d.serve(x)
			},
			fail: func(a answer, err error) error {
				if !errors.Is(err, errSlow) && !errors.Is(err, errShed) {
					drain(c.Response(), c.Request())
				}
				if a.retry > 0 {
					c.Response().Header().Set("Retry-After", strconv.Itoa(a.retrySeconds()))
				}
				return d.fail(x, a)
			},
		})
		return nil
	}
}

// Headers of an answer that count what protocols' own answers do not: the records that were
// stored, those of a repeated request, which had been stored before, and those that a limit left out. A metric's records are
// its samples.
const (
	storedHeader  = "Plait-Stored"
	knownHeader   = "Plait-Known"
	sampledHeader = "Plait-Sampled"
)

// count puts the numbers of records into the answer's headers.
func (x *exchange) count(o *outcome) {
	header := x.Response().Header()
	header[storedHeader], header[knownHeader] = []string{strconv.Itoa(o.stored)}, []string{strconv.Itoa(o.known)}
	x.countSampled(o)
}

// countSampled puts the number of records that a limit left out into the answer's headers.
func (x *exchange) countSampled(o *outcome) {
	if o.sampled > 0 {
		x.Response().Header().Set(sampledHeader, strconv.Itoa(o.sampled))
	}
}

// failText answers in plain text.
func (x *exchange) failText(a answer) error { return x.String(a.http, a.message+"\n") }

// http2Preface is what the first line of HTTP/2, which gRPC's clients speak at once, has in place of a method.
const http2Preface = "PRI"

// failPlain answers what no door took: unknown paths, wrong methods, and gRPC at the port for HTTP.
func (s *Server) failPlain(err error, c echo.Context) {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		he = echo.NewHTTPError(http.StatusInternalServerError)
	}
	text := http.StatusText(he.Code)
	name := "error"
	switch {
	case c.Request().Method == http2Preface:
		name, text = "no_route", fmt.Sprintf("this port takes HTTP/1.1. OTLP/gRPC has a port of its own, %s", s.GRPCAddr())
	case he.Code == http.StatusNotFound && asksDatadogAgent(c.Request().URL.Path):
		_ = c.String(http.StatusNotFound, "Plait takes traces as a Datadog agent does, and nothing else of it\n")
		return
	case he.Code == http.StatusNotFound:
		name, text = "no_route", fmt.Sprintf("unknown path %.200q. POST to one of: %s", c.Request().URL.Path, strings.Join(s.paths(), " "))
	case he.Code == http.StatusMethodNotAllowed:
		methods := s.methods(c.Request().URL.Path)
		name, text = "method", fmt.Sprintf("%s takes %s, not %.20s", c.Request().URL.Path, strings.Join(methods, " and "), c.Request().Method)
		c.Response().Header().Set("Allow", strings.Join(methods, ", "))
	}
	s.intake.count("none", name, 0)
	s.intake.journal.refused("none", plait.Refused{Time: s.intake.now(), Sender: sockets.Sender(c.Request().RemoteAddr), Answer: name, Reason: text})
	if !c.Response().Committed {
		// A failure to answer is the connection's, and its sender knows.
		_ = c.String(he.Code, text+"\n")
	}
}

// takes are the methods of requests that a door takes.
func (d *door) takes() []string {
	if len(d.methods) == 0 {
		return []string{http.MethodPost}
	}
	return d.methods
}

// methods are those of the door at a path.
func (s *Server) methods(path string) []string {
	i := slices.IndexFunc(s.doors, func(d door) bool { return d.path == path })
	if i < 0 {
		return []string{http.MethodPost}
	}
	return s.doors[i].takes()
}

func (s *Server) paths() []string {
	var out []string
	for _, d := range s.doors {
		out = append(out, d.path)
	}
	return out
}
