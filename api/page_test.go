package api

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// files is a page of two files and a directory.
type files struct{}

func (files) Paths() []string { return []string{"/", "/assets/*"} }

func (files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "this is "+r.URL.Path+strings.Repeat(" ", 5000))
}

func TestThePageIsServedBesideTheAPI(t *testing.T) {
	t.Parallel()
	g := start(t, emptyStore(t), func(_ *Config, d *Deps) { d.Page = files{} })
	for path, want := range map[string]string{
		"/": "this is / ", "//": "this is / ", "/assets/a.js": "this is /assets/a.js ", "/healthz": "ok", root + "/about": `{"version"`,
	} {
		if resp, body := g.get(t, path); resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), want) {
			t.Errorf("%s is answered %s %.40s, want %s", path, resp.Status, body, want)
		}
	}
	if resp, _ := g.get(t, "/nothing"); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a path that is neither's is answered %s as %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/assets/a.js", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if resp, body := do(t, req); resp.Header.Get("Content-Encoding") != "gzip" || len(body) > 1000 {
		t.Errorf("a file is answered in %d bytes, encoded as %q", len(body), resp.Header.Get("Content-Encoding"))
	}
}

func TestWithoutAPageThereIsNothingAtItsPath(t *testing.T) {
	t.Parallel()
	if resp, _ := start(t, emptyStore(t)).get(t, "/"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("/ is answered %s", resp.Status)
	}
}
