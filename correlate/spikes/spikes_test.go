package spikes

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plaithq/plait/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestARangeLikeTheTimeBeforeHasNoRuns(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, usual := range []float64{0, 0.001, 0.02, 0.3} {
		for range 2_000 {
			draw := func(n int64) (s share) {
				s.all = n
				for range n {
					if r.Float64() < usual {
						s.bad++
					}
				}
				return s
			}
			before := draw(20 + r.Int64N(500))
			bins := make([]share, 60)
			for i := range bins {
				bins[i] = draw(r.Int64N(40))
			}
			for name, rule := range map[string]rule{"slow": slowRule, "failed": failedRule} {
				if found := sure(rule.runs(bins, &before)); len(found) > 0 {
					t.Fatalf("%s: %v is found in %v after %v", name, found, bins, before)
				}
			}
		}
	}
}

func TestRunsAreWhatIsOdd(t *testing.T) {
	t.Parallel()
	before := &share{0, 100}
	good, bad, none := share{0, 10}, share{8, 10}, share{}
	for name, c := range map[string]struct {
		bins   []share
		before *share
		want   [][2]int
	}{
		"nothing":                                 {[]share{good, good}, before, nil},
		"one bin":                                 {[]share{good, bad, good}, before, [][2]int{{1, 2}}},
		"a good bin between two ends no run":      {[]share{bad, good, bad, good, good}, before, [][2]int{{0, 3}}},
		"two good bins end it":                    {[]share{bad, good, good, bad}, before, [][2]int{{0, 1}, {3, 4}}},
		"bins without spans end none":             {[]share{bad, none, none, none, bad}, before, [][2]int{{0, 5}}},
		"a few in each bin":                       {[]share{{0, 2}, {1, 2}, {1, 2}, {1, 2}, {1, 2}, {1, 2}}, before, [][2]int{{1, 6}}},
		"too few to tell":                         {[]share{{4, 4}}, before, nil},
		"as before":                               {[]share{bad}, &share{60, 100}, nil},
		"without a time before, against the rest": {[]share{good, good, good, bad}, nil, [][2]int{{3, 4}}},
		"another one is not the usual":            {[]share{good, good, bad, good, good, bad, bad, bad, bad, bad, good}, nil, [][2]int{{2, 3}, {5, 10}}},
		"without anything else":                   {[]share{bad, bad}, nil, nil},
	} {
		got := sure(slowRule.runs(c.bins, c.before))
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i := range got {
			if [2]int{got[i].from, got[i].to} != c.want[i] {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
}

// sure are the runs that are spikes by themselves.
func sure(all []run) []run {
	return slices.DeleteFunc(all, func(r run) bool { return r.surprise < oddRun })
}

func TestNoRangeHasMoreBinsThanAreTold(t *testing.T) {
	t.Parallel()
	for length := time.Second; length < 400*24*time.Hour; length = length*11/10 + time.Second {
		if bins := int(length/stepFor(length)) + 2; bins > maxBins {
			t.Errorf("%v has %d bins", length, bins)
		}
	}
	for bins := 1; bins < 1000; bins++ {
		f := finder{bins: bins, together: together(bins)}
		if told := f.told(&operation{steps: make([]query.SpanStep, bins)}); len(told) > maxBins {
			t.Errorf("of %d bins %d are told", bins, len(told))
		}
	}
}
