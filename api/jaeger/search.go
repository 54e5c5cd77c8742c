package jaeger

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/api/tracesearch"
)

const (
	// searchLimit and searchLookback are what a search is about that does not say, as in Jaeger.
	searchLimit    = 100
	searchLookback = 48 * time.Hour
)

// searchParams are the parameters of a search. Others are not looked at: Grafana and Jaeger's page send some.
type searchParams struct {
	ids      []ask.TraceID
	raw      bool
	question tracesearch.Question
}

func readSearch(query url.Values, now time.Time) (p searchParams, err error) {
	p.raw = isTrue(query.Get("raw"))
	for _, text := range query["traceID"] {
		var id ask.TraceID
		if err := id.UnmarshalText([]byte(text)); err != nil {
			return p, fmt.Errorf("parameter traceID: %w", err)
		}
		p.ids = append(p.ids, id)
	}
	if len(p.ids) > tracesearch.MaxTraces {
		return p, plait.Errorf(plait.ErrInvalid, "parameter traceID is given %d times, at most %d can be", len(p.ids), tracesearch.MaxTraces)
	}
	if len(p.ids) > 0 {
		return p, nil
	}
	if query.Get("service") == "" {
		return p, plait.Errorf(plait.ErrInvalid, "parameter service is missing")
	}
	p.question, err = readQuestion(query, now)
	return p, err
}

// readQuestion reads what a span has to say. Without a service it may be of any.
func readQuestion(query url.Values, now time.Time) (q tracesearch.Question, err error) {
	if service := query.Get("service"); service != "" {
		q.Services = []string{service}
	}
	if operation := query.Get("operation"); operation != "" {
		q.SpanNames = []string{operation}
	}
	if q.Tags, err = readTags(query["tag"], query["tags"]); err != nil {
		return q, err
	}
	if err = q.ReadDurations(query, 0); err != nil {
		return q, err
	}
	if q.Limit, err = tracesearch.ReadLimit(query, "limit", searchLimit); err != nil {
		return q, err
	}
	q.Range, err = readRange(query, now)
	return q, err
}

// isTrue says whether a parameter turns something on.
func isTrue(text string) bool {
	on, err := strconv.ParseBool(text)
	return err == nil && on
}

// readRange reads start and end, which Jaeger has in microseconds and includes both; a search without a start goes
// back by lookback.
func readRange(query url.Values, now time.Time) (r plait.TimeRange, err error) {
	if r.From, err = tracesearch.ReadMoment(query, "start", now); err != nil {
		return r, err
	}
	if r.To, err = tracesearch.ReadMoment(query, "end", now); err != nil {
		return r, err
	}
	if r.To.IsZero() {
		r.To = now
	}
	if r.From.IsZero() {
		back := searchLookback
		if text := query.Get("lookback"); text != "" && text != "custom" {
			if back, err = tracesearch.ReadPeriod(query, "lookback", 0); err != nil {
				return r, err
			}
		}
		r.From = r.To.Add(-back)
	}
	if r.From.After(r.To) {
		return r, plait.Errorf(plait.ErrInvalid, "start %s is after end %s", ask.Stamp(r.From.UnixNano()), ask.Stamp(r.To.UnixNano()))
	}
	r.To = r.To.Add(time.Microsecond)
	return r, nil
}

// searchTraces answers /api/traces: by what spans say, or by ids.
func (h *handler) searchTraces(ctx context.Context, q url.Values) (*answer, error) {
	p, err := readSearch(q, h.Now())
	if err != nil {
		return nil, err
	}
	a := &answer{}
	var ids []plait.TraceID
	if len(p.ids) > 0 {
		ids, a.Errors, err = h.choose(ctx, p.ids)
	} else {
		ids, a.Errors, err = h.find(ctx, &p.question)
	}
	if err != nil {
		return nil, err
	}
	a.traces = h.read(ctx, ids, p.raw)
	return a, nil
}

func (h *handler) find(ctx context.Context, q *tracesearch.Question) ([]plait.TraceID, []errorJSON, error) {
	bounded, release := h.Memory.Begin(ctx)
	defer release()
	found, err := tracesearch.Search(bounded, h.Reader, q)
	if err != nil || found.Stopped == "" {
		return found.IDs, nil, err
	}
	return found.IDs, []errorJSON{{Code: 0, Msg: found.Stopped}}, nil
}

// choose takes the readings of ids of which something is stored. Jaeger tells the others beside the traces.
func (h *handler) choose(ctx context.Context, asked []ask.TraceID) ([]plait.TraceID, []errorJSON, error) {
	ids, missing, err := tracesearch.Choose(ctx, h.Reader, asked)
	var told []errorJSON
	for _, readings := range missing {
		told = append(told, errorJSON{Code: http.StatusNotFound, Msg: "trace not found", TraceID: readings[0].String()})
	}
	return ids, told, err
}

// trace answers /api/traces/{id}.
func (h *handler) trace(ctx context.Context, id string, q url.Values) (*answer, error) {
	found, release, err := h.readTrace(ctx, id)
	if err != nil {
		return nil, err
	}
	raw := isTrue(q.Get("raw"))
	return &answer{done: release, traces: func(yield func(*traceJSON, error) bool) { yield(show(found, raw), nil) }}, nil
}

// readTrace reads a trace by its id. What it holds is given back by release.
func (h *handler) readTrace(ctx context.Context, text string) (found *plait.Trace, release func(), err error) {
	var id ask.TraceID
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return nil, nil, err
	}
	bounded, release := h.Memory.Begin(ctx)
	found, err = ask.FirstFound(id, "span", func(id plait.TraceID) (*plait.Trace, error) {
		return h.Reader.Trace(bounded, id, h.MaxSpans)
	})
	if err != nil {
		release()
		return nil, release, err
	}
	h.Opened(found.TraceID)
	return found, release, nil
}
