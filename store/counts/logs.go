package counts

import "encoding/binary"

// LogKey is what log records of one cell have in common.
type LogKey struct {
	Minute   int64 // since 1970
	Resource int64
	Class    int64
	Severity int16 // the number
}

// LogCell is what log records of one key are.
type LogCell struct {
	LogKey
	Count int64
	Bytes int64 // of the bodies. It ends at the greatest number.
}

// Logs counts log records. It belongs to one goroutine.
type Logs struct {
	cells map[LogKey]*LogCell
	room  slab[LogCell]
}

// NewLogs counts from nothing.
func NewLogs() *Logs { return &Logs{cells: map[LogKey]*LogCell{}} }

// Reset forgets all.
func (l *Logs) Reset() {
	clear(l.cells)
	l.room.reset()
}

// Len is the number of cells, each of which takes some 100 bytes of memory.
func (l *Logs) Len() int { return len(l.cells) }

// Add counts a record with a body of so many bytes.
func (l *Logs) Add(key LogKey, bytes int) { l.include(key, 1, int64(bytes)) }

// Include adds a cell.
func (l *Logs) Include(c *LogCell) { l.include(c.LogKey, c.Count, c.Bytes) }

func (l *Logs) include(key LogKey, count, bytes int64) {
	c := l.cells[key]
	if c == nil {
		c = l.room.next()
		*c = LogCell{LogKey: key}
		l.cells[key] = c
	}
	c.Count, c.Bytes = add(c.Count, count), add(c.Bytes, bytes)
}

// Merge adds what AppendTo wrote, or nothing if it is damaged.
func (l *Logs) Merge(b []byte) error {
	if err := ReadLogs(b, func(*LogCell) bool { return true }); err != nil {
		return err
	}
	return ReadLogs(b, func(c *LogCell) bool {
		l.Include(c)
		return true
	})
}

// AppendTo appends the cells, by minute: what ReadLogs reads. A cell of one record takes some 8 bytes.
func (l *Logs) AppendTo(dst []byte) []byte {
	cells := make([]*LogCell, 0, len(l.cells))
	resources, classes := make([]int64, 0, len(l.cells)), make([]int64, 0, len(l.cells))
	for _, c := range l.cells {
		cells = append(cells, c)
		resources, classes = append(resources, c.Resource), append(classes, c.Class)
	}
	resourceTable, classTable := newIDTable(resources), newIDTable(classes)
	sorted := make([]ordered, len(cells))
	for i, c := range cells {
		sorted[i] = newOrdered(c.Minute, resourceTable.number(c.Resource), classTable.number(c.Class), uint64(uint16(c.Severity)), i)
	}
	sortCells(sorted)
	dst = classTable.appendTo(resourceTable.appendTo(append(dst, version)))
	dst = binary.AppendUvarint(dst, uint64(len(cells)))
	var at minutes
	for i := range sorted {
		c := cells[sorted[i].at]
		dst = binary.AppendUvarint(binary.AppendUvarint(sorted[i].appendTo(dst, &at), uint64(c.Count)), uint64(c.Bytes))
	}
	return dst
}

// ReadLogs yields the cells that AppendTo wrote, by minute, until yield returns false. A cell is valid until the next one.
// It returns ErrDamaged for other bytes, maybe after some cells.
func ReadLogs(b []byte, yield func(*LogCell) bool) error {
	r := reader{in: b}
	v := r.unsigned()
	resources, classes := r.ids(), r.ids()
	var at minutes
	var c LogCell
	for n := r.number(int64(len(r.in))); n > 0; n-- {
		c.Minute, c.Resource, c.Class = at.read(&r), r.id(resources), r.id(classes)
		c.Severity = int16(uint16(r.number(1<<16 - 1)))
		c.Count, c.Bytes = r.number(1<<63-1), r.number(1<<63-1)
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
