package dictionary

import (
	"iter"
	"reflect"
	"slices"
	"sync"
	"unsafe"
)

// Table is a dictionary in memory. It may be used by several goroutines; entries may come while it is used.
type Table[V any] struct {
	weigh func(V) int // bytes beside the value's own
	limit int

	mu      sync.RWMutex
	entries []tableEntry[V] // those that are there are not changed
	places  map[int64]int
	bytes   int
	over    bool
}

type tableEntry[V any] struct {
	id    int64
	value V
}

func newTable[V any](limit int, weigh func(V) int) *Table[V] {
	return &Table[V]{limit: limit, weigh: weigh, places: make(map[int64]int)}
}

// Whole says whether all entries are there. If not, the dictionary is larger than there is room for, none are
// there, and nothing may be concluded from that.
func (t *Table[V]) Whole() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return !t.over
}

// All yields the entries with their ids.
func (t *Table[V]) All() iter.Seq2[int64, V] {
	t.mu.RLock()
	entries := t.entries
	t.mu.RUnlock()
	return func(yield func(int64, V) bool) {
		for i := range entries {
			if !yield(entries[i].id, entries[i].value) {
				return
			}
		}
	}
}

// Get returns an entry.
func (t *Table[V]) Get(id int64) (v V, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if place, ok := t.places[id]; ok {
		return t.entries[place].value, true
	}
	return v, false
}

// put adds an entry, or changes one: a content may get an id that retention took from another.
func (t *Table[V]) put(id int64, v V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	if place, ok := t.places[id]; ok {
		if !reflect.DeepEqual(t.entries[place].value, v) {
			t.entries = slices.Clone(t.entries) // others read the old ones
			t.entries[place].value = v
		}
		return
	}
	t.bytes += 2*int(unsafe.Sizeof(tableEntry[V]{})) + mapEntryBytes + t.weigh(v)
	if t.bytes > t.limit {
		t.over, t.entries, t.places = true, nil, nil
		return
	}
	t.places[id] = len(t.entries)
	t.entries = append(t.entries, tableEntry[V]{id, v})
}

// mapEntryBytes is what an id with its place takes in a map.
const mapEntryBytes = 2 * 17
