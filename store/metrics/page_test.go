package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/storetest"
)

// openPaged stores series m{i="0"}, m{i="1"}..., of a day each, and opens a DB that reads them in small pages.
func openPaged(t *testing.T, count, samples int) *metrics.DB {
	t.Helper()
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	for i := range count {
		one := counter("m", samples)
		one.Labels = named("m", "i", fmt.Sprintf("%04d", i))
		send(t, s, one)
	}
	if err := s.Metrics().CompactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	one := counter("m", 1) // one more, in the head, which repeats a time
	one.Labels = named("m", "i", "0000")
	send(t, s, one)
	pool := connect(t, url)
	db, err := metrics.Open(t.Context(), metrics.Config{Read: pool, Write: pool, PageBytes: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func selectAll(ctx context.Context, t *testing.T, db *metrics.DB) []storage.Series {
	t.Helper()
	q, err := db.Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	set := q.Select(ctx, true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "m"))
	var all []storage.Series
	for set.Next() {
		all = append(all, set.At())
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// sum reads a series, or what is left of it.
func sum(it chunkenc.Iterator) (samples int, values float64) {
	for it.Next() != chunkenc.ValNone {
		_, v := it.At()
		samples++
		values += v
	}
	return samples, values
}

func TestSeriesAreReadInPages(t *testing.T) {
	t.Parallel()
	const series, samples = 20, 1500 // 36 kB each, so that two are a page
	all := selectAll(t.Context(), t, openPaged(t, series, samples))
	if len(all) != series {
		t.Fatalf("%d series, want %d", len(all), series)
	}
	whole := func(it chunkenc.Iterator) {
		t.Helper()
		if n, v := sum(it); n != samples || v != samples*(samples-1)/2 || it.Err() != nil {
			t.Errorf("%d samples, sum %g, error %v", n, v, it.Err())
		}
	}
	for i := range all { // in order, as a range query reads them
		whole(all[i].Iterator(nil))
	}
	var open []chunkenc.Iterator // all at once, and from the end
	for i := range all {
		open = append(open, all[series-1-i].Iterator(nil))
	}
	for _, it := range open {
		whole(it)
	}
}

func TestAPageThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	all := selectAll(ctx, t, openPaged(t, 10, 1500))
	first := all[0].Iterator(nil)
	cancel()
	if n, _ := sum(first); n != 1500 || first.Err() != nil {
		t.Errorf("an open iterator gives %d samples, error %v", n, first.Err())
	}
	last := all[9].Iterator(nil)
	if n, _ := sum(last); n != 0 || !errors.Is(last.Err(), context.Canceled) {
		t.Errorf("a page that could not be read gives %d samples, error %v", n, last.Err())
	}
	if kind := last.Seek(0); kind != chunkenc.ValNone {
		t.Errorf("Seek finds %v", kind)
	}
}
