// Package dictionary holds what repeats in telemetry once, in tables that rows refer to: resources,
// scopes, operations, log classes and sets of attributes. Their ids are hashes of their content
// (content_id.go), so every gateway may write them and nothing has to be read back.
package dictionary

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/commit"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/rowcodec"
)

// A Writer writes the entries of a dictionary, a table that holds what repeats in
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
type Writer struct {
	name   string
	upsert string // $1 ids, $2 day, then an array for each text and each number of an entry
	strict string // upsert, but it fails where an id stands for another content
	ids    contentIDs

	known   *recent.Map[contentHash, knownEntry]
	pending map[contentHash]pendingEntry
	taken   map[int64]contentHash             // the ids of what is pending
	skipped *recent.Map[contentHash, skipped] // contents whose first ids stand for others
	today   partition.Day

	collided func() // counts a collision
}

// skipped is how many of a content's ids stand for other contents.
type skipped uint8

// knownEntry is what is remembered of an entry that is committed.
type knownEntry struct {
	id       int64
	lastUsed partition.Day
}

// pendingEntry is an entry that the current group needs and that must be written first.
type pendingEntry struct {
	id int64
	Entry
}

// Entry is the content of a dictionary row: its columns in the order of the upsert.
type Entry struct {
	Texts   []string
	Numbers []int64
}

// maxSkipped is how many contents are remembered that could not have their first id.
const maxSkipped = 1 << 10

// NewWriter makes the writer of a dictionary, which remembers that so many entries are written.
func NewWriter(in *Instruments, key Key, name, upsert string, capacity int) *Writer {
	return &Writer{
		name:    name,
		upsert:  upsert,
		strict:  strings.Replace(upsert, tellDifferentSQL, failDifferentSQL, 1),
		ids:     newContentIDs(key, name),
		known:   recent.OfSize[contentHash, knownEntry](capacity),
		pending: make(map[contentHash]pendingEntry),
		taken:   make(map[int64]contentHash),
		skipped: recent.OfSize[contentHash, skipped](maxSkipped),

		collided: in.collisions.WithLabelValues(name).Inc,
	}
}

// Every upsert tells by tellDifferentSQL which ids stand for another content than the one it is given. With failDifferentSQL in
// its place it fails, by a number that cannot be read; the text of that is for whoever reads Postgres's log.
const (
	tellDifferentSQL = `
SELECT g.id
`
	failDifferentSQL = `
SELECT ('none: id ' || g.id || ' stands for two contents, so Plait takes another one')::int8
`
)

// begin starts a group.
func (d *Writer) begin(now time.Time) {
	d.today = partition.DayOf(now)
	clear(d.pending)
	clear(d.taken)
}

// EntryState is how far an entry is.
type EntryState int

// The states of an entry.
const (
	EntryAbsent  EntryState = iota // not known here: rows must not refer to it before add
	entryStale                     // known, and last used before today: likewise
	EntryPresent                   // committed, or will be before the rows of this group
)

// Find says how far an entry is, and returns the id of one that is present. What is not present
// must be added.
func (d *Writer) Find(canonical []byte) (id int64, state EntryState) {
	hash := hashContent(canonical)
	if p, ok := d.pending[hash]; ok {
		return p.id, EntryPresent
	}
	e, ok := d.known.Get(hash)
	switch {
	case !ok:
		return 0, EntryAbsent
	case e.lastUsed < d.today:
		return e.id, entryStale
	}
	return e.id, EntryPresent
}

// Add makes the current group write an entry, and returns its id. It keeps what it is given, but
// for the canonical form.
func (d *Writer) Add(canonical []byte, e Entry) (id int64) {
	for i := range e.Texts {
		e.Texts[i] = rowcodec.CleanText(e.Texts[i])
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
	d.pending[hash] = pendingEntry{id: id, Entry: e}
	return id
}

// errCollision says that an id stands for another content. Written again, the group uses another id.
var errCollision = fmt.Errorf("an id stands for two contents: %w", commit.ErrTryAgain)

// skip makes a content use the next of its ids.
func (d *Writer) skip(id int64) {
	d.collided()
	hash := d.taken[id]
	n, _ := d.skipped.Get(hash)
	d.skipped.Put(hash, n+1)
	d.known.Forget(hash)
}

// queue adds the statement that writes the pending entries, sorted by id so that gateways
// which write the same ones wait for one another and never in a circle. A strict one has nothing to tell, and
// fails when an id stands for another content.
func (d *Writer) queue(batch *pgx.Batch, strict bool) {
	if len(d.pending) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(d.taken))
	content := func(id int64) Entry { return d.pending[d.taken[id]].Entry }
	shape := content(ids[0])
	arguments := []any{ids, d.today.Time()}
	for column := range shape.Texts {
		arguments = append(arguments, pendingColumn(ids, func(id int64) string { return content(id).Texts[column] }))
	}
	for column := range shape.Numbers {
		arguments = append(arguments, pendingColumn(ids, func(id int64) int64 { return content(id).Numbers[column] }))
	}
	if strict {
		batch.Queue(d.strict, arguments...)
		return
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

// Begin starts a group in all dictionaries of a writer.
func Begin(now time.Time, dictionaries []*Writer) {
	for _, d := range dictionaries {
		d.begin(now)
	}
}

// Queue adds the statements of all dictionaries of a writer, in the same order always. Strict ones fail where they would
// have to tell that an id stands for two contents.
func Queue(batch *pgx.Batch, dictionaries []*Writer, strict bool) {
	for _, d := range dictionaries {
		d.queue(batch, strict)
	}
}

// committed tells that what was queued is in the database.
func (d *Writer) committed() {
	for hash, p := range d.pending {
		d.known.Put(hash, knownEntry{id: p.id, lastUsed: d.today})
	}
	clear(d.pending)
	clear(d.taken)
}
