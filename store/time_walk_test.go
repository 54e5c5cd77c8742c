package store

import (
	"context"
	"testing"
	"time"

	"github.com/plaithq/plait"
)

func TestTimeWalkLeavesNothingOut(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ranges := []plait.TimeRange{
		{},
		{From: now.Add(-time.Hour)},
		{To: now.Add(-time.Hour)},
		{From: now.Add(-time.Hour), To: now.Add(time.Hour)},
		{From: now.Add(time.Hour), To: now.Add(2 * time.Hour)},
		{From: now.AddDate(-200, 0, 0), To: now.AddDate(200, 0, 0)},
		{From: now.AddDate(-9000, 0, 0), To: now.AddDate(9000, 0, 0)},
		{From: now, To: now.Add(1)},
	}
	for _, r := range ranges {
		for _, ascending := range []bool{false, true} {
			w := newTimeWalk(r, ascending, now)
			whole := w
			slices := 0
			for edge := [2]int64{w.from, w.to}; !w.done(); slices++ {
				from, to := w.slice()
				if from >= to || from < whole.from || to > whole.to || ascending && from != edge[0] || !ascending && to != edge[1] {
					t.Fatalf("%v: slice %d is from %d to %d", r, slices, from, to)
				}
				edge = [2]int64{to, from}
				w.read(from, to)
			}
			if slices > 25 {
				t.Errorf("%v took %d slices", r, slices)
			}
		}
	}
	if w := newTimeWalk(plait.TimeRange{From: now, To: now}, false, now); !w.done() {
		t.Error("an empty range is not done")
	}
}

func TestTimeRangeIncludesTheMicrosecondOfItsEnd(t *testing.T) {
	t.Parallel()
	end := time.Unix(1, 1500)
	w := newTimeWalk(plait.TimeRange{From: end, To: end.Add(1)}, false, end)
	if w.from != 1_000_001 || w.to != 1_000_002 {
		t.Errorf("from %d to %d", w.from, w.to)
	}
}

func TestQuantilesOfExponentialBuckets(t *testing.T) {
	t.Parallel()
	c := callSums{buckets: make(map[int]int64)}
	if got := c.quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 1000 {
		c.add(false, int64(i+1)*int64(time.Millisecond))
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 0.99: 990 * time.Millisecond} {
		if got := c.quantile(q); got < want*95/100 || got > want*105/100 {
			t.Errorf("quantile %v: %v, want about %v", q, got, want)
		}
	}
}

func TestASearchThatDidNotComeForwardIsNoAnswer(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	ended := over.Err()
	for _, c := range []struct {
		own, callers context.Context
		found        int
		forward      bool
		want         bool
	}{
		{over, t.Context(), 1, true, true},
		{over, t.Context(), 0, true, true},
		{over, t.Context(), 0, false, false},
		{over, over, 1, false, true},
		{over, over, 0, true, false},
		{t.Context(), t.Context(), 1, true, false}, // something else went wrong
	} {
		if got := cutShort(c.callers, c.own, ended, c.found, c.forward); got != c.want {
			t.Errorf("%d found, forward %v, caller's time up %v: %v", c.found, c.forward, c.callers.Err() != nil, got)
		}
	}
}
