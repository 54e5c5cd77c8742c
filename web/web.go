// Package web is Plait's page in the browser: the files that Vite built from src/, and the handler that
// serves them.
//
// Only cmd/plait calls it. The page asks the API like any other client, by addresses relative to its own,
// so that both work behind whatever path a proxy puts before them.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// dist is what `make page` builds. Vite may begin names with an underscore, which embedding leaves out
// without all.
//
//go:embed all:dist
var dist embed.FS

const (
	index   = "/index.html"
	favicon = "/favicon.svg"
	// assets is where Vite puts files that have a hash of their content in their name.
	assets = "/assets/"
)

// contentSecurityPolicy lets the page load nothing but its own files and ask nobody but its own gateway.
// Telemetry is text that strangers wrote: whatever of it became markup could still do nothing.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// contentTypes are those of the files that a build makes. The system's own table may lack some, or differ.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".txt":  "text/plain; charset=utf-8",
}

// Page serves the files of the page.
type Page struct{ files map[string]file }

// file is one file as it is answered.
type file struct {
	body        []byte
	contentType string
	etag        string
}

// New reads the page that was built into the program.
func New() (*Page, error) {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the page's files: %w", err)
	}
	return read(built)
}

// read takes the page from a directory as Vite writes it.
func read(built fs.FS) (*Page, error) {
	p := &Page{files: map[string]file{}}
	err := fs.WalkDir(built, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s is of no type that the page serves", name)
		}
		body, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		p.files["/"+name] = file{body, contentType, `W/"` + hex.EncodeToString(sum[:12]) + `"`} // weak: it may be sent compressed
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page's files: %w", err)
	}
	if _, ok := p.files[index]; !ok {
		return nil, fmt.Errorf("the page has no %s: build it with make page", strings.TrimPrefix(index, "/"))
	}
	p.files["/"] = p.files[index]
	if icon, ok := p.files[favicon]; ok {
		p.files["/favicon.ico"] = icon // browsers ask for it when they show an answer of the API
	}
	return p, nil
}

// Paths lists what the page serves, as routes: paths, and one that ends in /* for all below it.
func (p *Page) Paths() []string {
	paths := []string{assets + "*"}
	for name := range p.files {
		if !strings.HasPrefix(name, assets) {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	return paths
}

// ServeHTTP answers a file. Browsers keep what has a hash in its name, and ask again for all else whether
// it has changed.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := p.files[r.URL.Path]
	if !ok {
		http.Error(w, "The page has no such file: it may be of another version. Load the page again.", http.StatusNotFound)
		return
	}
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Etag", f.etag)
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(r.URL.Path, assets) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, r.URL.Path, time.Time{}, bytes.NewReader(f.body))
}
