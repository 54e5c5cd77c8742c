package tally

import (
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/counts"
	"github.com/plaithq/plait/store/partition"
)

// collector makes the counts of one group of rows, a body for each shelf. It belongs to one writer.
type collector struct {
	signal      Signal
	cells       cells
	quarters    *counts.Quarters // nil for all but log records
	shelf       partition.Shelf
	first, last int64 // minutes of this shelf's rows
	stored      columns
}

// columns are those of the rows of table tally.
type columns struct {
	ids         []int64
	first, last []time.Time
	shelves     []time.Time
	cells       []int32
	bodies      [][]byte
	quarters    [][]byte // nil: not known, as for all but log records
}

func (c *columns) add(first, last int64, shelf time.Time, counted cells, quarters *counts.Quarters) {
	c.ids = append(c.ids, rand.Int64())
	c.first = append(c.first, minuteTime(first))
	c.last = append(c.last, minuteTime(last))
	c.shelves = append(c.shelves, shelf)
	c.cells = append(c.cells, int32(cellCount(counted, quarters)))
	c.bodies = append(c.bodies, counted.AppendTo(nil))
	c.quarters = append(c.quarters, quartersBytes(quarters))
}

const insertSQL = `
INSERT INTO plait_store.tally (id, first_time, last_time, made_at, shelf, cell_count, signal, level, body, quarters)
SELECT id, first_time, last_time, clock_timestamp(), shelf, cell_count, $8, $9, body, quarters
FROM unnest($1::int8[], $2::timestamptz[], $3::timestamptz[], $4::date[], $5::int4[], $6::bytea[], $7::bytea[])
  AS t (id, first_time, last_time, shelf, cell_count, body, quarters)`

func (c *columns) arguments(signal Signal, level int) []any {
	return []any{c.ids, c.first, c.last, c.shelves, c.cells, c.bodies, c.quarters, int16(signal), int16(signal.firstLevel() + level)}
}

// Begin starts a group.
func (c *collector) Begin() {
	c.reset()
	c.stored = columns{}
}

// Queue ends the group, and adds the statement that stores its counts in the transaction of its rows.
func (c *collector) Queue(opening *pgx.Batch) {
	c.endShelf()
	if len(c.stored.ids) > 0 {
		opening.Queue(insertSQL, c.stored.arguments(c.signal, 0)...)
	}
	c.stored = columns{}
}

// row begins a row of a shelf. Rows come by shelf.
func (c *collector) row(shelf partition.Shelf, minute int64) {
	if shelf != c.shelf {
		c.endShelf()
		c.shelf = shelf
	}
	if c.cells.Len() == 0 {
		c.first, c.last = minute, minute
	}
	c.first, c.last = min(c.first, minute), max(c.last, minute)
}

// endShelf makes the body of a shelf.
func (c *collector) endShelf() {
	if c.cells.Len() > 0 {
		c.stored.add(c.first, c.last, c.shelf.Time(), c.cells, c.quarters)
		c.reset()
	}
}

func (c *collector) reset() {
	if c.cells.Reset(); c.quarters != nil {
		c.quarters.Reset()
	}
}

// cellCount is how many cells there are of both kinds, by which the memory of a merge is bounded.
func cellCount(c cells, quarters *counts.Quarters) int {
	if quarters == nil {
		return c.Len()
	}
	return c.Len() + quarters.Len()
}

func quartersBytes(q *counts.Quarters) []byte {
	if q == nil {
		return nil
	}
	return q.Bytes()
}

// SpanCollector counts the spans of a group.
type SpanCollector struct {
	collector
	spans *counts.Spans
}

// NewSpanCollector makes one.
func NewSpanCollector() *SpanCollector {
	spans := counts.NewSpans()
	return &SpanCollector{collector: collector{signal: Spans, cells: spans}, spans: spans}
}

// Add counts a span of a shelf that took so many nanoseconds. Spans come by shelf.
func (c *SpanCollector) Add(shelf partition.Shelf, key counts.SpanKey, nanos int64) {
	c.row(shelf, key.Minute)
	c.spans.Add(key, nanos)
}

// LevelAttribute is the attribute of log records whose values are counted apart.
const LevelAttribute = "level"

// LogCollector counts the log records of a group.
type LogCollector struct {
	collector
	logs *counts.Logs
}

// NewLogCollector makes one.
func NewLogCollector() *LogCollector {
	logs := counts.NewLogs()
	return &LogCollector{collector: collector{signal: Logs, cells: logs, quarters: counts.NewQuarters()}, logs: logs}
}

// Add counts a record of a shelf with a body of so many bytes. Records come by shelf.
func (c *LogCollector) Add(shelf partition.Shelf, key counts.LogKey, bytes int) {
	c.row(shelf, key.Minute)
	c.logs.Add(key, bytes)
}

// AddQuarter counts by the quarter a record that Add has counted by the minute. The level is its own as canonical JSON, and is
// copied: see counts.QuarterKey.
func (c *LogCollector) AddQuarter(key counts.QuarterKey, level []byte, bytes int) {
	c.quarters.Add(key, level, bytes)
}

// IncrementCollector adds up the increments of a group.
type IncrementCollector struct {
	collector
	increments *counts.Increments
}

// NewIncrementCollector makes one.
func NewIncrementCollector() *IncrementCollector {
	increments := counts.NewIncrements()
	return &IncrementCollector{collector: collector{signal: Increments, cells: increments}, increments: increments}
}

// Add adds an increment that goes to a shelf. Increments come by shelf. Their labels are kept until the group ends.
func (c *IncrementCollector) Add(shelf partition.Shelf, inc *plait.Increment) {
	c.row(shelf, minuteOfStep(inc.Step))
	c.increments.Include(inc)
}
