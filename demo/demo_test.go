package demo

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collectlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A receiver is an OTLP/HTTP endpoint that keeps what it is sent, by service.
type receiver struct {
	*httptest.Server
	mu        sync.Mutex
	spans     map[string][]*traces.Span
	logs      map[string][]*logs.LogRecord
	exemplars map[string]int // by metric
	enough    chan struct{}
	once      sync.Once
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{
		spans: map[string][]*traces.Span{}, logs: map[string][]*logs.LogRecord{},
		exemplars: map[string]int{}, enough: make(chan struct{}),
	}
	r.Server = httptest.NewServer(http.HandlerFunc(r.receive))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	b, err := io.ReadAll(body)
	if err == nil {
		err = r.keep(req.URL.Path, b)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (r *receiver) keep(path string, b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch path {
	case "/v1/traces":
		var m collecttraces.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &m); err != nil {
			return err
		}
		for _, of := range m.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				r.spans[serviceOf(of.Resource)] = append(r.spans[serviceOf(of.Resource)], scope.Spans...)
			}
		}
	case "/v1/logs":
		var m collectlogs.ExportLogsServiceRequest
		if err := proto.Unmarshal(b, &m); err != nil {
			return err
		}
		for _, of := range m.ResourceLogs {
			for _, scope := range of.ScopeLogs {
				r.logs[serviceOf(of.Resource)] = append(r.logs[serviceOf(of.Resource)], scope.LogRecords...)
			}
		}
	case "/v1/metrics":
		var m collectmetrics.ExportMetricsServiceRequest
		if err := proto.Unmarshal(b, &m); err != nil {
			return err
		}
		for _, of := range m.ResourceMetrics {
			for _, scope := range of.ScopeMetrics {
				r.countExemplars(scope.Metrics)
			}
		}
	}
	if r.logged("inventory", "slow query") && r.logged("inventory", "rebuilt") && r.logged("payment", "failed after 3 attempts") &&
		r.logged("bank", "is locked") && r.logged("shipping", "quoted") && r.logged("checkout", "order placed") {
		r.once.Do(func() { close(r.enough) })
	}
	return nil
}

func (r *receiver) countExemplars(of []*metrics.Metric) {
	for _, m := range of {
		for _, p := range m.GetHistogram().GetDataPoints() {
			r.exemplars[m.Name] += len(p.Exemplars)
		}
	}
}

// logged says whether the service has written a line that holds the text.
func (r *receiver) logged(service, text string) bool {
	for _, rec := range r.logs[service] {
		if strings.Contains(rec.Body.GetStringValue(), text) {
			return true
		}
	}
	return false
}

func serviceOf(of *resource.Resource) string {
	for _, a := range of.GetAttributes() {
		if a.Key == "service.name" {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

func TestShopTellsItsStoryInAllSignals(t *testing.T) {
	r := newReceiver(t)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	go func() {
		select {
		case <-r.enough:
		case <-ctx.Done():
		}
		stop()
	}()
	logged := &bytes.Buffer{}
	err := Run(ctx, Config{
		OTLPEndpoint: r.URL, Rate: 60, FaultEvery: 4 * time.Second,
		Logger: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil || logged.Len() > 0 {
		t.Fatalf("Run = %v, and it logged:\n%s", err, logged)
	}
	select {
	case <-r.enough:
	default:
		t.Fatal("the services did not log both faults")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, service := range []string{"storefront", "catalog", "cart", "inventory", "checkout", "shipping", "payment", "bank"} {
		if len(r.spans[service]) == 0 || len(r.logs[service]) == 0 {
			t.Errorf("%s sent %d spans and %d log records", service, len(r.spans[service]), len(r.logs[service]))
		}
	}
	for _, metric := range []string{"http.server.request.duration", "db.client.operation.duration"} {
		if r.exemplars[metric] == 0 {
			t.Errorf("%s has no exemplars", metric)
		}
	}
	checkParents(t, r.spans)
	checkLegacyLines(t, r)
}

// checkParents finds traces that were broken when the shop closed.
func checkParents(t *testing.T, spans map[string][]*traces.Span) {
	t.Helper()
	known := map[string]bool{"": true}
	for _, of := range spans {
		for _, s := range of {
			known[string(s.SpanId)] = true
		}
	}
	for service, of := range spans {
		for _, s := range of {
			if !known[string(s.ParentSpanId)] {
				t.Errorf("%s of %s has a parent that was never sent", s.Name, service)
			}
		}
	}
}

// checkLegacyLines: the old services' records carry ids in their text only.
func checkLegacyLines(t *testing.T, r *receiver) {
	t.Helper()
	for service, spelling := range map[string]string{"shipping": "dd.trace_id=", "bank": `"X-B3-TraceId":"`} {
		spelled := false
		for _, rec := range r.logs[service] {
			spelled = spelled || strings.Contains(rec.Body.GetStringValue(), spelling)
			if len(rec.TraceId) > 0 {
				t.Errorf("a record of %s has a trace id in its field", service)
			}
		}
		if !spelled {
			t.Errorf("no line of %s holds %s", service, spelling)
		}
	}
}

func TestRunRefusesWrongSettings(t *testing.T) {
	for _, cfg := range []Config{
		{OTLPEndpoint: "localhost:4318"}, {OTLPEndpoint: "://"}, {Rate: -1}, {FaultEvery: -1},
	} {
		if err := Run(t.Context(), cfg); err == nil {
			t.Errorf("Run(%+v) accepts the settings", cfg)
		}
	}
}

func TestShopClosesBeforeItIsOpen(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := Run(ctx, Config{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}

func TestShopClosesWhileTheGatewayRefuses(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		stop()
	}))
	defer gateway.Close()
	if err := Run(ctx, Config{OTLPEndpoint: gateway.URL, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}
