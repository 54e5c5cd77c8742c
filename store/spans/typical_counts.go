package spans

import (
	"context"
	"slices"
	"time"

	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/rowcodec"
)

// counted are the durations of an operation's spans, by bucket.
type counted []countedBucket

type countedBucket struct {
	spans int64
	// of spans whose sum is known, because all spans of their cell are in the bucket
	summed, nanos int64
}

// add adds what a cell has in one of its buckets.
func (c counted) add(cell *counts.SpanCell, b counts.Bucket) counted {
	c = grown(c, b.Index)
	sum := &c[b.Index]
	sum.spans += b.Count
	if len(cell.Buckets) == 1 {
		sum.summed += cell.Count
		sum.nanos += cell.SumNanos
	}
	return c
}

// grown is a list that has an index.
func grown[T any](list []T, index int) []T {
	if more := index + 1 - len(list); more > 0 {
		return append(list, make([]T, more)...)
	}
	return list
}

// median returns how many spans there are, and the duration that half of them took at most: the mean of its bucket as
// far as it is known, and else its middle, which is at most 6.3 % off.
func (c counted) median() durations {
	d := durations{}
	for _, b := range c {
		d.spans += b.spans
	}
	upto := int64(0)
	for i, b := range c {
		if upto += b.spans; b.spans == 0 || 2*upto < d.spans {
			continue
		}
		if d.median = b.nanos / max(b.summed, 1); b.summed == 0 {
			d.median = counts.UpperBound(i-1)/2 + counts.UpperBound(i)/2
		}
		return d
	}
	return d
}

// readCounts reads the counts from so long before the window on. It adds what is usual for operations of which nothing is
// known. The first time it counts the spans that may be in the window, too.
func (u *unusualSearch) readCounts(ctx context.Context, reach time.Duration) error {
	earlier, window, to := make(map[int64]counted), u.noneInWindow(), u.walk.To
	if u.window != nil {
		window, to = nil, u.walk.From
	}
	from := max(min(u.walk.From-reach.Microseconds(), u.near), rowcodec.MinMicros)
	err := u.store.tally.SpanMinutes(ctx, from, to, func(c *counts.SpanCell) error {
		if !u.asksFor(c.Operation) {
			return nil
		}
		if end := (c.Minute + 1) * counts.MinuteMicros; window != nil && end > u.near {
			window.add(c)
			if end > u.walk.From {
				window.addToAll(c)
			}
		}
		if reach > 0 && !slices.Contains(u.inline, c.Operation) {
			if ended := u.addEnded(earlier[c.Operation], c); ended != nil {
				earlier[c.Operation] = ended
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if window != nil {
		u.window = window
	}
	u.typical.learnCounted(earlier)
	return nil
}

// learnCounted notes the durations of operations of which nothing is known.
func (t typicalDurations) learnCounted(of map[int64]counted) {
	for id, c := range of {
		t.learn(operationKey{id: id}, c.median())
	}
}

// addEnded adds those spans of a cell that ended before the window, as far as their minute tells.
func (u *unusualSearch) addEnded(c counted, cell *counts.SpanCell) counted {
	left := u.walk.From - (cell.Minute+1)*counts.MinuteMicros // after the last span of the minute began
	if left <= 0 {
		return c
	}
	for _, b := range cell.Buckets {
		if counts.UpperBound(b.Index)/1000 > left {
			break
		}
		c = c.add(cell, b)
	}
	return c
}

// asksFor says whether spans of an operation may fit.
func (u *unusualSearch) asksFor(operation int64) bool {
	if u.plan.operations == nil {
		return true
	}
	_, ok := slices.BinarySearch(u.operations, operation)
	return ok
}
