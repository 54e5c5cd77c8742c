package spans

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/search"
)

// How a heatmap is counted:
//
//  1. The counts by the minute tell how many spans of each operation took how long. Columns of whole minutes are made of them,
//     over hours and days.
//  2. Shorter columns are counted by Postgres, or here where it cannot tell what fits, unless the range has so many spans that
//     this takes long: then columns are minutes.
//  3. The counts name no traces. Cells that are made of them get those of the spans that exceed the usual most.
//  4. Which spans are of traces that have something is found out by the term index (heatmap_held.go).

const (
	// heatmapRows is how many spans a range may have, of any operation, for its columns to be shorter than a minute.
	heatmapRows = 250_000
	// heatmapTraces is how many spans name the traces of cells.
	heatmapTraces = 50
	// fewestColumns touch any range: a short one may lie on both sides of midnight.
	fewestColumns = 2
	// leastBefore and mostBefore bound how long before the range is counted, too: as long as the range, between these.
	leastBefore = 15 * time.Minute
	mostBefore  = time.Hour
)

// heatmapSteps are how long columns are.
var heatmapSteps = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// heatmapStep is the shortest step that covers a range in so many columns.
func heatmapStep(from, to int64, columns int) int64 {
	for _, step := range heatmapSteps {
		if micros := step.Microseconds(); columnsOf(from, to, micros) <= int64(columns) {
			return micros
		}
	}
	const day = int64(24 * time.Hour / time.Microsecond)
	for step := day; ; step += day {
		if columnsOf(from, to, step) <= int64(columns) {
			return step
		}
	}
}

// columnsOf is how many steps a range touches.
func columnsOf(from, to, step int64) int64 {
	return rowcodec.FloorDiv(to-1, step) - rowcodec.FloorDiv(from, step) + 1
}

// mostHeatmapRange bounds the range of a heatmap: a century.
const mostHeatmapRange = int64(100 * 366 * 24 * time.Hour / time.Microsecond)

// heatKey is the place of a cell: when its column begins, in steps since 1970, and the bucket of what its spans took.
type heatKey struct {
	step   int64
	bucket int
}

type heatmap struct {
	store  *Reader
	plan   *spanPlan
	asked  query.Heatmap
	from   int64 // microseconds
	to     int64
	step   int64
	cells  map[heatKey]*query.HeatmapCell
	before map[heatKey]*query.HeatmapCell
	// of the range, whatever they are
	spans int64
	full  bool // there was no room for all traces that have what is asked
}

// Heatmap counts spans by the time at which they start and by what they took. A span of a year and more counts as if it took no
// time. It takes ten seconds at most, and says so if that cut it short.
func (s *Reader) Heatmap(ctx context.Context, q query.Heatmap) (query.HeatmapCounts, error) {
	plan, err := s.newSpanPlan(ctx, q.Condition)
	if err != nil {
		return query.HeatmapCounts{}, fmt.Errorf("count spans by duration: %w", err)
	}
	walk := search.NewWalk(q.Range, false, s.now()) // for its ends
	if walk.Done() || walk.To-walk.From > mostHeatmapRange {
		return query.HeatmapCounts{}, plait.Errorf(plait.ErrInvalid, "a heatmap is about a time of a century at most")
	}
	h := &heatmap{store: s, plan: plan, asked: q, from: walk.From, to: walk.To, step: heatmapStep(walk.From, walk.To, max(q.Columns, fewestColumns))}
	h.cells, h.before = map[heatKey]*query.HeatmapCell{}, map[heatKey]*query.HeatmapCell{}
	if plan.impossible() {
		return h.answer(), nil
	}
	bounded, cancel := search.Bounded(ctx)
	defer cancel()
	if err = h.run(bounded); err == nil && q.InTrace != nil {
		err = h.hold(bounded)
	}
	if err != nil && !search.TimedOut(bounded, err) {
		return query.HeatmapCounts{}, fmt.Errorf("count spans by duration: %w", err)
	}
	answer := h.answer()
	answer.CutShort = err != nil || h.full
	return answer, nil
}

func (h *heatmap) run(ctx context.Context) error {
	if err := h.readMinutes(ctx); err != nil {
		return err
	}
	counted := h.plan.exact && !h.plan.timed()
	if counted && (h.step >= counts.MinuteMicros || h.spans > heatmapRows) {
		h.step = max(h.step, counts.MinuteMicros)
		return h.nameTraces(ctx)
	}
	clear(h.cells)
	if !counted {
		clear(h.before)
		return h.compareRows(ctx)
	}
	return h.countRows(ctx)
}

// minuteStep is the length of columns that are made of counts.
func (h *heatmap) minuteStep() int64 { return max(h.step, counts.MinuteMicros) }

// readMinutes counts the spans of the range, and of the time before it.
func (h *heatmap) readMinutes(ctx context.Context) error {
	step := h.minuteStep()
	first, last := rowcodec.FloorDiv(h.from, step), rowcodec.FloorDiv(h.to-1, step)
	length := min(max(h.to-h.from, leastBefore.Microseconds()), mostBefore.Microseconds())
	from := max((first-(length+step-1)/step)*step, rowcodec.MinMicros)
	fits := h.plan.cells()
	return h.store.tally.SpanMinutes(ctx, from, min((last+1)*step, rowcodec.MaxMicros), func(c *counts.SpanCell) error {
		at := rowcodec.FloorDiv(c.Minute*counts.MinuteMicros, step)
		if at >= first {
			h.spans += c.Count
		}
		if !fits(c) {
			return nil
		}
		into := h.cells
		if at < first {
			into = h.before
		}
		for _, b := range c.Buckets {
			if h.plan.took(b.Index) {
				add(into, heatKey{at, bucketShown(b.Index)}, b.Count, plait.StatusCode(c.Status))
			}
		}
		return nil
	})
}

// cells says whether spans of a cell fit, as far as it tells: all but what they took.
func (p *spanPlan) cells() func(*counts.SpanCell) bool {
	operations, resources := slices.Sorted(slices.Values(p.operations)), slices.Sorted(slices.Values(p.resources))
	among := func(all []int64, asked bool, id int64) bool {
		_, ok := slices.BinarySearch(all, id)
		return ok || !asked
	}
	return func(c *counts.SpanCell) bool {
		return among(operations, p.operations != nil, c.Operation) && among(resources, p.resources != nil, c.Resource) &&
			(p.statuses == nil || slices.Contains(p.statuses, int16(c.Status)))
	}
}

// took says whether spans of a bucket took as long as is asked: a bound lies within one at most.
func (p *spanPlan) took(bucket int) bool {
	return (p.minDuration == nil || counts.UpperBound(bucket) >= *p.minDuration) &&
		(p.maxDuration == nil || counts.UpperBound(bucket-1) < *p.maxDuration)
}

// bucketShown is the bucket in which durations are shown.
func bucketShown(bucket int) int {
	if counts.UpperBound(bucket-1) >= spanmetrics.MaxDuration.Nanoseconds() {
		return 0
	}
	return bucket
}

// name gives a cell the trace of one of its spans.
func name(c *query.HeatmapCell, trace plait.TraceID, nanos int64) {
	if c.TraceID, c.Nanos = trace, max(nanos, 0); nanos > spanmetrics.MaxDuration.Nanoseconds() {
		c.Nanos = 0
	}
}

func add(cells map[heatKey]*query.HeatmapCell, key heatKey, n int64, status plait.StatusCode) *query.HeatmapCell {
	c := cells[key]
	if c == nil {
		c = &query.HeatmapCell{}
		cells[key] = c
	}
	c.Count += n
	if status == plait.StatusError {
		c.Failed += n
	}
	return c
}

// heatmapBuckets are the indexes of all buckets, and heatmapBounds the shortest durations of all but the first.
var heatmapBuckets, heatmapBounds = func() (indexes []int, bounds []int64) {
	for i := 0; ; i++ {
		if i > 0 && counts.UpperBound(i) == counts.UpperBound(i-1) {
			continue // of no bucket
		}
		indexes = append(indexes, i)
		if counts.UpperBound(i) == math.MaxInt64 {
			return indexes, bounds
		}
		bounds = append(bounds, counts.UpperBound(i)+1)
	}
}()

const heatmapSpansSQL = `
SELECT date_bin($8::int8 * interval '1 microsecond', start_time, timestamptz '1970-01-01 00:00:00Z'), width_bucket(duration_ns, $9::int8[]),
       count(*), count(*) FILTER (WHERE status = 2), (array_agg(trace_id))[1], (array_agg(duration_ns))[1]
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL + `
GROUP BY 1, 2`

// countRows lets Postgres count.
func (h *heatmap) countRows(ctx context.Context) error {
	from, to := h.ends()
	args := append(h.plan.arguments(from, to), h.step, heatmapBounds)
	return pg.QueryRows(ctx, h.store.search, func(v [][]byte) {
		bucket := bucketShown(heatmapBuckets[rowcodec.Int4(v[1])])
		c := add(h.cells, heatKey{rowcodec.FloorDiv(rowcodec.TimeMicros(v[0]), h.step), bucket}, rowcodec.Int8(v[2]), plait.StatusUnset)
		c.Failed += rowcodec.Int8(v[3])
		name(c, plait.TraceID(v[4]), rowcodec.Int8(v[5]))
	}, heatmapSpansSQL, args...)
}

// ends are those of the first and the last column.
func (h *heatmap) ends() (from, to int64) {
	from = rowcodec.FloorDiv(h.from, h.step) * h.step
	return max(from, rowcodec.MinMicros), min(from+columnsOf(h.from, h.to, h.step)*h.step, rowcodec.MaxMicros)
}

const heatmapRowsSQL = `
SELECT ` + spanColumns + `
FROM plait_store.span
WHERE start_time >= $1 AND start_time < $2 AND ` + search.ShelvesSQL + spanConditionsSQL

// compareRows counts the rows that fit here.
func (h *heatmap) compareRows(ctx context.Context) error {
	from, to := h.ends()
	return h.store.eachFitting(ctx, h.store.search, h.plan, func(rows []storedSpan) error {
		for i := range rows {
			row := &rows[i]
			bucket := bucketShown(counts.BucketOf(row.duration))
			c := add(h.cells, heatKey{rowcodec.FloorDiv(row.startMicros, h.step), bucket}, 1, plait.StatusCode(row.status))
			name(c, row.traceID, row.duration)
		}
		return nil
	}, heatmapRowsSQL, h.plan.arguments(from, to)...)
}

// nameTraces gives cells the traces of those spans that exceed the usual most.
func (h *heatmap) nameTraces(ctx context.Context) error {
	from, to := h.ends()
	found, err := h.store.UnusualSpans(ctx, query.Unusual{
		Condition: h.asked.Condition, Limit: heatmapTraces, Range: plait.TimeRange{From: rowcodec.MicrosTime(from), To: rowcodec.MicrosTime(to)},
	})
	for i := range found.Spans {
		span := &found.Spans[i].Span
		nanos := span.EndNanos - span.StartNanos
		key := heatKey{rowcodec.FloorDiv(rowcodec.FloorDiv(span.StartNanos, 1000), h.step), bucketShown(counts.BucketOf(nanos))}
		if c := h.cells[key]; c != nil && c.TraceID.IsZero() {
			name(c, span.TraceID, nanos)
		}
	}
	return err
}

func (h *heatmap) answer() query.HeatmapCounts {
	first := rowcodec.FloorDiv(h.from, h.step)
	step := h.minuteStep()
	earliest := rowcodec.FloorDiv(h.from, step)
	for key := range h.before {
		earliest = min(earliest, key.step)
	}
	return query.HeatmapCounts{
		Start: rowcodec.MicrosTime(first * h.step), Step: time.Duration(h.step) * time.Microsecond, Columns: int(columnsOf(h.from, h.to, h.step)),
		Cells: sorted(h.cells, first), Before: sorted(h.before, earliest), BeforeStep: time.Duration(step) * time.Microsecond,
	}
}

// sorted are cells with their columns and bounds, in order.
func sorted(cells map[heatKey]*query.HeatmapCell, first int64) []query.HeatmapCell {
	all := make([]query.HeatmapCell, 0, len(cells))
	for key, c := range cells {
		c.Column = int(key.step - first)
		c.Over, c.UpTo = time.Duration(counts.UpperBound(key.bucket-1)), time.Duration(counts.UpperBound(key.bucket))
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b query.HeatmapCell) int {
		return cmp.Or(cmp.Compare(a.Column, b.Column), cmp.Compare(a.UpTo, b.UpTo))
	})
	return all
}
