// Package kill kills the gateway and its private Postgres while telemetry comes in, and
// compares what was acknowledged with what is there.
package kill

import (
	"context"
	"flag"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/plaithq/plait/store/localpg"
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

var kills = flag.Int("kills", 10, "how often to kill")

const (
	// acksBetweenKills show that the gateway recovered, and that it works when it is killed.
	acksBetweenKills = 150
	ackLimit         = 2 * time.Minute
)

// victims take turns.
var victims = []struct {
	name string
	kill func(t *testing.T, g *gateway)
}{
	{"plait", func(t *testing.T, g *gateway) { g.kill(t); g.start(t) }},
	{"postgres", func(t *testing.T, g *gateway) { g.killPostgres(t) }},
	{"plait, then postgres", func(t *testing.T, g *gateway) { g.kill(t); g.killPostgres(t); g.start(t) }},
	{"postgres, then plait", func(t *testing.T, g *gateway) { g.killPostgres(t); g.kill(t); g.start(t) }},
}

func TestWhatIsAcknowledgedIsThereOnceWhoeverIsKilled(t *testing.T) {
	g := newGateway(t)
	g.start(t)
	s := startSenders(t, "http://"+g.ingestAddr)
	var acknowledged []int
	for n := range *kills {
		acknowledged = append(acknowledged, awaitAcks(t, g, s, acksBetweenKills)...)
		victim := victims[n%len(victims)]
		t.Logf("kill %d: %s, after %d requests and %d repeats", n+1, victim.name, len(acknowledged), s.repeats.Load())
		victim.kill(t, g)
	}
	acknowledged = append(acknowledged, awaitAcks(t, g, s, acksBetweenKills)...)
	acknowledged = append(acknowledged, s.stop()...)
	g.stop(t)
	t.Logf("%d requests were acknowledged, %d times one was sent again", len(acknowledged), s.repeats.Load())
	compare(t, g.dataDir, acknowledged)
}

// awaitAcks returns the numbers of the next n acknowledged requests.
func awaitAcks(t *testing.T, g *gateway, s *senders, n int) (numbers []int) {
	t.Helper()
	limit := time.After(ackLimit)
	for range n {
		select {
		case number := <-s.acknowledged:
			numbers = append(numbers, number)
		case err := <-s.refused:
			t.Fatal(err)
		case <-g.ended:
			t.Fatalf("plait ended by itself: %v", g.err)
		case <-limit:
			t.Fatalf("%d requests were acknowledged in %v, not %d", len(numbers), ackLimit, n)
		}
	}
	return numbers
}

// counts say, for each request of a kind, how much of it is there and how much of that differs.
var counts = []struct {
	what string
	kind int                     // of the requests that bring it
	key  func(number int) string // the first column of what such a request brought
	sql  string
}{
	{"spans", spanRequest, hexTraceIDOf, `
		SELECT trace_id, count(*), count(DISTINCT span_id)
		FROM plait.spans
		GROUP BY trace_id`},
	{"spans in the trace's summary", spanRequest, hexTraceIDOf, `
		SELECT trace_id, span_count, span_count
		FROM plait.traces`},
	{"log records", logRequest, hexTraceIDOf, `
		SELECT trace_id, count(*), count(DISTINCT body)
		FROM plait.logs
		GROUP BY trace_id`},
	{"samples", sampleRequest, strconv.Itoa, `
		SELECT labels ->> 'request', count(*), count(DISTINCT time)
		FROM plait.samples
		WHERE metric = '` + metricName + `'
		GROUP BY labels ->> 'request'`},
}

// compare checks that all requests are in the database, once, and nothing else is.
func compare(t *testing.T, dataDir string, acknowledged []int) {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dataDir})
	check(t, err)
	defer func() { check(t, server.Stop(context.Background())) }()
	conn, err := pgx.Connect(t.Context(), server.URL())
	check(t, err)
	defer conn.Close(t.Context())
	for _, c := range counts {
		want := map[string]bool{}
		for _, number := range acknowledged {
			if kindOf(number) == c.kind {
				want[c.key(number)] = true
			}
		}
		compareCounts(t, conn, c.what, c.sql, want)
	}
}

func compareCounts(t *testing.T, conn *pgx.Conn, what, sql string, want map[string]bool) {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	check(t, err)
	type count struct {
		Key            string
		Rows, Distinct int
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[count])
	check(t, err)
	total := 0
	for _, c := range found {
		total += c.Rows
		if !want[c.Key] {
			t.Errorf("%s: %d of request %s, which was never acknowledged", what, c.Rows, c.Key)
		}
		if c.Rows != perRequest || c.Distinct != perRequest {
			t.Errorf("%s: request %s brought %d, of which there are %d, %d of them different", what, c.Key, perRequest, c.Rows, c.Distinct)
		}
		delete(want, c.Key)
	}
	for key := range want {
		t.Errorf("%s: nothing of request %s is there, though it was acknowledged", what, key)
	}
	t.Logf("%s: %d of %d requests", what, total, len(found))
}
