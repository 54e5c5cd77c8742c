package logs

import (
	"cmp"
	"slices"

	"github.com/plaithq/plait/store/search"
)

// found collects the rows that fit, those that come first in the order of the answer. It holds little more
// of them than the answer takes.
type found struct {
	rows      []storedLog
	wanted    int // of the first ones
	ascending bool
	from      logPosition // rows before it are of earlier pages
	memory    search.Memory
	bytes     int  // of the rows
	most      int  // that they ever had
	dropped   bool // there were more rows
	// rest is the first of the rows that were dropped for room: no row at it or after it is kept any more, or there would
	// be gaps.
	rest *storedLog
}

// add takes a row. Rows may come in any order.
func (f *found) add(row *storedLog) {
	if f.order(&row.logPosition, &f.from) < 0 {
		return
	}
	if f.rest != nil && f.compare(row, f.rest) >= 0 {
		f.dropped = true
		return
	}
	f.rows = append(f.rows, *row)
	if f.bytes += row.size(); f.bytes > f.most {
		f.memory.Take(f.bytes - f.most)
		f.most = f.bytes
	}
	if len(f.rows) >= 2*f.wanted+search.ComparedRows {
		f.cut(f.wanted)
	}
	if !f.memory.Left() && f.bytes == f.most && len(f.rows) > 1 {
		f.cut(len(f.rows) - 1 - len(f.rows)/8)
		f.wanted = len(f.rows)
	}
}

func (f *found) order(a, b *logPosition) int {
	if f.ascending {
		return a.compare(b)
	}
	return b.compare(a)
}

// sort puts the rows in the order of the answer.
func (f *found) sort() {
	slices.SortFunc(f.rows, func(a, b storedLog) int { return f.compare(&a, &b) })
}

// compare compares rows in the order of the answer.
func (f *found) compare(a, b *storedLog) int {
	return cmp.Or(f.order(&a.logPosition, &b.logPosition), a.compare(b))
}

// cut keeps the first rows only.
func (f *found) cut(n int) {
	f.sort()
	if n < len(f.rows) {
		f.rest = new(f.rows[n])
		f.truncate(n)
		f.dropped = true
	}
}

// forget drops the rows at and after a position, which are read again, or by the next page.
func (f *found) forget(at logPosition) {
	f.sort()
	n := len(f.rows)
	for n > 0 && f.order(&f.rows[n-1].logPosition, &at) >= 0 {
		n--
	}
	f.truncate(n)
}

func (f *found) truncate(n int) {
	for i := n; i < len(f.rows); i++ {
		f.bytes -= f.rows[i].size()
	}
	clear(f.rows[n:])
	f.rows = f.rows[:n]
}
