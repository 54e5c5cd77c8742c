package spans

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/search"
	"github.com/plaithq/plait/store/terms"
)

const (
	// slowestEnough is how many times as many spans as are wanted are looked for: several are of one trace, and some of
	// the minutes in which the window begins and ends are outside of it.
	slowestEnough = 4
	slowestTries  = 3
	slowestGrowth = 8
	// rankedAtOnce is from how many spans of a window on the index is asked. Fewer are read in one go.
	rankedAtOnce = 2_000
)

// thresholds say by how much spans exceed the usual, in nanoseconds, that are looked at: all others are left out.
type thresholds struct {
	bounded       bool
	failed, other int64 // of spans that failed, where these go first, and of others
}

const (
	all  = math.MinInt64
	none = math.MaxInt64
)

// of is the threshold of a span with a status.
func (t *thresholds) of(status int16, failedFirst bool) int64 {
	if failedFirst && plait.StatusCode(status) == plait.StatusError {
		return t.failed
	}
	return t.other
}

// belowLeast says whether a row is among those that are left out.
func (u *unusualSearch) belowLeast(row storedSpan) bool {
	if !u.least.bounded {
		return false
	}
	return row.duration-u.leastUsual(row.operation) < u.least.of(row.status, u.query.FailedFirst)
}

// findSlowest fills best with the help of counts and the term index. It says whether nothing that it left out goes before
// what it found.
func (u *unusualSearch) findSlowest(ctx context.Context) (found bool, err error) {
	if u.query.Grade != nil && u.query.BestGrade == 0 {
		return false, nil
	}
	if u.window == nil {
		if err := u.readCounts(ctx, 0); err != nil {
			return false, err
		}
	}
	if u.window.spans <= rankedAtOnce || len(u.window.of) > search.MaxTerms {
		return false, nil
	}
	for id, of := range u.window.of {
		of.usual = u.leastUsual(id)
	}
	defer func() {
		u.least, u.traces = thresholds{}, nil
		if !found {
			u.best = u.none()
		}
	}()
	wanted := int64(slowestEnough * u.limit)
	for range slowestTries {
		var enough bool
		if u.least, enough = u.window.thresholds(wanted); !enough {
			return false, nil
		}
		u.best = u.none()
		if few, err := u.readSlowest(ctx); err != nil || !few {
			return false, err
		}
		if u.complete() {
			return true, nil
		}
		wanted *= slowestGrowth
	}
	return false, nil
}

// readSlowest reads the spans that exceed the usual by the thresholds, unless their traces are many.
func (u *unusualSearch) readSlowest(ctx context.Context) (few bool, err error) {
	plan := terms.All(u.plan.terms, u.slowTerms())
	found, err := u.store.terms.Find(ctx, plan, u.near, u.walk.To, false)
	if err != nil {
		return false, err
	}
	units, err := found.Next(ctx, tracesRead+1)
	if err != nil || len(units) > tracesRead {
		return false, err
	}
	if u.traces, err = u.store.spellings(ctx, units); err != nil {
		return false, err
	}
	return true, u.compare(ctx)
}

// complete says whether nothing that was left out goes before what is kept.
func (u *unusualSearch) complete() bool {
	if !u.best.full() || u.query.Grade != nil && !u.best.allOf(u.query.BestGrade) {
		return false
	}
	last := u.best.kept[len(u.best.kept)-1]
	return last.ExcessNanos() >= u.least.of(int16(last.Status), u.query.FailedFirst)
}

// slowTerms asks for traces with a span that exceeds the usual by the thresholds.
func (u *unusualSearch) slowTerms() *terms.Plan {
	h := u.store.terms.Hasher()
	plans := make([]*terms.Plan, 0, len(u.window.of))
	for _, id := range slices.Sorted(maps.Keys(u.window.of)) {
		of := u.window.of[id]
		if len(of.other) > 0 && of.other.most(of.usual) >= u.least.other {
			plans = append(plans, slowerBy(h, id, of.usual, u.least.other))
		}
		if len(of.failed) > 0 && of.failed.most(of.usual) >= u.least.failed {
			plans = append(plans, terms.All(h.AnyID(terms.ErrorOperation, id), slowerBy(h, id, of.usual, u.least.failed)))
		}
	}
	return terms.OneOf(plans...)
}

// slowerBy asks for spans of an operation that exceed the usual by so much.
func slowerBy(h *terms.Hasher, operation, usual, excess int64) *terms.Plan {
	if excess == all {
		return h.AnyID(terms.Operation, operation)
	}
	return h.SlowerThan(usual+excess, operation)
}

// windowSpans are the spans that may be in a window, as far as counts tell.
type windowSpans struct {
	spans int64
	of    map[int64]*operationSpans

	// All spans of the operations in the minutes of the window, whatever else is asked of them.
	allSpans int64
	all      map[int64]counted

	statuses    []int16 // nil: all
	resources   []int64 // sorted, nil: all
	failedFirst bool
}

// operationSpans are those of an operation. Those that failed are apart where they go first.
type operationSpans struct {
	usual         int64
	failed, other durationCounts
}

// durationCounts say how many spans there are, by the bucket of their duration.
type durationCounts []int64

// most is by how much any of the spans may exceed the usual.
func (d durationCounts) most(usual int64) int64 {
	return counts.UpperBound(len(d)-1) - usual
}

// noneInWindow is the count of no spans.
func (u *unusualSearch) noneInWindow() *windowSpans {
	w := &windowSpans{of: make(map[int64]*operationSpans), all: make(map[int64]counted), statuses: u.plan.statuses, failedFirst: u.query.FailedFirst}
	if u.plan.resources != nil {
		w.resources = append([]int64{}, u.plan.resources...)
		slices.Sort(w.resources)
	}
	return w
}

// add adds the spans of a cell that may fit.
func (w *windowSpans) add(c *counts.SpanCell) {
	if _, ok := slices.BinarySearch(w.resources, c.Resource); w.resources != nil && !ok {
		return
	}
	if w.statuses != nil && !slices.Contains(w.statuses, int16(c.Status)) {
		return
	}
	of := w.of[c.Operation]
	if of == nil {
		of = &operationSpans{}
		w.of[c.Operation] = of
	}
	spans := &of.other
	if w.failedFirst && plait.StatusCode(c.Status) == plait.StatusError {
		spans = &of.failed
	}
	for _, b := range c.Buckets {
		*spans = grown(*spans, b.Index)
		(*spans)[b.Index] += b.Count
		w.spans += b.Count
	}
}

// addToAll adds the spans of a cell, whether they fit or not.
func (w *windowSpans) addToAll(c *counts.SpanCell) {
	all := w.all[c.Operation]
	for _, b := range c.Buckets {
		all = all.add(c, b)
	}
	w.all[c.Operation] = all
	w.allSpans += c.Count
}

// leastUsual is what is usual for an operation at least: nothing where its spans have names of their own.
func (u *unusualSearch) leastUsual(operation int64) int64 {
	if slices.Contains(u.inline, operation) {
		return 0
	}
	return u.typical.of(operationKey{id: operation})
}

// thresholds returns the greatest that so many spans reach, or says that there are not so many.
func (w *windowSpans) thresholds(wanted int64) (t thresholds, enough bool) {
	t = thresholds{bounded: true, failed: none, other: none}
	if w.failedFirst {
		nanos, failed := w.reached(wanted, func(of *operationSpans) durationCounts { return of.failed })
		if t.failed = nanos; failed >= wanted {
			return t, true
		}
		t.failed, wanted = all, wanted-failed
	}
	nanos, others := w.reached(wanted, func(of *operationSpans) durationCounts { return of.other })
	t.other = nanos
	return t, others >= wanted
}

// reached returns the greatest excess that at least so many spans reach, and how many do.
func (w *windowSpans) reached(wanted int64, which func(*operationSpans) durationCounts) (nanos, spans int64) {
	type excess struct{ nanos, spans int64 }
	var excesses []excess
	for _, of := range w.of {
		for bucket, n := range which(of) {
			if n > 0 {
				excesses = append(excesses, excess{counts.UpperBound(bucket-1) - of.usual, n})
			}
		}
	}
	slices.SortFunc(excesses, func(a, b excess) int { return cmp.Compare(b.nanos, a.nanos) })
	nanos = none
	for _, e := range excesses {
		if spans >= wanted && e.nanos < nanos {
			break
		}
		nanos = e.nanos
		spans += e.spans
	}
	return nanos, spans
}
