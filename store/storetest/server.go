package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/localpg"
	"github.com/plaithq/plait/store/pgerror"
)

// settings of the private server: a test's data need not survive anything.
var settings = map[string]string{
	"fsync":              "off",
	"full_page_writes":   "off",
	"autovacuum_naptime": "10min",
	"max_connections":    "200",
	"min_wal_size":       "80MB",
	"max_wal_size":       "1GB",
}

// server is the Postgres that the tests of a binary share.
type server struct {
	admin    *url.URL // a database to be connected to while others are created and dropped
	prefix   string   // of the names of this binary's databases
	last     atomic.Int64
	empty    func() (string, error) // names a template without the schema
	migrated func() (string, error) // names a template with the schema, made once
	opened   func() (string, error) // names one with today's partitions as well
	cluster  []*url.URL             // the nodes of a Citus cluster, the coordinator first; empty: one Postgres
	private  *localpg.Server        // nil when the server was there before
	dir      string                 // of the private server
}

func startServer() (*server, error) {
	s := &server{prefix: "plait_test_" + strings.ToLower(rand.Text()[:10]) + "_"}
	s.empty = sync.OnceValues(s.makeEmpty)
	s.migrated = sync.OnceValues(s.makeMigrated)
	s.opened = sync.OnceValues(s.makeOpened)
	address := os.Getenv("PLAIT_TEST_DATABASE_URL")
	if address == "" {
		if err := s.startPrivate(); err != nil {
			return nil, err
		}
		address = s.private.URL()
	}
	var err error
	if s.admin, err = url.Parse(address); err != nil {
		return nil, fmt.Errorf("read PLAIT_TEST_DATABASE_URL: %w", err)
	}
	return s, s.joinCluster(os.Getenv("PLAIT_TEST_CITUS"))
}

func (s *server) startPrivate() (err error) {
	if s.dir, err = os.MkdirTemp("", "plait-test-"); err != nil {
		return err
	}
	// The account that runs Postgres for root must be able to enter.
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	s.private, err = localpg.Start(context.Background(), localpg.Config{
		DataDir:  s.dir,
		BinDir:   os.Getenv("PLAIT_TEST_POSTGRES_BIN"),
		Logger:   slog.New(slog.DiscardHandler),
		Settings: settings,
	})
	if err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	return nil
}

// stop ends the private server and removes its files; of another server it drops the templates.
func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
	defer cancel()
	if s.private == nil {
		return errors.Join(s.drop(ctx, s.prefix+"empty"), s.drop(ctx, s.prefix+"migrated"), s.drop(ctx, s.prefix+"opened"))
	}
	return errors.Join(s.private.Stop(ctx), os.RemoveAll(s.dir))
}

func (s *server) makeMigrated() (string, error) {
	ctx := context.Background()
	name := s.prefix + "migrated"
	empty, err := s.empty()
	if err != nil {
		return "", err
	}
	if err := s.create(ctx, name, empty); err != nil {
		return "", err
	}
	if err := store.Migrate(ctx, s.url(name), store.MigrateUp); err != nil {
		return "", err
	}
	if err := s.distribute(ctx, name); err != nil {
		return "", err
	}
	if err := execAt(ctx, s.url(name), setContentKeySQL); err != nil {
		return "", err
	}
	return name, s.seal(ctx, name)
}

// setContentKeySQL gives all databases of tests the same secret. The ids of dictionary entries, and
// the cursors and ids of log records that are made of them, are then the same in every run, as golden files need it.
const setContentKeySQL = `INSERT INTO plait_store.content_key (one, key) VALUES (true, decode(repeat('5a', 32), 'hex'))`

// makeOpened lets a store open a database once: to clone its partitions takes a third of the
// time that making them takes.
func (s *server) makeOpened() (string, error) {
	migrated, err := s.migrated()
	if err != nil {
		return "", err
	}
	ctx := context.Background()
	name := s.prefix + "opened"
	if err := s.create(ctx, name, migrated); err != nil {
		return "", err
	}
	st, err := store.Open(ctx, store.Config{DatabaseURL: s.url(name), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	st.Close()
	return name, s.seal(ctx, name)
}

func (s *server) newName() string { return s.prefix + strconv.FormatInt(s.last.Add(1), 10) }

func (s *server) url(database string) string {
	u := *s.admin
	u.Path = "/" + database
	return u.String()
}

func (s *server) create(ctx context.Context, name, template string) error {
	return s.exec(ctx,
		"CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template),
		"ALTER DATABASE "+quote(name)+" SET search_path = ''")
}

// drop tries again while a worker process of Citus comes back into a database that it is to leave.
func (s *server) drop(ctx context.Context, name string) (err error) {
	for range dropAttempts {
		if err = s.dropOnce(ctx, name); s.cluster == nil || pgerror.Code(err) != pgerrcode.ObjectInUse {
			return err
		}
	}
	return err
}

const dropAttempts = 10

func (s *server) dropOnce(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
}

// exec runs statements that cannot be in a transaction, one after the other, on every node.
func (s *server) exec(ctx context.Context, statements ...string) error {
	for _, node := range s.nodes() {
		if err := execAt(ctx, node.String(), statements...); err != nil {
			return err
		}
	}
	return nil
}

func execAt(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the Postgres for tests: %w", err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
