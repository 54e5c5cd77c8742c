package kill

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// gateway is a `plait serve` with a private Postgres, and can be killed and started again.
type gateway struct {
	binary, dataDir           string
	grpcAddr, ingestAddr, api string
	args                      []string // of its start, beside those

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // of Wait; to be read once ended is closed
}

// buildPlait builds the program, with the race detector if this test has it: then the packages
// are compiled once for all tests.
func buildPlait(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plait")
	args := []string{"build", "-o", binary}
	if hasRaceDetector() {
		args = append(args, "-race")
	}
	out, err := exec.CommandContext(t.Context(), "go", append(args, "github.com/plaithq/plait/cmd/plait")...).CombinedOutput()
	if err != nil {
		t.Fatalf("build plait: %v\n%s", err, out)
	}
	return binary
}

func hasRaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value == "true"
		}
	}
	return false
}

// newGateway prepares a gateway on ports of its own, the same at each start, so that senders
// find it again.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	return newGatewayOf(t, buildPlait(t))
}

// newGatewayOf prepares one of a program that is built already.
func newGatewayOf(t *testing.T, binary string) *gateway {
	t.Helper()
	// Not below t.TempDir, whose long name leaves no room for a socket's.
	dir, err := os.MkdirTemp("", "plait-kill-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755)) // root's Postgres runs as another account
	g := &gateway{binary: binary, dataDir: filepath.Join(dir, "data")}
	for _, addr := range []*string{&g.grpcAddr, &g.ingestAddr, &g.api} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		defer l.Close() // after all three, so that they differ
		*addr = l.Addr().String()
	}
	t.Cleanup(func() {
		if g.cmd != nil {
			_ = g.cmd.Process.Kill()
			<-g.ended
		}
	})
	return g
}

func (g *gateway) start(t *testing.T) {
	t.Helper()
	g.cmd = exec.Command(g.binary, append([]string{"serve", "--data-dir", g.dataDir, "--log-level", "warn",
		"--otlp-grpc-addr", g.grpcAddr, "--ingest-addr", g.ingestAddr, "--api-addr", g.api}, g.args...)...)
	g.cmd.Stderr = t.Output()
	check(t, g.cmd.Start())
	g.ended = make(chan struct{})
	go func() {
		defer close(g.ended)
		g.err = g.cmd.Wait()
	}()
}

// kill ends Plait by SIGKILL.
func (g *gateway) kill(t *testing.T) {
	t.Helper()
	check(t, g.cmd.Process.Kill())
	<-g.ended
}

// postmaster returns the pid of the private Postgres, which runs.
func (g *gateway) postmaster(t *testing.T) (pid int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dataDir, "pg", "postmaster.pid"))
	check(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(first)
	check(t, err)
	return pid
}

// killBackend ends by SIGKILL one of the processes of Postgres that serve the gateway, one that
// is in a transaction if there is one.
func (g *gateway) killBackend(t *testing.T) {
	t.Helper()
	conn := g.connectSoon(t)
	defer conn.Close(context.Background())
	var pid int
	check(t, conn.QueryRow(t.Context(), `
		SELECT pid
		FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
		ORDER BY xact_start IS NULL, random()
		LIMIT 1`).Scan(&pid))
	terminate(t, pid)
}

// connectSoon waits for a Postgres that is recovering.
func (g *gateway) connectSoon(t *testing.T) *pgx.Conn {
	t.Helper()
	limit := time.After(ackLimit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn := g.connect(t); conn != nil {
			return conn
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("Postgres does not answer after %v", ackLimit)
		}
	}
}

// terminate ends a process by SIGKILL, which may have ended already.
func terminate(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("kill process %d: %v", pid, err)
	}
}

// stop ends Plait by SIGTERM and expects that to be orderly, and to leave no process.
func (g *gateway) stop(t *testing.T) {
	t.Helper()
	check(t, g.cmd.Process.Signal(syscall.SIGTERM))
	<-g.ended
	if g.err != nil {
		t.Errorf("plait ended after SIGTERM with %v", g.err)
	}
	g.awaitNothingLeft(t)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// awaitNothingLeft returns when no process is at work in the data directory, as those of
// Postgres are. Where there is no /proc it knows of none.
func (g *gateway) awaitNothingLeft(t *testing.T) {
	t.Helper()
	limit := time.After(ackLimit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for left := g.processes(t); len(left) > 0; left = g.processes(t) {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("plait ended, and yet processes %v are left after %v", left, ackLimit)
		}
	}
}

func (g *gateway) processes(t *testing.T) (pids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	check(t, err)
	for _, link := range links {
		// Processes of others cannot be read, nor can those that have just ended.
		if dir, err := os.Readlink(link); err == nil && strings.HasPrefix(dir, g.dataDir) {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}
