package store

import (
	"context"
	"fmt"
	"iter"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
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

// How many entries of each dictionary are kept: some 20 MB if all are used, most of it
// attribute sets.
const (
	cachedResources     = 5_000
	cachedScopes        = 2_000
	cachedOperations    = 20_000
	cachedLogClasses    = 5_000
	cachedAttributeSets = 20_000
)

func newEntryReaders(pool *pgxpool.Pool) entryReaders {
	return entryReaders{
		resources:     newEntryReader(pool, resourcesByIDSQL, cachedResources, &plait.Resource{}, scanResource),
		scopes:        newEntryReader(pool, scopesByIDSQL, cachedScopes, &plait.Scope{}, scanScope),
		operations:    newEntryReader(pool, operationsByIDSQL, cachedOperations, storedOperation{}, scanOperation),
		logClasses:    newEntryReader(pool, logClassesByIDSQL, cachedLogClasses, storedLogClass{}, scanLogClass),
		attributeSets: newEntryReader(pool, attributeSetsByIDSQL, cachedAttributeSets, nil, scanAttributeSet),
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

// entryReader reads the entries of one table through a cache.
type entryReader[V any] struct {
	pool   *pgxpool.Pool
	sql    string // its first column is the id
	absent V      // stands for an entry that is not there
	scan   func(values [][]byte) (V, error)
	cache  *lru.Cache[int64, V]
}

func newEntryReader[V any](pool *pgxpool.Pool, sql string, size int, absent V, scan func([][]byte) (V, error)) *entryReader[V] {
	cache, err := lru.New[int64, V](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &entryReader[V]{pool: pool, sql: sql, absent: absent, scan: scan, cache: cache}
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
		v, ok := d.cache.Get(id)
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
		d.cache.Add(id, v)
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
