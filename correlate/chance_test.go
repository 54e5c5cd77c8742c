package correlate

import (
	"math"
	"testing"
)

func TestChanceIsThatOfFishersExactTest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		k, n, others, rest int
		want               float64
	}{
		{3, 4, 1, 4, 17.0 / 70},                // the lady tasting tea
		{4, 4, 0, 4, 1.0 / 70},                 //
		{0, 5, 0, 5, 1},                        // nobody has it
		{5, 5, 5, 5, 1},                        // everybody has it
		{1, 10, 5, 10, 1},                      // more elsewhere
		{55, 55, 495, 1095, 5.4712e-19},        // all of 55, and 45 % of the others
		{2000, 2000, 0, 2000, leastChance},     // less than floating point holds
		{5, 5, 0, 1_000_000, 120 / 1.00001e30}, //
	} {
		if got := chanceOf(c.k, c.n, c.others, c.rest); math.Abs(math.Log(got/c.want)) > 0.05*math.Abs(math.Log(c.want))+1e-6 {
			t.Errorf("%d of %d against %d of %d: chance %g, want %g", c.k, c.n, c.others, c.rest, got, c.want)
		}
	}
}

func TestHolmCorrectsTheLeastChanceMost(t *testing.T) {
	t.Parallel()
	chances := []float64{0.04, 0.01, 0.03, 0.9}
	var at []*float64
	for i := range chances {
		at = append(at, &chances[i])
	}
	holm(at)
	for i, want := range []float64{0.09, 0.04, 0.09, 0.9} {
		if math.Abs(chances[i]-want) > 1e-12 {
			t.Errorf("chances are %v, want 0.09 0.04 0.09 0.9", chances)
		}
	}
}
