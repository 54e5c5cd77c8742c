package correlate

import (
	"cmp"
	"math"
	"slices"
)

// leastChance is told in place of what floating point cannot hold.
const leastChance = 1e-300

// chanceOf is the chance that at least k of n drawn requests have something, where k of those n and others of rest have it: the tail of
// the hypergeometric distribution, as in Fisher's exact test.
func chanceOf(k, n, others, rest int) float64 {
	with, all := k+others, n+rest
	if k == 0 || k*rest <= others*n {
		return 1 // no more than elsewhere
	}
	// The chance of exactly k, then each next one from the one before.
	term := math.Exp(choose(with, k) + choose(all-with, n-k) - choose(all, n))
	sum := 0.0
	for i := k; i <= min(n, with) && term > 0; i++ {
		sum += term
		term *= float64(with-i) / float64(i+1) * float64(n-i) / float64(all-with-n+i+1)
	}
	return min(max(sum, leastChance), 1)
}

// choose is the logarithm of the number of ways to choose k of n.
func choose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return factorial(n) - factorial(k) - factorial(n-k)
}

func factorial(n int) float64 {
	log, _ := math.Lgamma(float64(n + 1))
	return log
}

// holm corrects chances for how many there are (Holm, 1979): among a thousand values, one has a chance of one in a thousand.
func holm(chances []*float64) {
	chances = slices.Clone(chances)
	slices.SortFunc(chances, func(a, b *float64) int { return cmp.Compare(*a, *b) })
	least := 0.0
	for i, c := range chances {
		least = max(least, min(*c*float64(len(chances)-i), 1))
		*c = least
	}
}
