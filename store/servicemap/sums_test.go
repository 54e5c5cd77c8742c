package servicemap

import (
	"testing"
	"time"
)

func TestQuantilesOfExponentialBuckets(t *testing.T) {
	t.Parallel()
	c := callSums{buckets: make(map[int]int64)}
	if got := c.quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 1000 {
		c.add(false, int64(i+1)*int64(time.Millisecond), 1)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 0.99: 990 * time.Millisecond} {
		if got := c.quantile(q); got < want*95/100 || got > want*105/100 {
			t.Errorf("quantile %v: %v, want about %v", q, got, want)
		}
	}
}
