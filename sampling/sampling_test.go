package sampling_test

import (
	"math"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
)

func TestThresholdsAreSpelledAsOpenTelemetryDoes(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{1: "0", 2: "0", 0.5: "8", 0.25: "c", 0.1: "e6666666666668", 0.01: "fd70a3d70a3d7", 0: "ffffffffffffff", -1: "ffffffffffffff", 1e-30: "ffffffffffffff"} {
		threshold := sampling.OfShare(share)
		if got := threshold.String(); got != want {
			t.Errorf("of a share of %v: %s, want %s", share, got, want)
		}
		if back, ok := sampling.ParseThreshold(want); !ok || back != threshold {
			t.Errorf("%s reads as %d: %v, want %d", want, back, ok, threshold)
		}
	}
	for _, text := range []string{"", "xyz", "-8", "c00000000000000"} {
		if got, ok := sampling.ParseThreshold(text); ok {
			t.Errorf("%q reads as %s", text, got)
		}
	}
}

func TestATraceIsKeptByTheRandomBitsOfItsID(t *testing.T) {
	t.Parallel()
	half := sampling.OfShare(0.5)
	for id, kept := range map[plait.TraceID]bool{
		{9: 0x80}:                                  true,
		{8: 0xff, 9: 0x7f, 10: 0xff, 15: 0xff}:     false, // the byte before is not looked at
		{0: 0xff, 7: 0xff, 9: 0xff}:                true,
		{0: 0xff, 1: 0xff, 7: 0xff, 8: 0xff, 9: 1}: false,
	} {
		if got := half.Keeps(sampling.Randomness(id)); got != kept {
			t.Errorf("%s is kept: %v, want %v", id, got, kept)
		}
	}
	if !sampling.Threshold(0).Keeps(0) {
		t.Error("a threshold of 0 rejects a trace")
	}
}

func TestTraceStatesTellThresholdAndRandomness(t *testing.T) {
	t.Parallel()
	id := plait.TraceID{9: 0x12, 15: 0x34}
	for state, want := range map[string]struct {
		threshold  string
		told       bool
		randomness uint64
	}{
		"":                                 {"0", false, 0x12000000000034},
		"a=b":                              {"0", false, 0x12000000000034},
		"ot=th:c":                          {"c", true, 0x12000000000034},
		"a=th:8, ot=th:c\t":                {"c", true, 0x12000000000034},
		"ot=rv:fedcba98765432;th:0":        {"0", true, 0xfedcba98765432},
		"ot=rv:fedc":                       {"0", false, 0x12000000000034},
		"ot=rv:xxxxxxxxxxxxxx":             {"0", false, 0x12000000000034},
		"ot=th:c,ot=th:8":                  {"c", true, 0x12000000000034},
		"ot=rv:fedcba98765432,ot=th:8":     {"0", false, 0xfedcba98765432},
		"ot=th:" + strings.Repeat("0", 15): {"0", false, 0x12000000000034},
	} {
		threshold, told := sampling.OfTraceState(state)
		if threshold.String() != want.threshold || told != want.told {
			t.Errorf("%q tells the threshold %s: %v, want %+v", state, threshold, told, want)
		}
		if got := sampling.RandomnessOf(state, id); got != want.randomness {
			t.Errorf("%q tells the randomness %x, want %x", state, got, want.randomness)
		}
	}
}

func TestAThresholdTakesItsPlaceInATraceState(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{
		"":                                   "ot=th:c",
		"a=1,b=2":                            "ot=th:c,a=1,b=2",
		"a=1,ot=th:8,b=2":                    "ot=th:c,a=1,b=2",
		"ot=rv:fedcba98765432;th:8;x:1, b=2": "ot=th:c;rv:fedcba98765432;x:1, b=2",
		"ot=":                                "ot=th:c",
		"ot=th:8,ot=th:4":                    "ot=th:c,ot=th:4",
	} {
		if got := sampling.WithThreshold(state, sampling.OfShare(0.25)); got != want {
			t.Errorf("%q with a threshold is %q, want %q", state, got, want)
		}
	}
}

func FuzzTraceStates(f *testing.F) {
	f.Add("a=1, ot=th:8;rv:fedcba98765432", uint64(1)<<55)
	f.Add("ot=;;th:,ot=th:4", uint64(0))
	f.Fuzz(func(t *testing.T, state string, of uint64) {
		threshold := sampling.Threshold(of % (1 << 56))
		if share := threshold.Share(); share <= 0 || share > 1 || math.IsNaN(share) {
			t.Fatalf("the share of %s is %v", threshold, share)
		}
		with := sampling.WithThreshold(state, threshold)
		if got, told := sampling.OfTraceState(with); !told || got != threshold {
			t.Errorf("%q with %s is %q, which tells %s: %v", state, threshold, with, got, told)
		}
		if id := (plait.TraceID{15: 1}); sampling.RandomnessOf(with, id) != sampling.RandomnessOf(state, id) {
			t.Errorf("%q tells another randomness than %q", with, state)
		}
		if again := sampling.WithThreshold(with, threshold); len(again) > len(with) {
			t.Errorf("%q grows to %q", with, again)
		}
	})
}
