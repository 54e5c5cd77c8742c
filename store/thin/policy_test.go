package thin

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
)

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	works := Policy{After: 48 * time.Hour, Keep: 0.1, SlowerThan: 2, RareBelow: 50}
	with := func(change func(*Policy)) Policy {
		p := works
		change(&p)
		return p
	}
	for _, test := range []struct {
		policy Policy
		field  string
	}{
		{Policy{}, ""},
		{works, ""},
		{with(func(p *Policy) { p.Keep, p.SlowerThan, p.RareBelow = 0, 0, 0 }), ""},
		{with(func(p *Policy) { p.After = 24 * time.Hour }), ""},
		{with(func(p *Policy) { p.After = 24*time.Hour - 1 }), "ThinAfter"},
		{with(func(p *Policy) { p.After = -1 }), "ThinAfter"},
		{with(func(p *Policy) { p.After = 7 * 24 * time.Hour }), "ThinAfter"},
		{with(func(p *Policy) { p.Keep = 1.01 }), "ThinKeep"},
		{with(func(p *Policy) { p.Keep = math.NaN() }), "ThinKeep"},
		{with(func(p *Policy) { p.Services = []ServiceShare{{"a", 0}, {"b", 1}} }), ""},
		{with(func(p *Policy) { p.Services = []ServiceShare{{"", 0.5}} }), "ThinServices"},
		{with(func(p *Policy) { p.Services = []ServiceShare{{"a", 0.5}, {"a", 0.5}} }), "ThinServices"},
		{with(func(p *Policy) { p.Services = []ServiceShare{{"a", math.NaN()}} }), "ThinServices"},
		{with(func(p *Policy) { p.Services = make([]ServiceShare, maxServices+1) }), "ThinServices"},
		{with(func(p *Policy) { p.SlowerThan = 0.9 }), "ThinSlowerThan"},
		{with(func(p *Policy) { p.RareBelow = -1 }), "ThinRareBelow"},
		{with(func(p *Policy) { p.MaxPerSecond = -1 }), "ThinMaxRate"},
	} {
		err := test.policy.Validate(7 * 24 * time.Hour)
		var setting *plait.SettingError
		if errors.As(err, &setting); (err == nil) != (test.field == "") || setting != nil && setting.Field != test.field {
			t.Errorf("%+v: %v, want it about %q", test.policy, err, test.field)
		}
	}
}

func TestARateLowersTheProbabilityOfAnHour(t *testing.T) {
	t.Parallel()
	traces := map[int16]int64{0: 36_000, 1: 360_000, 2: 0}
	got := Policy{Keep: 0.1, MaxPerSecond: 2}.probabilities(traces)
	for hour, want := range []float64{0.1, 0.02, 0.1} {
		if math.Abs(got[hour]-want) > 1e-12 {
			t.Errorf("hour %d: %v, want %v", hour, got[hour], want)
		}
	}
	if got := (Policy{Keep: 0.1}).probabilities(traces); got[1] != 0.1 {
		t.Errorf("without a bound: %v", got[1])
	}
}

func TestARateLowersAllSharesOfAnHourAlike(t *testing.T) {
	t.Parallel()
	p := Policy{Keep: 0.1, MaxPerSecond: 1, Services: []ServiceShare{{"a", 0.5}, {"b", 0.02}, {"c", 0.1}}}
	// Places are those of 2 %, 10 % and 50 %.
	got := p.probabilities(map[int16]int64{24 + 3: 36_000, 48 + 3: 7200, 24 + 4: 36_000})
	if len(got) != 3*hours {
		t.Fatalf("%d strata, want those of three shares", len(got))
	}
	for stratum, want := range map[int]float64{3: 0.01, 24 + 3: 0.05, 48 + 3: 0.25, 24 + 4: 0.1, 48 + 4: 0.5, 5: 0.02} {
		if math.Abs(got[stratum]-want) > 1e-12 {
			t.Errorf("stratum %d: %v, want %v", stratum, got[stratum], want)
		}
	}
	for service, want := range map[float64]int16{0.02: 0, 0.1: 1, 0.5: 2} {
		if got := p.place(service); got != want {
			t.Errorf("share %v has place %d, want %d", service, got, want)
		}
	}
}

func TestWhatIsSlowIsToldByADaysCounts(t *testing.T) {
	t.Parallel()
	of := operations{}
	add := func(nanos, n int64) {
		of.add(&counts.SpanCell{SpanKey: counts.SpanKey{Operation: 1}, Count: n, Buckets: []counts.Bucket{{Index: counts.BucketOf(nanos), Count: n}}})
	}
	add(1<<20, 94)
	add(1<<24, 1)
	add(1<<30, 5)
	if got := of[1].slowFrom(2); got != 2<<24 {
		t.Errorf("slow from %d ns, want twice what 95 of 100 spans took, %d", got, 2<<24)
	}
	if got := of[1].slowFrom(0); got != math.MaxInt64 {
		t.Errorf("slow from %d ns where nothing is slow", got)
	}
	if got := of[1].slowFrom(math.MaxFloat64); got != math.MaxInt64 {
		t.Errorf("slow from %d ns where it is beyond all numbers", got)
	}
}
