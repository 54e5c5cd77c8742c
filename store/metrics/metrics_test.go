package metrics_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/storetest"
)

func TestSamplesReadBackWhereverTheyAre(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	send(t, s, odd(t)...)
	want := append(read(t, s.Metrics(), "floats"), read(t, s.Metrics(), "histograms")...)
	if len(want) != 9 || !strings.Contains(want[1], fmt.Sprint(-86_400_000, " -0 ")) || !strings.HasSuffix(want[2], "-Inf fff0000000000000 st=5") ||
		!strings.HasSuffix(want[5], " NaN 7ff0000000000002 st=0") || !strings.HasSuffix(want[3], " 1 3ff0000000000000 st=5") {
		t.Fatalf("from the head:\n%s", strings.Join(want, "\n"))
	}
	again := storetest.Open(t, url) // reads the head back
	check := func(where string, db *metrics.DB) {
		t.Helper()
		got := append(read(t, db, "floats"), read(t, db, "histograms")...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", where, diff)
		}
	}
	check("another gateway", again.Metrics())
	if err := s.Metrics().CompactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("chunks in memory", s.Metrics())
	check("a gateway that did not compact", again.Metrics())
	check("chunks from the database", storetest.Open(t, url).Metrics())
}

func TestAnotherGatewaySeesASampleAtOnce(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	one, two := storetest.Open(t, url), storetest.Open(t, url)
	for i := range 20 {
		send(t, one, plait.SeriesData{Labels: named("up"), Samples: []plait.Sample{{TimeMillis: base.UnixMilli() + int64(i), Value: 1}}})
		if got := read(t, two.Metrics(), "up"); len(got) != i+1 {
			t.Fatalf("after sample %d the other gateway sees %d", i+1, len(got))
		}
	}
}

// TestNothingIsMissingWhileGatewaysCompact writes through two gateways that compact all the
// time, and reads through both.
func TestNothingIsMissingWhileGatewaysCompact(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	gateways := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
	const rounds = 30
	for i := range rounds {
		s := gateways[i%2]
		send(t, s, plait.SeriesData{Labels: named("up"), Samples: []plait.Sample{{TimeMillis: base.UnixMilli() + int64(i), Value: float64(i)}}})
		compacted := make(chan error, 2)
		for _, g := range gateways {
			go func() { compacted <- g.Metrics().CompactNow(t.Context()) }()
		}
		for _, g := range gateways {
			if got := read(t, g.Metrics(), "up"); len(got) != i+1 {
				t.Errorf("after %d samples %d are seen", i+1, len(got))
			}
		}
		for range gateways {
			if err := <-compacted; err != nil {
				t.Error(err)
			}
		}
	}
	var rows, samples int
	pool := connect(t, url)
	if err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM plait_store.sample_head), (SELECT count(*) FROM plait.samples)`).Scan(&rows, &samples); err != nil {
		t.Fatal(err)
	}
	if samples != rounds {
		t.Errorf("SQL sees %d samples, want %d", samples, rounds)
	}
}

func TestSamplesInSQL(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, pool := storetest.Open(t, url), connect(t, url)
	send(t, s, counter("requests_total", 100))
	const sql = `SELECT count(*), sum(value), min(time), max(time) FROM plait.samples WHERE metric = 'requests_total' AND labels = '{}'`
	for _, where := range []string{"head", "chunks"} {
		var count int
		var sum float64
		var first, last time.Time
		if err := pool.QueryRow(t.Context(), sql).Scan(&count, &sum, &first, &last); err != nil {
			t.Fatal(err)
		}
		if count != 100 || sum != 4950 || !first.Equal(base) || !last.Equal(base.Add(99*15*time.Second)) {
			t.Errorf("%s: %d samples of sum %v from %v to %v", where, count, sum, first, last)
		}
		if err := s.Metrics().CompactNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStalenessMarkersAreNotInSQL(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, pool := storetest.Open(t, url), connect(t, url)
	send(t, s, odd(t)...)
	for range 2 {
		var floats, nans int
		if err := pool.QueryRow(t.Context(), `SELECT count(value), count(*) FILTER (WHERE value = 'NaN') FROM plait.samples WHERE metric = 'floats'`).Scan(&floats, &nans); err != nil {
			t.Fatal(err)
		}
		// the head still holds both samples of one time
		if floats != 6 && floats != 5 || nans != 1 {
			t.Errorf("%d values, %d of them NaN", floats, nans)
		}
		if err := s.Metrics().CompactNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARepeatedRequestIsStoredOnce(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, pool := storetest.Open(t, url), connect(t, url)
	m := &plait.Metrics{Series: []plait.SeriesData{counter("requests_total", 3)}, Digest: plait.Digest{1}}
	for _, want := range []bool{false, true} {
		receipt, err := s.WriteMetrics(t.Context(), m)
		if err != nil || receipt.Duplicate != want {
			t.Errorf("duplicate %v, %v, want %v", receipt.Duplicate, err, want)
		}
	}
	var count int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM plait.samples`).Scan(&count); err != nil || count != 3 {
		t.Errorf("%d samples, %v", count, err)
	}
}

func TestNewSeriesOfOneRequestAreBounded(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	send(t, s, counter("known", 1))
	all := []plait.SeriesData{counter("known", 2)}
	for i := range 100_000 {
		one := plait.SeriesData{Labels: named("many", "id", fmt.Sprint(i)), Samples: []plait.Sample{{TimeMillis: base.UnixMilli(), Value: 1}}}
		if i == 99_999 {
			one.Exemplars = []plait.Exemplar{{TimeNanos: base.UnixNano()}}
		}
		all = append(all, one)
	}
	m := &plait.Metrics{Series: all, Digest: plait.Digest{1}}
	receipt, err := s.WriteMetrics(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if len(receipt.Refused) != 1 || receipt.Refused[0].Count != 50_000 || receipt.Refused[0].Exemplars != 1 || receipt.Refused[0].Histograms != 0 ||
		!strings.Contains(receipt.Refused[0].Reason, "more than 50000 series") {
		t.Errorf("refused: %+v", receipt.Refused)
	}
	again, err := s.WriteMetrics(t.Context(), m)
	if err != nil || again.Duplicate || len(again.Refused) != 0 {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	if got := read(t, s.Metrics(), "many"); len(got) != 100_000 {
		t.Errorf("%d of the new series have samples", len(got))
	}
	if got := read(t, s.Metrics(), "known"); len(got) != 2 {
		t.Errorf("the known series has %d samples", len(got))
	}
}

func TestSeriesWithoutSamplesAreNotNamed(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	send(t, s, counter("known", 1), plait.SeriesData{Labels: named("nothing")})
	q, err := s.Metrics().Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	names, _, err := q.LabelValues(t.Context(), "__name__", nil)
	if err != nil || !slices.Equal(names, []string{"known"}) {
		t.Errorf("%v, %v", names, err)
	}
}

func TestSomeSeriesOfMany(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	const many = 5000
	var all []plait.SeriesData
	for i := range many {
		all = append(all, plait.SeriesData{Labels: named("many", "id", fmt.Sprint(i)), Samples: []plait.Sample{{TimeMillis: base.UnixMilli(), Value: 1}}})
	}
	send(t, s, all...)
	q, err := s.Metrics().Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]int{0: many, 1: 1, 3000: 3000, many + 1: many} {
		hints := &storage.SelectHints{Start: 0, End: math.MaxInt64, Limit: limit, Func: "series"}
		set := q.Select(t.Context(), true, hints, labels.MustNewMatcher(labels.MatchRegexp, "__name__", "man.+"))
		found := map[string]bool{}
		for set.Next() {
			found[set.At().Labels().Get("id")] = true
		}
		if set.Err() != nil || len(found) != want {
			t.Errorf("limit %d: %d series, %v; want %d", limit, len(found), set.Err(), want)
		}
	}
}

func TestExemplarIsServedOnceItsTraceIsThere(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	id := plait.TraceID{9, 15: 9}
	bucket := plait.SeriesData{Labels: named("latency_bucket", "le", "1"), Exemplars: []plait.Exemplar{
		{TimeNanos: base.UnixNano(), Value: 0.5, TraceID: id, SpanID: plait.SpanID{1}, Labels: plait.Labels{{Name: "user", Value: "u"}}},
		{TimeNanos: base.UnixNano(), Value: 0.7},
	}}
	send(t, s, bucket)
	ask := func() int {
		t.Helper()
		found, err := s.Exemplars(t.Context(), []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "latency_count"}},
			plait.TimeRange{From: base.Add(-time.Hour), To: base.Add(time.Hour)}, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := ask(); n != 0 {
		t.Errorf("%d exemplars are served before their trace is there", n)
	}
	if _, err := s.WriteTraces(t.Context(), &plait.Traces{Spans: []plait.Span{{
		TraceID: id, SpanID: plait.SpanID{1}, StartNanos: base.UnixNano(), EndNanos: base.UnixNano() + 1, Resource: &plait.Resource{}, Scope: &plait.Scope{},
	}}}); err != nil {
		t.Fatal(err)
	}
	if n := ask(); n != 1 {
		t.Errorf("%d exemplars are served once their trace is there", n)
	}
	found, err := s.TraceExemplars(t.Context(), id)
	if err != nil || len(found) != 1 || found[0].Series.Get("le") != "1" || found[0].Labels.Get("user") != "u" || found[0].SpanID != (plait.SpanID{1}) {
		t.Errorf("exemplars of the trace: %+v, %v", found, err)
	}
}

func TestMetricTypeAndSeries(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	if _, err := s.WriteMetrics(t.Context(), &plait.Metrics{
		Series:   []plait.SeriesData{counter("requests_total", 1), counter("other", 1)},
		Metadata: []plait.MetricMetadata{{Metric: "requests_total", Type: plait.MetricCounter}, {Metric: "silent"}},
	}); err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string]plait.MetricType{"requests_total": plait.MetricCounter, "silent": plait.MetricUnknown, "none": plait.MetricUnknown} {
		if got, err := s.MetricType(t.Context(), metric); got != want || err != nil {
			t.Errorf("%s is a %s, %v", metric, got, err)
		}
	}
	for _, c := range []struct {
		matcher plait.Matcher
		r       plait.TimeRange
		want    []string
	}{
		{plait.Matcher{Name: "__name__", Op: plait.MatchRegexp, Value: "req.*|other"}, plait.TimeRange{}, []string{"other", "requests_total"}},
		{plait.Matcher{Name: "__name__", Op: plait.MatchNotEqual, Value: "other"}, plait.TimeRange{From: base}, []string{"requests_total"}},
		{plait.Matcher{Name: "__name__", Op: plait.MatchEqual, Value: "other"}, plait.TimeRange{From: base.Add(time.Minute)}, nil},
	} {
		found, err := s.Series(t.Context(), []plait.Matcher{c.matcher}, c.r, 10)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, ls := range found {
			names = append(names, ls.Get("__name__"))
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%+v finds %v, want %v", c.matcher, names, c.want)
		}
	}
}
