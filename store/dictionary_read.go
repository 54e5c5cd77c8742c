package store

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"unsafe"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/recent"
)

// entryReaders turn the ids in facts back into what they stand for. Entries never change, so
// they are kept until others push them out, and what readers get is shared: read-only.
type entryReaders struct {
	resources     *entryReader[*plait.Resource]
	scopes        *entryReader[*plait.Scope]
	operations    *entryReader[storedOperation]
	logClasses    *entryReader[storedLogClass]
	attributeSets *entryReader[plait.Attributes]
}

// storedOperation is an entry of the dictionary of operations.
type storedOperation struct {
	service string
	name    string
	kind    plait.SpanKind
	scope   int64
}

// storedLogClass is an entry of the dictionary of log classes.
type storedLogClass struct {
	severityText string
	eventName    string
	scope        int64
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
		resources:     newEntryReader(pool, resourcesByIDSQL, cachedResourceBytes, &plait.Resource{}, scanResource, resourceBytes),
		scopes:        newEntryReader(pool, scopesByIDSQL, cachedScopeBytes, &plait.Scope{}, scanScope, scopeBytes),
		operations:    newEntryReader(pool, operationsByIDSQL, cachedOperationBytes, storedOperation{}, scanOperation, storedOperation.bytes),
		logClasses:    newEntryReader(pool, logClassesByIDSQL, cachedLogClassBytes, storedLogClass{}, scanLogClass, storedLogClass.bytes),
		attributeSets: newEntryReader(pool, attributeSetsByIDSQL, cachedAttributeSetBytes, nil, scanAttributeSet, attributeBytes),
	}
}

func scanResource(v [][]byte) (*plait.Resource, error) {
	attributes, err := plait.ParseAttributes(string(v[1]))
	return &plait.Resource{
		Attributes:        attributes,
		DroppedAttributes: uint32(readInt8(v[2])),
		SchemaURL:         string(v[3]),
	}, err
}

func scanScope(v [][]byte) (*plait.Scope, error) {
	attributes, err := plait.ParseAttributes(string(v[3]))
	return &plait.Scope{
		Name:              string(v[1]),
		Version:           string(v[2]),
		Attributes:        attributes,
		DroppedAttributes: uint32(readInt8(v[4])),
		SchemaURL:         string(v[5]),
	}, err
}

func scanOperation(v [][]byte) (storedOperation, error) {
	return storedOperation{
		service: string(v[1]),
		name:    string(v[2]),
		kind:    plait.SpanKind(readInt2(v[3])),
		scope:   readInt8(v[4]),
	}, nil
}

func scanLogClass(v [][]byte) (storedLogClass, error) {
	return storedLogClass{
		severityText: string(v[1]),
		eventName:    string(v[2]),
		scope:        readInt8(v[3]),
	}, nil
}

func scanAttributeSet(v [][]byte) (plait.Attributes, error) {
	return plait.ParseAttributes(string(v[1]))
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

func (o storedOperation) bytes() int { return len(o.service) + len(o.name) }

func (c storedLogClass) bytes() int { return len(c.severityText) + len(c.eventName) }

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

// entries returns the entry of every id, from the database where the cache lacks it, in at
// most one round trip.
func (d *entryReader[V]) entries(ctx context.Context, ids iter.Seq[int64]) (map[int64]V, error) {
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
	err := queryRows(ctx, d.pool, func(values [][]byte) {
		id := readInt8(values[0])
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
