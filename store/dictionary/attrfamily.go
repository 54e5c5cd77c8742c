package dictionary

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/terms"
)

// Family is what is known of the attributes of records of one kind; see attrsets.go.
type Family struct {
	slots   []slot
	index   map[string]int // slot by key
	layout  []int          // slots in the order of an earlier record: a guess at the next one
	members uint32         // slots whose attributes are in the set

	records int // seen
	lookAt  int // value of records at which to look again
	pause   int // the last one, in records
	credit  int // for new sets; each costs recordsPerSet
	ceiling int // of credit

	sampling bool
	stage    int // index into stages
	rows     int // records in the sample
}

// slot is one key of a family.
type slot struct {
	key       string
	json      string // the key and its colon, as they stand in an object
	hash      terms.AttributeKey
	listed    uint32   // the round of Keys in which its key was seen
	listedMap uint32   // the same, with a map as its value
	sample    []uint32 // hash of the value in each record of the sample, 0 where the key is absent
}

// pad makes the sample reach up to a row.
func (s *slot) pad(rows int) {
	for len(s.sample) < rows {
		s.sample = append(s.sample, 0)
	}
}

// What a family takes beside its slots, and a slot beside its key, which it has three times, in bytes.
const (
	familyBytes = 512
	slotBytes   = 192
)

// slot finds the slot of the key of attribute i of a record, and makes one for a new key, which it
// adds to the bytes in use.
func (f *Family) slot(i int, key string, bytes *int, hasher *terms.Hasher) int {
	if i < len(f.layout) {
		if p := f.layout[i]; f.slots[p].key == key {
			return p
		}
	}
	p, ok := f.index[key]
	if !ok {
		if len(f.slots) == maxFamilyKeys || len(key) > maxSetKey || *bytes > familyBudget {
			return unwatched
		}
		*bytes += slotBytes + 3*len(key)
		key = strings.Clone(key)
		p = len(f.slots)
		json := plait.AppendJSONString(nil, key)
		f.slots = append(f.slots, slot{key: key, hash: hasher.AttributeKey(json), json: string(json) + ":"})
		f.index[key] = p
	}
	if i == len(f.layout) {
		f.layout = append(f.layout, p)
	} else if i < len(f.layout) {
		f.layout[i] = p
	}
	return p
}

// tick counts a record.
func (f *Family) tick() {
	f.records++
	f.credit = min(f.credit+1, f.ceiling)
	if !f.sampling && f.records >= f.lookAt {
		f.sampling = true
	}
}

// pay says whether the family may bring a new set.
func (f *Family) pay() bool {
	if f.credit < recordsPerSet {
		return false
	}
	f.credit -= recordsPerSet
	return true
}

// choose decides from the sample which keys are in the set. Keys that are in it and did well
// stay: changing the set makes every combination new once more.
func (f *Family) choose(t *tally) {
	t.begin(f.rows)
	type candidate struct{ slot, values int }
	var candidates []candidate
	for p := range f.slots {
		f.slots[p].pad(f.rows)
		if f.members&(1<<p) != 0 {
			t.take(f.slots[p].sample)
		} else if values, _ := t.count(f.slots[p].sample, nil); values < f.rows {
			candidates = append(candidates, candidate{p, values})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.values, b.values) })
	for _, c := range candidates {
		sample := f.slots[c.slot].sample
		if _, singles := t.count(sample, t.combined); singles*1000 <= singlesPermil*f.rows {
			t.take(sample)
			f.members |= 1 << c.slot
		}
	}
	combinations, _ := t.count(nil, t.combined)
	f.ceiling = recordsPerSet * (startingCredit + 4*combinations)
	f.credit = f.ceiling
}

// tally counts combinations of values in a sample. Its memory is reused.
type tally struct {
	combined []uint64 // a hash for each row: the keys that were taken
	table    []struct {
		hash  uint64
		times int
	}
}

func (t *tally) begin(rows int) {
	t.combined = append(t.combined[:0], make([]uint64, rows)...)
	size := 1 << bits.Len(uint(2*rows))
	t.table = slices.Grow(t.table[:0], size)[:size]
}

// take adds the values of a key to the combinations.
func (t *tally) take(sample []uint32) {
	for row, v := range sample {
		t.combined[row] = combine(t.combined[row], v)
	}
}

// count returns how many different combinations of a key's values with those in combined there
// are, and how many of them occur once. Either may be nil.
func (t *tally) count(sample []uint32, combined []uint64) (different, once int) {
	clear(t.table)
	mask := uint64(len(t.table) - 1)
	for row := range t.combined {
		h := uint64(1)
		if combined != nil {
			h = combined[row]
		}
		if sample != nil {
			h = combine(h, sample[row])
		}
		h |= 1 // 0 is an empty place
		at := h >> 32 & mask
		for t.table[at].hash != 0 && t.table[at].hash != h {
			at = (at + 1) & mask
		}
		t.table[at].hash = h
		t.table[at].times++
		switch t.table[at].times {
		case 1:
			different++
			once++
		case 2:
			once--
		}
	}
	return different, once
}

// combine mixes a value into a hash.
func combine(h uint64, v uint32) uint64 {
	h = (bits.RotateLeft64(h, 23) ^ uint64(v)) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}
