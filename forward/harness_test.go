package forward

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/config"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/duration"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/wire/otlp"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func withOutbox(c *store.Config) { c.Outbox = Encoding() }

// gateway is a store with what forwards from it.
type gateway struct {
	t     *testing.T
	url   string
	store *store.Store
	log   *logBuffer
	// mapping says which attributes are labels for a Loki.
	mapping *entry.Mapping

	mu    sync.Mutex
	waits []time.Duration // that were asked for, beside those of polling
	ahead time.Duration   // by which its clock is ahead: what was waited for without taking so long
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	url := storetest.URL(t)
	return &gateway{t: t, url: url, store: storetest.Open(t, url, withOutbox), log: &logBuffer{t: t}}
}

// logBuffer keeps what is logged, for a look at it.
type logBuffer struct {
	t  *testing.T
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// count is how many lines have all the words.
func (l *logBuffer) count(words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}

const testPoll = 10 * time.Millisecond

// wait is the clock of the tests: what is not polling takes no time, and is noted.
func (g *gateway) wait(ctx context.Context, d time.Duration) error {
	if d != testPoll && d != reportEvery && d != databasePause {
		g.mu.Lock()
		g.waits = append(g.waits, d)
		g.ahead += d
		g.mu.Unlock()
	}
	if d == reportEvery {
		<-ctx.Done()
		return ctx.Err()
	}
	return wait(ctx, min(d, testPoll))
}

// now is a clock that goes on by what is waited for.
func (g *gateway) now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Add(g.ahead)
}

func (g *gateway) waited() []time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.waits)
}

// start starts a forwarder; stop ends it and waits for that. It ends with the test at the latest.
func (g *gateway) start(targets ...Target) (stop func()) {
	g.t.Helper()
	f, err := New(g.t.Context(), Config{Targets: targets, Outbox: g.store.Outbox(), Mapping: g.mapping, Poll: testPoll, Now: g.now, Wait: g.wait,
		Logger: slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Registerer: prometheus.NewRegistry()})
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(g.t.Context()))
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			g.t.Error(err)
		}
	})
	g.t.Cleanup(stop)
	return stop
}

// span makes a span of a service.
func span(service, name string) plait.Span {
	now := time.Now().UnixNano()
	var id plait.TraceID
	copy(id[:], fmt.Sprintf("%-16s", name))
	return plait.Span{TraceID: id, SpanID: plait.SpanID(id[:8]), Name: name, StartNanos: now, EndNanos: now + 1e6, Kind: plait.SpanKindServer,
		Resource: &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(service)}}}, Scope: &plait.Scope{Name: "test"}}
}

// spans are so many of one service.
func spans(prefix string, n int) (all []plait.Span) {
	for i := range n {
		all = append(all, span("shop", fmt.Sprint(prefix, "-", i)))
	}
	return all
}

func (g *gateway) write(spans ...plait.Span) {
	g.t.Helper()
	if _, err := g.store.WriteTraces(g.t.Context(), &plait.Traces{Spans: spans}); err != nil {
		g.t.Fatal(err)
	}
}

// status is that of the spans of a target.
func (g *gateway) status(target string) outbox.Status {
	g.t.Helper()
	all, err := g.store.Outbox().Status(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	for _, s := range all {
		if s.Target == target {
			return s
		}
	}
	g.t.Fatalf("there is no target %s", target)
	return outbox.Status{}
}

// settle waits until a target has nothing to wait for.
func (g *gateway) settle(target string) outbox.Status {
	g.t.Helper()
	return g.until(target, func(s outbox.Status) bool { return s.Waiting == 0 })
}

// until waits for a status. It ends with the test.
func (g *gateway) until(target string, is func(outbox.Status) bool) outbox.Status {
	g.t.Helper()
	for {
		s := g.status(target)
		if is(s) {
			return s
		}
		if err := wait(g.t.Context(), testPoll); err != nil {
			g.t.Fatalf("%s: %+v: %v", target, s, err)
		}
	}
}

// refusals are the reasons for which records of a target were set aside, with their numbers.
func (g *gateway) refusals(target string) (all []string) {
	g.t.Helper()
	return texts(g.t, g.url, "SELECT record_count || ' ' || reason FROM plait_store.forward_refusal WHERE target = $1 ORDER BY refused_at", target)
}

// texts asks a database for a list of texts.
func texts(t *testing.T, url, sql string, args ...any) (all []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), sql, args...)
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// receiver is a target that speaks OTLP over HTTP, as its answer says.
type receiver struct {
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	answer func(n int, names []string, w http.ResponseWriter) bool // false: it has answered, and takes nothing
	asked  int
	bodies [][]byte // of requests that it took or not
	taken  []string // names of spans
	spans  []plait.Span
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

// ServeHTTP takes spans.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	unzipped, err := gzip.NewReader(q.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(unzipped)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	traces, err := otlp.DecodeTraces(body)
	if err != nil || q.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprint(q.URL.Path, err), http.StatusBadRequest)
		return
	}
	var names []string
	for i := range traces.Spans {
		names = append(names, traces.Spans[i].Name)
	}
	r.mu.Lock()
	r.asked++
	n, answer := r.asked, r.answer
	r.bodies = append(r.bodies, body)
	r.mu.Unlock()
	if answer != nil && !answer(n, names, w) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, names...)
	r.spans = append(r.spans, traces.Spans...)
}

func (r *receiver) answers(with func(n int, names []string, w http.ResponseWriter) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = with
}

func (r *receiver) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken)
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// target is the receiver as a target.
func (r *receiver) target(name string) Target {
	t := DefaultTarget()
	t.Name, t.Protocol, t.Signals = name, "otlp_http", []string{"traces"}
	u, err := url.Parse(r.server.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	t.URL = config.URL{URL: u}
	t.Backoff.MinPeriod = duration.Duration(time.Second)
	return t
}

func namesOf(spans []plait.Span) (names []string) {
	for i := range spans {
		names = append(names, spans[i].Name)
	}
	return names
}
