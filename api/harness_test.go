package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/wire/otlp"
)

// gateway is a running API with a store behind it.
type gateway struct {
	*Server
	store *store.Store
	url   string
}

// start runs an API over a store. Each change alters its configuration or what it works with.
func start(t testing.TB, s *store.Store, changes ...func(*Config, *Deps)) *gateway {
	t.Helper()
	c := DefaultConfig()
	c.Addr = "127.0.0.1:0"
	d := Deps{Traces: s, Logs: s, Metrics: s, Services: s, Volumes: s, Limited: s.Limited, Ready: s.Ping, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, change := range changes {
		change(&c, &d)
	}
	server, err := New(c, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run the API: %v", err)
		}
	})
	return &gateway{server, s, "http://" + server.Addr().String()}
}

// get asks for a path and returns the answer.
func (g *gateway) get(t testing.TB, path string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// answerOf gets a path that is answered, and reads the answer.
func answerOf[A any](t testing.TB, g *gateway, path string) A {
	t.Helper()
	resp, body := g.get(t, path)
	var answer A
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s is answered %s: %s", path, resp.Status, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return answer
}

func emptyStore(t testing.TB) *store.Store {
	t.Helper()
	return storetest.New(t)
}

const excerpt = "../testdata/trainticket"

// excerptStore is a store with the excerpt of the trainticket recording.
func excerptStore(t testing.TB) *store.Store {
	t.Helper()
	s := storetest.New(t)
	load(t, s, excerpt)
	return s
}

// load writes the recording in a folder as it is.
func load(t testing.TB, s *store.Store, folder string) {
	t.Helper()
	eachLine(t, filepath.Join(folder, "traces.jsonl.gz"), func(line []byte) error {
		b, err := otlp.DecodeTracesJSON(line)
		if err == nil {
			_, err = s.WriteTraces(t.Context(), b)
		}
		return err
	})
	eachLine(t, filepath.Join(folder, "logs.jsonl.gz"), func(line []byte) error {
		b, err := otlp.DecodeLogsJSON(line)
		if err == nil {
			_, err = s.WriteLogs(t.Context(), b)
		}
		return err
	})
	eachLine(t, filepath.Join(folder, "metrics.jsonl.gz"), func(line []byte) error {
		// The recording has NaN without quotes, which JSON does not know.
		line = bytes.ReplaceAll(line, []byte(`:NaN`), []byte(`:"NaN"`))
		b, err := otlp.NewMetricDecoder(otlp.MetricSettings{}).DecodeJSON(t.Context(), line, nil)
		if err == nil {
			_, err = s.WriteMetrics(t.Context(), b)
		}
		return err
	})
}

func eachLine(t testing.TB, path string, write func([]byte) error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if err := write(lines.Bytes()); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
