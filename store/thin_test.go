package store_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/health"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// thinnedDay is a day of traces, each of two spans and a log record, before and after it is thinned.
type thinnedDay struct {
	t     *testing.T
	store *store.Store
	conn  *pgx.Conn
	clock *clock
	day   time.Time
	*rand.Rand
	traces map[plait.TraceID]*thinTrace
}

// thinTrace is what a trace is kept for; nothing where only chance keeps it.
type thinTrace struct {
	why        string
	startNanos int64
	duration   time.Duration
	spans      int
}

var thinPolicy = store.ThinPolicy{After: 24 * time.Hour, Keep: 0.1, SlowerThan: 3, RareBelow: 20}

func newThinnedDay(t *testing.T, policy store.ThinPolicy) *thinnedDay {
	d := &thinnedDay{
		t: t, day: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), clock: &clock{now: time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC)},
		Rand: rand.New(rand.NewPCG(1, 2)), traces: map[plait.TraceID]*thinTrace{},
	}
	url := storetest.URL(t)
	d.store, d.conn = storetest.Open(t, url, storetest.Now(d.clock.read), func(c *store.Config) { c.Thin = policy }), connect(t, url)
	return d
}

func (d *thinnedDay) id() (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[:8], d.Uint64()>>1)
	binary.BigEndian.PutUint64(id[8:], d.Uint64())
	return id
}

var shopResource, shopScope = &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue("shop")}}}, &plait.Scope{}

// write stores traces that begin at random times of the day. change makes them what they are.
func (d *thinnedDay) write(n int, why, operation string, change func(spans []plait.Span, log *plait.LogRecord)) {
	d.t.Helper()
	var spans []plait.Span
	var records []plait.LogRecord
	for range n {
		id, took := d.id(), int64(math.Exp(0.3*d.NormFloat64())*50e6)
		at := d.day.Add(time.Duration(d.Float64() * float64(23*time.Hour))).UnixNano()
		two := []plait.Span{{
			TraceID: id, SpanID: plait.SpanID{1}, Name: operation, Kind: plait.SpanKindServer, StartNanos: at, EndNanos: at + took, Resource: shopResource, Scope: shopScope,
			Attributes: plait.Attributes{{Key: "order", Value: plait.StringValue(id.String())}},
		}, {
			TraceID: id, SpanID: plait.SpanID{2}, ParentSpanID: plait.SpanID{1}, Name: "SELECT", Kind: plait.SpanKindClient,
			StartNanos: at + 1e6, EndNanos: at + 3e6, Resource: shopResource, Scope: shopScope, StatusMessage: "fine",
		}}
		record := plait.LogRecord{TraceID: id, SpanID: plait.SpanID{1}, TimeNanos: at, Body: plait.StringValue("order " + id.String()), Resource: shopResource, Scope: shopScope}
		if change != nil {
			change(two, &record)
		}
		d.traces[id] = &thinTrace{why: why, startNanos: two[0].StartNanos, duration: time.Duration(two[0].DurationNanos()), spans: len(two)}
		spans, records = append(spans, two...), append(records, record)
	}
	if _, err := d.store.WriteTraces(d.t.Context(), &plait.Traces{Spans: spans}); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.store.WriteLogs(d.t.Context(), &plait.Logs{Records: records}); err != nil {
		d.t.Fatal(err)
	}
}

// writeAll stores a day of which 1 % failed.
func (d *thinnedDay) writeAll() {
	d.write(4000, "", "GET /", nil)
	d.write(40, "error", "GET /", func(spans []plait.Span, _ *plait.LogRecord) { spans[1].Status = plait.StatusError })
	d.write(5, "error", "GET /", func(_ []plait.Span, l *plait.LogRecord) { l.Severity = 17 })
	d.write(10, "slow", "GET /", func(spans []plait.Span, _ *plait.LogRecord) { spans[0].EndNanos += 5e9 })
	d.write(7, "rare", "GET /admin", nil)
	d.write(3, "days", "GET /", func(spans []plait.Span, _ *plait.LogRecord) {
		midnight := d.day.AddDate(0, 0, 1).UnixNano()
		for i := range spans {
			took := spans[i].DurationNanos()
			spans[i].StartNanos = midnight - 1e6 + int64(i)*2e6
			spans[i].EndNanos = spans[i].StartNanos + took
		}
	})
	d.write(8, "exemplar", "GET /", func(spans []plait.Span, _ *plait.LogRecord) {
		id := spans[0].TraceID
		if spans[0].StartNanos%2 == 0 {
			clear(id[:8]) // as a tracer of 64 bits has it
		}
		_, err := d.store.WriteMetrics(d.t.Context(), &plait.Metrics{Series: []plait.SeriesData{{
			Labels:    plait.Labels{{Name: "__name__", Value: "latency_bucket"}},
			Exemplars: []plait.Exemplar{{TimeNanos: spans[0].StartNanos, Value: 1, TraceID: id, SpanID: plait.SpanID{1}}},
		}}})
		if err != nil {
			d.t.Fatal(err)
		}
	})
	untraced := plait.LogRecord{TimeNanos: d.day.Add(time.Hour).UnixNano(), Body: plait.StringValue("started"), Resource: shopResource, Scope: shopScope}
	strange := untraced
	strange.TraceID = d.id() // of which no span is here
	if _, err := d.store.WriteLogs(d.t.Context(), &plait.Logs{Records: []plait.LogRecord{untraced, untraced, strange}}); err != nil {
		d.t.Fatal(err)
	}
}

// live lets so many days pass.
func (d *thinnedDay) live(days int) {
	d.t.Helper()
	liveUntil(d.t, d.store, d.clock, d.clock.read().AddDate(0, 0, days))
}

// kept are the traces of which spans are stored.
func (d *thinnedDay) kept() map[plait.TraceID]bool {
	d.t.Helper()
	rows, err := d.conn.Query(d.t.Context(), `SELECT DISTINCT trace_id FROM plait.spans`)
	if err != nil {
		d.t.Fatal(err)
	}
	kept := map[plait.TraceID]bool{}
	var id [16]byte
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { kept[id] = true; return nil }); err != nil {
		d.t.Fatal(err)
	}
	return kept
}

func tellsOfThinning(s health.Step) bool {
	return s.Kind == "thinned" && s.Outcome == health.No && strings.Contains(s.Says, "2026-03-01 was thinned") && strings.Contains(s.Says, "probability of 10 %")
}

func TestAThinnedDayKeepsWhatTellsSomethingAndAShareOfTheRest(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.writeAll()
	d.live(1)
	if n := len(d.kept()); n != len(d.traces) {
		t.Fatalf("%d traces a day after their own, want all %d", n, len(d.traces))
	}
	before := selectOne[int64](t, d.conn, `SELECT pg_catalog.pg_total_relation_size('plait_store.span_20260301') + pg_catalog.pg_total_relation_size('plait_store.log_20260301')`)
	d.live(1)
	kept := d.kept()
	logged := selectOne[int64](t, d.conn, `SELECT count(DISTINCT trace_id) FROM plait.logs`)
	if want := int64(len(kept) + 1); logged != want {
		t.Errorf("log records of %d traces, want those of the %d that are kept and of the one that never had spans", logged, len(kept))
	}
	if n := selectOne[int64](t, d.conn, `SELECT count(*) FROM plait.logs WHERE trace_id IS NULL`); n != 2 {
		t.Errorf("%d log records without a trace, want both", n)
	}
	if n, fragments := len(kept), selectOne[int64](t, d.conn, `SELECT count(*) FROM plait.traces`); int64(n) != fragments {
		t.Errorf("%d traces are listed, of %d there are spans", fragments, n)
	}
	rest, chosen := 0, 0
	for id, trace := range d.traces {
		thinned, err := d.store.ThinnedTrace(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if kept[id] != (thinned == nil) {
			t.Errorf("trace %s is kept: %v, and is told to be gone: %+v", id, kept[id], thinned)
		}
		if thinned != nil && (!thinned.Day.Equal(d.day) || thinned.KeptProbability != 0.1) {
			t.Errorf("trace %s went with %+v", id, thinned)
		}
		if trace.why == "" {
			rest++
			if kept[id] {
				chosen++
			}
			if id.Low()<<8>>8 >= 1<<56/10*9+1 != kept[id] && trace.duration < 200*time.Millisecond {
				t.Errorf("the random bits of %s do not tell that it is kept: %v", id, kept[id])
			}
		} else if !kept[id] {
			t.Errorf("trace %s is gone, which is kept for: %s", id, trace.why)
		}
	}
	if sigma := math.Sqrt(float64(rest) * 0.1 * 0.9); math.Abs(float64(chosen)-0.1*float64(rest)) > 5*sigma {
		t.Errorf("chance kept %d of %d traces", chosen, rest)
	}
	after := selectOne[int64](t, d.conn, `SELECT pg_catalog.pg_total_relation_size('plait_store.span_20260301') + pg_catalog.pg_total_relation_size('plait_store.log_20260301')`)
	if after > before/3 {
		t.Errorf("%d bytes after %d", after, before)
	}
	for id := range d.traces {
		if kept[id] {
			continue
		}
		why, err := health.WhyMissing(t.Context(), d.store, health.Setting{Now: d.clock.read(), RetentionTraces: 7 * 24 * time.Hour, Limited: d.store.Limited}, []health.Reading{{TraceID: id}})
		if err != nil || why.Likely == nil || why.Likely.Says != "It went when its day was thinned." || !slices.ContainsFunc(why.Steps, tellsOfThinning) {
			t.Errorf("why %s is not here: %+v, %v", id, why, err)
		}
		break
	}
	d.live(2)
	if n := len(d.kept()); n != len(kept) {
		t.Errorf("%d traces two days later, want the same %d", n, len(kept))
	}
	d.live(6)
	if n := selectOne[int64](t, d.conn, `SELECT (SELECT count(*) FROM plait_store.thinned_day WHERE shelf = '2026-03-01') + (SELECT count(*) FROM plait_store.thinned_trace)`); n != 0 {
		t.Errorf("%d rows tell of what went with a day that is dropped", n)
	}
}

// TestCountsOfAThinnedDayAreRight compares what is told of a day before and after it is thinned. Estimates are off by four standard
// deviations at most, of the numbers that the docs give.
func TestCountsOfAThinnedDayAreRight(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.writeAll()
	whole := plait.TimeRange{From: d.day, To: d.day.AddDate(0, 0, 1)}
	cut := plait.TimeRange{From: d.day.Add(30 * time.Second), To: d.day.Add(23*time.Hour + 30*time.Second)}
	volume := func(r plait.TimeRange) (n, nanos int64) {
		t.Helper()
		v, err := d.store.SpanVolume(t.Context(), query.SpanVolume{Steps: query.Steps{Range: r, Length: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range v.Groups[0].Steps {
			n, nanos = n+s.Count, nanos+s.SumNanos
		}
		return n, nanos
	}
	told := func() (n int64, median float64) {
		t.Helper()
		err := d.conn.QueryRow(t.Context(), `
			WITH s AS (SELECT duration_ms, sum(1 / kept_probability) OVER (ORDER BY duration_ms) AS upto, sum(1 / kept_probability) OVER () AS n
			           FROM plait.spans WHERE name = 'GET /' AND day = '2026-03-01')
			SELECT max(n)::int8, min(duration_ms) FILTER (WHERE upto >= n / 2) FROM s`).Scan(&n, &median)
		if err != nil {
			t.Fatal(err)
		}
		return n, median
	}
	calls := func() int64 {
		t.Helper()
		m, err := d.store.ServiceMap(t.Context(), whole)
		if err != nil || len(m.Nodes) != 1 {
			t.Fatalf("a map of %d nodes, %v", len(m.Nodes), err)
		}
		return m.Nodes[0].Calls
	}
	n, nanos := volume(whole)
	nCut, _ := volume(cut)
	spans, median := told()
	mapped := calls()
	d.live(3)
	if after, sum := volume(whole); after != n || sum != nanos {
		t.Errorf("counts by the minute tell %d spans of %d ns, want what they told before, %d of %d", after, sum, n, nanos)
	}
	near := func(what string, got, want, sigma float64) {
		t.Helper()
		if math.Abs(got-want) > 4*sigma {
			t.Errorf("%s: %.4g, want %.4g ± %.2g", what, got, want, 4*sigma)
		}
		if got == want {
			t.Errorf("%s: %.4g as before: nothing was estimated", what, got)
		}
	}
	// Of n traces chance keeps n·p, each of which stands for 1/p.
	rest := 4000.0
	sigma := math.Sqrt(rest*0.1*0.9) / 0.1
	after, quick := told()
	near("spans by their probabilities", float64(after), float64(spans), sigma)
	near("their median in ms", quick, median, median*0.3*math.Sqrt(math.Pi/2)/math.Sqrt(0.1*rest)) // of a log-normal distribution
	reopened := storetest.Open(t, d.conn.Config().ConnString(), storetest.Now(d.clock.read))       // one that remembers no map
	d.store = reopened
	near("calls of the service map", float64(calls()), float64(mapped), sigma)
	// Of a day's spans, those of the 24 minutes that are cut are read from rows.
	if got, _ := volume(cut); math.Abs(float64(got-nCut)) > 4*math.Sqrt(2*rest*24/23/60*0.9/0.1)*2 {
		t.Errorf("%d spans in steps that cut minutes, want about %d", got, nCut)
	}
}

func TestSearchesOfAThinnedDayFindWhatIsThere(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.writeAll()
	d.live(1)
	indexed := func() int64 {
		return selectOne[int64](t, d.conn, `SELECT sum(unit_count) FROM plait_store.term_segment WHERE shelf = '2026-03-01' AND replaced_at = 'infinity'`)
	}
	if err := d.store.MergeTerms(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := indexed()
	d.live(1)
	kept := d.kept()
	if after := indexed(); after > before/3 {
		t.Errorf("%d units in the index of terms after %d", after, before)
	}
	looked := map[bool]int{}
	for id := range d.traces {
		if looked[kept[id]]++; looked[kept[id]] > 50 {
			continue
		}
		found, _, err := d.store.Traces(t.Context(), query.TracesWithSpan(query.SpanAttribute("order", id.String()), plait.TimeRange{From: d.day, To: d.day.AddDate(0, 0, 2)}))
		if err != nil || (len(found) == 1) != kept[id] {
			t.Errorf("%d traces with the order of %s, which is kept: %v; %v", len(found), id, kept[id], err)
		}
		logs, _, err := d.store.Logs(t.Context(), query.Logs{
			Condition: condition.BodyContains(id.String()), Range: plait.TimeRange{From: d.day, To: d.day.AddDate(0, 0, 2)}, Page: query.Page{Limit: 10},
		})
		if err != nil || (len(logs) == 1) != kept[id] {
			t.Errorf("%d log records with the order of %s, which is kept: %v; %v", len(logs), id, kept[id], err)
		}
	}
}

func TestWhatComesLateForAThinnedDayIsKept(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.writeAll()
	d.live(3)
	before := len(d.kept())
	d.write(100, "late", "GET /", nil)
	d.live(2)
	if after := len(d.kept()); after != before+100 {
		t.Errorf("%d traces after %d, want 100 more", after, before)
	}
	if n := selectOne[int64](t, d.conn, `SELECT count(*) FROM plait_store.span WHERE shelf > '4000-01-01'`); n != 200 {
		t.Errorf("%d spans on the shelf of their arrival, want 200", n)
	}
}

func TestThinningThatIsCutShortBeginsAnew(t *testing.T) {
	t.Parallel()
	d := newThinnedDay(t, thinPolicy)
	d.writeAll()
	d.derive()
	d.live(1)
	d.clock.move(24 * time.Hour)
	// A reader that stays holds the exchange up, whoever is ended then has changed nothing.
	tx, err := d.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT count(*) FROM plait_store.span`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.store.Upkeep(t.Context()) }()
	other := connect(t, d.conn.Config().ConnString())
	const waiting = `
		SELECT coalesce((SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
		                 WHERE datname = pg_catalog.current_database() AND query LIKE 'LOCK TABLE % IN ACCESS EXCLUSIVE MODE' AND state <> 'idle' LIMIT 1), false)`
	ended := false
	for !ended {
		select {
		case err := <-done:
			t.Fatalf("the upkeep did not wait for a reader: %v", err)
		default:
			ended = selectOne[bool](t, other, waiting)
		}
	}
	if err := <-done; err == nil {
		t.Error("a thinning whose session was ended returned no error")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(d.kept()); n != len(d.traces) {
		t.Errorf("%d traces after a thinning that was cut short, want all %d", n, len(d.traces))
	}
	if n := d.derived(); n != int64(len(d.traces)) {
		t.Errorf("%d derived exemplars after a thinning that was cut short, want one of each of %d traces", n, len(d.traces))
	}
	if err := d.store.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(d.kept()); n > len(d.traces)/5 {
		t.Errorf("%d of %d traces after it began anew", n, len(d.traces))
	}
}

func TestAThinnedHourKeepsAsManyAsItsRateAllows(t *testing.T) {
	t.Parallel()
	policy := thinPolicy
	policy.MaxPerSecond = 10.0 / 3600
	d := newThinnedDay(t, policy)
	d.write(4000, "", "GET /", nil)
	d.live(3)
	n := float64(len(d.kept()))
	if want := 23 * 10.0; math.Abs(n-want) > 5*math.Sqrt(want) {
		t.Errorf("%v traces are kept, want about %v: 10 of each of 23 hours", n, want)
	}
	if told := selectOne[float64](t, d.conn, `SELECT sum(1 / kept_probability) FROM plait.spans WHERE parent_span_id IS NULL`); math.Abs(told-4000) > 5*4000/math.Sqrt(n) {
		t.Errorf("they stand for %v, want about 4000", told)
	}
}
