// Package zipkin answers Zipkin's v2 query API below /zipkin, as Grafana's Zipkin data source, Zipkin's own page and
// scripts ask it. The API server mounts its handler; spans come in by another port (package ingest).
// docs/zipkin.md says how spans look in it.
package zipkin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/api/tracesearch"
)

// Prefix is the path below which the handler expects its requests.
const Prefix = "/zipkin"

// Reader reads what is asked for.
type Reader interface {
	tracesearch.Reader
	tracesearch.NameReader
	tracesearch.AttributeReader
	tracesearch.MapReader
}

type handler struct {
	Reader Reader
	tracesearch.Config
	recent recentLinks
}

// NewHandler returns the handler of everything below Prefix. It reads what is asked for from r.
func NewHandler(r Reader, c tracesearch.Config) (http.Handler, error) {
	h := &handler{Reader: r, Config: c.WithDefaults(), recent: recentLinks{turn: make(chan struct{}, 1)}}
	mux := http.NewServeMux()
	for path, names := range map[string]func(context.Context, url.Values) ([]string, error){
		"services":           h.services,
		"spans":              h.spanNames,
		"remoteServices":     h.remoteServices,
		"autocompleteKeys":   h.tagKeys,
		"autocompleteValues": h.tagValues,
	} {
		mux.HandleFunc(Prefix+"/api/v2/"+path, h.names(names))
	}
	mux.HandleFunc(Prefix+"/api/v2/trace/{id...}", h.trace)
	mux.HandleFunc(Prefix+"/api/v2/traces", h.search)
	mux.HandleFunc(Prefix+"/api/v2/traceMany", h.traceMany)
	mux.HandleFunc(Prefix+"/api/v2/dependencies", h.dependencies)
	mux.HandleFunc(Prefix+"/config.json", h.pageConfig)
	mux.HandleFunc(Prefix+"/health", h.health)
	mux.HandleFunc(Prefix+"/info", h.info)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.fail(w, r, face.ErrNoPath) })
	return face.Around(face.Config{Prefix: Prefix, Timeout: c.Timeout, Fail: h.fail}, mux)
}

// names answers with a list of names. Grafana's data source reads the body whatever the status says: so a failure is
// an empty list, and what failed is told in a header.
func (h *handler) names(question func(context.Context, url.Values) ([]string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := ask.ReadQuery(r.URL)
		var names []string
		if err == nil {
			names, err = question(r.Context(), q)
		}
		status := http.StatusOK
		if err != nil {
			var detail string
			status, detail = face.Failure(w, r, err, h.Logger)
			names = nil
			face.Warn(w.Header(), detail)
		}
		if names == nil {
			names = []string{} // null is no array
		}
		h.write(w, r, status, names)
	}
}

func (h *handler) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		h.Logger.DebugContext(r.Context(), "answer not sent", "error", err)
	}
}

// fail answers a failure with a line of text.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := face.Failure(w, r, err, h.Logger)
	http.Error(w, detail, status)
}

// pageConfig is what Zipkin's page asks before it draws.
func (h *handler) pageConfig(w http.ResponseWriter, r *http.Request) {
	h.write(w, r, http.StatusOK, map[string]any{
		"environment": "", "queryLimit": searchLimit, "defaultLookback": time.Hour.Milliseconds(), "searchEnabled": true,
		"dependency": map[string]any{"enabled": true, "lowErrorRate": 0.5, "highErrorRate": 0.75},
	})
}

func (h *handler) health(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(r.Context()); err != nil {
		h.write(w, r, http.StatusServiceUnavailable, map[string]string{"status": "DOWN"})
		return
	}
	h.write(w, r, http.StatusOK, map[string]string{"status": "UP"})
}

func (h *handler) info(w http.ResponseWriter, r *http.Request) {
	h.write(w, r, http.StatusOK, map[string]any{"zipkin": map[string]string{"version": "plait " + h.Version}})
}
