package api

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestUsualIsTheMedianOfStepsWithCalls(t *testing.T) {
	t.Parallel()
	step := func(calls, failed int64, p95 time.Duration) mapStep { return mapStep{calls, failed, p95} }
	for name, c := range map[string]struct {
		steps []mapStep
		want  *usual
	}{
		"four are too few":                 {[]mapStep{step(1, 0, 1), step(1, 0, 1), step(1, 0, 1), step(1, 0, 1)}, nil},
		"two of five in trouble tell not":  {[]mapStep{step(9, 9, 900), step(9, 0, 10), step(9, 0, 12), step(9, 8, 800), step(9, 0, 11)}, &usual{12, 0}},
		"what always fails usually does":   {[]mapStep{step(4, 1, 10), step(4, 1, 10), step(4, 1, 10), step(4, 1, 10), step(4, 1, 10)}, &usual{10, 0.25}},
		"of an even number, the lower one": {[]mapStep{step(1, 0, 1), step(1, 0, 2), step(1, 0, 3), step(1, 0, 4), step(1, 0, 5), step(1, 0, 6)}, &usual{3, 0}},
	} {
		if diff := gocmp.Diff(c.want, usualOf(c.steps)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBinsAreOfQuartersOfMinutesOrInShortWindowsOfSeconds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		window time.Duration
		bins   int
		want   time.Duration
	}{
		{4 * time.Minute, 60, 4 * time.Second}, {7 * time.Minute, 60, 7 * time.Second}, {8 * time.Minute, 60, 15 * time.Second}, {20 * time.Minute, 60, 30 * time.Second}, {time.Hour, 60, time.Minute},
		{61 * time.Minute, 60, 75 * time.Second}, {24 * time.Hour, 60, 24 * time.Minute}, {time.Millisecond, 60, time.Second},
	} {
		if got := binLength(c.window, c.bins); got != c.want {
			t.Errorf("%v in %d bins: %v each, want %v", c.window, c.bins, got, c.want)
		}
	}
}

func TestUsualIsLookedForInShortStepsButNotInTooMany(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ length, bin, want time.Duration }{
		{8 * time.Minute, 4 * time.Second, 4 * time.Second}, {30 * time.Minute, 15 * time.Second, 15 * time.Second}, {2 * time.Hour, time.Minute, 15 * time.Second},
		{25 * time.Hour, 24 * time.Minute, 150 * time.Second},
	} {
		if got := usualStep(c.length, c.bin); got != c.want {
			t.Errorf("in %v with bins of %v: %v, want %v", c.length, c.bin, got, c.want)
		}
	}
}
