package dictionary

import (
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/plaithq/plait"
)

// AttributeSets are the attribute sets in memory. The values of keys repeat from set to set, so each attribute is
// there once, with the sets that have it. They may be used by several goroutines; sets may come meanwhile.
type AttributeSets struct {
	limit int

	mu     sync.RWMutex
	keys   map[string]map[plait.Value]*inSets
	places map[int64][]*inSets // of each set its attributes
	bytes  int
	over   bool
}

// inSets are the sets that have an attribute.
type inSets struct {
	ids []int64
}

func newAttributeSets(limit int) *AttributeSets {
	return &AttributeSets{limit: limit, keys: make(map[string]map[plait.Value]*inSets), places: make(map[int64][]*inSets)}
}

// Whole says whether all sets are there. If not, there are more than there is room for, none are there, and
// nothing may be concluded from that.
func (s *AttributeSets) Whole() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !s.over
}

// Fitting returns the sorted ids of the sets that have an attribute which fits. It asks once for each key, and once for
// each value of those that fit.
func (s *AttributeSets) Fitting(key func(string) bool, fits func(plait.Attribute) bool) []int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	ids := []int64{}
	for k, values := range s.keys {
		if !key(k) {
			continue
		}
		for v, in := range values {
			if fits(plait.Attribute{Key: k, Value: v}) {
				ids = append(ids, in.ids...)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Values lists the values of a key in any order, at most limit of them.
func (s *AttributeSets) Values(key string, limit int) []plait.Value {
	s.mu.RLock()
	defer s.mu.RUnlock()
	values := make([]plait.Value, 0, min(len(s.keys[key]), limit))
	for v := range s.keys[key] {
		if len(values) == limit {
			break
		}
		values = append(values, v)
	}
	return values
}

// What is kept of a set, an attribute of it, and of an attribute or key that is there once, in bytes.
const (
	setBytes          = 2*32 + 24
	setAttributeBytes = 8 + 2*8
	valueBytes        = 2*int(unsafe.Sizeof(plait.Value{})) + 16 + 24
	keyBytes          = 128
)

// put adds a set, or changes one: a content may get an id that retention took from another.
func (s *AttributeSets) put(id int64, set plait.Attributes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	attributes := make([]*inSets, len(set))
	for i := range set {
		attributes[i] = s.attribute(&set[i])
	}
	if before, ok := s.places[id]; ok {
		if slices.Equal(before, attributes) {
			return
		}
		for _, in := range before {
			in.ids = slices.DeleteFunc(in.ids, func(other int64) bool { return other == id })
		}
	}
	s.places[id] = attributes
	for _, in := range attributes {
		in.ids = append(in.ids, id)
	}
	s.bytes += setBytes + len(set)*setAttributeBytes
	if s.bytes > s.limit {
		s.over, s.keys, s.places = true, nil, nil
	}
}

// attribute returns the sets with an attribute.
func (s *AttributeSets) attribute(a *plait.Attribute) *inSets {
	values, ok := s.keys[a.Key]
	if !ok {
		values = make(map[plait.Value]*inSets)
		s.keys[strings.Clone(a.Key)] = values
		s.bytes += keyBytes + len(a.Key)
	}
	in, ok := values[a.Value]
	if !ok {
		in = &inSets{}
		values[owned(a.Value)] = in
		s.bytes += valueBytes + len(a.Value.Str())
	}
	return in
}

// owned is a value whose text is not a part of another.
func owned(v plait.Value) plait.Value {
	text := strings.Clone(v.Str())
	switch v.Kind() {
	case plait.KindString:
		return plait.StringValue(text)
	case plait.KindBytes:
		return plait.BytesValue(text)
	case plait.KindArray:
		return plait.ArrayValue(text)
	case plait.KindMap:
		return plait.MapValue(text)
	}
	return v
}
