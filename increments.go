package plait

import (
	"cmp"
	"slices"
	"time"
)

// ArrivalLabel tells series of telemetry that came late, which are written as increments, from those of telemetry that came
// while it happened. Its value is ArrivalLate; the others do not have it.
const (
	ArrivalLabel = "arrival"
	ArrivalLate  = "late"
)

// IncrementStep is the time within which increments of a series are one.
const IncrementStep = 15 * time.Second

// Increment is by how much a counter or a histogram grew within one step of a time that is over. Unlike samples, increments
// of one series and step add up, in whatever order they come and from whichever gateway. They are read as a counter that begins
// with zero at each full hour.
type Increment struct {
	// Labels are those of the metric's family: a histogram's are without le, and its name is without a suffix. They have
	// ArrivalLabel, and the name of a counter ends in _total.
	Labels Labels
	// Step is the number of steps since the Unix epoch that had ended when this one did.
	Step  int64
	Count int64 // of events, or of a histogram's measurements
	// The others are a histogram's, and empty for counters.
	Sum         float64
	Bounded     []BoundCount // ascending; each measurement is in one
	Zero        int64        // measurements of nothing
	Exponential []ExponentialCount
}

// BoundCount is how many measurements are not above a bound, and above the one before.
type BoundCount struct {
	Upper float64 // +Inf for the last
	Count int64
}

// ExponentialSchema is that of an increment's exponential buckets, as Prometheus numbers them: each is 2^(1/8) as wide as the
// one before. ExponentialZero is the width of the one for nothing.
const (
	ExponentialSchema = 3
	ExponentialZero   = 0x1p-128
)

// ExponentialCount is how many measurements are in an exponential bucket.
type ExponentialCount struct {
	Index int
	Count int64
}

// StepOf returns the step in which something happened, given in nanoseconds since the Unix epoch: what happens at the end of a step is in it.
func StepOf(nanos int64) int64 {
	step := nanos / int64(IncrementStep)
	if nanos%int64(IncrementStep) > 0 {
		step++
	}
	return step
}

// StepEnd returns when a step ends.
func StepEnd(step int64) time.Time {
	const perStep = int64(IncrementStep / time.Second)
	return time.Unix(step*perStep, 0)
}

// IsHistogram says whether the increment is a histogram's.
func (i *Increment) IsHistogram() bool { return len(i.Bounded) > 0 }

// Add adds what another increment has, whatever its labels and step.
func (i *Increment) Add(o *Increment) {
	i.Count, i.Sum, i.Zero = i.Count+o.Count, i.Sum+o.Sum, i.Zero+o.Zero
	for _, b := range o.Bounded {
		at, ok := slices.BinarySearchFunc(i.Bounded, b.Upper, func(b BoundCount, upper float64) int { return cmp.Compare(b.Upper, upper) })
		if !ok {
			i.Bounded = slices.Insert(i.Bounded, at, BoundCount{Upper: b.Upper})
		}
		i.Bounded[at].Count += b.Count
	}
	for _, b := range o.Exponential {
		at, ok := slices.BinarySearchFunc(i.Exponential, b.Index, func(b ExponentialCount, index int) int { return cmp.Compare(b.Index, index) })
		if !ok {
			i.Exponential = slices.Insert(i.Exponential, at, ExponentialCount{Index: b.Index})
		}
		i.Exponential[at].Count += b.Count
	}
}
