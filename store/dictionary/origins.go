package dictionary

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/rowcodec"
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

	UpsertOperationsSQL = `
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

	UpsertLogClassesSQL = `
WITH given AS (
	SELECT *
	FROM unnest($1::int8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[])
		AS g (id, severity_text, event_name, template, pattern, scope)
), written AS (
	INSERT INTO plait_store.log_class AS c (id, severity_text, event_name, template, pattern, scope, last_used)
	SELECT id, severity_text, event_name, template, pattern, scope, $2::date FROM given ORDER BY id
	ON CONFLICT (id) DO UPDATE SET last_used = excluded.last_used WHERE c.last_used < excluded.last_used
)
SELECT g.id
FROM given g
JOIN plait_store.log_class c ON c.id = g.id
WHERE (c.severity_text, c.event_name, c.template, c.pattern, c.scope) <> (g.severity_text, g.event_name, g.template, g.pattern, g.scope)`

	UpsertAttributeSetsSQL = `
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
	KnownOperations    = 32 << 10
	KnownLogClasses    = 16 << 10
	KnownAttributeSets = 128 << 10
)

// MaxIndexedText bounds texts that stand in a btree, whose rows may have 2,700 bytes.
const MaxIndexedText = 1 << 10

// Clip shortens a text to what an index takes, between two characters.
func Clip(s string) string {
	if len(s) <= MaxIndexedText {
		return s
	}
	n := MaxIndexedText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Origins turns the resources and scopes that the records of a group share into ids.
type Origins struct {
	Resources *Writer
	Scopes    *Writer
	Services  sightings
	scratch   Canonical

	seenResources map[*plait.Resource]Origin
	seenScopes    map[*plait.Scope]int64
	lastResource  *plait.Resource // records of one resource and scope come together
	lastScope     *plait.Scope
	resource      Origin
	scope         int64
}

// Origin is a resource as rows refer to it.
type Origin struct {
	ID      int64
	Service string // valid for as long as the group
	Seen    *sighting
}

// NewOrigins returns the dictionaries of a committer's resources and scopes.
func NewOrigins(in *Instruments, key Key) *Origins {
	return &Origins{
		Resources:     NewWriter(in, key, "resource", upsertResourcesSQL, knownResources),
		Scopes:        NewWriter(in, key, "scope", upsertScopesSQL, knownScopes),
		Services:      newSightings(),
		seenResources: make(map[*plait.Resource]Origin),
		seenScopes:    make(map[*plait.Scope]int64),
	}
}

// BeginOrigins starts a group, whose pointers have nothing to do with those of the last one.
func (o *Origins) BeginOrigins(now time.Time) {
	o.Services.begin(now)
	clear(o.seenResources)
	clear(o.seenScopes)
	o.lastResource, o.lastScope = nil, nil
}

// ResourceOf returns where records of a resource come from, and enters the resource if need be.
func (o *Origins) ResourceOf(r *plait.Resource) Origin {
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

func (o *Origins) enterResource(r *plait.Resource) Origin {
	if r == nil {
		r = &plait.Resource{}
	}
	o.scratch = o.scratch[:0].attributes(r.Attributes).Number(int64(r.DroppedAttributes)).Text(r.SchemaURL)
	service := Clip(r.Service())
	id, state := o.Resources.Find(o.scratch)
	if state != EntryPresent {
		id = o.Resources.Add(o.scratch, Entry{
			Texts:   []string{strings.Clone(service), string(rowcodec.AppendAttributes(nil, r.Attributes)), strings.Clone(r.SchemaURL)},
			Numbers: []int64{int64(r.DroppedAttributes)},
		})
	}
	return Origin{ID: id, Service: service, Seen: o.Services.of(service)}
}

// ScopeOf returns the id of a scope, and enters it if need be.
func (o *Origins) ScopeOf(s *plait.Scope) int64 {
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

func (o *Origins) enterScope(s *plait.Scope) int64 {
	if s == nil {
		s = &plait.Scope{}
	}
	o.scratch = o.scratch[:0].Text(s.Name).Text(s.Version).attributes(s.Attributes).
		Number(int64(s.DroppedAttributes)).Text(s.SchemaURL)
	id, state := o.Scopes.Find(o.scratch)
	if state != EntryPresent {
		id = o.Scopes.Add(o.scratch, Entry{
			Texts: []string{strings.Clone(s.Name), strings.Clone(s.Version),
				string(rowcodec.AppendAttributes(nil, s.Attributes)), strings.Clone(s.SchemaURL)},
			Numbers: []int64{int64(s.DroppedAttributes)},
		})
	}
	return id
}
