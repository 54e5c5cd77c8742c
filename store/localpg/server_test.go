package localpg

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// startHere starts a server in this process and stops it when the test ends.
func startHere(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	if cfg.Settings == nil {
		cfg.Settings = unsynced
	}
	s, err := Start(t.Context(), cfg)
	check(t, err)
	t.Cleanup(func() { check(t, s.Stop(context.Background())) })
	return s
}

func ask(t *testing.T, s *Server, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	check(t, err)
	defer conn.Close(t.Context())
	check(t, conn.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func TestServerListensOnASocketOfItsUserOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startHere(t, Config{DataDir: dir})
	if got := ask(t, s, `SELECT current_setting('listen_addresses')`); got != "" {
		t.Errorf("listens on %q", got)
	}
	for path, want := range map[string]os.FileMode{"run": 0o700, "pg": 0o700, "log": 0o700, "password": 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		check(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
	wrong := strings.Replace(s.URL(), s.cluster.password, "guess", 1)
	if _, err := pgx.Connect(t.Context(), wrong); err == nil {
		t.Error("a wrong password is let in")
	}
}

func TestWhatIsAcknowledgedIsSynced(t *testing.T) {
	t.Parallel()
	s := startHere(t, Config{DataDir: t.TempDir(), Settings: map[string]string{}})
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes", "data_checksums"} {
		if got := ask(t, s, `SELECT current_setting('`+name+`')`); got != "on" {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestAnyDirectoryNameWorks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 40)
	for _, name := range []string{`with space, comma, "quotes" and 100%`, "ünïcode", "a?b=c&d#e", long} {
		t.Run(name[:7], func(t *testing.T) {
			t.Parallel()
			s := startHere(t, Config{DataDir: filepath.Join(t.TempDir(), name)})
			if got := ask(t, s, `SELECT current_database()::text`); got != "plait" {
				t.Errorf("connected to %q", got)
			}
		})
	}
}

func TestStandInForALongSocketPathIsRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	s, err := Start(t.Context(), Config{DataDir: dir, Settings: unsynced})
	check(t, err)
	check(t, s.Stop(context.Background()))
	if _, err := os.Stat(s.cluster.socketDir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", s.cluster.socketDir, err)
	}
}

func TestStopBreaksOffConnectionsAndEndsEverything(t *testing.T) {
	t.Parallel()
	s := startHere(t, Config{DataDir: t.TempDir()})
	conn, err := pgx.Connect(t.Context(), s.URL())
	check(t, err)
	defer conn.Close(t.Context())
	check(t, s.Stop(context.Background()))
	<-s.Done()
	if left := s.cluster.members(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if s.Pid() != 0 || s.Err() != nil {
		t.Errorf("after Stop the pid is %d and the error %v", s.Pid(), s.Err())
	}
	if tail := s.cluster.logTail(); !strings.Contains(tail, "database system is shut down") {
		t.Errorf("the shutdown was not in order: %s", tail)
	}
}

func TestStopWithoutTimeLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startHere(t, Config{DataDir: dir})
	conn, err := pgx.Connect(t.Context(), s.URL())
	check(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `CREATE TABLE public.kept AS SELECT 1 AS n`)
	check(t, err)
	check(t, syscall.Kill(s.Pid(), syscall.SIGSTOP)) // an orderly stop would take as long as it may
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	check(t, s.Stop(ended))
	again := startHere(t, Config{DataDir: dir})
	if got := ask(t, again, `SELECT count(*)::text FROM public.kept`); got != "1" {
		t.Errorf("%s rows of 1 committed are there", got)
	}
}

func TestStartTellsWhatPostgresSaid(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{DataDir: t.TempDir(), Settings: map[string]string{"fsync": "off", "shared_buffers": "plenty"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "shared_buffers": "plenty"`) {
		t.Errorf("the error does not quote Postgres: %v", err)
	}
}

func TestStartDoesNotOutlastItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Config{DataDir: dir}); err == nil {
		t.Fatal("started though the context had ended")
	}
	startHere(t, Config{DataDir: dir}) // nothing stands in the way of the next
}

// events is a log handler that tells of each message.
type events struct {
	slog.Handler
	seen chan string
}

func (e events) Handle(ctx context.Context, r slog.Record) error {
	select {
	case e.seen <- r.Message:
	default:
	}
	return e.Handler.Handle(ctx, r)
}

func (e events) await(message string) {
	for got := range e.seen {
		if strings.HasPrefix(got, message) {
			return
		}
	}
}

func TestServerThatCannotStartIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := events{slog.NewTextHandler(t.Output(), nil), make(chan string, 100)}
	s := startHere(t, Config{DataDir: dir, Logger: slog.New(log)})
	control, aside := filepath.Join(dir, "pg", "global", "pg_control"), filepath.Join(dir, "pg_control")
	check(t, os.Rename(control, aside))
	check(t, syscall.Kill(s.Pid(), syscall.SIGKILL))
	log.await("start private Postgres again")
	check(t, os.Rename(aside, control))
	log.await("private Postgres runs again")
	ask(t, s, `SELECT 'here'`)
}

func TestStopEndsTheTryingAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := events{slog.NewTextHandler(t.Output(), nil), make(chan string, 100)}
	s := startHere(t, Config{DataDir: dir, Logger: slog.New(log)})
	check(t, os.Remove(filepath.Join(dir, "pg", "global", "pg_control")))
	check(t, syscall.Kill(s.Pid(), syscall.SIGKILL))
	log.await("start private Postgres again")
	check(t, s.Stop(context.Background()))
}

func TestDataWithoutItsPasswordIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Start(t.Context(), Config{DataDir: dir, Settings: unsynced})
	check(t, err)
	check(t, s.Stop(context.Background()))
	check(t, os.Remove(filepath.Join(dir, "password")))
	if _, err := Start(t.Context(), Config{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "password is not in") {
		t.Errorf("the error is %v", err)
	}
}
