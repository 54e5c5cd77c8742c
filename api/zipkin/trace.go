package zipkin

import (
	"encoding/json"
	"iter"
	"net/http"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/face"
	"github.com/plaithq/plait/api/tracesearch"
	wire "github.com/plaithq/plait/wire/zipkin"
)

// trace answers /api/v2/trace/{id} with the spans of one trace.
func (h *handler) trace(w http.ResponseWriter, r *http.Request) {
	var id ask.TraceID
	if err := id.UnmarshalText([]byte(r.PathValue("id"))); err != nil {
		h.fail(w, r, err)
		return
	}
	bounded, release := h.Memory.Begin(r.Context())
	defer release()
	found, err := ask.FirstFound(id, "span", func(id plait.TraceID) (*plait.Trace, error) {
		return h.Reader.Trace(bounded, id, h.MaxSpans)
	})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Opened(found.TraceID)
	if found.Truncated {
		face.Warn(w.Header(), tracesearch.CutShort(found))
	}
	body, err := wire.EncodeJSON(found.Spans)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.write(w, r, http.StatusOK, json.RawMessage(body))
}

// stream sends traces as they are read. The first is read before the answer begins, so that what fails at once is
// answered with its status. An array has no place for a later failure: the connection is broken off, so that nobody
// takes a part for the whole.
func (h *handler) stream(w http.ResponseWriter, r *http.Request, ids []plait.TraceID) {
	next, stop := iter.Pull2(tracesearch.Read(r.Context(), h.Reader, h.Memory, h.MaxSpans, ids))
	defer stop()
	trace, err, ok := next()
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	say := func(text []byte) { _, _ = w.Write(text) } // a client that is gone needs no answer
	separator := "["
	for ; ok; trace, err, ok = next() {
		var body []byte
		if err == nil {
			body, err = wire.EncodeJSON(trace.Spans)
		}
		if err != nil {
			h.Logger.ErrorContext(r.Context(), "answer broken off", "path", r.URL.Path, "error", err)
			panic(http.ErrAbortHandler)
		}
		say([]byte(separator))
		say(body)
		separator = ","
	}
	if separator == "[" {
		say([]byte(separator))
	}
	say([]byte("]\n"))
}
