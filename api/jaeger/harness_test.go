package jaeger

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
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: func() time.Time { return now },
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

func (s *server) get(t *testing.T, path string) (status int, body []byte) {
	t.Helper()
	return s.ask(t.Context(), t, http.MethodGet, path)
}

func (s *server) ask(ctx context.Context, t *testing.T, method, path string) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("%s %s is answered with Content-Type %q", method, path, kind)
	}
	return resp.StatusCode, body
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

// shopTrace is a trace with one of everything that the face has a word for.
func shopTrace() *plait.Traces {
	shop := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "shop"), attr("host.name", "a")}}
	cart := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart/v1"), attr("host.name", "b")}}
	scope := &plait.Scope{Name: "net/http", Version: "1.2"}
	at := func(ms int) int64 { return base.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	id := func(n byte) plait.SpanID { return plait.SpanID{7: n} }
	trace := plait.TraceID{0: 0x4b, 1: 0xf9, 15: 0x36}
	spans := []plait.Span{
		{
			SpanID: id(1), Name: "GET /checkout", Kind: plait.SpanKindServer, StartNanos: at(0), EndNanos: at(400), Resource: shop, Status: plait.StatusError, StatusMessage: "no stock",
			TraceState: "vendor=1", Flags: 0x101,
			Attributes: plait.Attributes{
				{Key: "http.status_code", Value: plait.IntValue(500)}, {Key: "ratio", Value: plait.DoubleValue(0.5)}, {Key: "cached", Value: plait.BoolValue(false)},
				{Key: "large", Value: plait.IntValue(1<<60 + 1)}, {Key: "raw", Value: plait.BytesValue("\x00\xff")}, {Key: "items", Value: plait.ArrayValue(`["a",1]`)}, attr("user.id", "u1"),
			},
			Events: []plait.Event{{TimeNanos: at(300), Name: "exception", Attributes: plait.Attributes{attr("exception.type", "StockError")}, DroppedAttributes: 2}},
			Links:  []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: id(9)}},
		},
		{SpanID: id(2), ParentSpanID: id(1), Name: "GET /cart", Kind: plait.SpanKindClient, StartNanos: at(10), EndNanos: at(200), Resource: shop},
		// The server's side carries the id of the client's, and its clock is a second ahead.
		{SpanID: id(2), ParentSpanID: id(1), Name: "get /cart", Kind: plait.SpanKindServer, StartNanos: at(1050), EndNanos: at(1150), Resource: cart, Status: plait.StatusOK},
		{SpanID: id(3), ParentSpanID: id(2), Name: "SELECT", Kind: plait.SpanKindClient, StartNanos: at(1060), EndNanos: at(1100), Resource: cart},
		{SpanID: id(4), ParentSpanID: id(8), Name: "orphan", StartNanos: at(20), EndNanos: at(30), Resource: shop},
		{SpanID: id(5), ParentSpanID: id(1), Name: "unfinished", Kind: plait.SpanKindInternal, StartNanos: at(40), Resource: shop},
	}
	for i := range spans {
		spans[i].TraceID, spans[i].Scope = trace, scope
	}
	return &plait.Traces{Spans: spans}
}

func shopStore(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.New(t)
	if _, err := s.WriteTraces(t.Context(), shopTrace()); err != nil {
		t.Fatal(err)
	}
	return s
}
