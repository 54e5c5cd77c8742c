package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait"
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
	var again chunkenc.Iterator
	for i := range all { // in order, as a range query reads them
		again = all[i].Iterator(again)
		whole(again)
	}
	var open []chunkenc.Iterator // many at once, and from the end
	for i := range 8 {
		open = append(open, all[series-1-i].Iterator(nil))
	}
	for _, it := range open {
		whole(it)
	}
}

func TestIteratorsHoldABoundedNumberOfBytes(t *testing.T) {
	t.Parallel()
	all := selectAll(t.Context(), t, openPaged(t, 20, 1500)) // 36 kB each, and pages of 100 kB
	refused := 0
	for _, s := range all { // and all are kept, as PromQL's timestamp() does
		if it := s.Iterator(nil); errors.Is(it.Err(), plait.ErrTooLarge) {
			refused++
		} else if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if refused != 9 {
		t.Errorf("%d of 20 iterators of 36 kB are refused, want those beyond 400 kB", refused)
	}
}

func TestWhatAQuerySelectsIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	db := openPaged(t, 20, 1500)
	for what, c := range map[string]struct {
		page  int
		large bool
	}{
		"series of 8 kB in 16 kB":           {2_000, false},
		"series of 8 kB in 2 kB":            {250, true},
		"samples of 36 kB in pages of 4 kB": {4_000, true},
		"samples of 36 kB in 40 kB":         {10_000, false},
	} {
		q, err := db.Limited(c.page).Querier(0, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "m"))
		var it chunkenc.Iterator
		for err = nil; err == nil && set.Next(); {
			it = set.At().Iterator(it)
			if c.page > 2_000 {
				sum(it)
				err = it.Err()
			}
		}
		if c.page <= 2_000 {
			err = set.Err()
		}
		if large := errors.Is(err, plait.ErrTooLarge); large != c.large || err != nil && !large {
			t.Errorf("%s: error %v", what, err)
		}
	}
}

func TestSelectorsOfOneQueryShareItsMemory(t *testing.T) {
	t.Parallel()
	db := openPaged(t, 20, 1500)
	q, err := db.Limited(20_000).Querier(0, math.MaxInt64) // two series of 36 kB are in memory
	if err != nil {
		t.Fatal(err)
	}
	var sets []storage.SeriesSet
	for i := range 10 {
		set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "m"), labels.MustNewMatcher(labels.MatchEqual, "i", fmt.Sprintf("%04d", i)))
		if !set.Next() {
			t.Fatal(set.Err())
		}
		sets = append(sets, set)
	}
	for range 2 { // pages that have made room for others are read again
		for _, set := range sets {
			it := set.At().Iterator(nil)
			if n, _ := sum(it); n != 1500 || it.Err() != nil {
				t.Errorf("%d samples, error %v", n, it.Err())
			}
		}
	}
	if held := metrics.OpenBytes(q); held > 80_000 || held == 0 {
		t.Errorf("the query has samples of %d bytes in memory, want some, and at most 80,000", held)
	}
}

func TestListsOfNamesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for i := range 24 {
		var all []plait.SeriesData
		for j := range 50 {
			one := counter("m", 1)
			one.Labels = named("m", "path", fmt.Sprintf("%02d %02d %s", i, j, strings.Repeat("x", 15<<10)))
			all = append(all, one)
		}
		send(t, s, all...)
	}
	q, err := s.Metrics().Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.LabelValues(t.Context(), "path", nil); !errors.Is(err, plait.ErrTooLarge) {
		t.Errorf("values of 18 MB: error %v", err)
	}
	if names, _, err := q.LabelNames(t.Context(), nil); err != nil || len(names) != 2 {
		t.Errorf("%q, error %v", names, err)
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
