package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/plaithq/plait"
)

func TestCachedSeriesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	c := newSeriesCache()
	const size = 16 << 10
	for id := range int64(20_000) { // 300 MB
		text := strings.Clone(longText[:size])
		c.add(id, &seriesEntry{labels: labels.FromStrings("__name__", "m", "path", text)})
	}
	if held := c.entries.Len() * size; held > seriesBytes || held < seriesBytes/5 {
		t.Errorf("%d bytes of labels are in memory, the limit is %d", held, seriesBytes)
	}
	c.reading(func(get func(int64) *seriesEntry) {
		if get(19_999) == nil || get(0) != nil {
			t.Error("want the newest series and not the oldest")
		}
	})
}

var longText = strings.Repeat("x", 64<<10)

func TestSeriesThatAreReadStayCached(t *testing.T) {
	t.Parallel()
	c := newSeriesCache()
	for id := range int64(20_000) {
		c.add(id, &seriesEntry{labels: labels.FromStrings("__name__", "m", "path", longText[:8<<10])})
		c.reading(func(get func(int64) *seriesEntry) {
			if get(0) == nil {
				t.Fatalf("the series that is read all the time is gone after %d others", id)
			}
		})
	}
}

func TestCachedMetadataIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	c := newMetadataCache()
	for i := range 10_000 {
		m := plait.MetricMetadata{Metric: fmt.Sprint("m", i), Help: longText, Unit: longText, Type: plait.MetricType(longText)}
		fresh := c.unknown([]plait.MetricMetadata{m}, 1)
		if len(fresh) != 1 || textBytes(fresh[0]) > 3*maxHelpBytes+10 {
			t.Fatalf("%d families are new, want one of at most %d bytes", len(fresh), 3*maxHelpBytes+10)
		}
		c.remember(fresh, 1)
		if again := c.unknown([]plait.MetricMetadata{m}, 1); len(again) != 0 {
			t.Fatal("what was told just now counts as new")
		}
	}
	if held := c.known.Len() * 3 * maxHelpBytes; held > metadataBytes || held == 0 {
		t.Errorf("%d bytes of metadata are in memory, the limit is %d", held, metadataBytes)
	}
	c.unknown(nil, 2)
	if c.known.Len() != 0 {
		t.Error("metadata is remembered on the next day, though the database has to hear that it is in use")
	}
}

func TestClippedHelpIsWrittenOnce(t *testing.T) {
	t.Parallel()
	c := newMetadataCache()
	m := []plait.MetricMetadata{{Metric: "m", Help: strings.Repeat("x", maxHelpBytes-1) + "é"}}
	c.remember(c.unknown(m, 1), 1)
	if again := c.unknown(m, 1); len(again) != 0 {
		t.Errorf("a help text whose last letter was cut is new each time: %.20q", again[0].Help)
	}
}

func TestCachedChunksAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	c := newChunkCache(limit)
	for id := range int64(1000) {
		c.add(&chunk{id: id, samples: samples{histograms: []histogramSample{{encoded: make([]byte, 100_000)}}}})
	}
	if c.size() > limit || c.size() == 0 || c.get(999) == nil {
		t.Errorf("%d bytes of chunks are in memory, the limit is %d", c.size(), limit)
	}
}
