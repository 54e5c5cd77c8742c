package counts

import "encoding/binary"

// SpanKey is what spans of one cell have in common.
type SpanKey struct {
	Minute    int64 // of the start, since 1970
	Operation int64
	Resource  int64
	Status    uint8
	Root      bool // the span has no parent
}

func (k SpanKey) flags() uint64 {
	if k.Root {
		return uint64(k.Status)<<1 | 1
	}
	return uint64(k.Status) << 1
}

// SpanCell is what spans of one key are.
type SpanCell struct {
	SpanKey
	Count    int64
	SumNanos int64 // of durations; those below zero count as zero. It ends at the greatest number.
	Buckets  []Bucket
}

// Spans counts spans. It belongs to one goroutine.
type Spans struct {
	cells map[SpanKey]*roomySpanCell
	room  slab[roomySpanCell]
}

// roomySpanCell has room for the buckets that most cells of a commit have.
type roomySpanCell struct {
	SpanCell
	buckets [2]Bucket
}

// NewSpans counts from nothing.
func NewSpans() *Spans { return &Spans{cells: map[SpanKey]*roomySpanCell{}} }

// Reset forgets all.
func (s *Spans) Reset() {
	clear(s.cells)
	s.room.reset()
}

// Len is the number of cells, each of which takes some 200 bytes of memory.
func (s *Spans) Len() int { return len(s.cells) }

// Add counts a span that took so long.
func (s *Spans) Add(key SpanKey, nanos int64) {
	one := [1]Bucket{{Index: BucketOf(nanos), Count: 1}}
	s.cell(key).include(1, max(nanos, 0), one[:])
}

// Include adds a cell.
func (s *Spans) Include(c *SpanCell) { s.cell(c.SpanKey).include(c.Count, c.SumNanos, c.Buckets) }

func (s *Spans) cell(key SpanKey) *SpanCell {
	c := s.cells[key]
	if c == nil {
		c = s.room.next()
		c.SpanCell = SpanCell{SpanKey: key, Buckets: c.buckets[:0]}
		s.cells[key] = c
	}
	return &c.SpanCell
}

// Include adds what another cell has, whatever its key.
func (c *SpanCell) Include(o *SpanCell) { c.include(o.Count, o.SumNanos, o.Buckets) }

func (c *SpanCell) include(count, sumNanos int64, buckets []Bucket) {
	c.Count, c.SumNanos = add(c.Count, count), add(c.SumNanos, sumNanos)
	c.Buckets = addBuckets(c.Buckets, buckets)
}

// Merge adds what AppendTo wrote, or nothing if it is damaged.
func (s *Spans) Merge(b []byte) error {
	if err := ReadSpans(b, func(*SpanCell) bool { return true }); err != nil {
		return err
	}
	return ReadSpans(b, func(c *SpanCell) bool {
		s.Include(c)
		return true
	})
}

const version = 1

// AppendTo appends the cells, by minute: what ReadSpans reads. A cell of one span takes some 11 bytes.
func (s *Spans) AppendTo(dst []byte) []byte {
	cells := make([]*roomySpanCell, 0, len(s.cells))
	operations, resources := make([]int64, 0, len(s.cells)), make([]int64, 0, len(s.cells))
	for _, c := range s.cells {
		cells = append(cells, c)
		operations, resources = append(operations, c.Operation), append(resources, c.Resource)
	}
	operationTable, resourceTable := newIDTable(operations), newIDTable(resources)
	sorted := make([]ordered, len(cells))
	for i, c := range cells {
		sorted[i] = newOrdered(c.Minute, operationTable.number(c.Operation), resourceTable.number(c.Resource), c.flags(), i)
	}
	sortCells(sorted)
	dst = resourceTable.appendTo(operationTable.appendTo(append(dst, version)))
	dst = binary.AppendUvarint(dst, uint64(len(cells)))
	var at minutes
	for i := range sorted {
		c := cells[sorted[i].at]
		dst = binary.AppendUvarint(binary.AppendUvarint(sorted[i].appendTo(dst, &at), uint64(c.Count)), uint64(c.SumNanos))
		dst = appendBuckets(dst, c.Count, c.Buckets)
	}
	return dst
}

// ReadSpans yields the cells that AppendTo wrote, by minute, until yield returns false. A cell is valid until the next one.
// It returns ErrDamaged for other bytes, maybe after some cells.
func ReadSpans(b []byte, yield func(*SpanCell) bool) error {
	r := reader{in: b}
	v := r.unsigned()
	operations, resources := r.ids(), r.ids()
	var at minutes
	var c SpanCell
	for n := r.number(int64(len(r.in))); n > 0; n-- {
		c.Minute, c.Operation, c.Resource = at.read(&r), r.id(operations), r.id(resources)
		flags := r.number(1<<9 - 1)
		c.Status, c.Root = uint8(flags>>1), flags&1 != 0
		c.Count, c.SumNanos = r.number(1<<63-1), r.number(1<<63-1)
		c.Buckets = r.buckets(c.Count, c.Buckets[:0])
		if r.bad || v != version || c.Count == 0 {
			return ErrDamaged
		}
		if !yield(&c) {
			return nil
		}
	}
	if r.bad || v != version || len(r.in) > 0 {
		return ErrDamaged
	}
	return nil
}
