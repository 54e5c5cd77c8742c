// Package storetest gives tests a real database each. Tests of every room that touches
// storage call it; nothing else does.
//
// A test binary starts one private Postgres when its first test asks for a database, and
// stops it at its end. The schema is migrated once, into a template, and each test gets a
// clone of it, so tests run in parallel and none sees what another wrote. No session has a
// search_path: a statement that does not name its schema fails.
//
// PLAIT_TEST_DATABASE_URL names a server to use instead, as a postgres:// URL of a user that
// may create databases. PLAIT_TEST_POSTGRES_BIN names the directory of the programs for the private
// one, in place of those that are installed.
//
// PLAIT_TEST_CITUS names the workers of a Citus cluster, as host:port with commas between, of which PLAIT_TEST_DATABASE_URL
// names the coordinator: each test then has a database on all nodes, with the tables spread over them.
//
// Tests in package store itself cannot import it, because it imports store: they are in
// package store_test.
package storetest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/plaithq/plait/store"
)

// cleanupLimit bounds what is done when a test has ended and its context is gone.
const cleanupLimit = 30 * time.Second

// started starts the server that the tests of this binary share, once.
var started = sync.OnceValues(func() (*server, error) {
	var err error
	running, err = startServer()
	return running, err
})

// running is the started server, for Main to stop; nil when no test asked for one.
var running *server

// mainRuns says that there is a Main, which stops the server.
var mainRuns bool

func shared(t testing.TB) *server {
	t.Helper()
	if !mainRuns {
		t.Fatal("a package that uses storetest has func TestMain(m *testing.M) { storetest.Main(m) }")
	}
	s, err := started()
	if err != nil {
		t.Fatalf("start a Postgres for tests: %v", err)
	}
	return s
}

// Main is a TestMain: it runs the tests, stops the server and fails when goroutines are left.
func Main(m *testing.M) { goleak.VerifyTestMain(Runner{m}) }

// Runner is the part of Main that concerns the server, for a TestMain that does more.
type Runner struct{ Tests interface{ Run() int } }

// Run runs the tests and returns their exit code, 1 when the server does not stop in order.
func (r Runner) Run() int {
	mainRuns = true
	code := r.Tests.Run()
	if running == nil {
		return code
	}
	if err := running.stop(); err != nil {
		slog.Error("stop the Postgres for tests", "error", err)
		return max(code, 1)
	}
	return code
}

// Option changes the configuration of a store for one test.
type Option func(*store.Config)

// Retention keeps all signals for d.
func Retention(d time.Duration) Option {
	return func(c *store.Config) { c.RetentionTraces, c.RetentionLogs, c.RetentionMetrics = d, d, d }
}

// Now sets the store's clock and the database's.
func Now(now func() time.Time) Option {
	return func(c *store.Config) { c.Now, c.DatabaseNow = now, now }
}

// GatewayNow sets the store's clock alone: the database has its own.
func GatewayNow(now func() time.Time) Option {
	return func(c *store.Config) { c.Now = now }
}

// New returns a store on a database of its own. It is closed when the test ends.
func New(t testing.TB, options ...Option) *store.Store {
	t.Helper()
	if len(options) > 0 {
		return Open(t, URL(t), options...) // other days may have partitions
	}
	s := shared(t)
	return Open(t, clone(t, s, s.opened))
}

// Open returns a store on the database at url, as a gateway has it that starts beside others.
// It logs to the test, has metrics of its own and is closed when the test ends.
func Open(t testing.TB, url string, options ...Option) *store.Store {
	t.Helper()
	config := store.Config{
		DatabaseURL: url,
		Logger:      slog.New(slog.NewTextHandler(t.Output(), nil)),
		Registerer:  prometheus.NewRegistry(),
	}
	for _, option := range options {
		option(&config)
	}
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("open a store: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// URL returns a migrated database of the test's own, dropped when it ends. It has no partitions
// until a store opens it.
func URL(t testing.TB) string {
	t.Helper()
	s := shared(t)
	return clone(t, s, s.migrated)
}

// Empty returns a database of the test's own without Plait's schema, dropped when it ends.
func Empty(t testing.TB) string {
	t.Helper()
	s := shared(t)
	return clone(t, s, s.empty)
}

func clone(t testing.TB, s *server, makeTemplate func() (string, error)) string {
	t.Helper()
	template, err := makeTemplate()
	if err != nil {
		t.Fatalf("make the template of test databases: %v", err)
	}
	name := s.newName()
	if err := s.create(t.Context(), name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}
