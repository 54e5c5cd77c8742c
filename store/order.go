package store

import (
	"cmp"
	"encoding/binary"

	"github.com/plaithq/plait"
)

// place is where a row goes: the partition of a day, or the table for all other times.
type place struct {
	outside bool
	day     day
}

// placeOf finds the place of a time. All rows outside are in the partition of today.
func placeOf(partitions *partitionSet, table string, nanos int64) place {
	if d := dayOfNanos(nanos); partitions.has(table, d) {
		return place{day: d}
	}
	return place{outside: true}
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
