package jaeger

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/wire/otlp"
)

// The API below /api/v3, which Jaeger's page of today asks for all but a single trace. Its traces are OTLP's
// JSON. Parameters are spelled as in query.serviceName or query.service_name.

// routeV3 mounts it.
func (h *handler) routeV3(mux *http.ServeMux) {
	for path, question := range map[string]func(context.Context, http.Header, url.Values) (any, error){
		"services": h.servicesV3, "operations": h.operationsV3, "dependencies": h.dependenciesV3, "trace-summaries": h.summariesV3,
	} {
		mux.HandleFunc(Prefix+"/api/v3/"+path, func(w http.ResponseWriter, r *http.Request) {
			q, err := ask.ReadQuery(r.URL)
			var answer any
			if err == nil {
				answer, err = question(r.Context(), w.Header(), q)
			}
			if err != nil {
				h.failV3(w, r, err)
				return
			}
			h.write(w, r, http.StatusOK, answer)
		})
	}
	mux.HandleFunc(Prefix+"/api/v3/traces", h.tracesV3)
	mux.HandleFunc(Prefix+"/api/v3/traces/{id...}", h.traceV3)
	mux.HandleFunc(Prefix+"/api/v3/", func(w http.ResponseWriter, r *http.Request) { h.failV3(w, r, face.ErrNoPath) })
}

// failV3 answers a failure as this API's clients read it.
func (h *handler) failV3(w http.ResponseWriter, r *http.Request, err error) {
	status, detail := face.Failure(w, r, err, h.Logger)
	h.write(w, r, status, map[string]any{"error": map[string]any{"httpCode": status, "message": detail}})
}

func (h *handler) servicesV3(ctx context.Context, _ http.Header, _ url.Values) (any, error) {
	names, err := h.Reader.SpanServices(ctx, tracesearch.MaxNames)
	if names == nil {
		names = []string{} // null is no list
	}
	return map[string][]string{"services": names}, err
}

func (h *handler) operationsV3(ctx context.Context, _ http.Header, q url.Values) (any, error) {
	list, err := h.operationsOf(ctx, q.Get("service"), named(q, "spanKind"))
	return map[string][]operationJSON{"operations": list}, err
}

// named is a parameter in either spelling.
func named(q url.Values, camel string) string {
	if text := q.Get(camel); text != "" {
		return text
	}
	var snake strings.Builder
	for _, c := range camel {
		if c >= 'A' && c <= 'Z' {
			snake.WriteByte('_')
		}
		snake.WriteString(strings.ToLower(string(c)))
	}
	return q.Get(snake.String())
}

// dependenciesV3 counts in texts, as protobuf's JSON writes large numbers.
func (h *handler) dependenciesV3(ctx context.Context, _ http.Header, q url.Values) (any, error) {
	within, err := readRange(renamed(q, map[string]string{"startTime": "start", "endTime": "end"}), h.Now())
	if err != nil {
		return nil, err
	}
	links, err := tracesearch.Links(ctx, h.Reader, within)
	if err != nil {
		return nil, err
	}
	type link struct {
		Parent    string `json:"parent"`
		Child     string `json:"child"`
		CallCount string `json:"callCount"`
	}
	out := make([]link, 0, len(links))
	for _, l := range links {
		out = append(out, link{l.Parent, l.Child, strconv.FormatInt(l.Calls, 10)})
	}
	return map[string]any{"dependencies": out}, nil
}

// ofSearch are the parameters of a search, and what the first API calls them.
var ofSearch = map[string]string{
	"query.serviceName": "service", "query.operationName": "operation", "query.attributes": "tags", "query.startTimeMin": "start", "query.startTimeMax": "end",
	"query.durationMin": "minDuration", "query.durationMax": "maxDuration", "query.searchDepth": "limit", "query.numTraces": "limit",
}

// renamed are parameters by other names.
func renamed(q url.Values, names map[string]string) url.Values {
	out := url.Values{}
	for camel, name := range names {
		if text := named(q, camel); text != "" {
			out.Set(name, text)
		}
	}
	return out
}

// findV3 searches. A search that names no service is about all of them. What there is to say beside the answer goes
// into a header.
func (h *handler) findV3(ctx context.Context, header http.Header, q url.Values) ([]plait.TraceID, error) {
	question, err := readQuestion(renamed(q, ofSearch), h.Now())
	if err != nil {
		return nil, err
	}
	bounded, release := h.Memory.Begin(ctx)
	defer release()
	found, err := tracesearch.Search(bounded, h.Reader, &question)
	if found.Stopped != "" {
		face.Warn(header, found.Stopped)
	}
	return found.IDs, err
}

func (h *handler) tracesV3(w http.ResponseWriter, r *http.Request) {
	q, err := ask.ReadQuery(r.URL)
	var ids []plait.TraceID
	if err == nil {
		ids, err = h.findV3(r.Context(), w.Header(), q)
	}
	if err != nil {
		h.failV3(w, r, err)
		return
	}
	h.streamV3(w, r, tracesearch.Read(r.Context(), h.Reader, h.Memory, h.MaxSpans, ids), isTrue(named(q, "query.rawTraces")))
}

func (h *handler) traceV3(w http.ResponseWriter, r *http.Request) {
	q, err := ask.ReadQuery(r.URL)
	if err != nil {
		h.failV3(w, r, err)
		return
	}
	found, release, err := h.readTrace(r.Context(), r.PathValue("id"))
	if err != nil {
		h.failV3(w, r, err)
		return
	}
	defer release()
	if found.Truncated {
		face.Warn(w.Header(), tracesearch.CutShort(found))
	}
	h.streamV3(w, r, func(yield func(*plait.Trace, error) bool) { yield(found, nil) }, isTrue(named(q, "rawTraces")))
}

// streamV3 sends the spans of traces as they are read. The first trace is read before the answer begins, so that what
// fails at once is answered with its status; a later failure breaks the connection off, so that nobody takes a part for
// the whole.
func (h *handler) streamV3(w http.ResponseWriter, r *http.Request, traces iter.Seq2[*plait.Trace, error], raw bool) {
	next, stop := iter.Pull2(traces)
	defer stop()
	trace, err, ok := next()
	if err != nil {
		h.failV3(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	say := func(text string) { _, _ = w.Write([]byte(text)) } // a client that is gone needs no answer
	say(`{"result":{"resourceSpans":[`)
	for separator := ""; ok; trace, err, ok = next() {
		var request struct {
			ResourceSpans []json.RawMessage `json:"resourceSpans"`
		}
		if err == nil {
			spans := trace.Spans
			if !raw {
				spans = adjusted(trace)
			}
			err = json.Unmarshal(otlp.EncodeTracesJSON(spans), &request)
		}
		if err != nil {
			h.Logger.ErrorContext(r.Context(), "answer broken off", "path", r.URL.Path, "error", err)
			panic(http.ErrAbortHandler)
		}
		for _, spans := range request.ResourceSpans {
			say(separator)
			say(string(spans))
			separator = ","
		}
	}
	say("]}}\n")
}
