// Package jaeger answers Jaeger's query API below /jaeger, as Jaeger's own page, Grafana's Jaeger data source and
// scripts ask it: services, operations, traces, dependencies, and the newer API below /api/v3 in OTLP's JSON.
// The API server mounts its handler. docs/jaeger.md says how spans look in it.
package jaeger

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/api/tracesearch"
)

// Prefix is the path below which the handler expects its requests.
const Prefix = "/jaeger"

// Reader reads what is asked for.
type Reader interface {
	tracesearch.Reader
	tracesearch.NameReader
	tracesearch.MapReader
}

type handler struct {
	Reader Reader
	tracesearch.Config
}

// NewHandler returns the handler of everything below Prefix. It reads what is asked for from r.
func NewHandler(r Reader, c tracesearch.Config) (http.Handler, error) {
	h := &handler{r, c.WithDefaults()}
	mux := http.NewServeMux()
	for path, list := range map[string]func(context.Context, url.Values) (any, error){
		"/api/services":     h.services,
		"/api/operations":   h.operations,
		"/api/dependencies": h.dependencies,
	} {
		mux.HandleFunc(Prefix+path, h.list(list))
	}
	mux.HandleFunc(Prefix+"/api/services/{service...}", h.operationNames)
	mux.HandleFunc(Prefix+"/api/traces", h.traces(func(r *http.Request, q url.Values) (*answer, error) {
		return h.searchTraces(r.Context(), q)
	}))
	mux.HandleFunc(Prefix+"/api/traces/{id...}", h.traces(func(r *http.Request, q url.Values) (*answer, error) {
		return h.trace(r.Context(), r.PathValue("id"), q)
	}))
	h.routeV3(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.fail(w, r, face.ErrNoPath) })
	return face.Around(face.Config{Prefix: Prefix, Timeout: c.Timeout, Fail: h.fail}, mux)
}

// list answers with a list as a whole.
func (h *handler) list(question func(context.Context, url.Values) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := ask.ReadQuery(r.URL)
		if err == nil {
			var data any
			if data, err = question(r.Context(), q); err == nil {
				h.send(w, r, data)
				return
			}
		}
		h.fail(w, r, err)
	}
}

// traces answers with traces, one after another.
func (h *handler) traces(question func(*http.Request, url.Values) (*answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := ask.ReadQuery(r.URL)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		a, err := question(r, q)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		defer a.release()
		h.stream(w, r, a)
	}
}

func (h *handler) services(ctx context.Context, _ url.Values) (any, error) {
	return h.Reader.SpanServices(ctx, tracesearch.MaxNames)
}

// operations answers /api/operations, with kinds.
func (h *handler) operations(ctx context.Context, q url.Values) (any, error) {
	return h.operationsOf(ctx, q.Get("service"), q.Get("spanKind"))
}

// operationsOf lists the operations of a service with one kind, or with any.
func (h *handler) operationsOf(ctx context.Context, service, wanted string) ([]operationJSON, error) {
	if service == "" {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter service is missing")
	}
	found, err := h.Reader.Operations(ctx, service, tracesearch.MaxNames)
	if err != nil {
		return nil, err
	}
	out := make([]operationJSON, 0, len(found))
	for _, o := range found {
		kind := ""
		if o.Kind != plait.SpanKindUnspecified {
			kind = o.Kind.String()
		}
		if wanted == "" || strings.EqualFold(wanted, kind) {
			out = append(out, operationJSON{o.Name, kind})
		}
	}
	return out, nil
}

// dependenciesLookback is how far dependencies go back that do not say, as in Jaeger.
const dependenciesLookback = 24 * time.Hour

// dependencies answers /api/dependencies.
func (h *handler) dependencies(ctx context.Context, q url.Values) (any, error) {
	within, err := tracesearch.ReadBack(q, h.Now(), dependenciesLookback)
	if err != nil {
		return nil, err
	}
	links, err := tracesearch.Links(ctx, h.Reader, within)
	if err != nil {
		return nil, err
	}
	out := make([]dependencyJSON, 0, len(links))
	for _, l := range links {
		out = append(out, dependencyJSON{l.Parent, l.Child, l.Calls})
	}
	return out, nil
}

// operationNames answers /api/services/{service}/operations, where a service may have slashes in its name. Some
// browsers escape it twice.
func (h *handler) operationNames(w http.ResponseWriter, r *http.Request) {
	service, ok := strings.CutSuffix(r.PathValue("service"), "/operations")
	if !ok || service == "" {
		h.fail(w, r, face.ErrNoPath)
		return
	}
	found, err := h.Reader.Operations(r.Context(), service, tracesearch.MaxNames)
	if plain, escaped := url.PathUnescape(service); err == nil && len(found) == 0 && escaped == nil && plain != service {
		found, err = h.Reader.Operations(r.Context(), plain, tracesearch.MaxNames)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	names := make([]string, 0, len(found))
	for _, o := range found {
		if len(names) == 0 || names[len(names)-1] != o.Name { // sorted by name, then kind
			names = append(names, o.Name)
		}
	}
	h.send(w, r, names)
}
