package store

import (
	"cmp"
	"encoding/binary"
	"time"

	"github.com/plaithq/plait"
)

// place is where a row goes: the partition of a day, or the table for all other times.
type place struct {
	outside bool
	day     day
}

// placementMargin is how much longer than its commit can take a row must still be retained, to go
// to the partition of its day. What is older is kept for the retention time after its arrival.
const placementMargin = time.Hour

// placer finds the places of the rows of one table, for as long as a group is written.
type placer struct {
	partitions *partitionSet
	table      string
	earliest   int64     // Unix time in nanoseconds from which on rows are within the retention
	since      time.Time // the same

	known bool // last is the place of the day that was asked for last
	day   day
	last  place
}

// placer returns a placer at a time of the database.
func (p *partitionSet) placer(table string, now time.Time) placer {
	retained := time.Duration(p.retained[table]) * oneDay
	since := now.Add(placementMargin - retained)
	return placer{partitions: p, table: table, since: since, earliest: since.UnixNano()}
}

// inside says whether rows of a time, which may be any, go to the partition of its day.
func (p *placer) inside(t time.Time) bool {
	const beyond = daysAhead * 2 * oneDay // dayOf has a result for less than all times
	latest := p.since.Add(time.Duration(p.partitions.retained[p.table])*oneDay + beyond)
	return !t.Before(p.since) && t.Before(latest) && p.partitions.has(p.table, dayOf(t))
}

// place finds the place of a time. That its day has a partition is not enough: the partition may
// be past its retention and about to be dropped. All rows outside are in the partition of today.
func (p *placer) place(nanos int64) place {
	if nanos < p.earliest {
		return place{outside: true}
	}
	if d := dayOfNanos(nanos); !p.known || d != p.day {
		p.known, p.day = true, d
		p.last = place{day: d}
		if !p.partitions.has(p.table, d) {
			p.last = place{outside: true}
		}
	}
	return p.last
}

// sortKey puts the rows of a group in the order in which they are copied: by place, trace and
// time. So Postgres fills one page of the table and of the trace index after the other, and a
// trace lies in few pages. Keys are sorted instead of rows because they are smaller.
type sortKey struct {
	high, low uint64 // the trace id
	nanos     int64
	place     place
	row       int32
}

func newSortKey(p place, id plait.TraceID, nanos int64, row int) sortKey {
	return sortKey{high: binary.BigEndian.Uint64(id[:8]), low: id.Low(), nanos: nanos, place: p, row: int32(row)}
}

func (k sortKey) compare(other sortKey) int {
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
	return cmp.Compare(k.row, other.row)
}

func (k sortKey) sameTrace(other sortKey) bool {
	return k.high == other.high && k.low == other.low && k.place == other.place
}

func (p place) compare(other place) int {
	if p.outside != other.outside {
		if other.outside {
			return -1
		}
		return 1
	}
	return cmp.Compare(p.day, other.day)
}
