package partition

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

// Outside says whether the shelf is of rows that happened outside of the window.
func (d Day) Outside() bool { return d > firstOutside/2 }

// placementMargin is how much longer than its commit can take a row must still be retained, to go
// to the partition of its day. What is older is kept for the retention time after its arrival.
const placementMargin = time.Hour

// Placer finds the shelves of the rows of one table, for as long as a group is written.
type Placer struct {
	partitions *Set
	table      string
	earliest   int64     // Unix time in nanoseconds from which on rows are within the retention
	since      time.Time // the same
	outside    Shelf     // of what comes today

	known bool // last is the shelf of the day that was asked for last
	day   Day
	last  Shelf
}

// Placer returns a placer at a time of the database.
func (p *Set) Placer(table string, now time.Time) Placer {
	retained := time.Duration(p.retained[table]) * oneDay
	since := now.Add(placementMargin - retained)
	if open := p.firstOpen(now); since.Before(open) && slices.Contains(rewrittenRoots, table) {
		since = open
	}
	return Placer{partitions: p, table: table, since: since, earliest: since.UnixNano(), outside: OutsideShelf(DayOf(now))}
}

// firstOpen is the beginning of the first day to which what comes for it goes.
func (p *Set) firstOpen(now time.Time) time.Time {
	if p.closeAfter == 0 {
		return time.Time{}
	}
	return DayOf(now.Add(-p.closeAfter)).Time()
}

// ShelfOf finds the shelf of a time, which may be any.
func (p *Placer) ShelfOf(t time.Time) Shelf {
	const beyond = daysAhead * 2 * oneDay // DayOf has a result for less than all times
	latest := p.since.Add(time.Duration(p.partitions.retained[p.table])*oneDay + beyond)
	if t.Before(p.since) || !t.Before(latest) || !p.partitions.has(p.table, DayOf(t)) {
		return p.outside
	}
	return DayOf(t)
}

// Shelf finds the shelf of a Unix time in nanoseconds. That its day has a partition is not enough: the
// partition may be past its retention and about to be dropped.
func (p *Placer) Shelf(nanos int64) Shelf {
	if nanos < p.earliest {
		return p.outside
	}
	if d := dayOfNanos(nanos); !p.known || d != p.day {
		p.known, p.day = true, d
		p.last = d
		if !p.partitions.has(p.table, d) {
			p.last = p.outside
		}
	}
	return p.last
}

// SortKey puts the rows of a group in the order in which they are copied: by shelf, trace and
// time. So Postgres fills one page of the table and of the trace index after the other, and a
// trace lies in few pages. Keys are sorted instead of rows because they are smaller.
type SortKey struct {
	high, low uint64 // the trace id
	nanos     int64
	shelf     Shelf
	Row       int32
}

// NewSortKey returns the key of a row, by its shelf, trace and time; row is its index in the group.
func NewSortKey(shelf Shelf, id plait.TraceID, nanos int64, row int) SortKey {
	return SortKey{high: binary.BigEndian.Uint64(id[:8]), low: id.Low(), nanos: nanos, shelf: shelf, Row: int32(row)}
}

// Compare returns a negative number when k comes before other, 0 when both are the same row.
func (k SortKey) Compare(other SortKey) int {
	if k.shelf != other.shelf {
		return cmp.Compare(k.shelf, other.shelf)
	}
	if k.high != other.high {
		return cmp.Compare(k.high, other.high)
	}
	if k.low != other.low {
		return cmp.Compare(k.low, other.low)
	}
	if k.nanos != other.nanos {
		return cmp.Compare(k.nanos, other.nanos)
	}
	return cmp.Compare(k.Row, other.Row)
}

// SameTrace says whether both rows are of one trace and go to one partition.
func (k SortKey) SameTrace(other SortKey) bool {
	return k.high == other.high && k.low == other.low && k.shelf == other.shelf
}
