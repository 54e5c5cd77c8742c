package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/recent"
)

// A dictionaryWriter writes the entries of a dictionary, a table that holds what repeats in
// telemetry once, under a 64-bit hash of its content (content_id.go). Since the content names
// the entry, nothing has to be read back, any gateway may write an entry, and several may write
// the same one at once.
//
// Three things must hold:
//   - An entry is committed before a row that refers to it. add collects the entries that this
//     gateway has not written yet; the committer commits them first.
//   - An entry that is in use stays. Its last_used is moved once a day, before the first row of
//     that day which refers to it; retention removes only entries whose last_used is older
//     than any row can be.
//   - Two contents never share an id. What is in the database under an id is compared when an
//     entry is written; a content that finds another one there takes the next of its ids, and the
//     group is written again.
//
// It belongs to one committer and has no lock.
type dictionaryWriter struct {
	name   string
	upsert string // $1 ids, $2 day, then an array for each text and each number of an entry
	ids    contentIDs

	known   *recent.Map[contentHash, knownEntry]
	pending map[contentHash]pendingEntry
	taken   map[int64]contentHash             // the ids of what is pending
	skipped *recent.Map[contentHash, skipped] // contents whose first ids stand for others
	today   day

	collided func() // counts a collision
}

// skipped is how many of a content's ids stand for other contents.
type skipped uint8

// knownEntry is what is remembered of an entry that is committed.
type knownEntry struct {
	id       int64
	lastUsed day
}

// pendingEntry is an entry that the current group needs and that must be written first.
type pendingEntry struct {
	id int64
	entry
}

// entry is the content of a dictionary row: its columns in the order of the upsert.
type entry struct {
	texts   []string
	numbers []int64
}

// maxSkipped is how many contents are remembered that could not have their first id.
const maxSkipped = 1 << 10

func newDictionaryWriter(in *instruments, key contentKey, name, upsert string, capacity int) *dictionaryWriter {
	return &dictionaryWriter{
		name:    name,
		upsert:  upsert,
		ids:     newContentIDs(key, name),
		known:   recent.OfSize[contentHash, knownEntry](capacity),
		pending: make(map[contentHash]pendingEntry),
		taken:   make(map[int64]contentHash),
		skipped: recent.OfSize[contentHash, skipped](maxSkipped),

		collided: in.collisions.WithLabelValues(name).Inc,
	}
}

// begin starts a group.
func (d *dictionaryWriter) begin(now time.Time) {
	d.today = dayOf(now)
	clear(d.pending)
	clear(d.taken)
}

// entryState is how far an entry is.
type entryState int

const (
	entryAbsent  entryState = iota // not known here: rows must not refer to it before add
	entryStale                     // known, and last used before today: likewise
	entryPresent                   // committed, or will be before the rows of this group
)

// find says how far an entry is, and returns the id of one that is present. What is not present
// must be added.
func (d *dictionaryWriter) find(canonical []byte) (id int64, state entryState) {
	hash := hashContent(canonical)
	if p, ok := d.pending[hash]; ok {
		return p.id, entryPresent
	}
	e, ok := d.known.Get(hash)
	switch {
	case !ok:
		return 0, entryAbsent
	case e.lastUsed < d.today:
		return e.id, entryStale
	}
	return e.id, entryPresent
}

// add makes the current group write an entry, and returns its id. It keeps what it is given, but
// for the canonical form.
func (d *dictionaryWriter) add(canonical []byte, e entry) (id int64) {
	for i := range e.texts {
		e.texts[i] = cleanText(e.texts[i])
	}
	hash := hashContent(canonical)
	n, _ := d.skipped.Get(hash)
	for id = d.ids.of(canonical, n); ; id = d.ids.of(canonical, n) {
		if _, ok := d.taken[id]; !ok {
			break
		}
		n++
	}
	d.taken[id] = hash
	d.pending[hash] = pendingEntry{id: id, entry: e}
	return id
}

// errCollision says that an id stands for another content. Written again, the group uses another id.
var errCollision = errors.New("an id stands for two contents")

// skip makes a content use the next of its ids.
func (d *dictionaryWriter) skip(id int64) {
	d.collided()
	hash := d.taken[id]
	n, _ := d.skipped.Get(hash)
	d.skipped.Put(hash, n+1)
	d.known.Forget(hash)
}

// queue adds the statement that writes the pending entries, sorted by id so that gateways
// which write the same ones wait for one another and never in a circle.
func (d *dictionaryWriter) queue(batch *pgx.Batch) {
	if len(d.pending) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(d.taken))
	content := func(id int64) entry { return d.pending[d.taken[id]].entry }
	shape := content(ids[0])
	arguments := []any{ids, d.today.time()}
	for column := range shape.texts {
		arguments = append(arguments, pendingColumn(ids, func(id int64) string { return content(id).texts[column] }))
	}
	for column := range shape.numbers {
		arguments = append(arguments, pendingColumn(ids, func(id int64) int64 { return content(id).numbers[column] }))
	}
	batch.Queue(d.upsert, arguments...).Query(func(rows pgx.Rows) error {
		different, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(different) == 0 {
			return err
		}
		for _, id := range different {
			d.skip(id)
		}
		return fmt.Errorf("write dictionary %s: %w", d.name, errCollision)
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
	for hash, p := range d.pending {
		d.known.Put(hash, knownEntry{id: p.id, lastUsed: d.today})
	}
	clear(d.pending)
	clear(d.taken)
}
