package jaeger

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"reflect"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/api/tracesearch"
)

// envelope is what every answer of Jaeger's API stands in.
type envelope struct {
	Data   any         `json:"data"`
	Total  int         `json:"total"`
	Limit  int         `json:"limit"`
	Offset int         `json:"offset"`
	Errors []errorJSON `json:"errors"`
}

type errorJSON struct {
	Code    int    `json:"code,omitempty"`
	Msg     string `json:"msg"`
	TraceID string `json:"traceID,omitempty"`
}

type operationJSON struct {
	Name     string `json:"name"`
	SpanKind string `json:"spanKind"`
}

type dependencyJSON struct {
	Parent    string `json:"parent"`
	Child     string `json:"child"`
	CallCount int64  `json:"callCount"`
}

// answer is a list of traces and what is said beside them.
type answer struct {
	traces iter.Seq2[*traceJSON, error]
	Errors []errorJSON
	done   func() // nil: nothing is held
}

func (a *answer) release() {
	if a.done != nil {
		a.done()
	}
}

// read reads traces for an answer, each when it is about to be sent.
func (h *handler) read(ctx context.Context, ids []plait.TraceID, raw bool) iter.Seq2[*traceJSON, error] {
	return func(yield func(*traceJSON, error) bool) {
		for trace, err := range tracesearch.Read(ctx, h.Reader, h.Memory, h.MaxSpans, ids) {
			if err != nil {
				yield(nil, err)
				return
			}
			if len(trace.Spans) > 0 && !yield(show(trace, raw), nil) { // Grafana's plug-in ends on a trace without spans
				return
			}
		}
	}
}

// send answers with a list.
func (h *handler) send(w http.ResponseWriter, r *http.Request, list any) {
	total := 0
	if v := reflect.ValueOf(list); v.Kind() == reflect.Slice {
		total = v.Len()
		if total == 0 { // null is no list
			list = []string{}
		}
	}
	h.write(w, r, http.StatusOK, envelope{Data: list, Total: total})
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

// stream sends traces as they are read. The first is read before the answer begins, so that what fails at once is
// answered with its status; a later failure stands among the errors, which come last.
func (h *handler) stream(w http.ResponseWriter, r *http.Request, a *answer) {
	next, stop := iter.Pull2(a.traces)
	defer stop()
	trace, err, ok := next()
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	say := func(text string) { _, _ = w.Write([]byte(text)) } // a client that is gone needs no answer
	total := 0
	for say(`{"data":[`); ok; trace, err, ok = next() {
		if err != nil {
			status, detail := face.Failure(w, r, err, h.Logger)
			a.Errors = append(a.Errors, errorJSON{Code: status, Msg: detail})
			break
		}
		if total++; total > 1 {
			say(",")
		}
		if err := out.Encode(trace); err != nil {
			h.Logger.DebugContext(r.Context(), "answer not sent", "error", err)
			return
		}
	}
	told, err := json.Marshal(a.Errors)
	if err != nil { // texts and numbers
		told = []byte("null")
	}
	say(`],"total":` + strconv.Itoa(total) + `,"limit":0,"offset":0,"errors":` + string(told) + "}\n")
}

// fail answers a failure as Jaeger's clients read it.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := face.Failure(w, r, err, h.Logger)
	h.write(w, r, status, envelope{Errors: []errorJSON{{Code: status, Msg: detail}}})
}
