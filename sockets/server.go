// Package sockets is what the gateway's HTTP servers have in common: a listener with a bounded number
// of connections, readers that stall, the names a request may use for the gateway, and an orderly
// stop. ingest and api put their handlers on top.
package sockets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config is one server. Name, Addr, Handler and the limits are required.
type Config struct {
	// Name says in errors what is served: "OTLP/HTTP".
	Name string
	// Addr is the host:port to listen on.
	Addr    string
	Handler http.Handler
	// HTTP2 lets the server speak HTTP/2 without TLS, with clients that begin with it, as those of gRPC do; nil: HTTP/1.1 only.
	HTTP2 *http.HTTP2Config
	// OnlyHTTP2 leaves out HTTP/1.1.
	OnlyHTTP2 bool

	// MaxConnections bounds the open connections. When all are open, a new one takes the place of an
	// idle one.
	MaxConnections int
	// MaxHeaderBytes bounds a request's head.
	MaxHeaderBytes int
	// HeaderTimeout is how long a request's head may take to arrive.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection without a request is kept.
	IdleTimeout time.Duration
	// SendTimeout is how long a client may take to read the next 64 KiB of an answer.
	SendTimeout time.Duration
	// WriteTimeout is how long a request may take from its head to the end of its answer; 0: no limit.
	WriteTimeout time.Duration
	// ShutdownGrace is how long Run lets requests finish.
	ShutdownGrace time.Duration

	// AllowedHosts are names of the gateway, besides those that HostNames lists, for requests that
	// come over loopback.
	AllowedHosts []string
	// Shed ends a request that hinders others, if there is one, and says so. It is asked when all
	// connections are in use and none is idle. nil: there never is.
	Shed func() bool

	Logger *slog.Logger // nil: slog.Default
}

// Server is one listener. New makes it, Listen opens its socket, Run serves.
type Server struct {
	config   Config
	http     *http.Server
	listener net.Listener
	handlers handlers
	shutdown sync.Once
	stopped  chan struct{} // closed when Shutdown has begun
}

// New makes a server. It opens nothing.
func New(c Config) *Server {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := &Server{config: c, stopped: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.handlers.counted(c.Handler),
		ReadHeaderTimeout: c.HeaderTimeout,
		IdleTimeout:       c.IdleTimeout,
		WriteTimeout:      c.WriteTimeout,
		MaxHeaderBytes:    c.MaxHeaderBytes,
		ConnState:         connectionState,
		// What the standard server has to say is about single connections.
		ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	if c.HTTP2 != nil {
		s.http.HTTP2 = c.HTTP2
		s.http.Protocols = new(http.Protocols)
		s.http.Protocols.SetHTTP1(!c.OnlyHTTP2)
		s.http.Protocols.SetUnencryptedHTTP2(true)
	}
	return s
}

// Listen opens the socket. Connections wait in the kernel until Run. Whoever has called Listen
// calls Run or Shutdown.
func (s *Server) Listen() error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", s.config.Addr)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", s.config.Name, err)
	}
	s.listener = newListener(l, s.config)
	if isLoopback(l.Addr()) && !s.config.OnlyHTTP2 { // browsers speak no HTTP/2 without TLS
		s.http.Handler = checkHost(s.http.Handler, l.Addr(), s.config.AllowedHosts)
	}
	return nil
}

// Addr is the address on which the server listens, valid after Listen.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Handler is what answers requests once they have passed the listener.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Run serves until ctx is done or Shutdown is called, which may have been before, or until the listener
// fails, which is its error. It is called once, after Listen. When ctx is done it takes no more requests and lets those that were taken finish within
// Config.ShutdownGrace.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		return fmt.Errorf("serve %s: there is no socket, Listen comes first", s.config.Name)
	}
	failed := make(chan error, 1)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve %s: %w", s.config.Name, err)
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

// Shutdown takes no more requests, waits until those that were taken are answered, and closes the
// socket. When ctx ends first, what is left is cut off and ctx's error returned. Later calls wait
// for the first.
func (s *Server) Shutdown(ctx context.Context) error {
	var err error
	s.shutdown.Do(func() {
		close(s.stopped)
		if s.listener != nil {
			defer s.listener.Close() // it is the server's own only after Serve
		}
		if err = s.http.Shutdown(ctx); err != nil {
			s.http.Close()
			err = fmt.Errorf("finish the requests of %s: %w", s.config.Name, err)
		}
		s.handlers.wait()
	})
	return err
}

// handlers counts the handlers that run: HTTP/2's go on when their connection has ended.
type handlers struct {
	mu    sync.Mutex
	n     int
	ended chan struct{} // closed when the last has ended; nil until somebody waits
}

// counted counts a handler's calls.
func (h *handlers) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.add(1)
		defer h.add(-1)
		next.ServeHTTP(w, r)
	})
}

func (h *handlers) add(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n += n; h.n == 0 && h.ended != nil {
		close(h.ended)
		h.ended = nil
	}
}

// wait returns when no handler runs.
func (h *handlers) wait() {
	h.mu.Lock()
	if h.n == 0 {
		h.mu.Unlock()
		return
	}
	ended := make(chan struct{})
	h.ended = ended
	h.mu.Unlock()
	<-ended
}
