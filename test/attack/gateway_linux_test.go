// Package attack starts the program as its users do, lets hostile senders at it, and asserts what is
// promised: gateway and database together stay below 1 GiB, and another sender is heard meanwhile.
package attack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// binaryVariable names a program to attack in place of one that is built from the source, to compare
// versions.
const binaryVariable = "PLAIT_ATTACK_BINARY"

// buildPlait builds the program, without the race detector, which takes memory of its own.
func buildPlait(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv(binaryVariable); binary != "" {
		return binary
	}
	binary := filepath.Join(t.TempDir(), "plait")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/plaithq/plait/cmd/plait").CombinedOutput()
	if err != nil {
		t.Fatalf("build plait: %v\n%s", err, out)
	}
	return binary
}

// gateway is a running `plait serve` with a private Postgres and default limits.
type gateway struct {
	grpc, ingest, api string // host:port
	pid               int
	client            *http.Client
}

func startGateway(t *testing.T, binary string) *gateway {
	t.Helper()
	// Not below t.TempDir, whose long name leaves no room for a socket's.
	dir, err := os.MkdirTemp("", "plait-attack-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755)) // root's Postgres runs as another account
	g := &gateway{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}}
	var held []net.Listener // all three at a time, so that they differ
	for _, addr := range []*string{&g.grpc, &g.ingest, &g.api} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		held, *addr = append(held, l), l.Addr().String()
	}
	for _, l := range held {
		check(t, l.Close())
	}
	return g.start(t, binary, dir)
}

func (g *gateway) start(t *testing.T, binary, dir string) *gateway {
	t.Helper()
	cmd := exec.Command(binary, "serve", "--data-dir", filepath.Join(dir, "data"), "--log-level", "warn",
		"--otlp-grpc-addr", g.grpc, "--ingest-addr", g.ingest, "--api-addr", g.api)
	cmd.Stderr = t.Output()
	check(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	g.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("plait ended after SIGTERM with %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("plait did not end within a minute of SIGTERM")
			_ = cmd.Process.Kill()
			t.Log(<-ended)
		}
	})
	retry(t, 2*time.Minute, "the gateway is ready", func() error {
		resp, err := g.client.Get("http://" + g.api + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return nil
	})
	return g
}

// hears sends a span over HTTP and one over gRPC, as a sender that comes back when it is asked to.
func (g *gateway) hears(t *testing.T) {
	t.Helper()
	retry(t, 30*time.Second, "another sender is heard over HTTP", func() error {
		body := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"heard"}]}]}]}`)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+g.ingest+"/v1/traces", bytes.NewReader(body))
		check(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := g.client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("answered %s %s", resp.Status, text)
		}
		return err
	})
	conn, err := grpc.NewClient(g.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(t, err)
	defer conn.Close()
	request := &coltrace.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{
		Spans: []*tracepb.Span{{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "heard"}}}}}}}
	retry(t, 30*time.Second, "another sender is heard over gRPC", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := coltrace.NewTraceServiceClient(conn).Export(ctx, request)
		return err
	})
}

// retry calls f until it succeeds, within a time that is ample on a busy machine.
func retry(t *testing.T, within time.Duration, what string, f func() error) {
	t.Helper()
	end := time.Now().Add(within)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// forgetPeak lets memory's peak begin with what the gateway has at this moment.
func (g *gateway) forgetPeak(t *testing.T) {
	t.Helper()
	check(t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", g.pid), []byte("5"), 0o200))
}

// memory is the gateway's highest resident size since forgetPeak, and what its Postgres has at this moment, in
// bytes. Pages that processes share are counted once.
func (g *gateway) memory(t *testing.T) (peak, postgres int64) {
	t.Helper()
	peak = field(t, fmt.Sprintf("/proc/%d/status", g.pid), "VmHWM:")
	parents := map[int]int{}
	processes, err := filepath.Glob("/proc/[0-9]*/stat")
	check(t, err)
	for _, path := range processes {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		check(t, err)
		after := b[bytes.LastIndexByte(b, ')')+1:]
		parents[pid], err = strconv.Atoi(strings.Fields(string(after))[1])
		check(t, err)
	}
	for pid := range parents {
		for at := parents[pid]; at > 1; at = parents[at] {
			if at == g.pid {
				postgres += field(t, fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
				break
			}
		}
	}
	return peak, postgres
}

// field reads a number of kB from a file in /proc, 0 of a process that has ended.
func field(t *testing.T, path, name string) int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			check(t, err)
			return n << 10
		}
	}
	return 0
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
