package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A service is one program of the shop: a listener, its own telemetry, and clients for the
// services that it calls.
type service struct {
	name      string
	telemetry *telemetry
	tracer    trace.Tracer
	log       *slog.Logger
	mux       *http.ServeMux
	listener  net.Listener
	transport *http.Transport
	server    *http.Server
	peers     map[string]*peer
}

// A peer is another service as its callers see it.
type peer struct {
	name    string
	baseURL string
	client  *http.Client
}

// statusError is an answer that is no success.
type statusError struct {
	peer    string
	code    int
	message string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d: %s", e.peer, e.code, e.message)
}

func newService(ctx context.Context, cfg Config, name, version string) (*service, error) {
	t, err := newTelemetry(ctx, cfg, name, version)
	if err != nil {
		return nil, fmt.Errorf("set up telemetry of %s: %w", name, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for %s: %w", name, err), t.shutdown(ctx))
	}
	s := &service{
		name:      name,
		telemetry: t,
		tracer:    t.traces.Tracer("shop/" + name),
		log:       otelslog.NewLogger("shop/"+name, otelslog.WithLoggerProvider(t.logs)),
		mux:       http.NewServeMux(),
		listener:  listener,
		transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute},
		peers:     map[string]*peer{},
	}
	s.server = &http.Server{
		Handler: otelhttp.NewHandler(s.mux, name,
			otelhttp.WithTracerProvider(t.traces),
			otelhttp.WithMeterProvider(t.metrics),
			otelhttp.WithPropagators(propagation.TraceContext{}),
			otelhttp.WithSpanNameFormatter(routeName)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	return s, nil
}

// routeName names a server span by the pattern that matched, or the method before one did.
func routeName(_ string, r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	return r.Method
}

// calls lets s call the other services.
func (s *service) calls(others ...*service) {
	for _, o := range others {
		s.peers[o.name] = &peer{
			name:    o.name,
			baseURL: "http://" + o.listener.Addr().String(),
			client: &http.Client{Timeout: 15 * time.Second, Transport: otelhttp.NewTransport(s.transport,
				otelhttp.WithTracerProvider(s.telemetry.traces),
				otelhttp.WithMeterProvider(s.telemetry.metrics),
				otelhttp.WithPropagators(propagation.TraceContext{}),
				otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + o.name }),
				otelhttp.WithSpanOptions(trace.WithAttributes(attribute.String("peer.service", o.name))))},
		}
	}
}

// handle answers a pattern with what the function returns, as JSON. Errors are logged by
// whoever has something to tell about them.
func (s *service) handle(pattern string, answer func(*http.Request) (any, error)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := answer(r)
		code := http.StatusOK
		if err != nil {
			trace.SpanFromContext(r.Context()).RecordError(err)
			var message string
			code, message = s.problem(err)
			body = map[string]string{"error": message}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		// The caller may be gone; there is nobody left to tell.
		_ = json.NewEncoder(w).Encode(body)
	})
}

// problem says how to answer an error: as fail asked for, or that something behind s has failed.
func (s *service) problem(err error) (code int, message string) {
	if own, ok := errors.AsType[*statusError](err); ok && own.peer == s.name {
		return own.code, own.message
	}
	return http.StatusBadGateway, err.Error()
}

// fail makes an error that handle answers with the code.
func (s *service) fail(code int, format string, args ...any) error {
	return &statusError{peer: s.name, code: code, message: fmt.Sprintf(format, args...)}
}

// get and post call another service and read its answer into out, which may be nil.
func (s *service) get(ctx context.Context, peer, path string, out any) error {
	return s.call(ctx, http.MethodGet, peer, path, out)
}

func (s *service) post(ctx context.Context, peer, path string, out any) error {
	return s.call(ctx, http.MethodPost, peer, path, out)
}

func (s *service) call(ctx context.Context, method, to, path string, out any) error {
	p := s.peers[to]
	req, err := http.NewRequestWithContext(ctx, method, p.baseURL+path, nil)
	if err != nil {
		return fmt.Errorf("make request to %s: %w", to, err)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", to, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", to, err)
	}
	if res.StatusCode != http.StatusOK {
		var problem struct{ Error string }
		_ = json.Unmarshal(body, &problem) // without a message the code says enough
		return &statusError{peer: to, code: res.StatusCode, message: problem.Error}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("understand answer of %s: %w", to, err)
	}
	return nil
}

// serve answers requests until stop.
func (s *service) serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.name, err)
	}
	return nil
}

// stop finishes the requests under way.
func (s *service) stop(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop %s: %w", s.name, err), s.server.Close())
	}
	s.transport.CloseIdleConnections()
	return err
}

// discard closes what newService opened, for a service that never served.
func (s *service) discard(ctx context.Context) error {
	return errors.Join(s.listener.Close(), s.telemetry.shutdown(ctx))
}

// annotate adds attributes to the span of the request at hand.
func annotate(ctx context.Context, attributes ...attribute.KeyValue) {
	trace.SpanFromContext(ctx).SetAttributes(attributes...)
}
