package series

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"

	"github.com/plaithq/plait"
)

// Clashes finds samples of one request that have the series and the time of another one and a
// different value: two metrics whose names become one, or two writers that nothing tells apart.
// Whichever of them is stored, questions get a wrong value, so the later one has to be refused.
// The zero value is ready.
type Clashes struct {
	slots []uint64 // a hash table of a power of two, at most half full: see slotOf
	seen  []seen
}

type seen struct {
	series, millis int64
	value          uint64
}

// Differs says whether a sample of the series and the time was added with another value. Values
// are compared as bits; those of native histograms as a hash.
func (c *Clashes) Differs(series, millis int64, value uint64) bool {
	if len(c.seen) == 0 {
		return false
	}
	old := c.slots[c.find(series, millis)]
	return old != 0 && c.seen[uint32(old)-1].value != value
}

// Add notes a sample unless one of its series and time differs, and says whether one does.
func (c *Clashes) Add(series, millis int64, value uint64) (differs bool) {
	if 2*len(c.seen) >= len(c.slots) {
		c.grow()
	}
	at := c.find(series, millis)
	if old := c.slots[at]; old != 0 {
		return c.seen[uint32(old)-1].value != value
	}
	c.seen = append(c.seen, seen{series, millis, value})
	c.slots[at] = slotOf(hashOf(series, millis), len(c.seen))
	return false
}

// Reset forgets all, and keeps the memory unless it is large.
func (c *Clashes) Reset() {
	if len(c.slots) > maxKeptClashes {
		c.slots, c.seen = nil, nil
	}
	clear(c.slots)
	c.seen = c.seen[:0]
}

// maxKeptClashes is half a megabyte.
const maxKeptClashes = 32 << 10

// ClashBytes is what a sample takes in a Clashes whose lists have just grown.
const ClashBytes = 2*24 + 4*8

// slotOf puts half of a hash, which is enough to tell most samples apart without a look at them, and
// the position in seen, counted from 1, into a number.
func slotOf(hash uint64, position int) uint64 { return hash&^(1<<32-1) | uint64(uint32(position)) }

// hashSeeds keep senders, who choose series and times, from making a slow table on purpose.
var hashSeeds = [2]uint64{rand.Uint64(), rand.Uint64()}

func hashOf(series, millis int64) uint64 {
	high, low := bits.Mul64(uint64(series)^hashSeeds[0], uint64(millis)^hashSeeds[1])
	return high ^ low
}

// find returns the slot of a sample, or the empty one where it belongs.
func (c *Clashes) find(series, millis int64) int {
	hash, mask := hashOf(series, millis), len(c.slots)-1
	at := int(hash>>17) & mask
	for ; c.slots[at] != 0; at = (at + 1) & mask {
		if old := c.slots[at]; (old^hash)>>32 == 0 {
			if s := &c.seen[uint32(old)-1]; s.series == series && s.millis == millis {
				break
			}
		}
	}
	return at
}

func (c *Clashes) grow() {
	c.slots = make([]uint64, max(64, 2*len(c.slots)))
	mask := len(c.slots) - 1
	for i := range c.seen {
		hash := hashOf(c.seen[i].series, c.seen[i].millis)
		at := int(hash>>17) & mask
		for c.slots[at] != 0 {
			at = (at + 1) & mask
		}
		c.slots[at] = slotOf(hash, i+1)
	}
}

// HashHistogram is the value of a native histogram for Clashes.
func HashHistogram(h plait.HistogramSample) uint64 { return maphash.Bytes(seedA, h.Encoded) }
