package spans

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// How the two sides of a comparison are found:
//
//  1. The counts by the minute tell what is usual, and how many spans there are. Of many, one in so many traces is looked at, by a hash
//     of its id, so that those looked at are as different from each other as all are.
//  2. The spans in the box are read, and those kept that exceed the usual most.
//  3. Those of the rest are read, and those left out that are of other operations or of other spikes.

const (
	// requestsRead is about how many requests are looked at on each side.
	requestsRead = 20_000
	// spansScanned is how many spans, of any operation, the range of the rest may have. A longer one is cut to the time around the box.
	spansScanned = 400_000
	// slowTimes is how many times the usual a slow request takes.
	slowTimes = 2
)

type comparison struct {
	store   *Reader
	asked   query.Compare
	plan    *spanPlan
	typical typicalDurations
	inBox   map[plait.TraceID]bool
	of      map[int64]bool // operations of the box
	answer  query.Compared
}

// Compare finds the requests in a box, and others to compare them with. It takes ten seconds at most, and says so if that cut it short.
func (s *Reader) Compare(ctx context.Context, q query.Compare) (query.Compared, error) {
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	c := &comparison{store: s, asked: q, inBox: map[plait.TraceID]bool{}, of: map[int64]bool{}}
	err := c.run(bounded)
	if err != nil && !search.TimedOut(bounded, err) {
		return query.Compared{}, fmt.Errorf("compare requests: %w", err)
	}
	c.answer.CutShort = err != nil
	return c.answer, nil
}

func (c *comparison) run(ctx context.Context) error {
	usual, err := c.store.newUnusualSearch(ctx, query.Unusual{Condition: c.asked.Condition, Range: c.asked.Box})
	if err != nil {
		return err
	}
	if err := usual.learn(ctx); err != nil {
		return err
	}
	c.typical = usual.typical
	if err := c.readBox(ctx); err != nil || len(c.answer.Box.Requests) == 0 {
		return err
	}
	return c.readRest(ctx)
}

func (c *comparison) readBox(ctx context.Context) error {
	inBox := condition.And{c.asked.Condition, query.Took(c.asked.Least, c.asked.Most)}
	if err := c.prepare(ctx, inBox); err != nil {
		return err
	}
	sample, err := c.sample(ctx, c.asked.Box, func(*query.Request) bool { return true })
	if err != nil {
		return err
	}
	slow, failed := 0, 0
	for _, r := range sample.Requests {
		c.inBox[r.TraceID], c.of[r.Operation] = true, true
		if isSlow(&r) {
			slow++
		}
		if r.Failed {
			failed++
		}
	}
	c.answer.Slow, c.answer.Failed = 2*slow > len(sample.Requests), 2*failed > len(sample.Requests)
	draw(sample.Requests)
	if c.answer.Slow {
		slices.SortStableFunc(sample.Requests, func(a, b query.Request) int { return cmp.Compare(b.Nanos-b.Usual, a.Nanos-a.Usual) })
	}
	sample.Requests = sample.Requests[:min(len(sample.Requests), c.asked.Limit)]
	c.answer.Box = sample
	return nil
}

func isSlow(r *query.Request) bool { return r.Usual > 0 && r.Nanos/slowTimes > r.Usual }

func (c *comparison) readRest(ctx context.Context) error {
	if err := c.prepare(ctx, c.asked.Others); err != nil {
		return err
	}
	within := c.asked.Window
	if c.asked.Rest == query.TimeBefore {
		within = plait.TimeRange{From: within.From.Add(-within.To.Sub(within.From)), To: within.From}
	}
	if c.asked.Rest != query.AllOthers && c.plan.exact {
		c.plan.operations = c.plan.operations[:0:0]
		for id := range c.of {
			c.plan.operations = append(c.plan.operations, id)
		}
	}
	within, err := c.around(ctx, within)
	if err != nil {
		return err
	}
	c.answer.Others, err = c.sample(ctx, within, func(r *query.Request) bool {
		if c.inBox[r.TraceID] || c.answer.Slow && isSlow(r) || c.answer.Failed && r.Failed {
			return false
		}
		return c.asked.Rest == query.AllOthers || c.of[r.Operation]
	})
	draw(c.answer.Others.Requests)
	if c.asked.Rest != query.AllOthers {
		c.answer.Others.Requests = mixed(c.answer.Others.Requests, c.answer.Box.Requests)
	}
	c.answer.Others.Requests = c.answer.Others.Requests[:min(len(c.answer.Others.Requests), c.asked.Limit)]
	return err
}

// draw puts requests in an order that their ids decide: that is as good as chance, and the same each time.
func draw(requests []query.Request) {
	slices.SortFunc(requests, func(a, b query.Request) int { return cmp.Compare(lot(a.TraceID), lot(b.TraceID)) })
}

// mixed leaves out requests so that operations are mixed among them as they are in the box: what only tells operations apart must not
// seem to tell slow requests apart. It leaves out none where there are too few.
func mixed(others, box []query.Request) []query.Request {
	want, have := map[int64]int{}, map[int64]int{}
	for _, r := range box {
		want[r.Operation]++
	}
	for _, r := range others {
		have[r.Operation]++
	}
	times := math.Inf(1) // as many others as in the box, of each operation
	for operation, n := range want {
		times = min(times, float64(have[operation])/float64(n))
	}
	if times < 1 {
		return others
	}
	left := make(map[int64]int, len(want))
	for operation, n := range want {
		left[operation] = int(math.Ceil(times * float64(n)))
	}
	return slices.DeleteFunc(others, func(r query.Request) bool {
		left[r.Operation]--
		return left[r.Operation] < 0
	})
}

// lot is a number of a trace in which its place among others is drawn. Ids that count up are mixed.
func lot(id plait.TraceID) uint64 {
	const odd = 0x9E3779B97F4A7C15
	n := (binary.BigEndian.Uint64(id[:8]) ^ binary.BigEndian.Uint64(id[8:])) * odd
	return (n ^ n>>32) * odd
}

func (c *comparison) prepare(ctx context.Context, n condition.Node) (err error) {
	c.plan, err = c.store.newSpanPlan(ctx, n)
	return err
}

// around cuts a range that has too many spans to the time around the box, or to the end nearest to it.
func (c *comparison) around(ctx context.Context, r plait.TimeRange) (plait.TimeRange, error) {
	all, _, err := c.count(ctx, r)
	if err != nil || all <= spansScanned {
		return r, err
	}
	length := time.Duration(float64(r.To.Sub(r.From)) * spansScanned / float64(all))
	from := c.asked.Box.From.Add(c.asked.Box.To.Sub(c.asked.Box.From)/2 - length/2)
	if latest := r.To.Add(-length); from.After(latest) {
		from = latest
	}
	if from.Before(r.From) {
		from = r.From
	}
	return plait.TimeRange{From: from, To: from.Add(length)}, nil
}

// count counts the spans of the minutes of a range: all, and those that the plan asks for.
func (c *comparison) count(ctx context.Context, r plait.TimeRange) (all, fitting int64, err error) {
	walk := search.NewWalk(r, false, c.store.now()) // for its ends
	fits := c.plan.cells()
	err = c.store.tally.SpanMinutes(ctx, walk.From, walk.To, func(cell *counts.SpanCell) error {
		all += cell.Count
		if fits(cell) {
			fitting += cell.Count
		}
		return nil
	})
	return all, fitting, err
}

const (
	requestsSQL = `
SELECT trace_id, start_time, start_sub_ns, operation, status, duration_ns
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL + `
  AND ($8::int4 = 1 OR uuid_hash(trace_id) % $8::int4 = 0)`

	requestRowsSQL = `
SELECT ` + spanColumns + `
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL + `
  AND ($8::int4 = 1 OR uuid_hash(trace_id) % $8::int4 = 0)`
)

// sample reads the requests of a range that fit and that take wants, one of each trace, or of one in so many traces.
func (c *comparison) sample(ctx context.Context, r plait.TimeRange, take func(*query.Request) bool) (query.RequestSample, error) {
	s := query.RequestSample{Range: r, OneIn: 1}
	walk := search.NewWalk(r, false, c.store.now()) // for its ends
	if walk.Done() || c.plan.impossible() {
		return s, nil
	}
	_, fitting, err := c.count(ctx, r)
	if err != nil {
		return s, err
	}
	s.OneIn = max(1, fitting/requestsRead)
	first := map[plait.TraceID]int{}
	memory := search.NewMemory(ctx)
	add := func(request query.Request) bool {
		if request.StartNanos < r.From.UnixNano() || request.StartNanos >= r.To.UnixNano() {
			return true
		}
		request.Nanos = max(request.Nanos, 0)
		if request.Usual = c.typical.of(operationKey{id: request.Operation}); !take(&request) {
			return true
		}
		if at, ok := first[request.TraceID]; ok {
			if kept := &s.Requests[at]; request.StartNanos < kept.StartNanos {
				*kept = request
			}
			return true
		}
		first[request.TraceID] = len(s.Requests)
		s.Requests = append(s.Requests, request)
		return memory.Take(search.RowBytes)
	}
	err = c.store.eachRequest(ctx, c.plan, walk.From, walk.To, s.OneIn, add)
	s.Total = int64(len(s.Requests)) * s.OneIn
	return s, err
}

// eachRequest hands out the spans between two times, in microseconds, that a plan finds: those of one in so many traces. What is
// left when add returns false is not read, or not for long.
func (s *Reader) eachRequest(ctx context.Context, plan *spanPlan, from, to, oneIn int64, add func(query.Request) bool) error {
	args := append(plan.arguments(from, to), int32(oneIn))
	if !plan.exact {
		return s.eachFitting(ctx, s.search, plan, func(rows []storedSpan) error {
			for i := range rows {
				row := &rows[i]
				add(query.Request{TraceID: row.traceID, Operation: row.operation, StartNanos: row.startNanos(), Nanos: row.duration, Failed: plait.StatusCode(row.status) == plait.StatusError})
			}
			return nil
		}, requestRowsSQL, args...)
	}
	return pg.QueryUntil(ctx, s.search, func(v [][]byte) bool {
		return add(query.Request{
			TraceID: plait.TraceID(v[0]), StartNanos: rowcodec.TimeMicros(v[1])*1000 + int64(rowcodec.Int2(v[2])), Operation: rowcodec.Int8(v[3]),
			Failed: plait.StatusCode(rowcodec.Int2(v[4])) == plait.StatusError, Nanos: rowcodec.Int8(v[5]),
		})
	}, requestsSQL, args...)
}
