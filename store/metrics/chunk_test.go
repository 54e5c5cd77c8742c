package metrics

import "testing"

func TestChunksOfHistogramsAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	var s samples
	for i := range int64(100) {
		size := 100_000
		if i == 50 {
			size = 3 * maxChunkBytes // alone, since it cannot be divided
		}
		s.histograms = append(s.histograms, histogramSample{t: i, encoded: make([]byte, size)})
	}
	next := int64(0)
	for _, c := range makeChunks(1, s) {
		bytes := 0
		for _, h := range c.histograms {
			if h.t != next {
				t.Fatalf("the sample of %d follows that of %d", h.t, next-1)
			}
			next++
			bytes += len(h.encoded)
		}
		if bytes > maxChunkBytes && len(c.histograms) > 1 {
			t.Errorf("a chunk has %d histograms of %d bytes, want at most %d", len(c.histograms), bytes, maxChunkBytes)
		}
	}
	if next != 100 {
		t.Errorf("%d samples are in chunks, want 100", next)
	}
}

func TestCachedChunksShareNothingWithTheHead(t *testing.T) {
	t.Parallel()
	row := make([]byte, 1000)
	c := (&chunk{samples: samples{histograms: []histogramSample{{t: 1, encoded: row[:10]}, {t: 2, encoded: row[10:30]}}}}).detached()
	row[0], row[10] = 1, 1
	for i, size := range []int{10, 20} {
		if h := c.histograms[i]; len(h.encoded) != size || cap(h.encoded) != size || h.encoded[0] != 0 || h.t != int64(i+1) {
			t.Errorf("histogram %d has %d bytes (of %d), the first is %d", i, len(h.encoded), cap(h.encoded), h.encoded[0])
		}
	}
}
