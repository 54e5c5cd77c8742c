package metrics_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/exemplars"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/tally"
)

// unsure is a Writer whose answers get lost now and then: what it commits, it may say it did not.
type unsure struct {
	*store.Store
	random *rand.Rand
}

func (u *unsure) WriteMetrics(ctx context.Context, m *plait.Metrics) (plait.Receipt, error) {
	receipt, err := u.Store.WriteMetrics(ctx, m)
	if err == nil && u.random.IntN(3) == 0 {
		return receipt, errors.New("the connection was lost")
	}
	return receipt, err
}

// count lets a gateway of its own count spans, and writes until nothing is left to be written again.
func count(t *testing.T, w exemplars.Writer, spans []plait.Span) {
	t.Helper()
	g, err := exemplars.New(exemplars.Config{Writer: w})
	if err != nil {
		t.Fatal(err)
	}
	g.ObserveSpans(spans)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for range 20 {
		if err := g.Run(stopped); err != nil {
			t.Fatal(err)
		}
	}
}

// past is hours that are over, long ago and, later, today.
var past = time.Date(2023, 1, 29, 8, 0, 0, 0, time.UTC)

// lateSpans makes calls between services, whose spans end in the three hours from some time on, in no order.
func lateSpans(r *rand.Rand, from time.Time, n int) []plait.Span {
	var spans []plait.Span
	for range n {
		end := from.Add(time.Duration(r.Int64N(int64(3 * time.Hour)))).Truncate(time.Millisecond)
		took := time.Duration(math.Exp(r.Float64()*8)) * time.Millisecond
		trace := plait.TraceID{0: 1}
		binary.BigEndian.PutUint64(trace[8:], r.Uint64())
		client := plait.Span{
			TraceID: trace, SpanID: plait.SpanID{7: 1}, Name: "call", Kind: plait.SpanKindClient, Resource: service("front"), Scope: &plait.Scope{},
			StartNanos: end.Add(-took).UnixNano(), EndNanos: end.UnixNano(),
		}
		server := client
		server.SpanID, server.ParentSpanID = plait.SpanID{7: 2}, client.SpanID
		server.Name, server.Kind, server.Resource = fmt.Sprint("op ", r.IntN(3)), plait.SpanKindServer, service("back")
		if r.IntN(10) == 0 {
			server.Status = plait.StatusError
		}
		spans = append(spans, client, server)
	}
	return spans
}

func service(name string) *plait.Resource {
	return &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(name)}}}
}

// ask asks one number at a time; none is 0.
func ask(t *testing.T, db *metrics.DB, query string, at time.Time) float64 {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 10_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{EnableExtendedRangeSelectors: true}),
	})
	defer engine.Close()
	q, err := engine.NewInstantQuery(t.Context(), db, nil, query, at)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	vector, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	switch len(vector) {
	case 0:
		return 0
	case 1:
		return vector[0].F
	}
	t.Fatalf("%s: %d series", query, len(vector))
	return 0
}

// TestSpansOfThePastAreCountedAtTheirOwnTimes hands spans of hours long ago, and of this day, to gateways in parts and in any order, some of whose
// commits lose their answers. What PromQL counts of any time is what the spans say, and series of what came in time have none of it.
func TestSpansOfThePastAreCountedAtTheirOwnTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		from time.Time
		seed uint64
	}{{"long ago", past, 1}, {"today", time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour), 2}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(c.seed, 0))
			url := storetest.URL(t)
			gateways := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			spans := lateSpans(r, c.from, 600)
			now := lateSpans(r, time.Now().Add(-3*time.Hour-time.Second), 1)
			for i := range now {
				now[i].EndNanos = time.Now().UnixNano()
			}
			for at := 0; at < len(spans); at += 200 {
				count(t, &unsure{gateways[at/200%2], r}, append(spans[at:at+200:at+200], now...))
			}
			mergeIncrements(t, url)
			db := gateways[0].Metrics()
			for range 10 {
				// A window of whole steps, within the time or around it.
				begin := c.from.Add(time.Duration(r.IntN(12*60)-60) * plait.IncrementStep)
				end := begin.Add(time.Duration(1+r.IntN(10*60)) * plait.IncrementStep)
				checkWindow(t, db, spans, begin, end)
			}
			checkWindow(t, db, spans, c.from.Add(-time.Minute), c.from.Add(4*time.Hour))
			checkLives(t, db, "traces_spanmetrics_calls_total")
			checkLives(t, db, "traces_spanmetrics_latency_bucket")
			if got := ask(t, db, `sum(last_over_time(traces_spanmetrics_calls_total{arrival="",span_kind="SPAN_KIND_SERVER",service="back"}[1m]))`, time.Now()); got > 6 || got < 1 {
				t.Errorf("%v spans came in time, by their counters", got)
			}
		})
	}
}

// mergeIncrements adds up what waits, as if it had waited for an hour.
func mergeIncrements(t *testing.T, url string) {
	t.Helper()
	pool := connect(t, url)
	bodies := func() (n int) {
		lowest := 0
		if err := pool.QueryRow(t.Context(), `SELECT count(*), min(level) FROM plait_store.tally WHERE signal = 3`).Scan(&n, &lowest); err != nil {
			t.Fatal(err)
		}
		if lowest < 4 {
			t.Errorf("increments have level %d, where gateways of the version before take them for spans", lowest)
		}
		return n
	}
	before := bodies()
	if _, err := pool.Exec(t.Context(), `UPDATE plait_store.tally SET made_at = made_at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	if err := tally.New(pool, prometheus.NewRegistry()).Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := bodies(); after == 0 || after >= before {
		t.Errorf("%d bodies of increments became %d", before, after)
	}
}

// checkWindow compares what PromQL counts with the spans that ended in a time. Anchored increases are not extrapolated.
func checkWindow(t *testing.T, db *metrics.DB, spans []plait.Span, begin, end time.Time) {
	t.Helper()
	window := fmt.Sprintf(`[%dms] anchored`, end.Sub(begin).Milliseconds())
	want := map[string]float64{}
	for i := range spans {
		s := &spans[i]
		if seen := s.EndNanos; s.Kind != plait.SpanKindServer || seen <= begin.UnixNano() || seen > end.UnixNano() {
			continue
		}
		want["calls"]++
		want["requests"]++
		if s.EndNanos-s.StartNanos <= 128e6 {
			want["quick"]++
		}
		if s.Status == plait.StatusError {
			want["failed"]++
		}
	}
	want["count"], want["server"], want["native"] = want["calls"], want["calls"], want["calls"]
	for name, query := range map[string]string{
		"calls":    `sum(increase(traces_spanmetrics_calls_total{arrival="late",span_kind="SPAN_KIND_SERVER"}` + window + `))`,
		"count":    `sum(increase(traces_spanmetrics_latency_count{arrival="late",service="back"}` + window + `))`,
		"quick":    `sum(increase(traces_spanmetrics_latency_bucket{arrival="late",service="back",le="0.128"}` + window + `))`,
		"requests": `sum(increase(traces_service_graph_request_total{arrival="late",client="front",server="back"}` + window + `))`,
		"failed":   `sum(increase(traces_service_graph_request_failed_total{arrival="late"}` + window + `))`,
		"server":   `sum(increase(traces_service_graph_request_server_seconds_bucket{arrival="late",le="+Inf"}` + window + `))`,
	} {
		if got := ask(t, db, query, end); got != want[name] {
			t.Errorf("%s of %s in %s: %v, want %v", name, begin, end.Sub(begin), got, want[name])
		}
	}
}

// checkLives wants every late series to begin with zero after each full hour, at the latest, and not to fall until the next.
func checkLives(t *testing.T, db *metrics.DB, name string) {
	t.Helper()
	q, err := db.Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", name), labels.MustNewMatcher(labels.MatchEqual, "arrival", "late"))
	const hour = 3_600_000
	series := 0
	for ; set.Next(); series++ {
		it := set.At().Iterator(nil)
		last, lastTime := 0.0, int64(math.MinInt64)
		for it.Next() != chunkenc.ValNone {
			at, v := it.At()
			if at <= lastTime {
				t.Fatalf("%s: a sample of %d after one of %d", set.At().Labels(), at, lastTime)
			}
			if begins := (at-1)/hour != (lastTime-1)/hour; begins && v != 0 || !begins && v < last {
				t.Fatalf("%s: %v at %d, after %v at %d", set.At().Labels(), v, at, last, lastTime)
			}
			last, lastTime = v, at
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if set.Err() != nil || series == 0 {
		t.Errorf("%d series, %v", series, set.Err())
	}
}

func TestLateHistogramsAreNativeToo(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.URL(t))
	count(t, s, lateSpans(rand.New(rand.NewPCG(3, 0)), past, 200))
	at := past.Add(3 * time.Hour)
	classic := ask(t, s.Metrics(), `histogram_quantile(0.9, sum by (le) (increase(traces_spanmetrics_latency_bucket{service="back"}[3h])))`, at)
	native := ask(t, s.Metrics(), `histogram_quantile(0.9, sum(increase(traces_spanmetrics_latency{service="back"}[3h])))`, at)
	if classic == 0 || native < classic/2 || native > classic*2 {
		t.Errorf("the quantile is %v by classic buckets, %v by native ones", classic, native)
	}
	if n := ask(t, s.Metrics(), `histogram_count(sum(increase(traces_spanmetrics_latency{service="back"}[3h] anchored)))`, at); n != 0 && n != 200 {
		t.Errorf("%v measurements", n)
	}
}

func TestLateSeriesAreListedWhereTheyHaveIncrements(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.URL(t))
	count(t, s, lateSpans(rand.New(rand.NewPCG(4, 0)), past, 10))
	matchers := []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "traces_service_graph_request_total"}}
	for _, c := range []struct {
		from, to time.Time
		want     int
	}{{past, past.Add(3 * time.Hour), 1}, {past.Add(-24 * time.Hour), past, 0}, {past.Add(24 * time.Hour), time.Now(), 0}} {
		got, err := s.Metrics().Series(t.Context(), matchers, plait.TimeRange{From: c.from, To: c.to}, 10)
		if err != nil || len(got) != c.want {
			t.Errorf("from %s to %s: %v, %v; want %d", c.from, c.to, got, err, c.want)
		}
	}
	q, err := s.Metrics().Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	names, _, err := q.LabelValues(t.Context(), "server", nil)
	if err != nil || len(names) != 1 || names[0] != "back" {
		t.Errorf("servers are %v, %v", names, err)
	}
}

func TestExemplarsOfLateSpansLieAtTheirTimes(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.URL(t))
	spans := lateSpans(rand.New(rand.NewPCG(5, 0)), past, 3)
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: spans}); err != nil {
		t.Fatal(err)
	}
	count(t, s, spans)
	matchers := []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "traces_spanmetrics_latency_bucket"}, {Name: "service", Op: plait.MatchEqual, Value: "back"}}
	found, err := s.Exemplars(t.Context(), matchers, plait.TimeRange{From: past, To: past.Add(3 * time.Hour)}, 100)
	if err != nil || len(found) != 3 {
		t.Fatalf("%d exemplars, %v", len(found), err)
	}
	for _, e := range found {
		trace, err := s.Trace(t.Context(), e.TraceID, 100)
		if err != nil || len(trace.Spans) != 2 || e.Series.Get("arrival") != "late" {
			t.Errorf("%+v leads to %v, %v", e, trace, err)
		}
	}
	// The native histogram has those of the buckets, as for what comes in time.
	exemplars, err := s.Metrics().ExemplarQuerier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"traces_spanmetrics_latency", "traces_spanmetrics_latency_count"} {
		of, err := exemplars.Select(past.UnixMilli(), past.Add(3*time.Hour).UnixMilli(), []*labels.Matcher{
			labels.MustNewMatcher(labels.MatchEqual, "__name__", name), labels.MustNewMatcher(labels.MatchEqual, "service", "back")})
		n := 0
		for _, series := range of {
			n += len(series.Exemplars)
		}
		if err != nil || n != 3 {
			t.Errorf("%s has %d exemplars, %v", name, n, err)
		}
	}
}
