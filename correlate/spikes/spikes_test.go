package spikes

import (
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"
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
				if found := rule.runs(bins, &before); len(found) > 0 {
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
		want   []run
	}{
		"nothing":                                 {[]share{good, good}, before, nil},
		"one bin":                                 {[]share{good, bad, good}, before, []run{{1, 2}}},
		"a good bin between two ends no run":      {[]share{bad, good, bad, good, good}, before, []run{{0, 3}}},
		"two good bins end it":                    {[]share{bad, good, good, bad}, before, []run{{0, 1}, {3, 4}}},
		"bins without spans end none":             {[]share{bad, none, none, none, bad}, before, []run{{0, 5}}},
		"a few in each bin":                       {[]share{{0, 2}, {1, 2}, {1, 2}, {1, 2}, {1, 2}, {1, 2}}, before, []run{{1, 6}}},
		"too few to tell":                         {[]share{{4, 4}}, before, nil},
		"as before":                               {[]share{bad}, &share{60, 100}, nil},
		"without a time before, against the rest": {[]share{good, good, good, bad}, nil, []run{{3, 4}}},
		"without anything else":                   {[]share{bad, bad}, nil, nil},
	} {
		got := slowRule.runs(c.bins, c.before)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
}

func TestNoRangeHasMoreBinsThanAreShown(t *testing.T) {
	t.Parallel()
	for length := time.Second; length < 400*24*time.Hour; length = length*11/10 + time.Second {
		step := stepFor(length)
		if length <= finely {
			step = finelyStep
		}
		if bins := int(length/step) + 2; bins > maxBins {
			t.Errorf("%v has %d bins of %v", length, bins, step)
		}
	}
}
