// Package search is what the searches of spans, traces and log records share: the walk through time
// by which each reads its rows, the memory that one answer may take, and the terms that conditions on
// attributes have.
package search

import (
	"context"
	"errors"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/rowcodec"
)

// Most searches have no index on time to follow: one on every row costs too much to write. What
// there is are partitions, block ranges (BRIN) and small partial indexes. So they walk
// through time in slices, each read whole: short ones first, so that a broad question is
// answered from a few seconds of telemetry, then each four times as long, so that a narrow one
// comes to the end of a month in a dozen statements.
const (
	firstSlice  = int64(5 * time.Second / time.Microsecond)
	wholeRange  = rowcodec.MaxMicros // the length of all that remains
	restOfDay   = 0                  // the length of what remains of a day
	sliceGrowth = 4
	dayMicros   = int64(24 * time.Hour / time.Microsecond)

	// searchTime bounds a walk. What it found by then is answered, with a cursor that goes on.
	searchTime = 10 * time.Second
)

// Walk is what remains of a range of time, in microseconds since the Unix epoch.
type Walk struct {
	From, To  int64 // from <= t < to
	ascending bool
	now       int64 // the newest telemetry is about here
	first     int64 // the length of the first slice, and of those that follow a full page
	length    int64 // of the next slice
}

// NewWalk begins a walk through the microseconds that a range touches.
func NewWalk(r plait.TimeRange, ascending bool, now time.Time) Walk {
	w := Walk{From: rowcodec.MinMicros, To: rowcodec.MaxMicros, ascending: ascending, now: now.UnixMicro(), first: firstSlice, length: firstSlice}
	if !r.From.IsZero() {
		w.From = rowcodec.FloorMicros(r.From)
	}
	if !r.To.IsZero() {
		w.To = rowcodec.CeilMicros(r.To)
	}
	return w
}

// Done says whether nothing remains.
func (w *Walk) Done() bool { return w.From >= w.To }

// slice returns the next slice. What lies in the future is one with the newest seconds of the
// past, and what lies before the first day that could be real is one with that day.
func (w *Walk) slice() (from, to int64) {
	if w.length == wholeRange {
		return w.From, w.To
	}
	if w.ascending {
		from, first := w.From, max(w.From, earliestMicros)
		if w.length == restOfDay {
			return from, min(w.To, dayOf(first)+dayMicros)
		}
		return from, min(w.To, first+w.length)
	}
	to = w.To
	if w.length == restOfDay {
		return max(w.From, dayOf(min(to-1, w.now))), to
	}
	return max(w.From, min(to, w.now)-w.length), to
}

// ByTime says that an index leads to the rows in the order of time, so that a page reads no more than it has. The first
// slice is of one partition of the calendar: the planner sorts the rows of several where it expects few.
func (w *Walk) ByTime() { w.first, w.length = restOfDay, restOfDay }

func dayOf(micros int64) int64 { return rowcodec.FloorDiv(micros, dayMicros) * dayMicros }

// Newest says that there is no telemetry later than about a time, in microseconds: the first slices are before it.
func (w *Walk) Newest(micros int64) { w.now = min(w.now, micros) }

// shortestSlice is the least that a statement is about.
const shortestSlice = int64(20 * time.Millisecond / time.Microsecond)

// Expect says that so many rows of what remains fit, and how many are wanted: the first slices are no longer than it takes to find
// these, should they lie evenly.
func (w *Walk) Expect(fitting, wanted int) {
	if w.first != firstSlice || fitting == 0 {
		return
	}
	end := w.To
	if !w.ascending {
		end = min(w.To, w.now)
	}
	expected := (float64(end) - float64(w.From)) / float64(fitting) * float64(wanted)
	w.first = min(firstSlice, max(shortestSlice, int64(min(expected, float64(firstSlice)))))
	w.length = w.first
}

// ByIndex says that an index leads to the rows, whatever their time: a slice is all that remains.
func (w *Walk) ByIndex() { w.first, w.length = wholeRange, wholeRange }

const (
	// DaysSQL is the condition on the shelf of rows of the calendar whose time is from $1 to before $2: by it the planner
	// leaves out partitions, which it does not do by their checks before it has looked at each.
	DaysSQL = `shelf BETWEEN ($1::timestamptz AT TIME ZONE interval '0')::date
        AND (($2::timestamptz AT TIME ZONE interval '0') - interval '1 microsecond')::date`

	// ShelvesSQL is that of all rows of this time.
	ShelvesSQL = `(` + DaysSQL + `
       OR ` + partition.OutsideSQL + `)`
)

// earliestMicros is the start of 2000: few clocks that run at all are further behind.
const earliestMicros = pgcopy.EpochMicros

// Page is what one statement read of a slice.
type Page struct {
	Rows int   // that were read, whether they fit or not
	Last int64 // the time of the last, in microseconds
	Full bool  // the slice may hold more
}

// Add counts a row.
func (p *Page) Add(micros int64) {
	p.Rows++
	p.Last = micros
}

// Pages reads what remains of the range until enough says so: slice by slice, and each slice in
// pages, since a statement reads at most limit rows. read reads a page: the first rows of a slice in
// the order of the walk. A page that was full is followed by one that begins with the microsecond of its
// last row, so read meets rows of that microsecond again. The more pages a search needs, the longer they are.
func (w *Walk) Pages(ctx context.Context, limit int, enough func() bool, read func(ctx context.Context, from, to int64, limit int) (Page, error)) error {
	for !w.Done() && !enough() {
		from, to := w.slice()
		p, err := read(ctx, from, to, limit)
		if err != nil {
			return err
		}
		switch {
		case !p.Full:
			w.read(from, to)
		case w.ascending && p.Last == from, !w.ascending && p.Last == to-1:
			limit *= sliceGrowth // more rows than that within one microsecond
		default:
			w.readUntil(p.Last)
			limit = max(limit, min(limit*sliceGrowth, mostRows))
		}
	}
	return nil
}

// read says that the slice was read whole.
func (w *Walk) read(from, to int64) {
	if w.ascending {
		w.From = to
	} else {
		w.To = from
	}
	switch {
	case w.length == restOfDay:
		w.length = dayMicros
	case w.length < rowcodec.MaxMicros/sliceGrowth:
		w.length *= sliceGrowth
	}
}

// readUntil says that the slice was read up to and including some of the records at a time.
func (w *Walk) readUntil(micros int64) {
	if w.ascending {
		w.From = micros
	} else {
		w.To = micros + 1
	}
	w.length = w.first
}

// Bounded bounds a search to searchTime.
func Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, searchTime)
}

// TimedOut says that a search ended because its time, or its caller's, was up. A caller that
// went away gets nothing.
func TimedOut(ctx context.Context, err error) bool {
	return err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// CutShort says that what a search found before it ended with an error is an answer all the
// same: its own time was up, and it found something or at least came forward. One that did not
// has nothing to say, and its cursor would lead nowhere. Where its caller's time is up, too, only
// what was found counts.
func CutShort(ctx, bounded context.Context, err error, found int, forward bool) bool {
	return TimedOut(bounded, err) && (found > 0 || forward && ctx.Err() == nil)
}

const (
	defaultSearchLimit = 20
	maxSearchLimit     = 10_000
)

// Limit is how many answers a search gives that was asked for so many; 0 asks for the usual number.
func Limit(limit int) int {
	if limit <= 0 {
		return defaultSearchLimit
	}
	return min(limit, maxSearchLimit)
}

const (
	// ComparedRows is how many rows a statement reads when few of them may fit.
	ComparedRows = 2_000
	// mostRows is how long pages grow.
	mostRows = 8_000
)
