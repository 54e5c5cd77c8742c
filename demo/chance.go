package demo

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// about returns a duration as services have them: mostly near the median, now and then much longer.
func about(median time.Duration) time.Duration {
	factor := math.Exp(0.45 * rand.NormFloat64())
	if rand.IntN(100) == 0 {
		factor *= 3
	}
	return time.Duration(float64(median) * factor)
}

// between returns a duration from low to high, each as likely.
func between(low, high time.Duration) time.Duration {
	return low + rand.N(high-low)
}

// skewed returns a number below n; small numbers come up far more often than large ones.
func skewed(n int) int {
	return int(math.Pow(float64(n), rand.Float64())) - 1
}

// one picks an element.
func one[T any](of []T) T { return of[rand.IntN(len(of))] }

// wait returns after the duration, or with the context's error once that ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
