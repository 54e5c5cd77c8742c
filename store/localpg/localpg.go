// Package localpg runs a Postgres server of Plait's own: it finds the installed programs,
// makes a cluster below the data directory, keeps the server running and takes it along when
// Plait ends. cmd/plait calls it when no --database-url is given, and storetest for tests.
//
// It never downloads programs, never listens on the network unless Config.ListenAddr says so,
// never touches a cluster that it did not make, and never deletes data.
//
// # How it stays whole
//
//  1. An flock on plait.lock makes one Plait the owner of the data directory. The kernel
//     lets go of it when the owner dies, however it dies.
//  2. The cluster is made in pg.init-… and renamed to pg when it is complete, so that a pg
//     that exists is whole.
//  3. Postgres refuses to run as root. Started by root, its programs run as the owner of the
//     cluster, which at first is an unprivileged account (account.go).
//  4. When Plait dies, the kernel tells the postmaster to shut down (Linux), or a child that
//     sees Plait's end of a pipe close does (elsewhere).
//  5. Before the postmaster starts, what is left of an earlier one is ended, and only then
//     the files go by which it claimed the directory (leftover.go). Every process of the
//     cluster carries a mark in its command line, made from the identity of the directory.
//  6. When the postmaster dies under a living Plait, it is started again (supervise.go).
package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// Config says where the server lives and how it is run.
type Config struct {
	// DataDir holds everything: the cluster, its log, its password, its socket. It is made
	// if it does not exist.
	DataDir string
	// Logger gets the supervisor's own events; the server's log is a file in DataDir/log.
	// Nil means slog.Default.
	Logger *slog.Logger
	// BinDir is the directory of the postgres and initdb programs. Empty means to look for
	// the version that made the cluster, or the newest for a cluster to be made.
	BinDir string
	// ListenAddr is a host and port on which readers' roles may connect over TCP, with their
	// passwords; Plait's own role may not. Empty means the socket only.
	ListenAddr string
	// Settings are Postgres settings that go before Plait's own, such as fsync.
	Settings map[string]string
}

// Server is a running private Postgres. Its methods may be called from any goroutine.
type Server struct {
	cluster *cluster
	log     *slog.Logger
	lock    *os.File

	stop  context.CancelFunc // called by Stop
	hurry context.CancelFunc // called when a Stop's context ends before the server does
	done  chan struct{}      // closed last, by supervise

	mu  sync.Mutex
	pm  *process // the postmaster, also when it has just ended; nil when none was started
	err error
}

// Start makes the cluster if there is none, starts the server and returns when it answers.
// The caller must Stop it. ctx bounds the start only. It fails at once when another Plait
// has the data directory, when no Postgres programs of version 15 or newer are found, and
// when the server ends instead of answering; the error then holds the end of its log.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.Default()
	}
	dir, err := makeDataDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{log: log, lock: lock, done: make(chan struct{})}
	if err := s.start(ctx, dir, cfg); err != nil {
		return nil, errors.Join(err, unlock(lock))
	}
	life, stop := context.WithCancel(context.Background())
	patience, hurry := context.WithCancel(context.Background())
	s.stop, s.hurry = stop, hurry
	go s.supervise(life, patience)
	return s, nil
}

func (s *Server) start(ctx context.Context, dir string, cfg Config) (err error) {
	if s.cluster, err = openCluster(ctx, dir, cfg, s.log); err != nil {
		return fmt.Errorf("private Postgres in %s: %w", dir, err)
	}
	if err := s.launch(ctx); err != nil {
		s.cluster.removeStandIn()
		return fmt.Errorf("start private Postgres in %s: %w", dir, err)
	}
	return nil
}

// URL returns where the server is reached: a postgres:// URL with the socket's directory
// and the password, as pgx and golang-migrate read it. It does not change while the Server
// lives, across restarts of the postmaster too.
func (s *Server) URL() string { return s.cluster.url(databaseName) }

// Pid returns the process id of the postmaster, or 0 while none runs.
func (s *Server) Pid() int {
	if pm := s.postmaster(); pm != nil && pm.running() {
		return pm.pid
	}
	return 0
}

// Done is closed when the server has ended for good: after Stop, or when it died and could
// not be started again.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server ended: nil before Done is closed and after an orderly Stop.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stop shuts the server down, breaking off connections, and returns when no process of it is
// left. When ctx ends first, the server is made to end at once, without a checkpoint; nothing
// committed is lost by that. The result is Err.
func (s *Server) Stop(ctx context.Context) error {
	s.stop()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.hurry()
		<-s.done
	}
	return s.Err()
}

// makeDataDir makes the data directory and returns its absolute path. Others may enter it,
// because the server's account must: each thing inside has its own mode.
func makeDataDir(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("private Postgres: no data directory is set")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("private Postgres: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make data directory: %w", err)
	}
	return dir, nil
}

func postgresURL(user, password, database, socketDir string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {socketDir}, "port": {port}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}
