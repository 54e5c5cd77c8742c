package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plaithq/plait"
)

// Each upsert writes entries, moves last_used of those that exist to the day at most once a
// day, and returns the ids that exist with another content.
const (
	upsertResourcesSQL = `
WITH given AS (
	SELECT *
	FROM unnest($1::int8[], $3::text[], $4::text[], $5::text[], $6::int8[])
		AS g (id, service, attributes, schema_url, dropped_attributes)
), written AS (
	INSERT INTO plait_store.resource AS r (id, service, attributes, schema_url, dropped_attributes, last_used)
	SELECT id, service, attributes, schema_url, dropped_attributes, $2::date FROM given ORDER BY id
	ON CONFLICT (id) DO UPDATE SET last_used = excluded.last_used WHERE r.last_used < excluded.last_used
)
SELECT g.id
FROM given g
JOIN plait_store.resource r ON r.id = g.id
WHERE (r.service, r.attributes, r.schema_url, r.dropped_attributes)
	<> (g.service, g.attributes, g.schema_url, g.dropped_attributes)`

	upsertScopesSQL = `
WITH given AS (
	SELECT *
	FROM unnest($1::int8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[])
		AS g (id, name, version, attributes, schema_url, dropped_attributes)
), written AS (
	INSERT INTO plait_store.scope AS s (id, name, version, attributes, schema_url, dropped_attributes, last_used)
	SELECT id, name, version, attributes, schema_url, dropped_attributes, $2::date FROM given ORDER BY id
	ON CONFLICT (id) DO UPDATE SET last_used = excluded.last_used WHERE s.last_used < excluded.last_used
)
SELECT g.id
FROM given g
JOIN plait_store.scope s ON s.id = g.id
WHERE (s.name, s.version, s.attributes, s.schema_url, s.dropped_attributes)
	<> (g.name, g.version, g.attributes, g.schema_url, g.dropped_attributes)`

	upsertOperationsSQL = `
WITH given AS (
	SELECT *
	FROM unnest($1::int8[], $3::text[], $4::text[], $5::int8[], $6::int8[])
		AS g (id, service, name, kind, scope)
), written AS (
	INSERT INTO plait_store.operation AS o (id, service, name, kind, scope, last_used)
	SELECT id, service, name, kind, scope, $2::date FROM given ORDER BY id
	ON CONFLICT (id) DO UPDATE SET last_used = excluded.last_used WHERE o.last_used < excluded.last_used
)
SELECT g.id
FROM given g
JOIN plait_store.operation o ON o.id = g.id
WHERE (o.service, o.name, o.kind, o.scope) <> (g.service, g.name, g.kind, g.scope)`

	upsertLogClassesSQL = `
WITH given AS (
	SELECT *
	FROM unnest($1::int8[], $3::text[], $4::text[], $5::int8[])
		AS g (id, severity_text, event_name, scope)
), written AS (
	INSERT INTO plait_store.log_class AS c (id, severity_text, event_name, scope, last_used)
	SELECT id, severity_text, event_name, scope, $2::date FROM given ORDER BY id
	ON CONFLICT (id) DO UPDATE SET last_used = excluded.last_used WHERE c.last_used < excluded.last_used
)
SELECT g.id
FROM given g
JOIN plait_store.log_class c ON c.id = g.id
WHERE (c.severity_text, c.event_name, c.scope) <> (g.severity_text, g.event_name, g.scope)`

	upsertAttributeSetsSQL = `
WITH given AS (
	SELECT * FROM unnest($1::int8[], $3::text[]) AS g (id, attributes)
), written AS (
	INSERT INTO plait_store.attribute_set AS a (id, attributes, last_used)
	SELECT id, attributes, $2::date FROM given ORDER BY id
	ON CONFLICT (id) DO UPDATE SET last_used = excluded.last_used WHERE a.last_used < excluded.last_used
)
SELECT g.id
FROM given g
JOIN plait_store.attribute_set a ON a.id = g.id
WHERE a.attributes <> g.attributes`
)

// How many entries a gateway remembers of each kind, for each signal. An entry takes about 60
// bytes; forgetting one costs an upsert that changes nothing.
const (
	knownResources     = 16 << 10
	knownScopes        = 4 << 10
	knownOperations    = 32 << 10
	knownLogClasses    = 16 << 10
	knownAttributeSets = 128 << 10
)

// maxIndexedText bounds texts that stand in a btree, whose rows may have 2,700 bytes.
const maxIndexedText = 1 << 10

// clip shortens a text to what an index takes, between two characters.
func clip(s string) string {
	if len(s) <= maxIndexedText {
		return s
	}
	n := maxIndexedText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// origins turns the resources and scopes that the records of a group share into ids.
type origins struct {
	resources *dictionaryWriter
	scopes    *dictionaryWriter
	services  sightings
	scratch   canonical

	seenResources map[*plait.Resource]origin
	seenScopes    map[*plait.Scope]int64
	lastResource  *plait.Resource // records of one resource and scope come together
	lastScope     *plait.Scope
	resource      origin
	scope         int64
}

// origin is a resource as rows refer to it.
type origin struct {
	id      int64
	service string // valid for as long as the group
	seen    *sighting
}

func newOrigins(in *instruments, key contentKey) *origins {
	return &origins{
		resources:     newDictionaryWriter(in, key, "resource", upsertResourcesSQL, knownResources),
		scopes:        newDictionaryWriter(in, key, "scope", upsertScopesSQL, knownScopes),
		services:      newSightings(),
		seenResources: make(map[*plait.Resource]origin),
		seenScopes:    make(map[*plait.Scope]int64),
	}
}

// beginOrigins starts a group, whose pointers have nothing to do with those of the last one.
func (o *origins) beginOrigins(now time.Time) {
	o.services.begin(now)
	clear(o.seenResources)
	clear(o.seenScopes)
	o.lastResource, o.lastScope = nil, nil
}

func (o *origins) resourceOf(r *plait.Resource) origin {
	if r == o.lastResource && r != nil {
		return o.resource
	}
	found, ok := o.seenResources[r]
	if !ok {
		found = o.enterResource(r)
		o.seenResources[r] = found
	}
	o.lastResource, o.resource = r, found
	return found
}

func (o *origins) enterResource(r *plait.Resource) origin {
	if r == nil {
		r = &plait.Resource{}
	}
	o.scratch = o.scratch[:0].attributes(r.Attributes).number(int64(r.DroppedAttributes)).text(r.SchemaURL)
	service := clip(r.Service())
	id, state := o.resources.find(o.scratch)
	if state != entryPresent {
		id = o.resources.add(o.scratch, entry{
			texts:   []string{strings.Clone(service), string(appendAttributes(nil, r.Attributes)), strings.Clone(r.SchemaURL)},
			numbers: []int64{int64(r.DroppedAttributes)},
		})
	}
	return origin{id: id, service: service, seen: o.services.of(service)}
}

func (o *origins) scopeOf(s *plait.Scope) int64 {
	if s == o.lastScope && s != nil {
		return o.scope
	}
	id, ok := o.seenScopes[s]
	if !ok {
		id = o.enterScope(s)
		o.seenScopes[s] = id
	}
	o.lastScope, o.scope = s, id
	return id
}

func (o *origins) enterScope(s *plait.Scope) int64 {
	if s == nil {
		s = &plait.Scope{}
	}
	o.scratch = o.scratch[:0].text(s.Name).text(s.Version).attributes(s.Attributes).
		number(int64(s.DroppedAttributes)).text(s.SchemaURL)
	id, state := o.scopes.find(o.scratch)
	if state != entryPresent {
		id = o.scopes.add(o.scratch, entry{
			texts: []string{strings.Clone(s.Name), strings.Clone(s.Version),
				string(appendAttributes(nil, s.Attributes)), strings.Clone(s.SchemaURL)},
			numbers: []int64{int64(s.DroppedAttributes)},
		})
	}
	return id
}
