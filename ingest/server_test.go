package ingest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plaithq/plait"
)

func TestShutdownFinishesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	var g *gate
	ts := start(t, withGate(&g))
	overHTTP, overGRPC := make(chan answered, 1), make(chan error, 1)
	go func() { overHTTP <- ts.protobuf(t, "/v1/traces", marshal(t, testTrace(1, "http"))) }()
	client := coltrace.NewTraceServiceClient(ts.dial(t))
	go func() {
		_, err := client.Export(t.Context(), testTrace(2, "grpc"))
		overGRPC <- err
	}()
	<-g.waiting
	<-g.waiting
	stopped := make(chan error, 1)
	go func() { stopped <- ts.stop() }()
	<-ts.intake.stopped
	select {
	case err := <-stopped:
		t.Fatalf("Run returned %v with requests unanswered", err)
	default:
	}
	close(g.open)
	if a := <-overHTTP; a.code != http.StatusOK {
		t.Errorf("over HTTP: %d %q", a.code, a.body)
	}
	if err := <-overGRPC; err != nil {
		t.Errorf("over gRPC: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestShutdownCutsOffWhatOutlastsItsGrace(t *testing.T) {
	t.Parallel()
	var g *gate
	ts := start(t, withGate(&g), func(c *Config, _ *Deps) { c.ShutdownGrace = time.Millisecond })
	ended := make(chan error, 1)
	client := coltrace.NewTraceServiceClient(ts.dial(t))
	go func() {
		_, err := client.Export(t.Context(), testTrace(2, "grpc"))
		ended <- err
	}()
	<-g.waiting
	if err := ts.Shutdown(canceled()); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want that its time was over", err)
	}
	if err := <-ended; status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the sender hears %v, want that it is not done", err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestADrainingServerAsksToComeBack(t *testing.T) {
	t.Parallel()
	ts := serve(t)
	ts.intake.stop() // as Shutdown does before connections that are in use end
	a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(1, "a")))
	if a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("over HTTP: %d %q", a.code, a.body)
	}
	_, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), testTrace(1, "a"))
	if st := status.Convert(err); st.Code() != codes.Unavailable || retryDelay(t, st.Proto()) == nil {
		t.Errorf("over gRPC: %v", err)
	}
}

// failing is a Writer that does with traces what it is told.
type failing struct {
	Writer
	write func() error
}

func (f failing) WriteTraces(context.Context, *plait.Traces) (plait.Receipt, error) {
	return plait.Receipt{}, f.write()
}

func TestWhatTheWriterSaysDecidesTheAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		write func() error
		http  int
		retry bool
		grpc  codes.Code
	}{
		{"invalid", func() error { return plait.ErrInvalid }, 400, false, codes.InvalidArgument},
		{"too large", func() error { return plait.ErrTooLarge }, 413, false, codes.ResourceExhausted},
		{"overloaded", func() error { return plait.ErrOverloaded }, 429, true, codes.ResourceExhausted},
		{"unavailable", func() error { return plait.ErrUnavailable }, 503, true, codes.Unavailable},
		{"unknown", func() error { return errors.New("disk on fire") }, 503, true, codes.Unavailable},
		{"panic", func() error { panic("index out of range") }, 500, false, codes.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			ts := serve(t, func(_ *Config, d *Deps) { d.Writer = failing{write: c.write} })
			a := ts.protobuf(t, "/v1/traces", marshal(t, testTrace(1, "a")))
			if retry := a.header.Get("Retry-After") != ""; a.code != c.http || retry != c.retry {
				t.Errorf("over HTTP: %d, asked to retry %v; want %d, %v", a.code, retry, c.http, c.retry)
			}
			_, err := coltrace.NewTraceServiceClient(ts.dial(t)).Export(t.Context(), testTrace(1, "a"))
			st := status.Convert(err)
			if retry := retryDelay(t, st.Proto()) != nil; st.Code() != c.grpc || retry != c.retry {
				t.Errorf("over gRPC: %v, asked to retry %v; want %v, %v", st.Code(), retry, c.grpc, c.retry)
			}
			if len(ts.observer.seen()) != 0 {
				t.Error("spans that were not committed were observed")
			}
		})
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
	}{
		{"address", func(c *Config) { c.HTTPAddr = "4318" }},
		{"body limit", func(c *Config) { c.MaxBodyBytes = 0 }},
		{"memory for less than one body", func(c *Config) { c.MaxInFlightBytes = c.MaxBodyBytes }},
		{"names longer than an index entry", func(c *Config) { c.MaxNameBytes = 2000 }},
		{"timeout", func(c *Config) { c.BodyTimeout = -time.Second }},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := DefaultConfig()
			c.change(&config)
			if _, err := New(config, Deps{}); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("got %v, want invalid", err)
			}
		})
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
