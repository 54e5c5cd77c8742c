package thin

import (
	"maps"
	"math"
	"slices"

	"github.com/plaithq/plait/store/counts"
)

// usualShare is the share of an operation's spans that take no longer than usual.
const usualShare = 0.95

// operations are what a day's counts tell of its operations, by id.
type operations map[int64]*operation

type operation struct {
	spans   int64
	buckets map[int]int64
}

func (o operations) add(c *counts.SpanCell) {
	of := o[c.Operation]
	if of == nil {
		of = &operation{buckets: map[int]int64{}}
		o[c.Operation] = of
	}
	of.spans += c.Count
	for _, b := range c.Buckets {
		of.buckets[b.Index] += b.Count
	}
}

// usual is how long the spans took at most that took no longer than usual, in nanoseconds.
func (o *operation) usual() int64 {
	rank, upTo := int64(math.Ceil(usualShare*float64(o.spans))), int64(0)
	for _, index := range slices.Sorted(maps.Keys(o.buckets)) {
		if upTo += o.buckets[index]; upTo >= rank {
			return counts.UpperBound(index)
		}
	}
	return math.MaxInt64
}

// slowFrom is the duration above which a span of the operation is slow, in nanoseconds.
func (o *operation) slowFrom(times float64) int64 {
	if limit := times * float64(o.usual()); times > 0 && limit < math.MaxInt64 {
		return int64(limit)
	}
	return math.MaxInt64
}
