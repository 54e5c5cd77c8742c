package metrics_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/wire/series"
)

// base is within the days that have partitions.
var base = time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)

func named(name string, pairs ...string) plait.Labels {
	ls := plait.Labels{{Name: "__name__", Value: name}}
	for i := 0; i < len(pairs); i += 2 {
		ls = append(ls, plait.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return ls
}

// counter has a sample every 15 seconds: 0, 1, 2...
func counter(name string, samples int) plait.SeriesData {
	s := plait.SeriesData{Labels: named(name)}
	for i := range samples {
		s.Samples = append(s.Samples, plait.Sample{TimeMillis: base.UnixMilli() + int64(i)*15_000, Value: float64(i)})
	}
	return s
}

func send(t *testing.T, s *store.Store, all ...plait.SeriesData) plait.Receipt {
	t.Helper()
	receipt, err := s.WriteMetrics(t.Context(), &plait.Metrics{Series: all})
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// read returns the samples of a metric as text, in order.
func read(t *testing.T, db *metrics.DB, name string) []string {
	t.Helper()
	q, err := db.Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", name))
	var lines []string
	for set.Next() {
		it := set.At().Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			line := fmt.Sprintf("%s %d", set.At().Labels(), it.AtT()-base.UnixMilli())
			switch kind {
			case chunkenc.ValFloat:
				_, v := it.At()
				line += fmt.Sprintf(" %v %x", v, math.Float64bits(v))
			case chunkenc.ValHistogram:
				_, h := it.AtHistogram(nil)
				line += " " + h.String()
			case chunkenc.ValFloatHistogram:
				_, h := it.AtFloatHistogram(nil)
				line += " float " + h.String()
			}
			lines = append(lines, fmt.Sprintf("%s st=%d", line, it.AtST()))
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// odd is a series of everything that samples can be.
func odd(t *testing.T) []plait.SeriesData {
	t.Helper()
	at := func(i int64) int64 { return base.UnixMilli() + i*1000 }
	floats := plait.SeriesData{Labels: named("floats", "b", "1", "é.ü/ñ", "NaN"), Samples: []plait.Sample{
		{TimeMillis: at(10), StartMillis: 5, Value: 1},
		{TimeMillis: at(3), StartMillis: 5, Value: math.Inf(-1)}, // out of order
		{TimeMillis: at(11), StartMillis: 6, Value: math.NaN()},
		{TimeMillis: at(12), Value: math.Float64frombits(value.StaleNaN)},
		{TimeMillis: at(10), Value: 77},                                                 // the first of a time counts
		{TimeMillis: at(-86_400), Value: math.Copysign(0, -1)},                          // a day late
		{TimeMillis: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), Value: 3}, // years late
	}}
	h := &histogram.Histogram{Schema: 3, Count: 6, Sum: 2.5, ZeroThreshold: 1e-9, ZeroCount: 1,
		PositiveSpans: []histogram.Span{{Offset: -2, Length: 2}}, PositiveBuckets: []int64{2, 1}}
	custom := &histogram.FloatHistogram{Schema: histogram.CustomBucketsSchema, Count: 3.5, Sum: 1, CustomValues: []float64{1, 2},
		PositiveSpans: []histogram.Span{{Length: 2}}, PositiveBuckets: []float64{1.5, 2}}
	one, err := series.IntHistogram(7, at(0), h)
	if err != nil {
		t.Fatal(err)
	}
	two, err := series.FloatHistogram(0, at(1), custom)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := series.FloatHistogram(0, at(2), &histogram.FloatHistogram{Sum: math.Float64frombits(value.StaleNaN)})
	if err != nil {
		t.Fatal(err)
	}
	return []plait.SeriesData{floats, {Labels: named("histograms"), Histograms: []plait.HistogramSample{one, two, ended}}}
}

func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
