package metrics

import (
	"context"
	"fmt"
	"strconv"
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

// memTable is a part of the head: the samples of some rows of sample_head. Only the youngest
// grows; an older one waits to be compacted.
type memTable struct {
	rows   []int64 // ids in sample_head
	series map[int64]*samples
	size   int // samples
	since  time.Time
	closed bool
}

func newMemTable(now time.Time) *memTable {
	return &memTable{series: map[int64]*samples{}, since: now}
}

// add takes the samples of a row.
func (t *memTable) add(r *headRow) {
	t.rows = append(t.rows, r.id)
	t.size += len(r.series)
	for i, id := range r.series {
		s := t.series[id]
		if s == nil {
			s = &samples{}
			t.series[id] = s
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
type head struct {
	limit int

	syncing sync.Mutex // one look at a time: those who wait for it start a fresh one

	mu        sync.RWMutex
	tables    []*memTable // oldest first; the last one is open
	horizon   int64
	known     map[int64]int64 // rows by id with their transaction, if it is not older than horizon
	writing   map[int64]int64 // announced rows by id, with the horizon at that time
	withdrawn int             // how many announced rows came to nothing
}

func newHead(limit int) *head {
	return &head{limit: limit, known: map[int64]int64{}, writing: map[int64]int64{}}
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
	t.closed = t.size >= h.limit
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

// drop forgets a table whose rows are no longer in sample_head.
func (h *head) drop(t *memTable) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.tables {
		if h.tables[i] == t {
			h.tables = append(h.tables[:i:i], h.tables[i+1:]...)
			return
		}
	}
}

// size returns how many samples the head holds.
func (h *head) size() (n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, t := range h.tables {
		n += t.size
	}
	return n
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

// The horizon and the rows come from one snapshot. xid8 has no direct cast to int8.
const readHeadSQL = `
SELECT n.horizon::text::int8, coalesce(h.id, 0), coalesce(h.xact, '0')::text::int8,
       h.series, h.times, h.starts, h.values, h.histograms
FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) AS horizon) n
LEFT JOIN plait_store.sample_head h ON h.xact >= $1::text::xid8 AND h.id <> ALL ($2::int8[])`

// syncHead reads the rows that other gateways have committed. What was acknowledged before the
// call is in the head after it.
func (db *DB) syncHead(ctx context.Context) error {
	db.head.syncing.Lock()
	defer db.head.syncing.Unlock()
	from := db.head.look()
	rows, err := db.config.Read.Query(ctx, readHeadSQL, strconv.FormatInt(from.horizon, 10), from.known)
	if err != nil {
		return fmt.Errorf("read samples of other gateways: %w", err)
	}
	defer rows.Close()
	var horizon int64
	var found []*headRow
	for rows.Next() {
		r := &headRow{}
		raw := rows.RawValues()
		if horizon, err = readInt8(raw[0]); err != nil {
			return err
		}
		if err := r.decode(raw[1:]); err != nil {
			return fmt.Errorf("read samples of other gateways: %w", err)
		}
		if r.id != 0 {
			found = append(found, r)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read samples of other gateways: %w", err)
	}
	if db.head.looked(db.now(), from, horizon, found) {
		db.wakeCompaction()
	}
	return nil
}

func (r *headRow) decode(raw [][]byte) (err error) {
	if r.id, err = readInt8(raw[0]); err != nil || r.id == 0 {
		return err
	}
	if r.xact, err = readInt8(raw[1]); err != nil {
		return err
	}
	if r.series, err = readInt8s(raw[2]); err != nil {
		return err
	}
	if r.times, err = readInt8s(raw[3]); err != nil {
		return err
	}
	if r.starts, err = readInt8s(raw[4]); err != nil {
		return err
	}
	if r.values, err = readFloat8s(raw[5]); err != nil {
		return err
	}
	if r.histograms, err = readByteas(raw[6]); err != nil {
		return err
	}
	n := len(r.series)
	if len(r.times) != n || len(r.starts) != 0 && len(r.starts) != n || len(r.values) != n && len(r.histograms) != n {
		return fmt.Errorf("sample_head row %d has arrays of different lengths", r.id)
	}
	return nil
}

func (db *DB) wakeCompaction() {
	select {
	case db.full <- struct{}{}:
	default:
	}
}
