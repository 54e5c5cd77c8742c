package kill

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// gateway is a `plait serve` with a private Postgres, and can be killed and started again.
type gateway struct {
	binary, dataDir           string
	grpcAddr, ingestAddr, api string

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
	// Not below t.TempDir, whose long name leaves no room for a socket's.
	dir, err := os.MkdirTemp("", "plait-kill-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755)) // root's Postgres runs as another account
	g := &gateway{binary: buildPlait(t), dataDir: filepath.Join(dir, "data")}
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
	g.cmd = exec.Command(g.binary, "serve", "--data-dir", g.dataDir, "--log-level", "warn",
		"--otlp-grpc-addr", g.grpcAddr, "--ingest-addr", g.ingestAddr, "--api-addr", g.api)
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

// killPostgres ends the postmaster by SIGKILL, wherever it is in its life.
func (g *gateway) killPostgres(t *testing.T) {
	t.Helper()
	pid, err := g.postmaster()
	check(t, err)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("kill Postgres: %v", err)
	}
}

func (g *gateway) postmaster() (pid int, err error) {
	path := filepath.Join(g.dataDir, "pg", "postmaster.pid")
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if pid, err = strconv.Atoi(first); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return pid, nil
}

// stop ends Plait by SIGTERM and expects that to be orderly.
func (g *gateway) stop(t *testing.T) {
	t.Helper()
	check(t, g.cmd.Process.Signal(syscall.SIGTERM))
	<-g.ended
	if g.err != nil {
		t.Errorf("plait ended after SIGTERM with %v", g.err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
