package kill

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// forwardingSettings names a second Plait for all signals, and a system that is away.
const forwardingSettings = `
- {name: plait, protocol: otlp_grpc, url: "http://%[1]s", signals: [traces, logs], timeout: 2s, backoff_config: {min_period: 100ms, max_period: 1s}}
- {name: series, protocol: prometheus_remote_write, url: "http://%[2]s", timeout: 2s, backoff_config: {min_period: 100ms, max_period: 1s}}
- {name: away, protocol: otlp_http, url: "http://%[3]s", signals: [traces], timeout: 2s, backoff_config: {min_period: 100ms, max_period: 1s}}`

// forwardLimit is how long forwarding may take to go on or to end: a gateway that was killed holds its targets for 17 seconds.
const forwardLimit = 3 * time.Minute

// Whoever of gateway, target and their Postgres is killed, the target has in the end what the gateway has, once since it knows requests. A target that was
// away all the time keeps nobody from anything, and then gets every span at least once in the order of commits.
func TestWhatIsCommittedIsForwardedWhoeverIsKilled(t *testing.T) {
	g := newGateway(t)
	target := newGatewayOf(t, g.binary)
	away := newSpanSink(t)
	g.args = []string{"--forward", fmt.Sprintf(forwardingSettings, target.grpcAddr, target.ingestAddr, away.addr)}
	g.start(t)
	g.awaitForwarding(t, "a registered target", `SELECT count(*) = 4 FROM plait_store.forward_target`)
	target.start(t)
	s := startSenders(t, g)
	for _, victim := range []struct {
		name string
		kill func()
	}{
		{"the target", func() { target.kill(t); s.await(t, g, acksBetweenKills); target.start(t) }},
		{"the gateway", func() { g.kill(t); g.start(t) }},
		{"the gateway's Postgres", func() { terminate(t, g.postmaster(t)) }},
		{"the target's Postgres", func() { terminate(t, target.postmaster(t)) }},
		{"both", func() { target.kill(t); g.kill(t); target.start(t); g.start(t) }},
	} {
		s.await(t, g, acksBetweenKills)
		before := g.forwarded(t)
		g.awaitForwarding(t, "progress", fmt.Sprintf(`SELECT sum(sent) > %d FROM plait_store.forward_target`, before))
		t.Logf("kill of %s, with %d records forwarded", victim.name, before)
		killed := time.Now()
		victim.kill()
		s.awaitBegunAfter(t, g, killed)
	}
	acks := s.stop(t, g)
	g.awaitForwarding(t, "the end", caughtUp+` AND t.target <> 'away'`)
	away.start(t)
	g.awaitForwarding(t, "the end of what waited for the target that was away", caughtUp)
	g.stop(t)
	target.stop(t)
	compare(t, g.dataDir, acks)
	compare(t, target.dataDir, acks)
	away.compare(t, acks)
}

// caughtUp asks whether nothing waits for targets.
const caughtUp = `
SELECT bool_and(t.position = e.position) AND NOT EXISTS (SELECT 1 FROM plait_store.outbox o WHERE o.position = 0)
FROM plait_store.forward_target t
JOIN plait_store.outbox_end e USING (signal)
WHERE true`

// awaitForwarding waits until a statement about forwarding says yes, through restarts of Postgres.
func (g *gateway) awaitForwarding(t *testing.T, what, sql string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(forwardLimit); ; {
		if yes, err := ask[bool](t, g, sql); err == nil && yes {
			return
		}
		select {
		case <-limit:
			t.Fatalf("forwarding does not come to %s in %v", what, forwardLimit)
		case <-g.ended:
			t.Fatalf("plait ended by itself: %v", g.err)
		case <-tick.C:
		}
	}
}

// forwarded is how many records the targets took.
func (g *gateway) forwarded(t *testing.T) int64 {
	t.Helper()
	n, err := ask[int64](t, g, `SELECT coalesce(sum(sent), 0)::int8 FROM plait_store.forward_target`)
	check(t, err)
	return n
}

// ask asks the database for one value.
func ask[T any](t *testing.T, g *gateway, sql string) (value T, err error) {
	t.Helper()
	conn := g.connectSoon(t)
	defer func() { _ = conn.Close(context.Background()) }()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		return value, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

// spanSink takes spans over OTLP/HTTP, and keeps in which order requests to the gateway came through.
type spanSink struct {
	addr string

	mu    sync.Mutex
	order []int // numbers of the requests to the gateway whose spans came, as each was seen first
	spans map[int]map[string]bool
	wrong error
}

// newSpanSink reserves an address, at which nobody listens yet.
func newSpanSink(t *testing.T) *spanSink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return &spanSink{addr: l.Addr().String(), spans: map[int]map[string]bool{}}
}

func (s *spanSink) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", s.addr)
	check(t, err)
	server := &http.Server{Handler: s}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		check(t, server.Close())
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// ServeHTTP takes a request of the gateway.
func (s *spanSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m coltrace.ExportTraceServiceRequest
	unzipped, err := gzip.NewReader(r.Body)
	if err == nil {
		var body []byte
		if body, err = io.ReadAll(unzipped); err == nil {
			err = proto.Unmarshal(body, &m)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.wrong = err
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, resource := range m.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				for _, a := range span.Attributes {
					if a.Key == "request" {
						s.add(a.Value.GetStringValue(), string(span.SpanId))
					}
				}
			}
		}
	}
}

func (s *spanSink) add(request, span string) {
	number, err := strconv.Atoi(request)
	if err != nil {
		s.wrong = err
		return
	}
	if s.spans[number] == nil {
		s.spans[number] = map[string]bool{}
		s.order = append(s.order, number)
	}
	s.spans[number][span] = true
}

// compare checks that every acknowledged span came, and that what was acknowledged before something else was sent came before it.
func (s *spanSink) compare(t *testing.T, acks []ack) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	check(t, s.wrong)
	place := map[int]int{}
	for i, number := range s.order {
		place[number] = i
	}
	var sent []ack
	for _, a := range acks {
		if wayOf(a.number).signal != spanSignal {
			continue
		}
		sent = append(sent, a)
		if n := len(s.spans[a.number]); n != perRequest {
			t.Errorf("%d of %d spans of request %d, %s, came through", n, perRequest, a.number, wayOf(a.number).name)
		}
	}
	for _, later := range sent {
		if i := slices.IndexFunc(sent, func(earlier ack) bool {
			return earlier.done.Before(later.first) && place[earlier.number] > place[later.number]
		}); i >= 0 {
			t.Errorf("request %d, acknowledged before %d was sent, came through behind it", sent[i].number, later.number)
		}
	}
	t.Logf("%d requests of spans came through to the target that was away", len(sent))
}
