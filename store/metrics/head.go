package metrics

import (
	"sync"
	"time"
)

// floatSample is a sample in memory, times in milliseconds.
type floatSample struct {
	t, st int64
	v     float64
}

// histogramSample is a native histogram in memory, still encoded.
type histogramSample struct {
	t, st   int64
	encoded []byte
}

// samples is what a place knows of one series. It is only ever appended to, so that a copy of
// the two slice headers, taken under the head's lock, is a snapshot.
type samples struct {
	floats     []floatSample
	histograms []histogramSample
}

// memory is about what they take, in bytes.
func (s *samples) memory() int {
	n := 24 * len(s.floats)
	for i := range s.histograms {
		n += 48 + len(s.histograms[i].encoded)
	}
	return n
}

// memTable is a part of the head: the samples of some rows of sample_head. Only the youngest
// grows; an older one waits to be compacted.
type memTable struct {
	rows   []int64 // ids in sample_head
	series map[int64]*samples
	size   int // samples
	bytes  int
	since  time.Time
	closed bool
}

// What takes memory in a table, in bytes: slices that grow have some room to spare.
const (
	floatBytes     = 32
	histogramBytes = 64 // beside its encoded form
	rowBytes       = 32
	inTableBytes   = 192 // a series, beside its samples
)

func newMemTable(now time.Time) *memTable {
	return &memTable{series: map[int64]*samples{}, since: now}
}

// add takes the samples of a row.
func (t *memTable) add(r *headRow) {
	t.rows = append(t.rows, r.id)
	t.size += len(r.series)
	t.bytes += rowBytes + floatBytes*len(r.values) + histogramBytes*len(r.histograms) + r.encodedBytes()
	for i, id := range r.series {
		s := t.series[id]
		if s == nil {
			s = &samples{}
			t.series[id] = s
			t.bytes += inTableBytes
		}
		if len(r.values) > 0 {
			s.floats = append(s.floats, floatSample{t: r.times[i], st: r.start(i), v: r.values[i]})
		} else {
			s.histograms = append(s.histograms, histogramSample{t: r.times[i], st: r.start(i), encoded: r.histograms[i]})
		}
	}
}

// head mirrors the table sample_head.
//
// Rows get visible in the order in which transactions commit, which no column tells. So the
// head remembers a horizon: the oldest transaction that was still running when it last looked.
// Everything older is known; of the younger ones it knows some, by id, and asks for the others.
// A row that this gateway is writing is announced first and added by Applied alone.
//
// It has two tables' worth of bytes. When they are used up, who brings more has to wait until a part
// is rewritten as chunks.
type head struct {
	limit int // bytes of a table

	syncing sync.Mutex // one look at a time: those who wait for it start a fresh one

	mu        sync.RWMutex
	tables    []*memTable // oldest first; the last one is open
	horizon   int64
	known     map[int64]int64 // rows by id with their transaction, if it is not older than horizon
	writing   map[int64]int64 // announced rows by id, with the horizon at that time
	withdrawn int             // how many announced rows came to nothing
	dropped   chan struct{}   // closed when a table is dropped
}

func newHead(limit int) *head {
	return &head{limit: limit, known: map[int64]int64{}, writing: map[int64]int64{}, dropped: make(chan struct{})}
}

// headRow is a row of sample_head. Arrays run parallel; a row has values or histograms.
type headRow struct {
	id, xact   int64
	series     []int64
	times      []int64
	starts     []int64 // empty: all unknown
	values     []float64
	histograms [][]byte
}

func (r *headRow) encodedBytes() (n int) {
	for _, h := range r.histograms {
		n += len(h)
	}
	return n
}

func (r *headRow) start(i int) int64 {
	if len(r.starts) == 0 {
		return 0
	}
	return r.starts[i]
}

// announce says that rows are about to be written.
func (h *head) announce(ids ...int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		h.writing[id] = h.horizon
	}
}

// withdraw says that the outcome of a write is failure or unknown. If the row is there after
// all, the next look finds it.
func (h *head) withdraw(ids ...int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		h.horizon = min(h.horizon, h.writing[id])
		delete(h.writing, id)
		h.withdrawn++
	}
}

// add puts committed rows into the head and says whether it is time to compact.
func (h *head) add(now time.Time, rows ...*headRow) (full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range rows {
		delete(h.writing, r.id)
		full = h.addRow(now, r) || full
	}
	return full
}

func (h *head) addRow(now time.Time, r *headRow) (full bool) {
	if _, ok := h.known[r.id]; ok {
		return false
	}
	h.known[r.id] = r.xact
	t := h.open(now)
	t.add(r)
	t.closed = t.bytes >= h.limit
	return t.closed
}

// open returns the table that grows.
func (h *head) open(now time.Time) *memTable {
	if n := len(h.tables); n > 0 && !h.tables[n-1].closed {
		return h.tables[n-1]
	}
	t := newMemTable(now)
	h.tables = append(h.tables, t)
	return t
}

// oldest returns the table to compact next, nil when none is due. With force the open one is too.
func (h *head) oldest(now time.Time, age time.Duration, force bool) *memTable {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.tables) == 0 {
		return nil
	}
	t := h.tables[0]
	if force || now.Sub(t.since) >= age {
		t.closed = true
	}
	if !t.closed {
		return nil
	}
	return t
}

// drop forgets a table whose rows are no longer in sample_head, where no look can find them again.
func (h *head) drop(t *memTable) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.tables {
		if h.tables[i] == t {
			h.tables = append(h.tables[:i:i], h.tables[i+1:]...)
			break
		}
	}
	for _, id := range t.rows {
		delete(h.known, id)
	}
	close(h.dropped)
	h.dropped = make(chan struct{})
}

// size returns how many samples the head holds, and how many bytes.
func (h *head) size() (samples, bytes int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, t := range h.tables {
		samples += t.size
		bytes += t.bytes
	}
	return samples, bytes
}

// left returns how many bytes of samples the head has room for, and a channel that is closed when a
// table is dropped after that.
func (h *head) left() (bytes int, dropped <-chan struct{}) {
	h.mu.RLock()
	dropped = h.dropped
	h.mu.RUnlock()
	_, used := h.size()
	return 2*h.limit - used, dropped
}

// collect appends, for each series, what every table has of it, oldest first.
func (h *head) collect(ids []int64, add func(i int, s samples)) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, t := range h.tables {
		for i, id := range ids {
			if s := t.series[id]; s != nil {
				add(i, *s)
			}
		}
	}
}

// look is what the head knows when it asks for more.
type look struct {
	horizon   int64
	known     []int64
	withdrawn int
}

// look returns what to ask for.
func (h *head) look() look {
	h.mu.RLock()
	defer h.mu.RUnlock()
	known := make([]int64, 0, len(h.known)+len(h.writing))
	for id := range h.known {
		known = append(known, id)
	}
	for id := range h.writing {
		known = append(known, id)
	}
	return look{h.horizon, known, h.withdrawn}
}

// looked adds what a look found and moves the horizon. A row that was announced during the
// look is left to Applied; a withdrawal during it holds the horizon back.
func (h *head) looked(now time.Time, from look, horizon int64, rows []*headRow) (full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range rows {
		if _, own := h.writing[r.id]; !own {
			full = h.addRow(now, r) || full
		}
	}
	if h.withdrawn == from.withdrawn {
		h.horizon = horizon
	}
	for id, xact := range h.known {
		if xact < h.horizon {
			delete(h.known, id)
		}
	}
	return full
}
