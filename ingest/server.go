// Package ingest is the ways in: it listens where applications send telemetry, and answers each
// request once its records are committed, or at once when it cannot take them.
//
// Only cmd/plait calls it. It knows protocols, limits and answers. It never touches the
// database: that is the Writer's side of the contract, see there. It queues nothing: a request
// that is taken is held by its own goroutine until the commit.
//
// Doors are thin and alike: read the body within the memory budget (body.go), decode it (package
// wire), clean it (clean.go), write it (pipeline.go), answer (answer.go). What goes around that, for
// every transport, is the intake (intake.go). A new way in over HTTP is one more file with a door,
// listed in New.
package ingest

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sockets"
)

// Deps are what a Server works with. Writer is required.
type Deps struct {
	Writer     Writer
	Spans      SpanObserver          // nil: nobody is told of committed spans
	Limits     LimitObserver         // nil: nobody is told what limits do
	Logger     *slog.Logger          // nil: slog.Default
	Registerer prometheus.Registerer // nil: metrics are kept to itself
	Now        func() time.Time      // nil: time.Now
	// DigestKey is what all gateways of a database share and no sender knows, so that a request which
	// is sent again to another of them is recognised, and none can be made up that passes for it.
	DigestKey [32]byte
}

// Server is the doors. New makes it, Listen opens its sockets, Run serves.
type Server struct {
	*sockets.Group

	config   Config
	pipeline *pipeline
	log      *slog.Logger
	intake   *intake
	origins  *origins

	doors []door // every way in over HTTP

	http *sockets.Server
	grpc *sockets.Server
	// jaeger is gRPC once more, at the port of Jaeger's collector; nil where nobody asked for it.
	jaeger   *sockets.Server
	services *grpcServices
	// datagrams takes those of X-Ray's SDKs; nil where nobody asked for it.
	datagrams *sockets.Datagrams
}

// New makes a server from a configuration that Validate accepts. It opens nothing.
func New(c Config, d Deps) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Registerer == nil {
		d.Registerer = prometheus.NewRegistry()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	digests, err := newDigester(d.DigestKey)
	if err != nil {
		return nil, fmt.Errorf("the key of digests: %w", err)
	}
	b := newBudget(c.MaxInFlightBytes, d.Now)
	spans := newLimiter(traces, c.MaxSpansPerSecond, newServicePaces(c.ServiceLimits, func(l *ServiceLimit) *float64 { return l.MaxSpansPerSecond }), d.Now)
	records := newLimiter(logs, c.MaxRecordsPerSecond, newServicePaces(c.ServiceLimits, func(l *ServiceLimit) *float64 { return l.MaxRecordsPerSecond }), d.Now)
	m, err := newMeters(d.Registerer, b, map[string]*limiter{traces: spans, logs: records})
	if err != nil {
		return nil, err
	}
	p := &pipeline{
		writer: d.Writer, spans: d.Spans, limits: d.Limits, meters: m, digests: digests,
		cleaner:   &cleaner{limits: c, meters: m, now: d.Now, ids: findIDs},
		spanLimit: spans, recordLimit: records,
	}
	otlp, jaeger, xray := newOTLPDoors(p, c), &jaegerDoor{p}, &xrayDoor{p}
	methods := slices.Concat(otlp.overGRPC(), jaeger.overGRPC())
	s := &Server{
		config: c, log: d.Logger, pipeline: p, origins: newOrigins(c.AllowedOrigins),
		intake:   &intake{config: c, log: d.Logger, now: d.Now, budget: b, meters: m, outage: &outage{log: d.Logger, now: d.Now}, stopped: make(chan struct{})},
		services: newGRPCServices(methods),
	}
	s.doors = slices.Concat(otlp.overHTTP(), newRemoteWriteDoor(p).overHTTP(), (&lokiDoor{p}).overHTTP(), (&linesDoor{p}).overHTTP(),
		(&zipkinDoor{p}).overHTTP(), jaeger.overHTTP(), (&datadogDoor{p}).overHTTP(), xray.overHTTP())
	s.http = sockets.New(s.socket("OTLP/HTTP", c.HTTPAddr, s.httpHandler(), nil))
	overGRPC := s.grpcHandler(methods)
	s.grpc = sockets.New(s.socket("OTLP/gRPC", c.GRPCAddr, overGRPC, grpcHTTP2))
	services := []sockets.Service{s.http, s.grpc}
	if c.JaegerGRPCAddr != "" {
		s.jaeger = sockets.New(s.socket("Jaeger's gRPC", c.JaegerGRPCAddr, overGRPC, grpcHTTP2))
		services = append(services, s.jaeger)
	}
	if c.XRayAddr != "" {
		s.datagrams = xray.datagrams(c, s.intake)
		services = append(services, s.datagrams)
	}
	s.Group = sockets.NewGroup(s.drain, services...)
	return s, nil
}

// socket is the settings that all ports share.
func (s *Server) socket(name, addr string, h http.Handler, http2 *http.HTTP2Config) sockets.Config {
	return sockets.Config{
		Name: name, Addr: addr, Handler: h, HTTP2: http2,
		MaxConnections: s.config.MaxConnections, MaxHeaderBytes: maxHeaderBytes,
		HeaderTimeout: s.config.HeaderTimeout, IdleTimeout: s.config.IdleTimeout, SendTimeout: sendTimeout,
		ShutdownGrace: s.config.ShutdownGrace, AllowedHosts: s.config.AllowedHosts,
		Shed: s.intake.budget.shedSlowest, Logger: s.log,
	}
}

const (
	// maxHeaderBytes bounds a request's head, of which senders use a few hundred bytes.
	maxHeaderBytes = 32 << 10
	// sendTimeout is how long a sender may take to read its answer.
	sendTimeout = 10 * time.Second
)

// HTTPAddr is the address on which HTTP listens, valid after Listen.
func (s *Server) HTTPAddr() net.Addr { return s.http.Addr() }

// GRPCAddr is the address on which gRPC listens, valid after Listen.
func (s *Server) GRPCAddr() net.Addr { return s.grpc.Addr() }

// Intake tells what became of the requests of each door since the start, by the doors' names.
func (s *Server) Intake() []plait.IntakeReport { return s.intake.journal.report() }

// drain refuses what comes from now on.
func (s *Server) drain() {
	s.intake.stop()
	s.services.stop()
}
