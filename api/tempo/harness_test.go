package tempo

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
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

func start(t *testing.T, st *store.Store, changes ...func(*Config)) *server {
	t.Helper()
	c := Config{
		Reader: st, Timeout: time.Minute, MaxSpans: 1000, Memory: plait.NewAnswerMemory(32 << 20), Ready: st.Ping, Version: "test",
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

// shopServer is a server with the shop's trace.
func shopServer(t *testing.T, changes ...func(*Config)) *server {
	t.Helper()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	if _, err := st.WriteTraces(t.Context(), shopTrace()); err != nil {
		t.Fatal(err)
	}
	return start(t, st, changes...)
}

type answer struct {
	status int
	kind   string
	body   []byte
}

func (s *server) get(t *testing.T, path string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
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
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), body}
}

// search asks for traces by TraceQL, with more parameters by name and value.
func (s *server) search(t *testing.T, text string, more ...string) answer {
	t.Helper()
	return s.get(t, "/api/search?"+asked(text, more...))
}

func asked(text string, more ...string) string {
	q := url.Values{"q": {text}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q.Encode()
}

// golden compares an answer with its file.
func golden(t *testing.T, name string, a answer) {
	t.Helper()
	if a.status != http.StatusOK || a.kind != "application/json" {
		t.Fatalf("%s: %d %s: %s", name, a.status, a.kind, a.body)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(a.body), "", " "); err != nil {
		t.Fatalf("%v in %s", err, a.body)
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

var shopID = plait.TraceID{0: 0x4b, 1: 0xf9, 15: 0x36}

// shopTrace is a trace with one of everything that a search shows.
func shopTrace() *plait.Traces {
	front := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "shop"), attr("host.name", "a")}}
	cart := &plait.Resource{Attributes: plait.Attributes{attr("service.name", "cart"), attr("host.name", "b")}}
	at := func(ms int) int64 { return base.Add(time.Duration(ms) * time.Millisecond).UnixNano() }
	id := func(n byte) plait.SpanID { return plait.SpanID{7: n} }
	spans := []plait.Span{
		{
			SpanID: id(1), Name: "GET /checkout", Kind: plait.SpanKindServer, StartNanos: at(0), EndNanos: at(400), Resource: front, Status: plait.StatusError, StatusMessage: "no stock",
			Attributes: plait.Attributes{
				{Key: "http.status_code", Value: plait.IntValue(500)}, {Key: "ratio", Value: plait.DoubleValue(0.5)}, {Key: "cached", Value: plait.BoolValue(false)},
				{Key: "items", Value: plait.ArrayValue(`["a",1]`)}, attr("mixed", "text"),
			},
			Events: []plait.Event{{TimeNanos: at(300), Name: "exception", Attributes: plait.Attributes{attr("exception.type", "StockError")}}},
			Links:  []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: id(9), Attributes: plait.Attributes{attr("link.kind", "retry")}}},
		},
		{SpanID: id(2), ParentSpanID: id(1), Name: "GET /cart", Kind: plait.SpanKindClient, StartNanos: at(10), EndNanos: at(200), Resource: front},
		{
			SpanID: id(3), ParentSpanID: id(2), Name: "get /cart", Kind: plait.SpanKindServer, StartNanos: at(50), EndNanos: at(150), Resource: cart, Status: plait.StatusOK,
			Attributes: plait.Attributes{{Key: "mixed", Value: plait.IntValue(7)}},
		},
		{SpanID: id(4), ParentSpanID: id(3), Name: "SELECT", Kind: plait.SpanKindClient, StartNanos: at(60), EndNanos: at(100), Resource: cart},
	}
	for i := range spans {
		spans[i].TraceID, spans[i].Scope = shopID, &plait.Scope{Name: "net/http", Version: "1.2"}
	}
	return &plait.Traces{Spans: spans}
}
