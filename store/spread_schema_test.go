package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/citus"
	"github.com/plaithq/plait/store/storetest"
)

// The schema and the statements are the same on one Postgres and on a Citus cluster (docs/decisions/026). These tests hold that on
// one Postgres: they read the catalog, and the statements as texts.

// facts are the tables whose rows are spread over nodes, with the column by which they are.
func facts() map[string]string {
	spread := make(map[string]string)
	for _, p := range citus.Places() {
		if p.Kind == citus.Distributed {
			spread[p.Table] = p.Column
		}
	}
	return spread
}

func TestEveryTableHasAPlaceInAClusterAndEveryPlaceATable(t *testing.T) {
	t.Parallel()
	tables := faults(t, connect(t, storetest.URL(t)), tablesSQL)
	var places []string
	for _, p := range citus.Places() {
		places = append(places, p.Table)
		if slices.Contains(tables, p.Table) {
			continue
		}
		t.Errorf("citus.Places names %s, and there is no such table", p.Table)
	}
	for _, name := range tables {
		if !slices.Contains(places, name) {
			t.Errorf("table %s has no place in citus.Places: say where in a cluster its rows are", name)
		}
	}
	if slices.Sort(places); len(slices.Compact(places)) != len(citus.Places()) {
		t.Error("citus.Places names a table twice")
	}
}

const tablesSQL = `
SELECT array_agg(c.relname::text ORDER BY c.relname)
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'plait_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition`

// faults asks for a list of names.
func faults(t *testing.T, conn *pgx.Conn, sql string, args ...any) (names []string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

// schemaFault is a rule of schemas on several nodes: its statement lists what breaks it in schema $1, where $2
// are tables and $3 the columns that they are spread by.
type schemaFault struct{ Rule, SQL string }

var schemaFaults = []schemaFault{
	// That of its partitions Postgres itself asks for.
	{"a unique index of a spread table has the column that it is spread by", `
SELECT c.relname || '.' || i.relname
FROM unnest($2::text[], $3::text[]) w(name, key)
JOIN pg_class c ON c.relname = w.name AND c.relnamespace = $1::regnamespace
JOIN pg_index x ON x.indrelid = c.oid AND x.indisunique
JOIN pg_class i ON i.oid = x.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = w.key AND a.attnum = ANY (x.indkey))`},
	{"a spread table refers to none by a foreign key", `
SELECT c.relname || '.' || k.conname
FROM unnest($2::text[]) w(name)
JOIN pg_class c ON c.relname = w.name AND c.relnamespace = $1::regnamespace
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f'`},
	{"the column that a table is spread by is never null", `
SELECT c.relname || '.' || a.attname
FROM unnest($2::text[], $3::text[]) w(name, key)
JOIN pg_class c ON c.relname = w.name AND c.relnamespace = $1::regnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.key AND NOT a.attnotnull`},
	{"a spread table has the column that it is spread by", `
SELECT w.name || '.' || w.key
FROM unnest($2::text[], $3::text[]) w(name, key)
JOIN pg_class c ON c.relname = w.name AND c.relnamespace = $1::regnamespace
WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = w.key)`},
	{"no trigger", `
SELECT c.relname || '.' || g.tgname
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = $1::regnamespace AND NOT g.tgisinternal`},
	{"no sequence, serial or identity", `
SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'S'`},
	{"no materialized view", `
SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'm'`},
	{"no type of our own in a table", `
SELECT c.relname || '.' || a.attname
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = $1::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace <> 'pg_catalog'::regnamespace`},
	{"a partitioned table is no partition itself", `
SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'p' AND relispartition`},
}

func broken(t *testing.T, url, schema string, spread map[string]string, f schemaFault) []string {
	t.Helper()
	var names, keys []string
	for name, key := range spread {
		names, keys = append(names, name), append(keys, key)
	}
	args := []any{schema}
	if strings.Contains(f.SQL, "$2") {
		args = append(args, names)
	}
	if strings.Contains(f.SQL, "$3") {
		args = append(args, keys)
	}
	return faults(t, connect(t, url), `SELECT coalesce(array_agg(fault ORDER BY fault), '{}') FROM (`+f.SQL+`) f(fault)`, args...)
}

func TestTheSchemaCanBeSpreadOverNodes(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	for _, f := range schemaFaults {
		for _, fault := range broken(t, url, "plait_store", facts(), f) {
			t.Errorf("%s breaks the rule: %s", fault, f.Rule)
		}
	}
}

func TestASchemaThatCannotBeSpreadIsFoundOut(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	conn := connect(t, url)
	for _, sql := range []string{
		`CREATE SCHEMA bad`,
		`CREATE TABLE bad.parent (id int8 PRIMARY KEY)`,
		`CREATE TABLE bad.fact (trace_id uuid, span_id int8 UNIQUE, n serial, parent int8 REFERENCES bad.parent) PARTITION BY RANGE (span_id)`,
		`CREATE TABLE bad.tree PARTITION OF bad.fact FOR VALUES FROM (0) TO (1) PARTITION BY RANGE (span_id)`,
		`CREATE TABLE bad.keyless (id int8)`,
		`CREATE TYPE bad.colour AS ENUM ('red')`,
		`CREATE TABLE bad.painted (id int8, colour bad.colour)`,
		`CREATE MATERIALIZED VIEW bad.sums AS SELECT 1 AS one`,
		`CREATE FUNCTION bad.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
		`CREATE TRIGGER fires BEFORE INSERT ON bad.keyless FOR EACH ROW EXECUTE FUNCTION bad.nothing()`,
	} {
		exec(t, conn, sql)
	}
	for _, f := range schemaFaults {
		if len(broken(t, url, "bad", map[string]string{"fact": "trace_id", "keyless": "trace_id"}, f)) == 0 {
			t.Errorf("nothing breaks the rule: %s", f.Rule)
		}
	}
}
