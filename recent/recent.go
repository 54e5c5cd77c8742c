// Package recent has a map that holds what was used lately, up to a number of bytes. All that is
// kept between requests and named by senders is kept in one, so that nobody can fill the memory.
package recent

import "unsafe"

// Map is a bounded map that forgets what was not used for long, in bulk. It has two generations:
// when the young one is full, the old one goes and the young one takes its place, and what is asked
// for of the old one gets young again. A look-up costs what it costs in a map, where a list in order
// of use would add half as much again. It has no lock: Peek may be called by several at once, all
// others by one alone.
type Map[K comparable, V any] struct {
	weigh func(K, V) int
	half  int // bytes of a generation

	young, old generation[K, V]
}

type generation[K comparable, V any] struct {
	entries map[K]V
	bytes   int
}

// New makes a map of at most limit bytes. weigh tells how many bytes an entry holds beside its key
// and value themselves: of the texts in them, behind pointers. It has to say the same whenever it is
// asked; nil says none.
func New[K comparable, V any](limit int, weigh func(K, V) int) *Map[K, V] {
	if weigh == nil {
		weigh = func(K, V) int { return 0 }
	}
	return &Map[K, V]{weigh: weigh, half: limit / 2, young: newGeneration[K, V]()}
}

// OfSize makes a map of at most so many entries that hold nothing but key and value.
func OfSize[K comparable, V any](entries int) *Map[K, V] {
	return New[K, V](2*max(entries/2, 1)*slotBytes[K, V](), nil)
}

func newGeneration[K comparable, V any]() generation[K, V] {
	return generation[K, V]{entries: map[K]V{}}
}

// slotBytes is what key and value take in Go's map, half of which is empty after it has grown.
func slotBytes[K comparable, V any]() int {
	var key K
	var value V
	return 2 * (1 + int(unsafe.Sizeof(key)) + int(unsafe.Sizeof(value)))
}

func (m *Map[K, V]) size(key K, value V) int { return slotBytes[K, V]() + m.weigh(key, value) }

// Get returns a value, and keeps it for longer.
func (m *Map[K, V]) Get(key K) (V, bool) {
	value, young, ok := m.Peek(key)
	if ok && !young {
		m.Put(key, value)
	}
	return value, ok
}

// Peek returns a value and whether it is young. What is not should be Put again by whoever uses it.
func (m *Map[K, V]) Peek(key K) (value V, young, ok bool) {
	if value, ok = m.young.entries[key]; ok {
		return value, true, true
	}
	value, ok = m.old.entries[key]
	return value, false, ok
}

// Put remembers a value. One that has more bytes than half of the map is not remembered.
func (m *Map[K, V]) Put(key K, value V) {
	m.young.forget(m, key)
	size := m.size(key, value)
	if size > m.half {
		m.old.forget(m, key)
		return
	}
	if m.young.bytes+size > m.half {
		m.old, m.young = m.young, newGeneration[K, V]()
	}
	m.young.entries[key] = value
	m.young.bytes += size
}

// Forget removes a value.
func (m *Map[K, V]) Forget(key K) {
	m.young.forget(m, key)
	m.old.forget(m, key)
}

func (g *generation[K, V]) forget(m *Map[K, V], key K) {
	if value, ok := g.entries[key]; ok {
		g.bytes -= m.size(key, value)
		delete(g.entries, key)
	}
}

// Clear removes all values.
func (m *Map[K, V]) Clear() {
	m.young, m.old = newGeneration[K, V](), generation[K, V]{}
}

// Len returns the number of entries; one that got young again counts twice.
func (m *Map[K, V]) Len() int { return len(m.young.entries) + len(m.old.entries) }

// Bytes returns how much the map holds.
func (m *Map[K, V]) Bytes() int { return m.young.bytes + m.old.bytes }
