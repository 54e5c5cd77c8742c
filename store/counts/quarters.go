package counts

import (
	"encoding/binary"
	"math"
	"slices"
)

// QuarterKey is what log records of one cell have in common that are counted by the quarter of a minute. Few of them have a class,
// so that there are few cells.
type QuarterKey struct {
	Quarter  int64 // since 1970
	Resource int64
	Class    int64 // 0 where it tells neither a level nor an attribute
	Severity int16 // the number
	// Sharp records are at the first nanosecond of the quarter, which a range of LogQL that ends there includes.
	Sharp bool
	Level string // the value of the attribute level as canonical JSON, empty for records without one
}

// QuarterCell is what log records of one key are.
type QuarterCell struct {
	QuarterKey
	Count int64
	Bytes int64 // of the bodies. It ends at the greatest number.
}

// Bounds of levels. Where there are others, nobody knows what there is by the quarter.
const (
	MaxLevelBytes = 40
	maxLevels     = 256
)

// Quarters counts log records by the quarter of a minute. It belongs to one goroutine.
type Quarters struct {
	cells  map[quarterKey]*quarterSum
	room   slab[quarterSum]
	levels []string          // the first is none
	placed map[string]uint16 // the places of these
	lost   bool
}

// quarterKey has the place of a level in place of its text.
type quarterKey struct {
	quarter, resource, class int64
	severity                 int16
	level                    uint16
	sharp                    bool
}

type quarterSum struct{ count, bytes int64 }

// NewQuarters counts from nothing.
func NewQuarters() *Quarters {
	return &Quarters{cells: map[quarterKey]*quarterSum{}, levels: []string{""}, placed: map[string]uint16{"": 0}}
}

// Reset forgets all.
func (q *Quarters) Reset() {
	clear(q.cells)
	q.room.reset()
	clear(q.placed)
	clear(q.levels)
	q.levels, q.placed[""], q.lost = q.levels[:1], 0, false
}

// Len is the number of cells, each of which takes some 100 bytes of memory.
func (q *Quarters) Len() int { return len(q.cells) }

// Lose says that there are records of which nobody knows in which cell they are.
func (q *Quarters) Lose() { q.lost = true }

// Add counts a record with a body of so many bytes. The key's Level is left out, and copied from level.
func (q *Quarters) Add(key QuarterKey, level []byte, bytes int) {
	place, ok := q.placed[string(level)]
	if !ok {
		if place, ok = q.newLevel(string(level)); !ok {
			return
		}
	}
	q.include(&key, place, 1, int64(bytes))
}

// Include adds a cell.
func (q *Quarters) Include(c *QuarterCell) {
	place, ok := q.placed[c.Level]
	if !ok {
		if place, ok = q.newLevel(c.Level); !ok {
			return
		}
	}
	q.include(&c.QuarterKey, place, c.Count, c.Bytes)
}

func (q *Quarters) include(key *QuarterKey, level uint16, count, bytes int64) {
	at := quarterKey{key.Quarter, key.Resource, key.Class, key.Severity, level, key.Sharp}
	sum := q.cells[at]
	if sum == nil {
		sum = q.room.next()
		*sum = quarterSum{}
		q.cells[at] = sum
	}
	sum.count, sum.bytes = add(sum.count, count), add(sum.bytes, bytes)
}

// newLevel gives a level a place, unless that is beyond the bounds: then something is lost.
func (q *Quarters) newLevel(level string) (uint16, bool) {
	if q.lost = q.lost || len(level) > MaxLevelBytes || len(q.levels) > maxLevels; q.lost {
		return 0, false
	}
	place := uint16(len(q.levels))
	q.levels, q.placed[level] = append(q.levels, level), place
	return place, true
}

// Merge adds what Bytes wrote; nil is what is lost.
func (q *Quarters) Merge(b []byte) error {
	if b == nil {
		q.lost = true
		return nil
	}
	return ReadQuarters(b, func(c *QuarterCell) bool {
		q.Include(c)
		return true
	})
}

// Bytes are the cells, by quarter: what ReadQuarters reads, and nil where something is lost. A cell of one record takes some 7
// bytes.
func (q *Quarters) Bytes() []byte {
	if q.lost {
		return nil
	}
	levels, places := slices.Sorted(slices.Values(q.levels)), make([]uint64, len(q.levels))
	for i, level := range q.levels {
		at, _ := slices.BinarySearch(levels, level)
		places[i] = uint64(at)
	}
	keys := make([]quarterKey, 0, len(q.cells))
	resources, classes := make([]int64, 0, len(q.cells)), make([]int64, 0, len(q.cells))
	for key := range q.cells {
		keys = append(keys, key)
		resources, classes = append(resources, key.resource), append(classes, key.class)
	}
	resourceTable, classTable := newIDTable(resources), newIDTable(classes)
	sorted := make([]ordered, len(keys))
	for i, key := range keys {
		rest := places[key.level]<<17 | uint64(uint16(key.severity))<<1
		if key.sharp {
			rest |= 1
		}
		sorted[i] = newOrdered(key.quarter, resourceTable.number(key.resource), classTable.number(key.class), rest, i)
	}
	sortCells(sorted)
	dst := classTable.appendTo(resourceTable.appendTo([]byte{version}))
	dst = binary.AppendUvarint(dst, uint64(len(levels)))
	for _, level := range levels {
		dst = append(binary.AppendUvarint(dst, uint64(len(level))), level...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(keys)))
	var at minutes // which are quarters here
	for i := range sorted {
		sum := q.cells[keys[sorted[i].at]]
		dst = binary.AppendUvarint(binary.AppendUvarint(sorted[i].appendTo(dst, &at), uint64(sum.count)), uint64(sum.bytes))
	}
	return dst
}

// ReadQuarters yields the cells that Bytes wrote, by quarter, until yield returns false. A cell is valid until the next one. It
// returns ErrDamaged for other bytes, maybe after some cells.
func ReadQuarters(b []byte, yield func(*QuarterCell) bool) error {
	r := reader{in: b}
	v := r.unsigned()
	resources, classes, levels := r.ids(), r.ids(), r.texts(maxLevels+1, MaxLevelBytes)
	var at minutes
	var c QuarterCell
	for n := r.number(int64(len(r.in))); n > 0; n-- {
		c.Quarter, c.Resource, c.Class = at.read(&r), r.id(resources), r.id(classes)
		rest := r.number(math.MaxUint32)
		level := int(rest >> 17)
		c.Severity, c.Sharp = int16(uint16(rest>>1)), rest&1 != 0
		c.Count, c.Bytes = r.number(math.MaxInt64), r.number(math.MaxInt64)
		if r.bad || v != version || c.Count == 0 || level >= len(levels) {
			return ErrDamaged
		}
		if c.Level = levels[level]; !yield(&c) {
			return nil
		}
	}
	if r.bad || v != version || len(r.in) > 0 {
		return ErrDamaged
	}
	return nil
}

// texts reads some texts of bounded length.
func (r *reader) texts(most, length int64) []string {
	all := make([]string, r.number(most))
	for i := range all {
		n := r.number(length)
		if n > int64(len(r.in)) {
			r.fail()
			return nil
		}
		all[i] = string(r.in[:n])
		r.in = r.in[n:]
	}
	return all
}
