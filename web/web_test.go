package web

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// built is a page as Vite writes one.
var built = fstest.MapFS{
	"index.html":             {Data: []byte("<!doctype html>")},
	"favicon.svg":            {Data: []byte("<svg/>")},
	"assets/index-C1a2b3.js": {Data: []byte("start()")},
	"assets/_x-C1a2b3.css":   {Data: []byte("a{}")},
}

func pageOf(t *testing.T, files fs.FS) *Page {
	t.Helper()
	p, err := read(files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ask(t *testing.T, p *Page, method, path string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result()
}

func TestFilesAreServedWithTheirTypesAndForAsLongAsTheyHold(t *testing.T) {
	t.Parallel()
	p := pageOf(t, built)
	const again, forever = "no-cache", "public, max-age=31536000, immutable"
	for path, want := range map[string]struct{ contentType, cache, body string }{
		"/":                       {"text/html; charset=utf-8", again, "<!doctype html>"},
		"/index.html":             {"text/html; charset=utf-8", again, "<!doctype html>"},
		"/favicon.svg":            {"image/svg+xml", again, "<svg/>"},
		"/favicon.ico":            {"image/svg+xml", again, "<svg/>"},
		"/assets/index-C1a2b3.js": {"text/javascript; charset=utf-8", forever, "start()"},
		"/assets/_x-C1a2b3.css":   {"text/css; charset=utf-8", forever, "a{}"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			resp := ask(t, p, method, path, nil)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if method == http.MethodHead {
				want.body = ""
			}
			if resp.StatusCode != http.StatusOK || string(body) != want.body {
				t.Errorf("%s %s is answered %d %q, want %q", method, path, resp.StatusCode, body, want.body)
			}
			if h := resp.Header; h.Get("Content-Type") != want.contentType || h.Get("Cache-Control") != want.cache {
				t.Errorf("%s %s has type %q and Cache-Control %q", method, path, h.Get("Content-Type"), h.Get("Cache-Control"))
			}
			if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s %s has Content-Security-Policy %q", method, path, csp)
			}
		}
	}
}

func TestAFileThatHasNotChangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	p := pageOf(t, built)
	etag := ask(t, p, http.MethodGet, "/", nil).Header.Get("Etag")
	if resp := ask(t, p, http.MethodGet, "/", http.Header{"If-None-Match": {etag}}); etag == "" || resp.StatusCode != http.StatusNotModified {
		t.Errorf("asked with its tag %s it is answered %d", etag, resp.StatusCode)
	}
	changed := pageOf(t, fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>new</title>")}})
	if resp := ask(t, changed, http.MethodGet, "/", http.Header{"If-None-Match": {etag}}); resp.StatusCode != http.StatusOK {
		t.Errorf("a changed file is answered %d", resp.StatusCode)
	}
}

func TestAFileOfAnotherVersionIsNotFound(t *testing.T) {
	t.Parallel()
	p := pageOf(t, built)
	for _, path := range []string{"/assets/index-older.js", "/assets/", "/assets", "/../web.go", "/index"} {
		resp := ask(t, p, http.MethodGet, path, nil)
		if resp.StatusCode != http.StatusNotFound || strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is answered %d with Cache-Control %q", path, resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
	}
}

func TestRoutesNameNoFileWithAHash(t *testing.T) {
	t.Parallel()
	want := []string{"/", "/assets/*", "/favicon.ico", "/favicon.svg", "/index.html"}
	if got := pageOf(t, built).Paths(); !slices.Equal(got, want) {
		t.Errorf("the routes are %q, want %q", got, want)
	}
}

func TestAPageThatCannotBeServedIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]fstest.MapFS{
		"make page":                   {"assets/a.js": {}},
		"assets/a.woff is of no type": {"index.html": {}, "assets/a.woff": {}},
	} {
		if _, err := read(files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

// The page works behind a prefix and under its policy only if it names its files relatively, and has no
// script or style within its markup.
func TestTheBuiltPageNamesItsFilesRelatively(t *testing.T) {
	t.Parallel()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	html := string(p.files["/"].body)
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if strings.HasPrefix(m[1], "/") || strings.Contains(m[1], ":") {
			t.Errorf("it names %s, which is another file behind a prefix", m[1])
		}
		name, ours := strings.CutPrefix(m[1], "./")
		if _, there := p.files["/"+name]; ours && !there {
			t.Errorf("it names %s, which is not there", m[1])
		}
	}
	if inline := regexp.MustCompile(`<style|\sstyle=|\son[a-z]+=|<script[^>]*>[^<]`).FindString(html); inline != "" {
		t.Errorf("it has %q within its markup, which its policy forbids", inline)
	}
}
