package zipkin

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
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/spanmetrics"
)

const (
	// searchLimit and searchLookback are what a search is about that does not say, as in Zipkin.
	searchLimit    = 10
	searchLookback = 24 * time.Hour
	// maxTerms bounds what one annotationQuery asks for.
	maxTerms = 64
)

// question reads the parameters of a search. Others are not looked at.
func (h *handler) question(ctx context.Context, q url.Values) (*tracesearch.Question, error) {
	var out tracesearch.Question
	var err error
	if out.Range, err = tracesearch.ReadBack(q, h.Now(), searchLookback); err != nil {
		return nil, err
	}
	if err = out.ReadDurations(q, time.Microsecond); err != nil {
		return nil, err
	}
	if out.Limit, err = tracesearch.ReadLimit(q, "limit", searchLimit); err != nil {
		return nil, err
	}
	tags, and, err := annotationQuery(q.Get("annotationQuery"))
	if err != nil {
		return nil, err
	}
	out.Tags = tags
	if remote := q.Get("remoteServiceName"); remote != "" {
		and = append(and, remoteService(remote))
	}
	out.And = and
	if service := q.Get("serviceName"); service != "" {
		if out.Services, err = h.servicesNamed(ctx, service); err != nil {
			return nil, err
		}
	}
	if name := q.Get("spanName"); name != "" {
		if out.SpanNames, err = h.spansNamed(ctx, out.Services, name); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// spansNamed are the names of spans that are the text without regard to case, and the text.
func (h *handler) spansNamed(ctx context.Context, services []string, text string) ([]string, error) {
	all, err := h.operationsOf(ctx, services)
	if err != nil {
		return nil, err
	}
	named := []string{text} // it may be one that is not listed
	for _, s := range all {
		if s != text && strings.EqualFold(s, text) {
			named = append(named, s)
		}
	}
	return named, nil
}

// remoteService asks for spans that name another side.
func remoteService(name string) condition.Node {
	or := condition.Or{}
	for _, key := range spanmetrics.PeerKeys {
		or = append(or, condition.Leaf{
			Field: condition.Attribute(condition.SpanAttribute, key), Op: condition.OpEqual, Value: condition.String(condition.Stored(name)),
		})
	}
	return or
}

// search answers /api/v2/traces.
func (h *handler) search(w http.ResponseWriter, r *http.Request) {
	ids, stopped, err := h.find(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if stopped != "" {
		face.Warn(w.Header(), stopped)
	}
	h.stream(w, r, ids)
}

func (h *handler) find(r *http.Request) (ids []plait.TraceID, stopped string, err error) {
	query, err := ask.ReadQuery(r.URL)
	if err != nil {
		return nil, "", err
	}
	question, err := h.question(r.Context(), query)
	if err != nil {
		return nil, "", err
	}
	bounded, release := h.Memory.Begin(r.Context())
	defer release()
	found, err := tracesearch.Search(bounded, h.Reader, question)
	return found.IDs, found.Stopped, err
}

// traceMany answers /api/v2/traceMany: those of some traces that are stored.
func (h *handler) traceMany(w http.ResponseWriter, r *http.Request) {
	ids, err := h.choose(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.stream(w, r, ids)
}

func (h *handler) choose(r *http.Request) ([]plait.TraceID, error) {
	query, err := ask.ReadQuery(r.URL)
	if err != nil {
		return nil, err
	}
	texts := strings.FieldsFunc(strings.Join(query["traceIds"], ","), func(c rune) bool { return c == ',' })
	if len(texts) == 0 {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter traceIds is missing: want ids with commas between them")
	}
	if len(texts) > tracesearch.MaxTraces {
		return nil, plait.Errorf(plait.ErrInvalid, "parameter traceIds has %d ids, at most %d can be asked for", len(texts), tracesearch.MaxTraces)
	}
	asked := make([]ask.TraceID, len(texts))
	for i, text := range texts {
		if err := asked[i].UnmarshalText([]byte(text)); err != nil {
			return nil, err
		}
	}
	ids, _, err := tracesearch.Choose(r.Context(), h.Reader, asked)
	return ids, err
}

// dependencies answers /api/v2/dependencies.
func (h *handler) dependencies(w http.ResponseWriter, r *http.Request) {
	query, err := ask.ReadQuery(r.URL)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	within, err := tracesearch.ReadBack(query, h.Now(), searchLookback)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	links, err := tracesearch.Links(r.Context(), h.Reader, within)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	out := make([]linkJSON, 0, len(links))
	for _, l := range links {
		out = append(out, linkJSON{l.Parent, l.Child, l.Calls, l.Failed})
	}
	h.write(w, r, http.StatusOK, out)
}

type linkJSON struct {
	Parent     string `json:"parent"`
	Child      string `json:"child"`
	CallCount  int64  `json:"callCount"`
	ErrorCount int64  `json:"errorCount,omitempty"`
}
