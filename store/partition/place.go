package partition

import (
	"cmp"
	"encoding/binary"
	"time"

	"github.com/plaithq/plait"
)

// Place is where a row goes: the partition of a day, or the table for all other times.
type Place struct {
	Outside bool
	day     Day
}

// placementMargin is how much longer than its commit can take a row must still be retained, to go
// to the partition of its day. What is older is kept for the retention time after its arrival.
const placementMargin = time.Hour

// Placer finds the places of the rows of one table, for as long as a group is written.
type Placer struct {
	partitions *Set
	table      string
	earliest   int64     // Unix time in nanoseconds from which on rows are within the retention
	since      time.Time // the same

	known bool // last is the place of the day that was asked for last
	day   Day
	last  Place
}

// Placer returns a placer at a time of the database.
func (p *Set) Placer(table string, now time.Time) Placer {
	retained := time.Duration(p.retained[table]) * oneDay
	since := now.Add(placementMargin - retained)
	return Placer{partitions: p, table: table, since: since, earliest: since.UnixNano()}
}

// Inside says whether rows of a time, which may be any, go to the partition of its day.
func (p *Placer) Inside(t time.Time) bool {
	const beyond = daysAhead * 2 * oneDay // DayOf has a result for less than all times
	latest := p.since.Add(time.Duration(p.partitions.retained[p.table])*oneDay + beyond)
	return !t.Before(p.since) && t.Before(latest) && p.partitions.has(p.table, DayOf(t))
}

// Place finds the place of a time. That its day has a partition is not enough: the partition may
// be past its retention and about to be dropped. All rows outside are in the partition of today.
func (p *Placer) Place(nanos int64) Place {
	if nanos < p.earliest {
		return Place{Outside: true}
	}
	if d := dayOfNanos(nanos); !p.known || d != p.day {
		p.known, p.day = true, d
		p.last = Place{day: d}
		if !p.partitions.has(p.table, d) {
			p.last = Place{Outside: true}
		}
	}
	return p.last
}

// SortKey puts the rows of a group in the order in which they are copied: by place, trace and
// time. So Postgres fills one page of the table and of the trace index after the other, and a
// trace lies in few pages. Keys are sorted instead of rows because they are smaller.
type SortKey struct {
	high, low uint64 // the trace id
	nanos     int64
	place     Place
	Row       int32
}

// NewSortKey returns the key of a row, by its place, trace and time; row is its index in the group.
func NewSortKey(p Place, id plait.TraceID, nanos int64, row int) SortKey {
	return SortKey{high: binary.BigEndian.Uint64(id[:8]), low: id.Low(), nanos: nanos, place: p, Row: int32(row)}
}

// Compare returns a negative number when k comes before other, 0 when both are the same row.
func (k SortKey) Compare(other SortKey) int {
	if k.place != other.place {
		return k.place.compare(other.place)
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

// SameTrace says whether both rows are of one trace and go to one place.
func (k SortKey) SameTrace(other SortKey) bool {
	return k.high == other.high && k.low == other.low && k.place == other.place
}

func (p Place) compare(other Place) int {
	if p.Outside != other.Outside {
		if other.Outside {
			return -1
		}
		return 1
	}
	return cmp.Compare(p.day, other.day)
}
