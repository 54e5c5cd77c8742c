package dictionary_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/storetest"
)

func openPool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

const enterOperationSQL = `
INSERT INTO plait_store.operation (id, service, name, kind, scope, last_used) VALUES ($1, 'shop', $2, 2, 0, '2026-11-01')`

type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func exec(t *testing.T, in executor, sql string, args ...any) {
	t.Helper()
	if _, err := in.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func fresh(t *testing.T, c *dictionary.Catalog) *dictionary.Entries {
	t.Helper()
	e, err := c.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func operationNames(e *dictionary.Entries) (names []string) {
	for _, o := range e.Operations.All() {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return names
}

func TestCatalogHasWhatAnotherGatewayCommitted(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	gateway := storetest.Open(t, url)
	catalog := dictionary.NewCatalog(openPool(t, url))
	for i := range 5 {
		name := fmt.Sprint("op ", i)
		span := plait.Span{
			TraceID: plait.TraceID{1, byte(i)}, SpanID: plait.SpanID{1}, Name: name, StartNanos: time.Now().UnixNano(),
			Resource: &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(name)}}},
			Scope:    &plait.Scope{Name: name},
		}
		if _, err := gateway.WriteTraces(t.Context(), &plait.Traces{Spans: []plait.Span{span}}); err != nil {
			t.Fatal(err)
		}
		e := fresh(t, catalog)
		if !slices.Contains(operationNames(e), name) {
			t.Fatalf("operations %q lack %q", operationNames(e), name)
		}
		for id, o := range e.Operations.All() {
			if got, ok := e.Operations.Get(id); !ok || got != o {
				t.Errorf("operation %d is %v, %v", id, got, ok)
			}
			if scope, ok := e.Scopes.Get(o.Scope); !ok || scope.Name != o.Name {
				t.Errorf("the scope of %v is %v", o, scope)
			}
		}
		found := false
		for _, r := range e.Resources.All() {
			found = found || r.Service() == name
		}
		if !found {
			t.Errorf("no resource of %s", name)
		}
	}
}

func TestCatalogHasWhatEveryTransactionEnteredThatEndedBefore(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	pool := openPool(t, url)
	catalog := dictionary.NewCatalog(pool)
	fresh(t, catalog)
	slow, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec(t, slow, enterOperationSQL, 1, "slow")
	exec(t, pool, enterOperationSQL, 2, "quick")
	if got := operationNames(fresh(t, catalog)); !slices.Equal(got, []string{"quick"}) {
		t.Errorf("before the slow one is committed: %q", got)
	}
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := operationNames(fresh(t, catalog)); !slices.Equal(got, []string{"quick", "slow"}) {
		t.Errorf("after it: %q", got)
	}
}

func TestEntrySweptAndEnteredAgainIsAsItWasEnteredLast(t *testing.T) {
	t.Parallel()
	pool := openPool(t, storetest.URL(t))
	catalog := dictionary.NewCatalog(pool)
	exec(t, pool, enterOperationSQL, 1, "old")
	exec(t, pool, `INSERT INTO plait_store.attribute_set (id, attributes, last_used) VALUES (7, '{"a":1,"b":2}', '2026-11-01')`)
	e := fresh(t, catalog)
	exec(t, pool, `DELETE FROM plait_store.operation`)
	exec(t, pool, `DELETE FROM plait_store.attribute_set`)
	fresh(t, catalog)
	exec(t, pool, enterOperationSQL, 1, "new")
	exec(t, pool, `INSERT INTO plait_store.attribute_set (id, attributes, last_used) VALUES (7, '{"b":2,"c":3}', '2026-11-01')`)
	fresh(t, catalog)
	if got := operationNames(e); !slices.Equal(got, []string{"new"}) {
		t.Errorf("operations %q", got)
	}
	for key, want := range map[string][]int64{"a": {}, "b": {7}, "c": {7}} {
		if got := setsWith(e, key); !slices.Equal(got, want) {
			t.Errorf("sets with %s: %v, want %v", key, got, want)
		}
	}
}

func setsWith(e *dictionary.Entries, key string) []int64 {
	return e.AttributeSets.Fitting(func(k string) bool { return k == key }, func(plait.Attribute) bool { return true })
}

func TestEntriesOfARestoredDumpAreReadOnce(t *testing.T) {
	t.Parallel()
	pool := openPool(t, storetest.URL(t))
	exec(t, pool, enterOperationSQL, 1, "dumped")
	exec(t, pool, `UPDATE plait_store.operation SET entered = '9000000000000000000'`)
	catalog := dictionary.NewCatalog(pool)
	fresh(t, catalog)
	exec(t, pool, enterOperationSQL, 2, "entered here")
	if got := operationNames(fresh(t, catalog)); !slices.Equal(got, []string{"dumped", "entered here"}) {
		t.Errorf("operations %q", got)
	}
}

func TestEachOfManyWhoAskAtOnceGetsWhatItEntered(t *testing.T) {
	t.Parallel()
	pool := openPool(t, storetest.URL(t))
	catalog := dictionary.NewCatalog(pool)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 10 {
				id := int64(100*i + j + 1)
				if _, err := pool.Exec(t.Context(), enterOperationSQL, id, fmt.Sprint(id)); err != nil {
					t.Error(err)
					return
				}
				e, err := catalog.Fresh(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if _, ok := e.Operations.Get(id); !ok {
					t.Errorf("operation %d is not there", id)
				}
			}
		})
	}
	all.Wait()
}

func TestCatalogThatCouldNotBeReadIsReadTheNextTime(t *testing.T) {
	t.Parallel()
	pool := openPool(t, storetest.URL(t))
	catalog := dictionary.NewCatalog(pool)
	exec(t, pool, enterOperationSQL, 1, "a")
	exec(t, pool, `INSERT INTO plait_store.resource (id, service, attributes, schema_url, dropped_attributes, last_used) VALUES (1, '', '{', '', 0, '2026-11-01')`)
	if _, err := catalog.Fresh(t.Context()); err == nil {
		t.Fatal("what is no JSON was read")
	}
	exec(t, pool, `DELETE FROM plait_store.resource`)
	if got := operationNames(fresh(t, catalog)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("operations %q", got)
	}
}
