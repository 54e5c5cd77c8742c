// Package ingest is the ways in: it listens where applications send telemetry, and answers each
// request once its records are committed, or at once when it cannot take them.
//
// Only cmd/plait calls it. It knows protocols, limits and answers. It never touches the
// database: that is the Writer's side of the contract, see there. It queues nothing: a request
// that is taken is held by its own goroutine until the commit.
//
// Doors are thin and alike: read the body within the memory budget (body.go), decode it (package
// wire), clean it (clean.go), write it (pipeline.go), answer (answer.go). A new way in over
// HTTP is one more file with a func doors, listed in Server.doors.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/plaithq/plait/wire/otlp"
	"github.com/plaithq/plait/wire/remotewrite"
)

// Deps are what a Server works with. Writer is required.
type Deps struct {
	Writer     Writer
	Spans      SpanObserver          // nil: nobody is told of committed spans
	Logger     *slog.Logger          // nil: slog.Default
	Registerer prometheus.Registerer // nil: metrics are kept to itself
	Now        func() time.Time      // nil: time.Now
}

// Server is the doors. New makes it, Listen opens its sockets, Run serves.
type Server struct {
	config   Config
	log      *slog.Logger
	now      func() time.Time
	budget   *budget
	meters   *meters
	outage   *outage
	pipeline *pipeline

	http     *http.Server
	grpc     *grpc.Server
	health   *health.Server
	httpLn   net.Listener
	grpcLn   net.Listener
	draining atomic.Bool
	shutdown sync.Once
	stopped  chan struct{} // closed when Shutdown has begun
}

// New makes a server from a configuration that Validate accepts. It opens nothing.
func New(c Config, d Deps) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("ingest settings: %w", err)
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
	b := &budget{max: c.MaxInFlightBytes}
	m, err := newMeters(d.Registerer, b)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, log: d.Logger, now: d.Now, budget: b, meters: m, stopped: make(chan struct{}),
		outage: &outage{log: d.Logger, now: d.Now},
		pipeline: &pipeline{
			writer: d.Writer, spans: d.Spans, meters: m,
			remoteWrite: remotewrite.NewDecoder(),
			otlpMetrics: otlp.NewMetricDecoder(otlp.MetricSettings{PromoteResourceAttributes: c.PromoteResourceAttributes}),
			cleaner:     &cleaner{limits: c, meters: m, now: d.Now, ids: findIDs},
		},
	}
	s.http = s.newHTTP()
	s.grpc, s.health = s.newGRPC()
	return s, nil
}

// Listen opens the sockets. Connections wait in the kernel until Run. Whoever has called Listen
// calls Run or Shutdown.
func (s *Server) Listen() error {
	var lc net.ListenConfig
	var err error
	if s.httpLn, err = lc.Listen(context.Background(), "tcp", s.config.HTTPAddr); err != nil {
		return fmt.Errorf("listen for OTLP/HTTP: %w", err)
	}
	if s.grpcLn, err = lc.Listen(context.Background(), "tcp", s.config.GRPCAddr); err != nil {
		s.httpLn.Close()
		return fmt.Errorf("listen for OTLP/gRPC: %w", err)
	}
	return nil
}

// HTTPAddr is the address on which HTTP listens, valid after Listen.
func (s *Server) HTTPAddr() net.Addr { return s.httpLn.Addr() }

// GRPCAddr is the address on which gRPC listens, valid after Listen.
func (s *Server) GRPCAddr() net.Addr { return s.grpcLn.Addr() }

// Run serves until ctx is done or Shutdown is called, or until a listener fails, which is its
// error. When ctx is done it takes no more and lets accepted requests finish within
// Config.ShutdownGrace; it returns when all of them are answered.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.http.Serve(s.httpLn); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve HTTP: %w", err)
		}
	})
	serving.Go(func() {
		if err := s.grpc.Serve(s.grpcLn); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			failed <- fmt.Errorf("serve gRPC: %w", err)
		}
	})
	var err error
	select {
	case <-ctx.Done():
	case <-s.stopped:
	case err = <-failed:
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.ShutdownGrace)
	defer cancel()
	err = errors.Join(err, s.Shutdown(grace))
	serving.Wait()
	return err
}

// Shutdown takes no more requests, waits until those that were accepted are answered, and closes
// the sockets. When ctx ends first, what is left is cut off and ctx's error returned: their
// senders got no answer and will send again. Later calls wait for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	var err error
	s.shutdown.Do(func() {
		s.draining.Store(true)
		close(s.stopped)
		s.health.Shutdown()
		var wait sync.WaitGroup
		wait.Go(func() { err = s.stopHTTP(ctx) })
		var grpcErr error
		wait.Go(func() { grpcErr = s.stopGRPC(ctx) })
		wait.Wait()
		err = errors.Join(err, grpcErr)
	})
	return err
}

func (s *Server) stopHTTP(ctx context.Context) error {
	if s.httpLn != nil {
		defer s.httpLn.Close() // it is the server's own only after Serve
	}
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
		return fmt.Errorf("finish HTTP requests: %w", err)
	}
	return nil
}

func (s *Server) stopGRPC(ctx context.Context) error {
	if s.grpcLn != nil {
		defer s.grpcLn.Close()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.grpc.Stop() // ends GracefulStop too
		<-done
		return fmt.Errorf("finish gRPC requests: %w", ctx.Err())
	}
}

// observe counts a request that came through a door, and sees to it that the log tells what went
// wrong on our side.
func (s *Server) observe(ctx context.Context, door, name string, begin time.Time, err error) {
	s.count(door, name, begin)
	switch {
	case err == nil:
		s.outage.success(ctx)
	case errors.Is(err, errPanicked):
		s.log.ErrorContext(ctx, "request not stored", "door", door, "answer", name, "error", err)
	case answerTo(err).ours():
		s.outage.failure(ctx, door, name, err)
	}
}

func (s *Server) count(door, name string, begin time.Time) {
	s.meters.requests.WithLabelValues(door, name).Inc()
	s.meters.seconds.WithLabelValues(door).Observe(s.now().Sub(begin).Seconds())
}
