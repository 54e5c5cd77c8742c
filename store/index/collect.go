package index

import (
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/terms"
)

// Collector makes the heads of one group of rows, one for each partition. It belongs to one writer.
//
// What terms a row has is what a search may ask for:
//
//	spans        Attribute for each attribute that stands in the row; AttributeSet of the others;
//	             Operation; ErrorOperation of a failed span, RootOperation of one without a parent;
//	             SpanName where the operation has no name; the duration of the operation
//	log records  Attribute and AttributeSet as of spans; Resource; Class; Severity;
//	             the runs of the body, and its words where the class has not the body's template
type Collector struct {
	index *Index
	block *terms.Block
	shelf partition.Shelf
	heads headRows
}

// headRows are the columns of the heads of a group.
type headRows struct {
	ids         []int64
	first, last []time.Time
	shelves     []time.Time
	rows        []int32
	bodies      [][]byte
}

// Collector makes one.
func (x *Index) Collector() *Collector {
	return &Collector{index: x, block: terms.NewBlock(x.hasher)}
}

// Begin starts a group.
func (c *Collector) Begin() {
	c.block.Reset()
	c.heads = headRows{}
}

// Row begins a row of the group, at a Unix time in nanoseconds, and returns the block that takes its
// terms. Rows come by shelf, and those of a trace one after the other.
func (c *Collector) Row(shelf partition.Shelf, id plait.TraceID, nanos int64) *terms.Block {
	if shelf != c.shelf {
		c.endShelf()
		c.shelf = shelf
	}
	c.block.Row(id, rowcodec.FloorDiv(nanos, int64(time.Microsecond)))
	return c.block
}

// endShelf makes the head of the rows of a shelf.
func (c *Collector) endShelf() {
	if c.block.Rows() == 0 {
		return
	}
	from, to := c.block.Range()
	h := &c.heads
	h.ids = append(h.ids, rand.Int64())
	h.first = append(h.first, rowcodec.MicrosTime(from))
	h.last = append(h.last, rowcodec.MicrosTime(to))
	h.shelves = append(h.shelves, c.shelf.Time())
	h.rows = append(h.rows, int32(c.block.Rows()))
	h.bodies = append(h.bodies, c.block.AppendTo(nil))
	c.block.Reset()
}

const insertHeadsSQL = `
INSERT INTO plait_store.term_head (id, first_time, last_time, made_at, replaced_at, shelf, row_count, signal, body)
SELECT id, first_time, last_time, clock_timestamp(), 'infinity', shelf, row_count, $7, body
FROM unnest($1::int8[], $2::timestamptz[], $3::timestamptz[], $4::date[], $5::int4[], $6::bytea[])
  AS h (id, first_time, last_time, shelf, row_count, body)`

// Queue ends the group, and adds the statement that stores its heads in the transaction of its rows.
func (c *Collector) Queue(opening *pgx.Batch) {
	c.endShelf()
	if h := &c.heads; len(h.ids) > 0 {
		opening.Queue(insertHeadsSQL, h.ids, h.first, h.last, h.shelves, h.rows, h.bodies, int16(c.index.signal))
	}
}

// Committed remembers the heads of the group, which are in the database: no search or merge of this gateway
// has to read them.
func (c *Collector) Committed() {
	x := c.index
	for i, id := range c.heads.ids {
		if head, err := terms.ParseHead(c.heads.bodies[i]); err == nil {
			x.mu.Lock()
			x.heads.Put(id, head)
			x.mu.Unlock()
		}
	}
	c.heads = headRows{}
}
