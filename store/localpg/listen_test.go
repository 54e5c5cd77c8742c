package localpg

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// freeAddr returns a loopback address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestReadersComeInOverTCPAndTheOwnerDoesNot(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), freeAddr(t)
	s := startHere(t, Config{DataDir: dir, ListenAddr: addr})
	conn, err := pgx.Connect(t.Context(), s.URL())
	check(t, err)
	_, err = conn.Exec(t.Context(), `CREATE ROLE reader LOGIN PASSWORD 'let me in'`)
	check(t, errors.Join(err, conn.Close(t.Context())))
	over := func(user, password, database string) error {
		u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: addr, Path: database, RawQuery: "sslmode=disable"}
		conn, err := pgx.Connect(t.Context(), u.String())
		if err != nil {
			return err
		}
		return conn.Close(t.Context())
	}
	check(t, over("reader", "let me in", databaseName))
	for name, err := range map[string]error{
		"the owner":              over(userName, s.cluster.password, databaseName),
		"a wrong password":       over("reader", "let me out", databaseName),
		"the database of others": over("reader", "let me in", "postgres"),
	} {
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || !strings.HasPrefix(e.Code, "28") {
			t.Errorf("%s over TCP: %v", name, err)
		}
	}
	running, err := RunningURL(t.Context(), dir)
	if err != nil || running != s.URL() {
		t.Errorf("the running server is at %q, %v, want %q", running, err, s.URL())
	}
	check(t, s.Stop(context.Background()))
	if running, err := RunningURL(t.Context(), dir); err != nil || running != "" {
		t.Errorf("after its end the server is at %q, %v", running, err)
	}
	// Without the address it is the socket's alone again, under the usual name.
	again := startHere(t, Config{DataDir: dir})
	if got := ask(t, again, `SELECT current_setting('listen_addresses')`); got != "" {
		t.Errorf("listens on %q", got)
	}
	if err := over("reader", "let me in", databaseName); err == nil {
		t.Error("a reader is let in over TCP")
	}
}

func TestPortThatIsTakenIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	dir := t.TempDir()
	_, err = Start(t.Context(), Config{DataDir: dir, ListenAddr: l.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the error is %v", err)
	}
	for _, addr := range []string{"nonsense", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:postgres"} {
		if _, err := Start(t.Context(), Config{DataDir: dir, ListenAddr: addr}); err == nil || !strings.Contains(err.Error(), "no address") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "run", ".s.PGSQL."+port)); !os.IsNotExist(err) {
		t.Errorf("a socket is left: %v", err)
	}
}
