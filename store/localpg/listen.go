package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Readers come in over TCP, where Config.ListenAddr says so. Whose role owns everything stays on
// the socket: a password of that role that got out opens nothing from another account or machine.
// Postgres gives its socket the number of its TCP port, so a second name keeps the usual one.
const accessRules = `# Plait writes this file at each start.
local all all scram-sha-256
host all ` + userName + ` all reject
host ` + databaseName + ` all all scram-sha-256
`

// setListen reads Config.ListenAddr. A port that is taken is told before anything starts.
func (c *cluster) setListen(ctx context.Context, addr string) error {
	c.port = port
	if addr == "" {
		return nil
	}
	host, number, err := net.SplitHostPort(addr)
	if n, numberErr := strconv.ParseUint(number, 10, 16); err != nil || numberErr != nil || n == 0 {
		return fmt.Errorf("%q is no address for Postgres to listen on, such as 127.0.0.1:5433", addr)
	}
	probe, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s for readers of the private Postgres: %w", addr, err)
	}
	if err := probe.Close(); err != nil {
		return err
	}
	c.port, c.listenHost = number, host
	if host == "" {
		c.listenHost = "*"
	}
	return nil
}

// writeAccessRules writes who may connect from where. initdb's own file lets everybody try
// over TCP.
func (c *cluster) writeAccessRules() error {
	path := c.accessFile()
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, []byte(accessRules)) {
		return nil
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(accessRules), 0o600); err != nil {
		return fmt.Errorf("write who may connect: %w", err)
	}
	if err := errors.Join(c.account.own(temporary), syncPath(temporary), os.Rename(temporary, path)); err != nil {
		return fmt.Errorf("write who may connect: %w", err)
	}
	return nil
}

func (c *cluster) accessFile() string { return filepath.Join(c.pgDir, "pg_hba_plait.conf") }

// nameSocket gives the socket its usual name where the port is another.
func (c *cluster) nameSocket() error {
	usual := filepath.Join(c.socketDir, ".s.PGSQL."+port)
	if usual == c.socketFile() {
		return nil
	}
	for _, path := range []string{usual, usual + ".lock"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove an earlier server's socket: %w", err)
		}
	}
	if err := os.Symlink(filepath.Base(c.socketFile()), usual); err != nil {
		return fmt.Errorf("name the socket: %w", err)
	}
	return nil
}

// RunningURL returns where the server of a data directory is reached that another process runs,
// as Server.URL does. It is empty when none runs there.
func RunningURL(ctx context.Context, dataDir string) (string, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return "", err
	}
	lock, err := os.Open(filepath.Join(dir, "plait.lock"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a server in %s: %w", dir, err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return "", err // nobody has it
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		return "", fmt.Errorf("read the password of the server in %s: %w", dir, err)
	}
	url := postgresURL(userName, string(bytes.TrimSpace(password)), databaseName, socketDirOf(dir))
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", fmt.Errorf("connect to the server in %s: %w", dir, err)
	}
	return url, conn.Close(ctx)
}
