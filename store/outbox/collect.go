package outbox

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// A row of the outbox holds so many records at most, and about so many bytes of them: it is what a sender has in memory at once.
const (
	rowRecords = 4096
	rowBytes   = 1 << 20
)

// Collector makes the rows of one commit. It belongs to one writer.
type Collector[T any] struct {
	outbox *Outbox
	signal Signal
	encode func(parts ...[]T) []byte
	weigh  func(*T) int

	parts   [][]T // of the row that is being made
	records int
	bytes   int

	ids    []int64
	counts []int32
	sizes  []int32
	bodies [][]byte
}

// NewCollector makes one. weigh tells about how many bytes a record has, and encode may be nil where records are never forwarded.
func NewCollector[T any](o *Outbox, s Signal, encode func(parts ...[]T) []byte, weigh func(*T) int) *Collector[T] {
	return &Collector[T]{outbox: o, signal: s, encode: encode, weigh: weigh}
}

const insertSQL = `
INSERT INTO plait_store.outbox (id, position, total, made_at, record_count, byte_count, signal, body)
SELECT id, 0, 0, clock_timestamp(), record_count, byte_count, $5, body
FROM unnest($1::int8[], $2::int4[], $3::int4[], $4::bytea[]) AS o (id, record_count, byte_count, body)`

// Queue adds the statement that leaves the records of some requests in the outbox, in the transaction that stores them, if somebody
// waits for them.
func (c *Collector[T]) Queue(opening *pgx.Batch, requests int, records func(request int) []T) {
	if c.encode == nil || !c.outbox.Wanted(c.signal) {
		return
	}
	c.ids, c.counts, c.sizes, c.bodies = nil, nil, nil, nil
	for i := range requests {
		c.add(records(i))
	}
	c.endRow()
	if len(c.ids) > 0 {
		opening.Queue(insertSQL, c.ids, c.counts, c.sizes, c.bodies, int16(c.signal))
	}
}

// add adds the records of a request, and ends rows where they are full.
func (c *Collector[T]) add(part []T) {
	from := 0
	for i := range part {
		c.records++
		if c.bytes += c.weigh(&part[i]); c.records < rowRecords && c.bytes < rowBytes {
			continue
		}
		c.parts = append(c.parts, part[from:i+1])
		from = i + 1
		c.endRow()
	}
	if from < len(part) {
		c.parts = append(c.parts, part[from:])
	}
}

// endRow makes a row of what was added.
func (c *Collector[T]) endRow() {
	if c.records > 0 {
		c.ids = append(c.ids, newID(len(c.ids)))
		c.counts = append(c.counts, int32(c.records))
		c.sizes = append(c.sizes, int32(min(c.bytes, math.MaxInt32)))
		c.bodies = append(c.bodies, c.encode(c.parts...))
	}
	clear(c.parts) // of requests
	c.parts, c.records, c.bytes = c.parts[:0], 0, 0
}

// newID makes the id of a commit's row: milliseconds, so that the primary key grows at its end, random bits, and the row's place in
// the commit, since those of one commit are numbered by their ids where their times are the same.
func newID(place int) int64 {
	return time.Now().UnixMilli()<<22 | rand.Int64N(1<<12)<<10 | int64(place&0x3ff)
}
