package dashboards

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/klauspost/compress/s2"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	prom "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/prompb"

	"github.com/plaithq/plait/store/storetest"
)

// patience is how long a busy machine may take until there is something to see.
const patience = 5 * time.Minute

// gateway is the program as users run it, on a database of the test's own, with a Prometheus
// beside it that scrapes its /metrics and sends them back by remote write.
type gateway struct {
	ingest, api string    // base URLs
	database    string    // its URL
	to          time.Time // when the range ends that is asked for; zero: now
	reader      string    // the same for the role that Grafana asks as
}

// buildPlait builds the program, with the race detector if this test has it: then its packages are
// compiled once for all tests.
func buildPlait(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plait")
	args := []string{"build", "-o", binary}
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			args = append(args, "-race")
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", append(args, "github.com/plaithq/plait/cmd/plait")...).CombinedOutput()
	if err != nil {
		t.Fatalf("build plait: %v\n%s", err, out)
	}
	return binary
}

// startGateway runs plait serve or plait demo until the test ends.
func startGateway(t *testing.T, binary, command string, more ...string) *gateway {
	t.Helper()
	addrs := freeAddrs(t, 3)
	database := storetest.URL(t)
	g := &gateway{ingest: "http://" + addrs[0], api: "http://" + addrs[1], database: database, reader: readerURL(t, binary, database)}
	cmd := exec.Command(binary, append([]string{command, "--database-url", database, "--log-level", "error",
		"--ingest-addr", addrs[0], "--api-addr", addrs[1], "--otlp-grpc-addr", addrs[2]}, more...)...)
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
	await(t, "a gateway that is ready", func() error {
		_, err := g.get(t, "/readyz")
		return err
	})
	ctx, stop := context.WithCancel(t.Context())
	scraped := make(chan struct{})
	go func() {
		defer close(scraped)
		g.scrape(ctx, t)
	}()
	t.Cleanup(func() { stop(); <-scraped })
	return g
}

// readerURL makes the role for Grafana. Roles are those of a whole server, so it goes with the test.
func readerURL(t *testing.T, binary, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	const password = "a reader's password"
	role := "plait_reader_" + strings.ToLower(rand.Text())
	cmd := exec.CommandContext(t.Context(), binary, "migrate", "reader-role", "--role", role, "--database-url", database)
	cmd.Env = append(os.Environ(), "PLAIT_READER_PASSWORD="+password)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make the role for Grafana: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.WithoutCancel(t.Context()), database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		name := pgx.Identifier{role}.Sanitize()
		for _, statement := range []string{"DROP OWNED BY " + name, "DROP ROLE " + name} {
			if _, err := conn.Exec(context.WithoutCancel(t.Context()), statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
	u.User = url.UserPassword(role, password)
	return u.String()
}

func freeAddrs(t *testing.T, n int) (addrs []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // after all of them, so that they differ
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// await asks until there is no error, a few times a second. What the database refuses it refuses always.
func await(t *testing.T, what string, ask func() error) {
	t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		if refused := new(pgconn.PgError); errors.As(err, &refused) {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("there is no %s after %v: %v", what, patience, err)
		}
	}
}

func (g *gateway) get(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.api+path, nil)
	if err != nil {
		return nil, err
	}
	return answer(req)
}

func answer(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, body)
	}
	return body, err
}

// scrape does what a Prometheus beside the gateway does, until the context ends.
func (g *gateway) scrape(ctx context.Context, t *testing.T) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		if err := g.scrapeOnce(ctx); err != nil && ctx.Err() == nil {
			t.Logf("scrape: %v", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (g *gateway) scrapeOnce(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.api+"/metrics", nil)
	if err != nil {
		return err
	}
	text, err := answer(req)
	if err != nil {
		return err
	}
	parser := expfmt.NewTextParser(prom.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return err
	}
	var list []*dto.MetricFamily
	for name, f := range families {
		if name != "target_info" && !bytes.HasPrefix([]byte(name), []byte("traces_")) { // those the gateway stores by itself
			list = append(list, f)
		}
	}
	samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: prom.Now()}, list...)
	if err != nil {
		return err
	}
	var write prompb.WriteRequest
	for _, s := range samples {
		s.Metric["job"], s.Metric["instance"] = "plait", "plait:7080"
		series := prompb.TimeSeries{Samples: []prompb.Sample{{Value: float64(s.Value), Timestamp: int64(s.Timestamp)}}}
		for name, value := range s.Metric {
			series.Labels = append(series.Labels, prompb.Label{Name: string(name), Value: string(value)})
		}
		write.Timeseries = append(write.Timeseries, series)
	}
	body, err := write.Marshal()
	if err != nil {
		return err
	}
	req, err = http.NewRequestWithContext(ctx, http.MethodPost, g.ingest+"/api/v1/write", bytes.NewReader(s2.EncodeSnappy(nil, body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	_, err = answer(req)
	return err
}
