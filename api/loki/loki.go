// Package loki answers Loki's query API below /loki, so that Grafana's Loki data source, and Logs Drilldown,
// read Plait's log records. docs/loki.md says how a record looks there. The API server mounts its handler; it
// takes nothing in.
package loki

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql/entry"
)

// Prefix is the path below which the handler expects its requests.
const Prefix = "/loki"

// root is where Loki's API is.
const root = Prefix + "/api/v1/"

// Logs is what the API reads.
type Logs interface {
	// Logs returns a page of log records in the order of their time, and the cursor of the next page, empty at
	// the end. It ends with the context.
	Logs(ctx context.Context, q query.Logs) ([]plait.LogRecord, string, error)
	// LogStreams counts log records by resource and step.
	LogStreams(ctx context.Context, q query.LogStreams) ([]query.LogStream, error)
	// LogPatterns counts log records by what their bodies have in common. It ends with the context, whose answer's memory
	// it takes.
	LogPatterns(ctx context.Context, q query.LogPatterns) ([]query.LogPattern, error)
	// LogGroups counts log records by step and by what tells labels apart, in the order of steps. It is not ok
	// where rows have to be read.
	LogGroups(ctx context.Context, q query.LogGroups) (groups []query.LogGroup, ok bool, err error)
}

// Config says what is read, and what queries may cost.
type Config struct {
	Logs    Logs
	Mapping *entry.Mapping      // of resource attributes to stream labels
	Timeout time.Duration       // of a query; 0 means 30 seconds
	Memory  *plait.AnswerMemory // that all answers share; nil: as much as they like
	Version string              // Plait's
	// Ended is closed when the gateway stops: tails end then. nil is never.
	Ended <-chan struct{}

	Logger *slog.Logger     // nil: slog.Default
	Now    func() time.Time // nil: time.Now
}

const (
	defaultTimeout = 30 * time.Second
	// atOnce is how many queries are answered at the same time, each within its own bounds.
	atOnce = 4
	// tailsAtOnce is how many tails there may be.
	tailsAtOnce = 20
	// maxForm bounds the parameters of a request that has them in its body.
	maxForm = 256 << 10
)

// handler answers requests.
type handler struct {
	Config
	slots chan struct{}
	tails chan struct{}
}

// NewHandler returns the handler of everything below Prefix.
func NewHandler(c Config) (http.Handler, error) {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Memory == nil {
		c.Memory = plait.NewAnswerMemory(math.MaxInt64)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &handler{Config: c, slots: make(chan struct{}, atOnce), tails: make(chan struct{}, tailsAtOnce)}
	questions, err := face.Around(face.Config{Prefix: Prefix, Timeout: c.Timeout, Fail: h.fail}, http.HandlerFunc(h.question))
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, _ := route(r.URL); path == "tail" {
			h.tail(w, r)
			return
		}
		if r.Method == http.MethodPost { // a question whose parameters are a form
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				h.fail(w, r, badForm(err))
				return
			}
			asGet := *r
			asGet.Method = http.MethodGet
			r = &asGet
		}
		questions.ServeHTTP(w, r)
	}), nil
}

// answers are those of paths that do not have a name in them.
var answers = map[string]func(*handler, context.Context, *request) (any, error){
	"query":              (*handler).instant,
	"query_range":        (*handler).overTime,
	"labels":             (*handler).labels,
	"label":              (*handler).labels,
	"series":             (*handler).series,
	"index/stats":        (*handler).stats,
	"index/volume":       (*handler).volume,
	"index/volume_range": (*handler).volumeOverTime,
	"detected_labels":    (*handler).detectedLabels,
	"detected_fields":    (*handler).detectedFields,
	"patterns":           (*handler).patterns,
	"format_query":       (*handler).formatQuery,
	"status/buildinfo":   (*handler).buildInfo,
	"drilldown-limits":   (*handler).limits,
}

// question answers a request.
func (h *handler) question(w http.ResponseWriter, r *http.Request) {
	path, name := route(r.URL)
	answer := answers[path]
	switch path {
	case "label/values":
		answer = (*handler).labelValues
	case "detected_field/values":
		answer = (*handler).detectedValues
	}
	if answer == nil {
		h.fail(w, r, face.ErrNoPath)
		return
	}
	q, err := h.read(r, name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-r.Context().Done():
		h.fail(w, r, fmt.Errorf("wait for other queries to end: %w", r.Context().Err()))
		return
	}
	body, err := answer(h, r.Context(), q)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	send(w, body)
}

// route finds the endpoint that a path names, and the name in it. Grafana is configured with and without
// /loki at the end of the address, some versions ask below a doubled prefix, and names may have been escaped
// twice or have slashes in them.
func route(u *url.URL) (path, name string) {
	rest := u.EscapedPath()
	for strings.Contains(rest, "//") {
		rest = strings.ReplaceAll(rest, "//", "/")
	}
	for strings.HasPrefix(rest, Prefix+Prefix+"/") {
		rest = rest[len(Prefix):]
	}
	rest, ok := strings.CutPrefix(rest, root)
	if !ok {
		return "", ""
	}
	rest = strings.TrimPrefix(rest, strings.TrimPrefix(root, "/")) // the doubled prefix
	rest = strings.TrimSuffix(rest, "/")
	for _, of := range []string{"label", "detected_field"} {
		if name, ok := strings.CutPrefix(rest, of+"/"); ok {
			if name, ok = strings.CutSuffix(name, "/values"); ok {
				return of + "/values", unescape(name)
			}
		}
	}
	return rest, ""
}

func unescape(name string) string {
	for range 2 {
		plain, err := url.PathUnescape(name)
		if err != nil {
			break
		}
		name = plain
	}
	return entry.Name(name)
}

// fail answers an error as Loki does, in plain text. What is too large is the question's, and Grafana shows why.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := face.Failure(w, r, err, h.Logger)
	if errors.Is(err, plait.ErrTooLarge) {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(detail + "\n")) // a client that is gone needs no answer
}
