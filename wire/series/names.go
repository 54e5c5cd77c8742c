package series

import (
	"hash/maphash"
	"sync"
	"unsafe"

	"github.com/plaithq/plait"
)

// Senders send the same series over and over with new values. What has to be done to name
// them, which takes many times the work of reading the values, is therefore remembered under a
// hash of the bytes that the name depends on.

// Key is a hash of 128 bits with seeds of this process, so that nobody can prepare a collision.
// The zero Key is the hash of nothing.
type Key struct{ a, b uint64 }

var seedA, seedB = maphash.MakeSeed(), maphash.MakeSeed()

// With hashes more text into the key. Order counts.
func (k Key) With(text string) Key {
	return Key{mix(k.a, maphash.String(seedA, text)), mix(k.b, maphash.String(seedB, text))}
}

// WithNumber hashes a number into the key.
func (k Key) WithNumber(n uint64) Key { return Key{mix(k.a, n), mix(k.b, ^n)} }

// WithKey hashes another key into the key.
func (k Key) WithKey(other Key) Key { return Key{mix(k.a, other.a), mix(k.b, other.b)} }

// mix is not commutative, so that the order of what is hashed counts.
func mix(a, b uint64) uint64 {
	a = (a ^ b) * 0x9e3779b97f4a7c15
	return a ^ a>>29
}

// Name is a label set with its id.
type Name struct {
	ID     int64
	Labels plait.Labels
}

// Names remembers names by key. It has two generations: when the young one is full it becomes
// the old one, and what is asked for of the old one gets young again. Its methods may be called
// concurrently.
type Names[V any] struct {
	limit int
	weigh func(*V) int // in bytes

	mu         sync.RWMutex
	young, old map[Key]*V
	size       int // weight of young
}

// cachedNameBytes bounds a generation: 50,000 series of the usual 500 bytes.
const cachedNameBytes = 24 << 20

// NewNames makes an empty memory. weigh tells how many bytes a value takes.
func NewNames[V any](weigh func(*V) int) *Names[V] {
	return &Names[V]{limit: cachedNameBytes, weigh: weigh, young: map[Key]*V{}}
}

// Weigh returns how many bytes a name takes: its labels with their texts, and its place in a map.
func (n *Name) Weigh() int { return nameBytes + LabelBytes(n.Labels) }

const (
	nameBytes  = 100
	labelBytes = int(unsafe.Sizeof(plait.Label{}))
)

// LabelBytes returns how many bytes labels take with their texts.
func LabelBytes(ls plait.Labels) int {
	size := labelBytes * len(ls)
	for i := range ls {
		size += len(ls[i].Name) + len(ls[i].Value)
	}
	return size
}

// Get returns what is remembered, or nil.
func (c *Names[V]) Get(k Key) *V {
	c.mu.RLock()
	v, young := c.young[k]
	if !young {
		v = c.old[k]
	}
	c.mu.RUnlock()
	if v != nil && !young {
		c.Add(k, v)
	}
	return v
}

// Add remembers a value, which must not change from then on.
func (c *Names[V]) Add(k Key, v *V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[k]; ok {
		return
	}
	weight := c.weigh(v)
	if weight > c.limit/16 {
		return // and push out nobody else
	}
	if c.size+weight > c.limit {
		c.old, c.young, c.size = c.young, map[Key]*V{}, 0
	}
	c.young[k] = v
	c.size += weight
}
