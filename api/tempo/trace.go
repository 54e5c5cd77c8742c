package tempo

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/wire/otlp"
)

// version is that of the answer for a trace: the first is the trace alone, the second has what is said of it beside it.
type version int

const (
	v1 version = iota + 1
	v2
)

// trace answers with a trace by its id, in protobuf for who accepts it and else in JSON.
func (h *handler) trace(v version) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		bounded, release := h.Memory.Begin(r.Context())
		defer release()
		var id ask.TraceID
		err := id.UnmarshalText([]byte(strings.TrimSpace(r.PathValue("id"))))
		if err == nil {
			var found *plait.Trace
			if found, err = ask.FirstFound(id, "span", func(id plait.TraceID) (*plait.Trace, error) { return h.Reader.Trace(bounded, id, h.MaxSpans) }); err == nil {
				h.Opened(found.TraceID)
				h.sendTrace(w, r, v, found)
				return
			}
		}
		h.fail(w, r, err)
	}
}

const (
	protobuf  = "application/protobuf"
	protobufX = "application/x-protobuf"
)

func (h *handler) sendTrace(w http.ResponseWriter, r *http.Request, v version, t *plait.Trace) {
	shown := shownSpans(tracetree.Distinct(t.Spans))
	said := ""
	if t.Truncated {
		said = tracesearch.CutShort(t)
	}
	accepts := r.Header.Get("Accept")
	if strings.Contains(accepts, protobuf) || strings.Contains(accepts, protobufX) {
		w.Header().Set("Content-Type", protobuf)
		body := otlp.EncodeTraces(shown)
		if v == v2 {
			body = traceResponse(body, said)
		}
		_, _ = w.Write(body) // a client that is gone needs no answer
		return
	}
	body, err := traceJSON(v, otlp.EncodeTracesJSON(shown), said)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

// shownSpans are spans with a service each: Grafana leaves out, without a word, those of a resource without attributes.
func shownSpans(spans []plait.Span) []plait.Span {
	const unknown = "unknown_service"
	replaced := map[*plait.Resource]*plait.Resource{}
	shown := make([]plait.Span, len(spans))
	for i := range spans {
		shown[i] = spans[i]
		if r := spans[i].Resource; r == nil || len(r.Attributes) == 0 {
			if replaced[r] == nil {
				named := plait.Resource{}
				if r != nil {
					named = *r
				}
				named.Attributes = plait.Attributes{{Key: "service.name", Value: plait.StringValue(unknown)}}
				replaced[r] = &named
			}
			shown[i].Resource = replaced[r]
		}
	}
	return shown
}

// The fields of tempopb.TraceByIDResponse, and its status for a trace that is not whole.
const (
	fieldTrace, fieldMetrics, fieldStatus, fieldMessage = 1, 2, 3, 4

	statusPartial = 1
)

// traceResponse is a tempopb.TraceByIDResponse with an encoded trace.
func traceResponse(trace []byte, partial string) []byte {
	b := protowire.AppendTag(nil, fieldTrace, protowire.BytesType)
	b = protowire.AppendBytes(b, trace)
	b = protowire.AppendTag(b, fieldMetrics, protowire.BytesType)
	b = protowire.AppendBytes(b, nil)
	if partial != "" {
		b = protowire.AppendTag(b, fieldStatus, protowire.VarintType)
		b = protowire.AppendVarint(b, statusPartial)
		b = protowire.AppendTag(b, fieldMessage, protowire.BytesType)
		b = protowire.AppendString(b, partial)
	}
	return b
}

// traceJSON makes an answer of OTLP's JSON: {"batches":[…]} of the first version, {"trace":{"resourceSpans":[…]}} of the
// second.
func traceJSON(v version, trace []byte, partial string) ([]byte, error) {
	if v == v1 {
		spans, ok := bytes.CutPrefix(trace, []byte(`{"resourceSpans":`))
		if !ok {
			return nil, errors.New("a trace in JSON does not begin with its spans")
		}
		return append([]byte(`{"batches":`), spans...), nil
	}
	answer := struct {
		Trace   json.RawMessage `json:"trace"`
		Metrics struct{}        `json:"metrics"`
		Status  string          `json:"status,omitempty"`
		Message string          `json:"message,omitempty"`
	}{Trace: trace, Message: partial}
	if partial != "" {
		answer.Status = "PARTIAL"
	}
	return json.Marshal(answer)
}
