package store

import (
	"context"
	"errors"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pgcopy"
)

// A search has no index on time to follow: one on every row costs too much to write. What
// there is are partitions, block ranges (BRIN) and small partial indexes. So a search walks
// through time in slices, each read whole: short ones first, so that a broad question is
// answered from a few seconds of telemetry, then each four times as long, so that a narrow one
// comes to the end of a month in a dozen statements.
const (
	firstSlice  = int64(5 * time.Second / time.Microsecond)
	sliceGrowth = 4

	// searchTime bounds a walk. What it found by then is answered, with a cursor that goes on.
	searchTime = 10 * time.Second
)

// timeWalk is what remains of a range of time, in microseconds since the Unix epoch.
type timeWalk struct {
	from, to  int64 // from <= t < to
	ascending bool
	now       int64 // the newest telemetry is about here
	length    int64 // of the next slice
}

// newTimeWalk begins a walk through the microseconds that a range touches.
func newTimeWalk(r plait.TimeRange, ascending bool, now time.Time) timeWalk {
	w := timeWalk{from: minMicros, to: maxMicros, ascending: ascending, now: now.UnixMicro(), length: firstSlice}
	if !r.From.IsZero() {
		w.from = floorMicros(r.From)
	}
	if !r.To.IsZero() {
		w.to = ceilMicros(r.To)
	}
	return w
}

func (w *timeWalk) done() bool { return w.from >= w.to }

// slice returns the next slice. What lies in the future is one with the newest seconds of the
// past, and what lies before the first day that could be real is one with that day.
func (w *timeWalk) slice() (from, to int64) {
	if w.length == wholeRange {
		return w.from, w.to
	}
	if w.ascending {
		from = w.from
		return from, min(w.to, max(from, earliestMicros)+w.length)
	}
	to = w.to
	return max(w.from, min(to, w.now)-w.length), to
}

// earliestMicros is the start of 2000: few clocks that run at all are further behind.
const earliestMicros = pgcopy.EpochMicros

// page is what one statement read of a slice.
type page struct {
	rows int   // that were read, whether they fit or not
	last int64 // the time of the last, in microseconds
	full bool  // the slice may hold more
}

// add counts a row.
func (p *page) add(micros int64) {
	p.rows++
	p.last = micros
}

// pages reads what remains of the range until enough says so: slice by slice, and each slice in
// pages, since a statement reads at most limit rows. read reads a page: the first rows of a slice in
// the order of the walk. A page that was full is followed by one that begins with the microsecond of its
// last row, so read meets rows of that microsecond again.
func (w *timeWalk) pages(ctx context.Context, limit int, enough func() bool, read func(ctx context.Context, from, to int64, limit int) (page, error)) error {
	for !w.done() && !enough() {
		from, to := w.slice()
		p, err := read(ctx, from, to, limit)
		if err != nil {
			return err
		}
		switch {
		case !p.full:
			w.read(from, to)
		case w.ascending && p.last == from, !w.ascending && p.last == to-1:
			limit *= sliceGrowth // more rows than that within one microsecond
		default:
			w.readUntil(p.last)
		}
	}
	return nil
}

// read says that the slice was read whole.
func (w *timeWalk) read(from, to int64) {
	if w.ascending {
		w.from = to
	} else {
		w.to = from
	}
	if w.length < maxMicros/sliceGrowth {
		w.length *= sliceGrowth
	}
}

// readUntil says that the slice was read up to and including some of the records at a time.
func (w *timeWalk) readUntil(micros int64) {
	if w.ascending {
		w.from = micros
	} else {
		w.to = micros + 1
	}
	w.length = firstSlice
}

// wholeRange is the length of a slice that is all that remains.
const wholeRange = maxMicros

// searchContext bounds a search to searchTime.
func searchContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, searchTime)
}

// timedOut says that a search ended because its time, or its caller's, was up. A caller that
// went away gets nothing.
func timedOut(ctx context.Context, err error) bool {
	return err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// cutShort says that what a search found before it ended with an error is an answer all the
// same: its own time was up, and it found something or at least came forward. One that did not
// has nothing to say, and its cursor would lead nowhere. Where its caller's time is up, too, only
// what was found counts.
func cutShort(ctx, bounded context.Context, err error, found int, forward bool) bool {
	return timedOut(bounded, err) && (found > 0 || forward && ctx.Err() == nil)
}
