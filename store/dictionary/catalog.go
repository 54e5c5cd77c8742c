package dictionary

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// Catalog keeps the dictionaries in memory, for searches: which entries fit a condition is found out
// without the database. Fresh reads what others have entered.
//
// What is new is told by the transaction that entered it. All transactions before the oldest that ran
// when the catalog was read have ended: what they entered is known. Anything else is read again.
// Entries that retention removed stay until all is read anew.
type Catalog struct {
	pool *pgxpool.Pool
	now  func() time.Time
	// Bounds may be set before the catalog is first asked for.
	Bounds Bounds
	begun  atomic.Int64  // how many readings have begun
	turn   chan struct{} // held by who reads; it guards what follows
	state  catalogState
}

// catalogState is what the last reading left.
type catalogState struct {
	entries *Entries
	reading int64  // which one it was
	since   string // transactions before it are known, as the text of an xid8
	whole   time.Time
}

// Entries are the dictionaries in memory. They may be used by several goroutines; entries may come while they
// are used.
type Entries struct {
	Operations    *Table[Operation]
	Resources     *Table[*plait.Resource]
	Scopes        *Table[*plait.Scope]
	LogClasses    *Table[LogClass]
	AttributeSets *AttributeSets
}

// Bounds are how many bytes of each dictionary a catalog keeps. One that is larger is not kept at all, and narrows no search.
type Bounds struct{ Operations, Resources, Scopes, LogClasses, AttributeSets int }

// usualBounds are 84 MiB.
var usualBounds = Bounds{Operations: 16 << 20, Resources: 16 << 20, Scopes: 4 << 20, LogClasses: 16 << 20, AttributeSets: 32 << 20}

// readAnewAfter is how long removed entries may stay, and how long a dictionary that was too large is left alone.
const readAnewAfter = time.Hour

// NewCatalog makes a catalog, which is read when it is first asked for. The pool is that of statements that are
// planned once.
func NewCatalog(lookup *pgxpool.Pool) *Catalog {
	return &Catalog{pool: lookup, now: time.Now, Bounds: usualBounds, turn: make(chan struct{}, 1)}
}

func newEntries(b Bounds) *Entries {
	return &Entries{
		Operations:    newTable(b.Operations, Operation.bytes),
		Resources:     newTable(b.Resources, resourceBytes),
		Scopes:        newTable(b.Scopes, scopeBytes),
		LogClasses:    newTable(b.LogClasses, LogClass.bytes),
		AttributeSets: newAttributeSets(b.AttributeSets),
	}
}

// Fresh returns the dictionaries with all entries that were committed before it was called. Who calls while
// others read waits, and shares the next reading with all who wait.
func (c *Catalog) Fresh(ctx context.Context) (*Entries, error) {
	before := c.begun.Load()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		err := ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) { // the database does not answer the one whose turn it is
			err = plait.OfKind(plait.ErrUnavailable, err)
		}
		return nil, fmt.Errorf("wait to read the dictionaries: %w", err)
	}
	if c.state.reading > before {
		return c.state.entries, nil
	}
	reading := c.begun.Add(1)
	read := c.readNew
	if c.state.entries == nil || c.now().Sub(c.state.whole) >= readAnewAfter {
		read = c.readAll
	}
	next, err := read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the dictionaries: %w", err)
	}
	next.reading = reading
	c.state = next
	return next.entries, nil
}

// The columns of an entry in the catalog's statements: the number of its dictionary, its id, four texts and two numbers.
// What an earlier cluster entered, whose dump this database was restored from, may have the number of a transaction
// that is to come: it was read when all was, and is left out.
const (
	entered = ` WHERE entered >= $1::text::xid8 AND entered < pg_snapshot_xmax(pg_current_snapshot())`

	catalogOperationsSQL = `
SELECT 1::int2, id, service, name, '', '', kind::int8, scope FROM plait_store.operation`
	catalogResourcesSQL = `
SELECT 2::int2, id, attributes, schema_url, '', '', dropped_attributes, 0::int8 FROM plait_store.resource`
	catalogScopesSQL = `
SELECT 3::int2, id, name, version, attributes, schema_url, dropped_attributes, 0::int8 FROM plait_store.scope`
	catalogLogClassesSQL = `
SELECT 4::int2, id, severity_text, event_name, template, '', scope, 0::int8 FROM plait_store.log_class`
	catalogAttributeSetsSQL = `
SELECT 5::int2, id, attributes, '', '', '', 0::int8, 0::int8 FROM plait_store.attribute_set`
	catalogSinceSQL = `
SELECT 0::int2, 0::int8, pg_snapshot_xmin(pg_current_snapshot())::text, '', '', '', 0::int8, 0::int8`

	catalogNewSQL = catalogSinceSQL + `
UNION ALL` + catalogOperationsSQL + entered + `
UNION ALL` + catalogResourcesSQL + entered + `
UNION ALL` + catalogScopesSQL + entered + `
UNION ALL` + catalogLogClassesSQL + entered + `
UNION ALL` + catalogAttributeSetsSQL + entered
)

// readNew adds what was entered since the last reading.
func (c *Catalog) readNew(ctx context.Context) (next catalogState, err error) {
	next = c.state
	var bad error
	err = pg.QueryRows(ctx, c.pool, func(v [][]byte) {
		if bad == nil {
			bad = next.take(v)
		}
	}, catalogNewSQL, next.since)
	if err == nil {
		err = bad
	}
	return next, err
}

// readAll reads each dictionary, as far as there is room. What is entered meanwhile is read the next time.
func (c *Catalog) readAll(ctx context.Context) (next catalogState, err error) {
	next = catalogState{entries: newEntries(c.Bounds), whole: c.now()}
	e := next.entries
	never := func() bool { return true }
	for _, table := range []struct {
		sql   string
		whole func() bool
	}{
		{catalogSinceSQL, never},
		{catalogOperationsSQL, e.Operations.Whole},
		{catalogResourcesSQL, e.Resources.Whole},
		{catalogScopesSQL, e.Scopes.Whole},
		{catalogLogClassesSQL, e.LogClasses.Whole},
		{catalogAttributeSetsSQL, e.AttributeSets.Whole},
	} {
		var bad error
		err := pg.QueryUntil(ctx, c.pool, func(v [][]byte) bool {
			bad = next.take(v)
			return bad == nil && table.whole()
		}, table.sql)
		if err == nil {
			err = bad
		}
		if err != nil {
			return next, err
		}
	}
	return next, nil
}

// take takes a row of the catalog's statements.
func (s *catalogState) take(v [][]byte) error {
	id := rowcodec.Int8(v[1])
	switch rowcodec.Int2(v[0]) {
	case 0:
		s.since = string(v[2])
	case 1:
		s.entries.Operations.put(id, Operation{
			Service: string(v[2]), Name: string(v[3]), Kind: plait.SpanKind(rowcodec.Int8(v[6])), Scope: rowcodec.Int8(v[7]),
		})
	case 2:
		r, err := scanResource([][]byte{v[1], v[2], v[6], v[3]})
		return enter(s.entries.Resources, id, r, err)
	case 3:
		r, err := scanScope([][]byte{v[1], v[2], v[3], v[4], v[6], v[5]})
		return enter(s.entries.Scopes, id, r, err)
	case 4:
		s.entries.LogClasses.put(id, LogClass{SeverityText: string(v[2]), EventName: string(v[3]), Template: string(v[4]), Scope: rowcodec.Int8(v[6])})
	case 5:
		set, err := scanAttributeSet(v[1:])
		if err != nil {
			return fmt.Errorf("attribute set %d: %w", id, err)
		}
		s.entries.AttributeSets.put(id, set)
	}
	return nil
}

func enter[V any](t *Table[V], id int64, v V, err error) error {
	if err != nil {
		return fmt.Errorf("entry %d: %w", id, err)
	}
	t.put(id, v)
	return nil
}
