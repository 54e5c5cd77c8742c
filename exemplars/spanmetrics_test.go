package exemplars

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/test/openmetrics"
)

func TestTheSlowestOfAMinuteIsTheExemplarOfItsBucket(t *testing.T) {
	t.Parallel()
	g, clock := newGenerator(t, Config{Buckets: []float64{1}})
	observe := func(trace byte, took time.Duration) {
		g.ObserveSpans(spans(spec{trace: trace, id: 1, service: "a", name: "op", took: took, end: clock.Now()}))
	}
	exemplarIs := func(trace byte) {
		t.Helper()
		for _, c := range g.calls {
			if got := c.latency.examples[0].trace[15]; got != trace {
				t.Errorf("at %s: exemplar is of trace %d, want %d", clock.Now().Sub(start), got, trace)
			}
		}
	}
	observe(1, 20*time.Millisecond)
	observe(2, 50*time.Millisecond)
	observe(3, 40*time.Millisecond)
	exemplarIs(2)
	clock.advance(59 * time.Second)
	observe(4, 10*time.Millisecond)
	exemplarIs(2)
	clock.advance(time.Second)
	observe(5, 10*time.Millisecond)
	exemplarIs(5)
}

func TestTheFailedHaveExemplarsOfTheirOwn(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{})
	for i := range byte(100) {
		g.ObserveSpans(spans(spec{trace: i + 1, id: 1, service: "a", name: "op", took: 50 * time.Millisecond}))
	}
	g.ObserveSpans(spans(spec{trace: 200, id: 1, service: "a", name: "op", took: 49 * time.Millisecond, status: plait.StatusError}))
	failed := g.calls[callKey{"a", "op", plait.SpanKindUnspecified, plait.StatusError}]
	if recent := failed.latency.recent(0); len(recent) != 1 || recent[0].trace[15] != 200 {
		t.Errorf("got %v", recent)
	}
}

func TestExemplarsLeaveMetricsAfterAnHour(t *testing.T) {
	t.Parallel()
	g, clock := newGenerator(t, Config{})
	g.ObserveSpans(shop())
	clock.advance(maxAge)
	if body, _ := scrape(t, g, openMetrics); strings.Contains(body, "trace_id=") {
		t.Error("there is an exemplar that is an hour old")
	}
}

func TestSpansOfAnotherTimeAreCountedApart(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{})
	g.ObserveSpans(spans(
		spec{trace: 1, id: 1, service: "a", name: "import", end: start.Add(-maxAge - time.Second)},
		spec{trace: 1, id: 2, service: "a", name: "broken clock", end: start.Add(maxAhead + time.Second)},
		spec{trace: 1, id: 3, service: "a", name: "late", end: start.Add(-maxAge + time.Second)},
		spec{trace: 1, id: 4, service: "a", name: "ahead", end: start.Add(maxAhead - time.Second)},
	))
	if len(g.calls) != 2 || g.counts.late != 1 || g.counts.early != 1 {
		t.Errorf("%d series, %+v", len(g.calls), g.counts)
	}
	for _, c := range g.calls {
		if at := c.latency.recent(0)[0].atNanos; at > start.UnixNano() {
			t.Errorf("an exemplar lies in the future: %d", at)
		}
	}
}

func TestSpansThatEndBeforeTheyStartTakeNoTime(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{})
	g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "a", name: "op", took: -time.Second}))
	for _, c := range g.calls {
		if c.latency.sum != 0 || c.latency.native.zero != 1 {
			t.Errorf("%+v", c.latency)
		}
	}
}

func TestOperationsAboveTheLimitAreFoldedByServiceAndCounted(t *testing.T) {
	t.Parallel()
	const limit = 100
	g, _ := newGenerator(t, Config{MaxSeries: limit})
	for service := range 2 {
		for i := range limit {
			g.ObserveSpans(spans(spec{trace: 1, id: 1, service: fmt.Sprint("service ", service), name: fmt.Sprint("GET /users/", i)}))
		}
	}
	g.ObserveSpans(spans(spec{trace: 1, id: 1, service: "service 0", name: "GET /users/new"}))
	if want := limit + 2; len(g.calls) != want {
		t.Errorf("%d series, want %d", len(g.calls), want)
	}
	var spans uint64
	for _, c := range g.calls {
		spans += c.latency.count
	}
	if spans != 2*limit+1 || g.counts.folded != limit+1 {
		t.Errorf("%d spans counted, %d of them folded", spans, g.counts.folded)
	}
	if g.calls[callKey{service: "service 0", name: spanmetrics.Other}] == nil {
		t.Error("the service of a folded operation is lost")
	}
}

func TestHostileNamesTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	const limit = 100
	g, clock := newGenerator(t, Config{MaxSeries: limit, MaxPending: 50})
	kinds := []plait.SpanKind{plait.SpanKindInternal, plait.SpanKindServer, plait.SpanKindClient, plait.SpanKindProducer, plait.SpanKindConsumer}
	for i := range 30_000 {
		s := spec{
			service: fmt.Sprint("service ", i), name: fmt.Sprint("operation ", i), kind: kinds[i%len(kinds)], parent: byte(i % 2),
			status: plait.StatusCode(i % 3), end: clock.Now(), attributes: text("peer.service", fmt.Sprint("peer ", i)),
		}.span()
		s.TraceID[0], s.TraceID[1], s.SpanID[0] = byte(i), byte(i>>8), 1
		g.ObserveSpans([]plait.Span{s})
	}
	if n := len(g.calls); n > 2*limit {
		t.Errorf("%d series of spans, the limit is %d and as many folded ones", n, limit)
	}
	if n := len(g.edges); n > limit+4 /* connection types */ {
		t.Errorf("%d edges, the limit is %d", n, limit)
	}
	if n := g.pairs.waiting.count; n > 50 {
		t.Errorf("%d ends wait, the limit is 50", n)
	}
	if n := len(g.names); n > maxNames {
		t.Errorf("%d names", n)
	}
	clock.advance(time.Hour)
	g.expire(clock.Now())
	g.expire(clock.Now().Add(time.Hour))
	if len(g.calls)+len(g.edges)+len(g.names)+len(g.services)+len(g.pairs.ends) != 0 {
		t.Errorf("something is left after an idle hour: %d series, %d edges, %d names, %d services", len(g.calls), len(g.edges), len(g.names), len(g.services))
	}
}

// TestLabelsAndScrapesAreBoundedInBytes has services, names and peers of a megabyte each.
func TestLabelsAndScrapesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	g, clock := newGenerator(t, Config{})
	long := strings.Repeat("ä", 1<<19)
	for i := range 3_000 {
		unique := fmt.Sprint(i, long[:200])
		if i < 5 {
			unique = fmt.Sprint(i, long)
		}
		s := spec{
			service: unique, name: unique, kind: plait.SpanKindClient, end: clock.Now(), attributes: append(text("db.system", "x"), text("db.name", unique)...),
		}.span()
		s.TraceID[8], s.TraceID[9], s.SpanID[0] = byte(i), byte(i>>8), 1
		g.ObserveSpans([]plait.Span{s})
	}
	if most := g.config.MaxLabelBytes + 1<<10*g.maxServices(); g.labels.calls > most || g.labels.edges > most {
		t.Errorf("labels have %d and %d bytes", g.labels.calls, g.labels.edges)
	}
	if g.counts.folded == 0 {
		t.Error("nothing was counted as folded")
	}
	page, _ := scrape(t, g, openMetrics)
	if len(page) > 64<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if err := openmetrics.Check(page); err != nil {
		t.Error(err)
	}
	t.Logf("%d series, %d edges, a page of %d bytes", len(g.calls), len(g.edges), len(page))
	g.expire(clock.Now().Add(time.Hour))
	if g.labels.calls != 0 || g.labels.edges != 0 {
		t.Errorf("labels of nothing have %d and %d bytes", g.labels.calls, g.labels.edges)
	}
}

func TestSpansAreCountedBesideScrapesAndWrites(t *testing.T) {
	t.Parallel()
	g, clock := newGenerator(t, Config{Writer: &recorder{}})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				g.ObserveSpans(shop())
			}
		})
	}
	all.Go(func() {
		for range 20 {
			g.flush(t.Context(), clock.Now())
			g.expire(clock.Now())
		}
	})
	for range 20 {
		scrape(t, g, protobuf)
	}
	all.Wait()
	var spans uint64
	for _, c := range g.calls {
		spans += c.latency.count
	}
	if want := uint64(4 * 50 * len(shop())); spans != want {
		t.Errorf("%d spans counted, want %d", spans, want)
	}
}

func TestKnownSeriesAreCountedWithoutAllocation(t *testing.T) {
	g, _ := newGenerator(t, Config{})
	batch := shop()
	g.ObserveSpans(batch)
	if n := testing.AllocsPerRun(100, func() { g.ObserveSpans(batch) }); n > 0 {
		t.Errorf("%v allocations for %d spans", n, len(batch))
	}
}

func BenchmarkObserveSpans(b *testing.B) {
	g, _ := newGenerator(b, Config{})
	const size = 1000
	batch := make([]plait.Span, 0, size)
	for i := range size / 4 {
		attributes := plait.Attributes{}
		for j := range 10 {
			attributes = append(attributes, plait.Attribute{Key: fmt.Sprint("some.attribute.", j), Value: plait.StringValue("value")})
		}
		service := func(n int) string { return fmt.Sprint("service ", n%7) }
		name := fmt.Sprint("GET /api/", i%30)
		for j, kind := range []plait.SpanKind{plait.SpanKindServer, plait.SpanKindInternal, plait.SpanKindClient, plait.SpanKindServer} {
			s := spec{
				id: byte(j + 1), parent: byte(j), service: service(i + j/3), name: name, kind: kind,
				took: time.Duration(i*j) * time.Millisecond, attributes: attributes,
			}.span()
			s.TraceID[8], s.TraceID[9] = byte(i), byte(i>>8)
			batch = append(batch, s)
		}
	}
	b.ReportAllocs()
	for n := uint32(0); b.Loop(); n++ {
		for i := range batch { // other traces than before
			binary.BigEndian.PutUint32(batch[i].TraceID[4:], n)
			binary.BigEndian.PutUint32(batch[i].TraceID[10:], n)
		}
		g.ObserveSpans(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/span")
}
