package dictionary

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"unsafe"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/canonical"
	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/rowcodec"
)

// Reader reads entries, by their ids or by what they hold.
type Reader struct {
	// Catalog has all of them in memory.
	Catalog *Catalog

	entryReaders
}

// NewReader makes a reader. The pool is that of statements that are planned once.
func NewReader(lookup *pgxpool.Pool) *Reader {
	return &Reader{Catalog: NewCatalog(lookup), entryReaders: newEntryReaders(lookup)}
}

// entryReaders turn the ids in facts back into what they stand for. Entries never change, so
// they are kept until others push them out, and what readers get is shared: read-only.
type entryReaders struct {
	Resources     *entryReader[*plait.Resource]
	Scopes        *entryReader[*plait.Scope]
	Operations    *entryReader[Operation]
	LogClasses    *entryReader[LogClass]
	AttributeSets *entryReader[plait.Attributes]
}

// Operation is an entry of the dictionary of operations.
type Operation struct {
	Service string
	Name    string
	Kind    plait.SpanKind
	Scope   int64
}

// LogClass is an entry of the dictionary of log classes.
type LogClass struct {
	SeverityText string
	EventName    string
	Template     string // of bodies, empty where the class has none; only the Catalog reads it
	Scope        int64
}

const (
	resourcesByIDSQL = `
SELECT id, attributes, dropped_attributes, schema_url
FROM plait_store.resource
WHERE id = ANY ($1)`

	scopesByIDSQL = `
SELECT id, name, version, attributes, dropped_attributes, schema_url
FROM plait_store.scope
WHERE id = ANY ($1)`

	operationsByIDSQL = `
SELECT id, service, name, kind, scope
FROM plait_store.operation
WHERE id = ANY ($1)`

	logClassesByIDSQL = `
SELECT id, severity_text, event_name, scope
FROM plait_store.log_class
WHERE id = ANY ($1)`

	attributeSetsByIDSQL = `
SELECT id, attributes
FROM plait_store.attribute_set
WHERE id = ANY ($1)`
)

// How many bytes of each dictionary are kept, as they are in memory.
const (
	cachedResourceBytes     = 4 << 20
	cachedScopeBytes        = 1 << 20
	cachedOperationBytes    = 4 << 20
	cachedLogClassBytes     = 1 << 20
	cachedAttributeSetBytes = 12 << 20
)

func newEntryReaders(pool *pgxpool.Pool) entryReaders {
	return entryReaders{
		Resources:     newEntryReader(pool, resourcesByIDSQL, cachedResourceBytes, &plait.Resource{}, scanResource, resourceBytes),
		Scopes:        newEntryReader(pool, scopesByIDSQL, cachedScopeBytes, &plait.Scope{}, scanScope, scopeBytes),
		Operations:    newEntryReader(pool, operationsByIDSQL, cachedOperationBytes, Operation{}, ScanOperation, Operation.bytes),
		LogClasses:    newEntryReader(pool, logClassesByIDSQL, cachedLogClassBytes, LogClass{}, scanLogClass, LogClass.bytes),
		AttributeSets: newEntryReader(pool, attributeSetsByIDSQL, cachedAttributeSetBytes, nil, scanAttributeSet, attributeBytes),
	}
}

func scanResource(v [][]byte) (*plait.Resource, error) {
	attributes, err := canonical.ParseAttributes(string(v[1]))
	return &plait.Resource{
		Attributes:        attributes,
		DroppedAttributes: uint32(rowcodec.Int8(v[2])),
		SchemaURL:         string(v[3]),
	}, err
}

func scanScope(v [][]byte) (*plait.Scope, error) {
	attributes, err := canonical.ParseAttributes(string(v[3]))
	return &plait.Scope{
		Name:              string(v[1]),
		Version:           string(v[2]),
		Attributes:        attributes,
		DroppedAttributes: uint32(rowcodec.Int8(v[4])),
		SchemaURL:         string(v[5]),
	}, err
}

// ScanOperation reads the columns id, service, name, kind and scope of a row.
func ScanOperation(v [][]byte) (Operation, error) {
	return Operation{
		Service: string(v[1]),
		Name:    string(v[2]),
		Kind:    plait.SpanKind(rowcodec.Int2(v[3])),
		Scope:   rowcodec.Int8(v[4]),
	}, nil
}

func scanLogClass(v [][]byte) (LogClass, error) {
	return LogClass{
		SeverityText: string(v[1]),
		EventName:    string(v[2]),
		Scope:        rowcodec.Int8(v[3]),
	}, nil
}

func scanAttributeSet(v [][]byte) (plait.Attributes, error) {
	return canonical.ParseAttributes(string(v[1]))
}

// The functions below tell what entries hold beside their own fields, in bytes.

func attributeBytes(all plait.Attributes) int {
	n := cap(all) * int(unsafe.Sizeof(plait.Attribute{}))
	for i := range all {
		n += len(all[i].Key) + len(all[i].Value.Str())
	}
	return n
}

func resourceBytes(r *plait.Resource) int {
	return int(unsafe.Sizeof(*r)) + len(r.SchemaURL) + attributeBytes(r.Attributes)
}

func scopeBytes(s *plait.Scope) int {
	return int(unsafe.Sizeof(*s)) + len(s.Name) + len(s.Version) + len(s.SchemaURL) + attributeBytes(s.Attributes)
}

func (o Operation) bytes() int { return len(o.Service) + len(o.Name) }

func (c LogClass) bytes() int { return len(c.SeverityText) + len(c.EventName) + len(c.Template) }

// entryReader reads the entries of one table through a cache.
type entryReader[V any] struct {
	pool   *pgxpool.Pool
	sql    string // its first column is the id
	absent V      // stands for an entry that is not there
	scan   func(values [][]byte) (V, error)

	mu    sync.Mutex
	cache *recent.Map[int64, V]
}

func newEntryReader[V any](pool *pgxpool.Pool, sql string, limit int, absent V, scan func([][]byte) (V, error), bytes func(V) int) *entryReader[V] {
	cache := recent.New(limit, func(_ int64, v V) int { return bytes(v) })
	return &entryReader[V]{pool: pool, sql: sql, absent: absent, scan: scan, cache: cache}
}

// cached returns an entry that is in the cache.
func (d *entryReader[V]) cached(id int64) (V, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cache.Get(id)
}

func (d *entryReader[V]) keep(id int64, v V) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cache.Put(id, v)
}

// Entries returns the entry of every id, from the database where the cache lacks it, in at
// most one round trip.
func (d *entryReader[V]) Entries(ctx context.Context, ids iter.Seq[int64]) (map[int64]V, error) {
	found := make(map[int64]V)
	var missing []int64
	for id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		v, ok := d.cached(id)
		if !ok {
			v = d.absent
			if id != 0 {
				missing = append(missing, id)
			}
		}
		found[id] = v
	}
	if len(missing) == 0 {
		return found, nil
	}
	var bad error
	err := pg.QueryRows(ctx, d.pool, func(values [][]byte) {
		id := rowcodec.Int8(values[0])
		v, err := d.scan(values)
		if err != nil {
			bad = fmt.Errorf("entry %d: %w", id, err)
			return
		}
		d.keep(id, v)
		found[id] = v
	}, d.sql, missing)
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, fmt.Errorf("read dictionary entries: %w", err)
	}
	return found, nil
}

// Column yields one number of every row.
func Column[R any](rows []R, number func(*R) int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i := range rows {
			if !yield(number(&rows[i])) {
				return
			}
		}
	}
}
