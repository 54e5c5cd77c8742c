package loki

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/facetest"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// base is when the records of tests begin, and now ten minutes later.
var (
	base = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	now  = base.Add(10 * time.Minute)
)

// server is the face on a socket, over a store.
type server struct {
	url   string
	store *store.Store
}

func start(t *testing.T, changes ...func(*Config)) *server {
	t.Helper()
	mapping, err := entry.NewMapping(entry.DefaultLabels())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{store: storetest.New(t)}
	c := Config{
		Logs: s.store, Mapping: mapping, Timeout: time.Minute, Memory: plait.NewAnswerMemory(64 << 20),
		Logger: facetest.Logger(t), Now: func() time.Time { return now },
	}
	for _, change := range changes {
		change(&c)
	}
	h, err := NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	s.url = facetest.Serve(t, h)
	return s
}

var attr = facetest.Attr

func (s *server) write(t *testing.T, records ...plait.LogRecord) {
	t.Helper()
	for i := range records {
		if records[i].Scope == nil {
			records[i].Scope = &plait.Scope{}
		}
	}
	if _, err := s.store.WriteLogs(t.Context(), &plait.Logs{Records: records}); err != nil {
		t.Fatal(err)
	}
}

// get asks with parameters, and header lines, and returns the answer.
func (s *server) get(t *testing.T, path string, params url.Values, headers ...string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path+"?"+params.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	a := facetest.Do(t, req)
	return a.Status, string(a.Body)
}

// answered asks with a query, and reads the answer.
func answered[A any](t *testing.T, s *server, path, text string, more ...string) (a A) {
	t.Helper()
	params := url.Values{"query": {text}}
	for i := 0; i+1 < len(more); i += 2 {
		params.Set(more[i], more[i+1])
	}
	status, body := s.get(t, root+path, params, "X-Loki-Response-Encoding-Flags: categorize-labels")
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", path, text, status, body)
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%s: %v in %s", text, err, body)
	}
	return a
}

type streamsAnswer struct {
	Data struct {
		Result []struct {
			Stream map[string]string
			Values [][]json.RawMessage
		}
	}
	Warnings []string
}

// lines asks for the lines of a query.
func (s *server) lines(t *testing.T, text string, more ...string) (all []string) {
	t.Helper()
	for _, stream := range answered[streamsAnswer](t, s, "query_range", text, more...).Data.Result {
		for _, v := range stream.Values {
			var line string
			if err := json.Unmarshal(v[1], &line); err != nil {
				t.Fatal(err)
			}
			all = append(all, line)
		}
	}
	return all
}
