package counts

import (
	"encoding/binary"
	"math"
	"slices"
)

// ApartKey is what log records have in common that the counts of LogQL tell apart from others of their LogKey: those at the
// very beginning of a minute, which a range that ends there includes, and those that say themselves what their level is.
type ApartKey struct {
	LogKey
	Sharp bool   // at the first nanosecond of the minute
	Level string // the value of the attribute level as canonical JSON, empty for records without one
}

// ApartCell is how many log records of one key there are.
type ApartCell struct {
	ApartKey
	Count int64
}

// Bounds of levels. Where there are others, nothing is told apart.
const (
	MaxLevelBytes = 40
	maxLevels     = 256
)

// Apart counts log records that are told apart. It belongs to one goroutine.
type Apart struct {
	cells  map[ApartKey]int64
	levels map[string]string
	lost   bool
}

// NewApart counts from nothing.
func NewApart() *Apart { return &Apart{cells: map[ApartKey]int64{}, levels: map[string]string{}} }

// Reset forgets all.
func (a *Apart) Reset() {
	clear(a.cells)
	clear(a.levels)
	a.lost = false
}

// Lose says that there are records of which nobody knows whether they are to be told apart.
func (a *Apart) Lose() { a.lost = true }

// Add counts a record of a key that is not the zero one. The level is copied.
func (a *Apart) Add(key LogKey, sharp bool, level []byte) {
	known, ok := a.levels[string(level)]
	if !ok && len(level) > 0 {
		if len(level) > MaxLevelBytes {
			a.lost = true
			return
		}
		known = string(level)
	}
	a.Include(&ApartCell{ApartKey{key, sharp, known}, 1})
}

// Include adds a cell.
func (a *Apart) Include(c *ApartCell) {
	if _, ok := a.levels[c.Level]; !ok && c.Level != "" {
		if a.lost = a.lost || len(a.levels) == maxLevels; a.lost {
			return
		}
		a.levels[c.Level] = c.Level
	}
	a.cells[c.ApartKey] = add(a.cells[c.ApartKey], c.Count)
}

// Merge adds what AppendTo wrote; nil is what is lost.
func (a *Apart) Merge(b []byte) error {
	if b == nil {
		a.lost = true
		return nil
	}
	return ReadApart(b, func(c *ApartCell) bool {
		a.Include(c)
		return true
	})
}

// Bytes are the cells, by minute: what ReadApart reads, and nil where something is lost.
func (a *Apart) Bytes() []byte {
	if a.lost {
		return nil
	}
	cells := make([]ApartCell, 0, len(a.cells))
	resources, classes := make([]int64, 0, len(a.cells)), make([]int64, 0, len(a.cells))
	for key, n := range a.cells {
		cells = append(cells, ApartCell{key, n})
		resources, classes = append(resources, key.Resource), append(classes, key.Class)
	}
	resourceTable, classTable := newIDTable(resources), newIDTable(classes)
	levels := make([]string, 1, len(a.levels)+1) // the first is none
	for level := range a.levels {
		levels = append(levels, level)
	}
	slices.Sort(levels)
	dst := classTable.appendTo(resourceTable.appendTo([]byte{version}))
	dst = binary.AppendUvarint(dst, uint64(len(levels)))
	for _, level := range levels {
		dst = append(binary.AppendUvarint(dst, uint64(len(level))), level...)
	}
	sorted := make([]ordered, len(cells))
	for i := range cells {
		c := &cells[i]
		level, _ := slices.BinarySearch(levels, c.Level)
		rest := uint64(uint16(c.Severity))<<16 | uint64(level)<<1
		if c.Sharp {
			rest |= 1
		}
		sorted[i] = newOrdered(c.Minute, resourceTable.number(c.Resource), classTable.number(c.Class), rest, i)
	}
	sortCells(sorted)
	dst = binary.AppendUvarint(dst, uint64(len(cells)))
	var at minutes
	for i := range sorted {
		dst = binary.AppendUvarint(sorted[i].appendTo(dst, &at), uint64(cells[sorted[i].at].Count))
	}
	return dst
}

// ReadApart yields the cells that Bytes wrote, by minute, until yield returns false. A cell is valid until the next one. It
// returns ErrDamaged for other bytes, maybe after some cells.
func ReadApart(b []byte, yield func(*ApartCell) bool) error {
	r := reader{in: b}
	v := r.unsigned()
	resources, classes, levels := r.ids(), r.ids(), r.texts(maxLevels+1, MaxLevelBytes)
	var at minutes
	var c ApartCell
	for n := r.number(int64(len(r.in))); n > 0; n-- {
		c.Minute, c.Resource, c.Class = at.read(&r), r.id(resources), r.id(classes)
		rest := r.number(math.MaxUint32)
		level := int(rest >> 1 & (1<<15 - 1))
		c.Severity, c.Sharp = int16(uint16(rest>>16)), rest&1 != 0
		c.Count = r.number(math.MaxInt64)
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
