package dictionary

import (
	"hash/maphash"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
	"github.com/plaithq/plait/store/terms"
)

// Attribute sets.
//
// Most attributes of a span say the same as in a thousand spans before it. Those attributes
// together are one entry of the dictionary attribute_set, and the row refers to it; only the
// rest stands in the row. That halves the rows. It pays only while new sets are rare: a new one
// costs as much as two dozen attributes, and a set per record would store everything twice.
//
// Which keys belong in the set is found out by looking. Records are told apart by family: an
// operation, for spans; for log records what their statement shares. Within a family the
// values of keys go together, and the product of their values is what makes sets many.
//
// A family starts without a set. Hashes of its values are kept for 64, then 512, then 4,096
// records, the later ones spread out, and at each stage keys are chosen (attrfamily.go): from
// the one with the fewest values upwards, each joins if new combinations stay rare. The measure is how many combinations
// occurred exactly once in the sample, for their share estimates how likely the next record
// brings another new one (Good and Turing). An unusual value among thousands counts
// little, a key whose values never repeat counts at once.
//
// After that, new sets are paid from a credit which grows with the records, one for every
// 64. When values change their nature and the credit is used up, the family does without a set,
// and looks again after a pause that doubles each time. A family that does well
// looks again now and then, for keys that have calmed down.
//
// So hostile data, where every value is new, never gets a set; data that turns hostile gets
// at most its credit; and the memory is bounded by familyBudget and by sampleBudget.

const (
	familyBudget   = 16 << 20 // bytes of all families: beyond them all are forgotten and start again
	maxFamilyKeys  = 32       // watched of a family; later ones are never in its set
	maxSetKey      = 256      // a longer key is not watched
	maxSetValue    = 4 << 10  // a longer value stays in its row
	sampleBudget   = 4 << 20  // hashes that all families together may keep
	recordsPerSet  = 64       // a family may bring a new set for every so many records
	startingCredit = 64       // new sets, beside four for each combination in the sample
	firstPause     = 1 << 10  // records until a family that failed looks again
	maxPause       = 1 << 20
	lookAgain      = 256 << 10 // records until a family that does well looks again
	singlesPermil  = 10        // how likely the next record may bring another new set
)

// stages are the stages of looking: how many records the sample then has, and of how many
// that come it takes one.
var stages = [...]struct{ rows, stride int }{{64, 1}, {512, 2}, {4096, 4}}

// SetChooser decides for each record which of its attributes go into its set. It belongs to
// one committer and has no lock.
type SetChooser struct {
	sets     *Writer
	families map[int64]*Family
	sampled  int    // hashes kept at present
	bytes    int    // of the families
	inline   func() // counts a record that was refused a set
	hasher   *terms.Hasher
	keys     *Keys
	places   KeyPlaces // where it notes them

	members   Canonical // of the current record: key and value of each
	positions []int     // of the current record: slot of each attribute
	tally     tally
}

// NewSetChooser returns a chooser that enters its sets into a dictionary; it calls inline for a record that was refused a set. Keys
// take note of the keys as those of the places.
func NewSetChooser(sets *Writer, inline func(), hasher *terms.Hasher, keys *Keys, places KeyPlaces) *SetChooser {
	return &SetChooser{sets: sets, families: make(map[int64]*Family), inline: inline, hasher: hasher, keys: keys, places: places}
}

// Begin starts a group.
func (c *SetChooser) Begin() {
	if c.bytes > familyBudget {
		c.families = make(map[int64]*Family)
		c.sampled, c.bytes = 0, 0
	}
}

// Family returns what is known of a family, until the end of the group.
func (c *SetChooser) Family(id int64) *Family {
	f, ok := c.families[id]
	if !ok {
		f = &Family{index: make(map[string]int), sampling: true}
		c.families[id] = f
		c.bytes += familyBytes
	}
	return f
}

// Split appends to dst, as a JSON object, the attributes of a record that stay in its row, or
// nothing if none do, and returns the id of the set that holds the others, 0 for none. The block takes the
// terms of those that stay.
func (c *SetChooser) Split(f *Family, attributes plait.Attributes, dst []byte, block *terms.Block) ([]byte, int64) {
	if len(attributes) == 0 {
		return dst, 0
	}
	attributes = c.locate(f, attributes)
	c.see(f, attributes)
	f.tick()
	if f.sampling && f.records%stages[f.stage].stride == 0 {
		c.look(f, attributes)
	}
	in := c.collect(f, attributes)
	if in == 0 {
		return c.appendRest(dst, f, attributes, 0, block), 0
	}
	id, state := c.sets.Find(c.members)
	if state == EntryAbsent && !f.pay() {
		c.stopLooking(f)
		c.inline()
		return c.appendRest(dst, f, attributes, 0, block), 0
	}
	if state != EntryPresent {
		id = c.sets.Add(c.members, Entry{Texts: []string{c.setJSON(f, attributes, in)}})
	}
	return c.appendRest(dst, f, attributes, in, block), id
}

// unwatched is the position of a key beyond maxFamilyKeys, of one that is too long, and of one that
// no memory is left for.
const unwatched = -1

// locate finds the slot of each attribute and returns the attributes with every key once.
func (c *SetChooser) locate(f *Family, attributes plait.Attributes) plait.Attributes {
	c.positions = c.positions[:0]
	seen, doubtful := uint32(0), false
	for i := range attributes {
		p := f.slot(i, attributes[i].Key, &c.bytes, c.hasher)
		c.positions = append(c.positions, p)
		if p == unwatched {
			doubtful = true
			continue
		}
		doubtful = doubtful || seen&(1<<p) != 0
		seen |= 1 << p
	}
	if doubtful {
		if unique := attributes.Unique(); len(unique) < len(attributes) {
			return c.locate(f, unique)
		}
	}
	return attributes
}

// see takes note of keys: of those of a family once in a round.
func (c *SetChooser) see(f *Family, attributes plait.Attributes) {
	for i, p := range c.positions {
		isMap := c.places.Maps != 0 && attributes[i].Value.Kind() == plait.KindMap
		if p == unwatched || f.slots[p].listed != c.keys.round {
			c.keys.See(c.places.Keys, attributes[i].Key)
		}
		if isMap && (p == unwatched || f.slots[p].listedMap != c.keys.round) {
			c.keys.See(c.places.Maps, attributes[i].Key)
		}
		if p == unwatched {
			continue
		}
		f.slots[p].listed = c.keys.round
		if isMap {
			f.slots[p].listedMap = c.keys.round
		}
	}
}

// look takes the record into the sample, and chooses when a stage is complete.
func (c *SetChooser) look(f *Family, attributes plait.Attributes) {
	for i, p := range c.positions {
		if p == unwatched {
			continue
		}
		before := len(f.slots[p].sample)
		f.slots[p].pad(f.rows)
		f.slots[p].sample = append(f.slots[p].sample, hashValue(attributes[i].Value))
		c.sampled += len(f.slots[p].sample) - before
	}
	f.rows++
	switch {
	case f.rows == stages[f.stage].rows:
		f.choose(&c.tally)
		if f.stage++; f.stage == len(stages) {
			f.pause = 0
			c.forgetSample(f)
			f.lookAt = f.records + lookAgain
		}
	case c.sampled > sampleBudget:
		c.forgetSample(f)
		f.lookAt = f.records + lookAgain
	}
}

// stopLooking puts a family off that used up its credit.
func (c *SetChooser) stopLooking(f *Family) {
	c.forgetSample(f)
	f.members = 0
	f.pause = min(max(2*f.pause, firstPause), maxPause)
	f.lookAt = f.records + f.pause
}

func (c *SetChooser) forgetSample(f *Family) {
	for i := range f.slots {
		c.sampled -= len(f.slots[i].sample)
		f.slots[i].sample = nil
	}
	f.sampling, f.stage, f.rows = false, 0, 0
}

// collect writes the attributes of the set in their canonical form to c.members and returns
// which slots they have.
func (c *SetChooser) collect(f *Family, attributes plait.Attributes) (in uint32) {
	c.members = c.members[:0]
	if f.members == 0 {
		return 0
	}
	for i, p := range c.positions {
		if p != unwatched && f.members&(1<<p) != 0 && len(attributes[i].Value.Str()) <= maxSetValue {
			c.members = c.members.Text(attributes[i].Key).value(attributes[i].Value)
			in |= 1 << p
		}
	}
	return in
}

// appendRest appends the attributes whose slots are not in the set.
func (c *SetChooser) appendRest(dst []byte, f *Family, attributes plait.Attributes, in uint32, block *terms.Block) []byte {
	separator := byte('{')
	for i, p := range c.positions {
		if p != unwatched && in&(1<<p) != 0 {
			continue
		}
		dst = append(dst, separator)
		separator = ','
		key := len(dst)
		if p == unwatched {
			dst = append(plait.AppendJSONString(dst, attributes[i].Key), ':')
		} else {
			dst = append(dst, f.slots[p].json...)
		}
		value := len(dst)
		dst = rowcodec.AppendValue(dst, attributes[i].Value)
		if block == nil {
			continue
		}
		keyJSON := dst[key : value-1]
		var hash terms.AttributeKey
		if p == unwatched {
			hash = c.hasher.AttributeKey(keyJSON)
		} else {
			hash = f.slots[p].hash
		}
		block.Attribute(hash, keyJSON, dst[value:])
	}
	if separator == ',' {
		dst = append(dst, '}')
	}
	return dst
}

func (c *SetChooser) setJSON(f *Family, attributes plait.Attributes, in uint32) string {
	return string(c.appendRest(nil, f, attributes, ^in, nil))
}

// hashValue is never 0, which stands for an absent key.
func hashValue(v plait.Value) uint32 {
	switch v.Kind() {
	case plait.KindBool, plait.KindInt, plait.KindDouble, plait.KindEmpty:
		return uint32(maphash.Comparable(contentSeeds[0], v)) | 1
	}
	return uint32(maphash.String(contentSeeds[0], v.Str())) | 1
}
