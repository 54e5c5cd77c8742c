// Package api is the way out over HTTP: pivots and searches as JSON (docs/api.md), health,
// and Plait's own metrics. Other APIs (faces) are mounted beside them.
//
// Only cmd/plait calls it. A question travels in four steps, the same for all: its parameters
// are read into a struct (package ask), correlate or a reader is asked, the answer is put into
// the shape that openapi.yaml describes, and sent. Failures are returned, and one place
// answers them (answerError). The package never writes telemetry and knows no SQL.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/sockets"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// sendTime is how long a client may take to read an answer.
	sendTime = 2 * time.Minute
	// maxHeaderBytes bounds a request's head: a query in the URL may be as long as PromQL may be.
	maxHeaderBytes = 64 << 10
)

// http2 bounds what a connection of HTTP/2 holds, which faces over gRPC are asked by: questions are small.
var http2 = &http.HTTP2Config{
	MaxConcurrentStreams:          64,
	MaxReadFrameSize:              16 << 10,
	MaxReceiveBufferPerConnection: 64 << 10,
	MaxReceiveBufferPerStream:     64 << 10,
	SendPingTimeout:               30 * time.Second,
	PingTimeout:                   15 * time.Second,
	WriteByteTimeout:              sendTime / 4,
}

// Server answers questions. New makes it, Listen opens its socket, Run serves.
type Server struct {
	*sockets.Server

	config Config
	deps   Deps
	log    *slog.Logger
	pivots *correlate.Pivots
	links  links
	memory *plait.AnswerMemory
	meters *meters
}

// New makes a server from a configuration that Validate accepts. It opens nothing.
func New(c Config, d Deps) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("API settings: %w", err)
	}
	d.setDefaults()
	if d.Memory == nil {
		d.Memory = plait.NewAnswerMemory(c.AnswerBytes)
	}
	m, err := newMeters(d.Registerer)
	if err != nil {
		return nil, err
	}
	compress, err := compression()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, deps: d, log: d.Logger, meters: m, links: newLinks(c.BaseURL), memory: d.Memory,
		pivots: correlate.NewPivots(d.Traces, d.Logs, d.Metrics),
	}
	s.Server = sockets.New(sockets.Config{
		Name: "the API", Addr: c.Addr, Handler: s.handler(compress), HTTP2: http2,
		MaxConnections: c.MaxConnections, MaxHeaderBytes: maxHeaderBytes,
		HeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, SendTimeout: sendTime / 4,
		WriteTimeout: c.QueryTimeout + sendTime, ShutdownGrace: c.ShutdownGrace,
		AllowedHosts: c.AllowedHosts, Logger: d.Logger,
	})
	return s, nil
}

// handler routes all that is served on the API's port.
func (s *Server) handler(compress echo.MiddlewareFunc) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.answerError
	e.Pre(oneLeadingSlash)
	e.Use(s.observe, s.recoverPanics)

	if s.deps.Page != nil {
		for _, path := range s.deps.Page.Paths() {
			get(e, path, echo.WrapHandler(s.deps.Page), compress)
		}
	}
	get(e, "/healthz", s.alive)
	get(e, "/readyz", s.ready)
	get(e, "/ready", s.ready) // as Loki and Tempo call it
	get(e, "/metrics", echo.WrapHandler(promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{
		EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelError),
	})))
	for _, face := range s.deps.Faces {
		e.Any(face.Prefix+"/*", echo.WrapHandler(face.Handler))
	}

	get(e, "/openapi.json", serveBytes(echo.MIMEApplicationJSON, openAPIJSON), compress)
	get(e, "/openapi.yaml", serveBytes("application/yaml", func() ([]byte, error) { return openAPIYAML, nil }), compress)
	s.mount(e, compress, s.limitTime)
	return e
}

// oneLeadingSlash mends the paths of data sources whose URL was pasted with a slash at its end.
func oneLeadingSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if u := c.Request().URL; strings.HasPrefix(u.Path, "//") {
			u.Path = "/" + strings.TrimLeft(u.Path, "/")
			if u.RawPath != "" {
				u.RawPath = "/" + strings.TrimLeft(u.RawPath, "/")
			}
		}
		return next(c)
	}
}

// get routes GET, and HEAD, for which net/http leaves out the body.
func get(e *echo.Echo, path string, h echo.HandlerFunc, around ...echo.MiddlewareFunc) {
	e.Match([]string{http.MethodGet, http.MethodHead}, path, h, around...)
}

// limitTime bounds the time that a question may take; the database's work ends with it, and
// when the client goes away.
func (s *Server) limitTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.QueryTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// errPanicked marks a panic in a handler.
var errPanicked = errors.New("panic")

func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if cause, ok := r.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
				panic(r)
			}
			if r != nil {
				err = fmt.Errorf("%w: %v\n%s", errPanicked, r, debug.Stack())
			}
		}()
		return next(c)
	}
}
