// Package tempo answers Tempo's query API below /tempo, as Grafana's Tempo data source and Traces Drilldown ask it:
// traces by id, searches by TraceQL, and the names and values of attributes. The API server mounts its handler.
// docs/tempo.md says what of TraceQL there is. Grafana reads some of the answers strictly: an unknown key fails
// a whole search.
package tempo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/query"
)

// Prefix is the path below which the handler expects its requests.
const Prefix = "/tempo"

// Reader reads what is asked for.
type Reader interface {
	// Trace returns the spans of a trace in order of start, at most maxSpans of them, those that tell
	// most. It returns plait.ErrNotFound when no span is stored.
	Trace(ctx context.Context, id plait.TraceID, maxSpans int, first ...plait.SpanID) (*plait.Trace, error)
	// Traces searches, newest first, and returns the cursor of the next page, empty at the end. A page
	// may have fewer traces than were asked for, and the next go on.
	Traces(ctx context.Context, q query.Traces) ([]plait.TraceSummary, string, error)
	// SpansOf reads the spans of some traces, in any order: of as many of the first as there is room for, one at least. It says
	// of how many, and whether any of theirs were left out.
	SpansOf(ctx context.Context, traces []plait.TraceSummary) (of map[plait.TraceID][]plait.Span, read int, cut bool, err error)
	// SpanVolume counts spans by groups and steps. It is plait.ErrInvalid where that is not counted.
	SpanVolume(ctx context.Context, q query.SpanVolume) (query.SpanVolumes, error)
	// AttributeNames lists keys, in order, at most limit of each place.
	AttributeNames(ctx context.Context, limit int) (query.AttributeNames, error)
	// AttributeValues lists values of a key that are known without reading spans.
	AttributeValues(ctx context.Context, key string, limit int) (ofSpans, ofResources []plait.Value, err error)
	// SpanNames lists names of spans, in order.
	SpanNames(ctx context.Context, limit int) ([]string, error)
}

type handler struct {
	Reader Reader
	tracesearch.Config
	countedFrom int64         // spans
	gathering   chan struct{} // held by who makes series of traces
	counting    chan struct{} // held by who makes series of counts
}

// NewHandler returns the handler of everything below Prefix. It reads what is asked for from r.
func NewHandler(r Reader, c tracesearch.Config) (http.Handler, error) {
	h := newHandler(r, c)
	mux := http.NewServeMux()
	for path, question := range map[string]func(context.Context, url.Values) (any, error){
		"/api/search":              h.search,
		"/api/search/tags":         h.tagsV1,
		"/api/v2/search/tags":      h.tags,
		"/api/status/buildinfo":    h.buildInfo,
		"/status/version":          h.buildInfo,
		"/api/metrics/query_range": h.metricsRange,
		"/api/metrics/query":       h.metricsInstant,
	} {
		mux.HandleFunc(Prefix+path, h.answer(question))
	}
	mux.HandleFunc(Prefix+"/api/search/tag/{tag...}", h.values(h.valuesV1))
	mux.HandleFunc(Prefix+"/api/v2/search/tag/{tag...}", h.values(h.valuesV2))
	mux.HandleFunc(Prefix+"/api/traces/{id...}", h.trace(v1))
	mux.HandleFunc(Prefix+"/api/v2/traces/{id...}", h.trace(v2))
	mux.HandleFunc(Prefix+"/api/echo", func(w http.ResponseWriter, _ *http.Request) { sayText(w, "echo") })
	mux.HandleFunc(Prefix+"/ready", h.ready)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.fail(w, r, face.ErrNoPath) })
	return face.Around(face.Config{Prefix: Prefix, Timeout: c.Timeout, Fail: h.fail}, mux)
}

func newHandler(r Reader, c tracesearch.Config) *handler {
	return &handler{r, c.WithDefaults(), countedFrom, make(chan struct{}, gathersAtOnce), make(chan struct{}, countsAtOnce)}
}

// answer answers a question in JSON.
func (h *handler) answer(question func(context.Context, url.Values) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := ask.ReadQuery(r.URL)
		if err == nil {
			var found any
			bounded, release := h.Memory.Begin(r.Context())
			defer release()
			if found, err = question(bounded, q); err == nil {
				h.send(w, r, found)
				return
			}
		}
		h.fail(w, r, err)
	}
}

func (h *handler) send(w http.ResponseWriter, r *http.Request, found any) {
	body, err := json.Marshal(found)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// fail answers a failure in a line of text, as Tempo does: Grafana shows it as it is.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := face.Failure(w, r, err, h.Logger)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(detail + "\n"))
}

func sayText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}

func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(r.Context()); err != nil {
		h.fail(w, r, err)
		return
	}
	sayText(w, "ready\n")
}

// likeTempo is the version of Tempo whose API this is. Grafana reads from it what it may ask.
const likeTempo = "2.9.0"

func (h *handler) buildInfo(context.Context, url.Values) (any, error) {
	return map[string]string{
		"version": likeTempo, "revision": "plait " + h.Version, "branch": "", "buildDate": "", "buildUser": "", "goVersion": "",
	}, nil
}
