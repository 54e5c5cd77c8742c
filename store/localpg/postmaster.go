package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	readyInterval = 20 * time.Millisecond
	connectLimit  = 5 * time.Second
	slowStart     = 10 * time.Second
	logTailBytes  = 2048
)

// startPostmaster starts the server's first process. SIGINT is what it gets when Plait dies:
// its fast shutdown. SIGTERM would wait for clients to leave.
func (c *cluster) startPostmaster() (*process, error) {
	// What Postgres says before its own logger runs. A file and not a pipe: a pipe that
	// nobody reads would halt it.
	early, err := os.OpenFile(filepath.Join(c.logDir, "start.log"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer early.Close()
	cmd := c.command("postgres", c.serverArgs()...)
	cmd.Stdout, cmd.Stderr = early, early
	return startTied(cmd, syscall.SIGINT)
}

// waitReady returns when the server answers queries and Plait's database exists, or when the
// server has ended. Recovery after a crash may take long, so only ctx bounds the wait.
func (c *cluster) waitReady(ctx context.Context, pm *process) error {
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	slow := time.After(slowStart)
	var last error
	for {
		if last = c.ensureDatabase(ctx); last == nil || isRefusal(last) {
			return last
		}
		select {
		case <-pm.exited:
			return fmt.Errorf("the server ended: %s", pm.reason())
		case <-ctx.Done():
			return fmt.Errorf("wait for the server to answer: %w", errors.Join(ctx.Err(), last))
		case <-slow:
			c.log.Warn("private Postgres takes long to start", "pid", pm.pid, "last_answer", last)
		case <-tick.C:
		}
	}
}

const databaseExists = `SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)`

// ensureDatabase connects, which proves that the server is up, and makes Plait's database.
func (c *cluster) ensureDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var exists bool
	if err := conn.QueryRow(ctx, databaseExists, databaseName).Scan(&exists); err != nil || exists {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{databaseName}.Sanitize())
	return err
}

// isRefusal tells whether the server answered something that waiting does not change, such as
// a wrong password. While it starts, it answers cannot_connect_now.
func isRefusal(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgerrcode.IsInvalidAuthorizationSpecification(pgErr.Code)
}

// logTail returns the end of the newest log file, for the error of a server that ended.
func (c *cluster) logTail() string {
	files, _ := filepath.Glob(filepath.Join(c.logDir, "*.log")) // the pattern is good
	if len(files) == 0 {
		return ""
	}
	newest := slices.MaxFunc(files, func(a, b string) int { return cmp.Compare(modified(a), modified(b)) })
	f, err := os.Open(newest)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-logTailBytes), io.SeekStart) // at worst it shows too much
	}
	text, err := io.ReadAll(io.LimitReader(f, logTailBytes))
	if err != nil {
		return err.Error()
	}
	if _, rest, cut := strings.Cut(string(text), "\n"); cut && len(text) == logTailBytes {
		return strings.TrimSpace(rest) // without the line that it begins within
	}
	return strings.TrimSpace(string(text))
}

func modified(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}
