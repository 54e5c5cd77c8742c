package zipkin

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	wire "github.com/plaithq/plait/wire/zipkin"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// base is when the shop's trace begins, and now a minute later.
var (
	base = time.Date(2026, 11, 21, 10, 0, 0, 123_456_789, time.UTC)
	now  = base.Add(time.Minute)
)

// server is the face on a socket, over a store.
type server struct{ url string }

func start(t *testing.T, r Reader, changes ...func(*Config)) *server {
	t.Helper()
	c := Config{
		Reader: r, Timeout: time.Minute, MaxSpans: 1000, Memory: plait.NewAnswerMemory(32 << 20),
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: func() time.Time { return now }, Version: "test", Ready: func(context.Context) error { return nil },
	}
	for _, change := range changes {
		change(&c)
	}
	h, err := NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &server{s.URL + Prefix}
}

func (s *server) get(t *testing.T, path string) (*http.Response, []byte) {
	t.Helper()
	return s.ask(t, http.MethodGet, path)
}

func (s *server) ask(t *testing.T, method, path string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
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

// golden compares an answer with its file.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(body), "", " "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(indented.String(), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got), -update rewrites it:\n%s", path, diff)
	}
}

func attr(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}

// shopTrace is what a Zipkin tracer sent, beside what an SDK of OpenTelemetry did.
func shopTrace(t *testing.T) *plait.Traces {
	t.Helper()
	body, err := os.ReadFile("testdata/shop.in.json")
	if err != nil {
		t.Fatal(err)
	}
	traces, err := wire.DecodeJSON(body)
	if err != nil {
		t.Fatal(err)
	}
	payments := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "Payments"), attr("host.name", "c")}}
	at := func(ms int) int64 { return base.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	traces.Spans = append(traces.Spans, plait.Span{
		TraceID: traces.Spans[0].TraceID, SpanID: plait.SpanID{7: 3}, ParentSpanID: plait.SpanID{7: 2}, Name: "Pay", Kind: plait.SpanKindServer, StartNanos: at(60), EndNanos: at(90),
		Resource: payments, Scope: &plait.Scope{Name: "net/http", Version: "1.2"}, Status: plait.StatusError, StatusMessage: "no money",
		Attributes: plait.Attributes{{Key: "http.status_code", Value: plait.IntValue(402)}, {Key: "items", Value: plait.ArrayValue(`["a",1]`)}},
		Events:     []plait.Event{{TimeNanos: at(70), Name: "exception", Attributes: plait.Attributes{attr("exception.type", "MoneyError")}}},
	})
	return traces
}

func shopStore(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.New(t)
	if _, err := s.WriteTraces(t.Context(), shopTrace(t)); err != nil {
		t.Fatal(err)
	}
	return s
}
