package store

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
)

// A dictionaryWriter writes the entries of a dictionary, a table that holds what repeats in
// telemetry once, under a 64-bit hash of its content. Since
// the content names the entry, nothing has to be read back, any gateway may write an entry,
// and several may write the same one at once.
//
// Three things must hold:
//   - An entry is committed before a row that refers to it. encode collects the entries that
//     this gateway has not written yet; the committer commits them first.
//   - An entry that is in use stays. Its last_used is moved once a day, before the first row of
//     that day which refers to it; retention removes only entries whose last_used is older
//     than any row can be.
//   - Two contents never share an id. The content's second hash is kept in memory and compared
//     on every use; what another gateway wrote is compared when the entry is written. A
//     collision refuses the batch that brought the newcomer, loudly.
//
// It belongs to one committer and has no lock.
type dictionaryWriter struct {
	name   string
	upsert string // $1 ids, $2 day, then an array for each text and each number of an entry

	known   *recent[int64, knownEntry]
	pending map[int64]pendingEntry
	today   day

	collided func() // counts a collision
}

// knownEntry is what is remembered of an entry that is committed.
type knownEntry struct {
	check    uint64 // second hash of the content
	lastUsed day
}

// pendingEntry is an entry that the current group needs and that must be written first.
type pendingEntry struct {
	knownEntry
	entry
}

// entry is the content of a dictionary row: its columns in the order of the upsert.
type entry struct {
	texts   []string
	numbers []int64
}

func newDictionaryWriter(in *instruments, name, upsert string, capacity int) *dictionaryWriter {
	return &dictionaryWriter{
		name:    name,
		upsert:  upsert,
		known:   newRecent[int64, knownEntry](capacity),
		pending: make(map[int64]pendingEntry),

		collided: in.collisions.WithLabelValues(name).Inc,
	}
}

// begin starts a group.
func (d *dictionaryWriter) begin(now time.Time) {
	d.today = dayOf(now)
	clear(d.pending)
}

// contentSeed makes the second hash; it differs with every start, so nobody can prepare
// contents that collide in both.
var contentSeed = maphash.MakeSeed()

// contentID is the id of a content given in a canonical form; it is never 0.
func contentID(canonical []byte) int64 {
	if id := int64(xxhash.Sum64(canonical)); id != 0 {
		return id
	}
	return 1
}

// entryState is how far an entry is.
type entryState int

const (
	entryAbsent  entryState = iota // not known here: rows must not refer to it before add
	entryStale                     // known, and last used before today: likewise
	entryPresent                   // committed, or will be before the rows of this group
)

// find says how far an entry is. What is not present must be added.
func (d *dictionaryWriter) find(id int64, canonical []byte) (entryState, error) {
	check := maphash.Bytes(contentSeed, canonical)
	if p, ok := d.pending[id]; ok {
		return entryPresent, d.compare(id, p.check, check)
	}
	e, ok := d.known.get(id)
	if !ok {
		return entryAbsent, nil
	}
	if e.lastUsed < d.today {
		return entryStale, d.compare(id, e.check, check)
	}
	return entryPresent, d.compare(id, e.check, check)
}

func (d *dictionaryWriter) compare(id int64, known, given uint64) error {
	if known != given {
		return d.collision(id)
	}
	return nil
}

// collision is the error of an id that stands for two contents.
func (d *dictionaryWriter) collision(id int64) error {
	d.collided()
	return fmt.Errorf("%s %d stands for two contents: %w", d.name, id, plait.ErrInvalid)
}

// add makes the current group write an entry. It keeps what it is given.
func (d *dictionaryWriter) add(id int64, canonical []byte, e entry) {
	for i := range e.texts {
		e.texts[i] = cleanText(e.texts[i])
	}
	known := knownEntry{check: maphash.Bytes(contentSeed, canonical), lastUsed: d.today}
	d.pending[id] = pendingEntry{knownEntry: known, entry: e}
}

// queue adds the statement that writes the pending entries, sorted by id so that gateways
// which write the same ones wait for one another and never in a circle.
func (d *dictionaryWriter) queue(batch *pgx.Batch) {
	if len(d.pending) == 0 {
		return
	}
	ids := make([]int64, 0, len(d.pending))
	for id := range d.pending {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	shape := d.pending[ids[0]].entry
	arguments := []any{ids, d.today.time()}
	for column := range shape.texts {
		arguments = append(arguments, pendingColumn(ids, func(id int64) string { return d.pending[id].texts[column] }))
	}
	for column := range shape.numbers {
		arguments = append(arguments, pendingColumn(ids, func(id int64) int64 { return d.pending[id].numbers[column] }))
	}
	batch.Queue(d.upsert, arguments...).Query(func(rows pgx.Rows) error {
		different, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil && len(different) > 0 {
			err = d.collision(different[0])
		}
		return err
	})
}

func pendingColumn[T any](ids []int64, value func(int64) T) []T {
	column := make([]T, len(ids))
	for i, id := range ids {
		column[i] = value(id)
	}
	return column
}

// beginEntries starts a group in all dictionaries of a writer.
func beginEntries(now time.Time, dictionaries []*dictionaryWriter) {
	for _, d := range dictionaries {
		d.begin(now)
	}
}

// queueEntries adds the statements of all dictionaries of a writer, in the same order always.
func queueEntries(batch *pgx.Batch, dictionaries []*dictionaryWriter) {
	for _, d := range dictionaries {
		d.queue(batch)
	}
}

// committed tells that what was queued is in the database.
func (d *dictionaryWriter) committed() {
	for id, p := range d.pending {
		d.known.put(id, p.knownEntry)
	}
	clear(d.pending)
}

// canonical builds the form of a content that is hashed: every part with its length or in
// a fixed width, so that different contents have different forms.
type canonical []byte

func (c canonical) text(s string) canonical {
	c = binary.AppendUvarint(c, uint64(len(s)))
	return append(c, s...)
}

func (c canonical) number(v int64) canonical {
	return binary.LittleEndian.AppendUint64(c, uint64(v))
}

func (c canonical) value(v plait.Value) canonical {
	c = append(c, byte(v.Kind()))
	switch v.Kind() {
	case plait.KindBool, plait.KindInt, plait.KindDouble:
		return c.number(v.Int()) // the bits, whatever they mean
	}
	return c.text(v.Str())
}

func (c canonical) attributes(attributes plait.Attributes) canonical {
	c = binary.AppendUvarint(c, uint64(len(attributes)))
	for i := range attributes {
		c = c.text(attributes[i].Key).value(attributes[i].Value)
	}
	return c
}

// recent is a bounded map that forgets what was not used for long, in bulk: when the young
// half is full, the old half goes and the young one takes its place. A lookup costs what it
// costs in a map, where a list in order of use would add half as much again.
type recent[K comparable, V any] struct {
	young, old map[K]V
	half       int
}

func newRecent[K comparable, V any](capacity int) *recent[K, V] {
	return &recent[K, V]{young: make(map[K]V), half: max(capacity/2, 1)}
}

func (r *recent[K, V]) get(key K) (V, bool) {
	v, ok := r.young[key]
	if ok {
		return v, true
	}
	if v, ok = r.old[key]; ok {
		r.put(key, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(key K, v V) {
	if _, ok := r.young[key]; !ok && len(r.young) >= r.half {
		r.old, r.young = r.young, make(map[K]V)
	}
	r.young[key] = v
}

func (r *recent[K, V]) len() int { return len(r.young) + len(r.old) }
