package terms

import (
	"encoding/binary"
	"math"

	"github.com/plaithq/plait"
)

// recordsOfUnit is how many log records without a trace make a unit: they fill two or three pages of a table,
// and a search reads them all to find one.
const recordsOfUnit = 64

// Untraced gives log records without a trace the ids of their units: synthetic trace ids, whose upper half is all
// ones. Records that follow one another and have one resource share an id, up to 64 of them.
type Untraced struct {
	next     uint64
	resource int64
	left     int
	id       plait.TraceID
}

// Begin starts a commit, named by a random number.
func (u *Untraced) Begin(random uint64) {
	u.next, u.left = random, 0
}

// ID returns the id for the next record.
func (u *Untraced) ID(resource int64) plait.TraceID {
	if u.left == 0 || resource != u.resource {
		binary.BigEndian.PutUint64(u.id[:8], math.MaxUint64)
		binary.BigEndian.PutUint64(u.id[8:], u.next)
		u.next++
		u.resource, u.left = resource, recordsOfUnit
	}
	u.left--
	return u.id
}
