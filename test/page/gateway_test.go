package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plaithq/plait/store/storetest"
)

// gateway is a running plait, on a database of its own. Addresses are host:port.
type gateway struct{ ingest, grpc, api string }

// environment tells a test in the browser where the gateway is.
func (g gateway) environment(name string) []string {
	prefix := "PLAIT_TEST_" + strings.ToUpper(name) + "_"
	return []string{prefix + "API=http://" + g.api, prefix + "INGEST=http://" + g.ingest, prefix + "GRPC=" + g.grpc}
}

// buildPlait builds the program as users have it, without the race detector: the page's times count.
func buildPlait(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plait")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/plaithq/plait/cmd/plait").CombinedOutput()
	if err != nil {
		t.Fatalf("build plait: %v\n%s", err, out)
	}
	return binary
}

// startGateway runs plait with a command and flags, and returns at once. It runs until the test ends.
func startGateway(t *testing.T, binary, command string, flags ...string) gateway {
	t.Helper()
	g := gateway{}
	for _, addr := range []*string{&g.ingest, &g.grpc, &g.api} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // after all of them, so that they differ
		*addr = l.Addr().String()
	}
	cmd := exec.Command(binary, append([]string{command, "--database-url", storetest.URL(t), "--log-level", "error",
		"--ingest-addr", g.ingest, "--otlp-grpc-addr", g.grpc, "--api-addr", g.api}, flags...)...)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("plait %s: %v", command, err)
		}
	})
	return g
}

// awaitReady returns when the gateway answers.
func (g gateway) awaitReady(t *testing.T) {
	t.Helper()
	g.await(t, "/readyz", func(io.Reader) error { return nil })
}

// awaitTelemetry returns when the gateway says that it has stored something: its page starts with the overview.
func (g gateway) awaitTelemetry(t *testing.T) {
	t.Helper()
	g.await(t, "/api/v1/about", func(body io.Reader) error {
		var about struct {
			Oldest struct {
				Seen *time.Time `json:"seen"`
			} `json:"oldest"`
		}
		if err := json.NewDecoder(body).Decode(&about); err != nil {
			return err
		}
		if about.Oldest.Seen == nil {
			return errors.New("nothing is stored yet")
		}
		return nil
	})
}

// await asks the gateway at path again and again, until it answers 200 with a body that enough accepts.
func (g gateway) await(t *testing.T, path string, enough func(body io.Reader) error) {
	t.Helper()
	const limit = 2 * time.Minute
	deadline := time.After(limit)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := g.get(t, path, enough)
		if err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("after %v, %s is not as it must be yet: %v", limit, path, err)
		}
	}
}

func (g gateway) get(t *testing.T, path string, enough func(body io.Reader) error) error {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.api+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return enough(resp.Body)
}
