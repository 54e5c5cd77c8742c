package search

import (
	"context"
	"slices"
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
		for i, ascending := range []bool{false, true, false, true, false, true} {
			w := NewWalk(r, ascending, now)
			switch i / 2 {
			case 1:
				w.ByTime()
			case 2:
				w.Newest(now.Add(-time.Minute).UnixMicro())
				w.Expect(1<<40, 1)
			}
			whole := w
			read := 0
			for edge := [2]int64{w.From, w.To}; !w.Done(); read++ {
				from, to := w.slice()
				if from >= to || from < whole.From || to > whole.To || ascending && from != edge[0] || !ascending && to != edge[1] {
					t.Fatalf("%v: slice %d is from %d to %d", r, read, from, to)
				}
				edge = [2]int64{to, from}
				w.read(from, to)
			}
			if read > 30 {
				t.Errorf("%v took %d slices", r, read)
			}
		}
	}
	if w := NewWalk(plait.TimeRange{From: now, To: now}, false, now); !w.Done() {
		t.Error("an empty range is not done")
	}
}

func TestSlicesAreAsLongAsItTakesToFindWhatIsWanted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	hour := plait.TimeRange{From: now.Add(-time.Hour), To: now}
	for _, c := range []struct {
		fitting int
		want    time.Duration
	}{{0, 5 * time.Second}, {100, 5 * time.Second}, {36_000, 5 * time.Second}, {360_000, time.Second}, {1 << 40, 20 * time.Millisecond}} {
		for _, ascending := range []bool{false, true} {
			w := NewWalk(hour, ascending, now)
			w.Expect(c.fitting, 100)
			if from, to := w.slice(); to-from != c.want.Microseconds() {
				t.Errorf("with %d that fit a slice is from %d to %d, want %s", c.fitting, from, to, c.want)
			}
		}
	}
	w := NewWalk(hour, false, now)
	w.Newest(now.Add(-30 * time.Minute).UnixMicro())
	w.Expect(180_000, 100)
	if from, to := w.slice(); to != now.UnixMicro() || from != now.Add(-30*time.Minute-time.Second).UnixMicro() {
		t.Errorf("where nothing is later than half an hour ago a slice is from %d to %d", from, to)
	}
}

func TestAnIndexedWalkIsOneSlice(t *testing.T) {
	t.Parallel()
	w := NewWalk(plait.TimeRange{From: time.Unix(0, 0)}, false, time.Unix(2_000_000_000, 0))
	w.ByIndex()
	from, to := w.slice()
	if w.read(from, to); !w.Done() {
		t.Errorf("a slice from %d to %d is not all", from, to)
	}
}

func TestPagesGrowAsASearchGoesOn(t *testing.T) {
	t.Parallel()
	w := NewWalk(plait.TimeRange{From: time.Unix(0, 0), To: time.Unix(0, 0).Add(30_000 * time.Microsecond)}, false, time.Unix(1, 0))
	var limits []int
	read := func(_ context.Context, from, to int64, limit int) (Page, error) { // a row in each microsecond
		limits = append(limits, limit)
		rows := min(limit, int(to-from))
		return Page{Rows: rows, Last: to - int64(rows), Full: rows == limit}, nil
	}
	if err := w.Pages(t.Context(), 100, func() bool { return false }, read); err != nil {
		t.Fatal(err)
	}
	if want := []int{100, 400, 1600, 6400, 8000, 8000, 8000}; !slices.Equal(limits, want) {
		t.Errorf("pages of %v, want %v", limits, want)
	}
}

func TestTimeRangeIncludesTheMicrosecondOfItsEnd(t *testing.T) {
	t.Parallel()
	end := time.Unix(1, 1500)
	w := NewWalk(plait.TimeRange{From: end, To: end.Add(1)}, false, end)
	if w.From != 1_000_001 || w.To != 1_000_002 {
		t.Errorf("from %d to %d", w.From, w.To)
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
		if got := CutShort(c.callers, c.own, ended, c.found, c.forward); got != c.want {
			t.Errorf("%d found, forward %v, caller's time up %v: %v", c.found, c.forward, c.callers.Err() != nil, got)
		}
	}
}
