// Package facetest is what tests of faces have in common: the face on a socket, its answers, and the files that
// answers are compared with.
package facetest

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

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Updating says whether golden files are to be rewritten: tests were called with -update.
func Updating() bool { return *update }

// Answer is what a face answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Kind is the media type of the body, with its parameters.
func (a Answer) Kind() string { return a.Header.Get("Content-Type") }

// Serve puts a face on a socket until the test ends, and returns the URL below which it answers.
func Serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Logger writes to the output of a test.
func Logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// Get asks with header fields, given by name and value.
func Get(t *testing.T, url string, header ...string) Answer {
	t.Helper()
	return Ask(t.Context(), t, http.MethodGet, url, header...)
}

// Ask is Get by any method.
func Ask(ctx context.Context, t *testing.T, method, url string, header ...string) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return Do(t, req)
}

// Do sends a request and reads its answer.
func Do(t *testing.T, req *http.Request) Answer {
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
	return Answer{resp.StatusCode, resp.Header, body}
}

// Golden compares JSON with testdata/NAME.json, a value a line. With -update it writes the file.
func Golden(t *testing.T, name string, body []byte) {
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

// Attr is an attribute with a text.
func Attr(key, value string) plait.Attribute {
	return plait.Attribute{Key: key, Value: plait.StringValue(value)}
}
