package jaeger

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/correlate/tracetree"
)

// summaryJSON is a trace in the list of a search. Times are nanoseconds since 1970, as texts.
type summaryJSON struct {
	TraceID           plait.TraceID        `json:"traceId"`
	RootServiceName   string               `json:"rootServiceName"`
	RootOperationName string               `json:"rootOperationName"`
	MinStartTime      string               `json:"minStartTimeUnixNano"`
	MaxEndTime        string               `json:"maxEndTimeUnixNano"`
	SpanCount         int                  `json:"spanCount"`
	ErrorSpanCount    int                  `json:"errorSpanCount"`
	OrphanSpanCount   int                  `json:"orphanSpanCount"`
	Services          []serviceSummaryJSON `json:"services"`
}

type serviceSummaryJSON struct {
	Name           string `json:"name"`
	SpanCount      int    `json:"spanCount"`
	ErrorSpanCount int    `json:"errorSpanCount"`
}

// summariesV3 answers /api/v3/trace-summaries.
func (h *handler) summariesV3(ctx context.Context, header http.Header, q url.Values) (any, error) {
	ids, err := h.findV3(ctx, header, q)
	if err != nil {
		return nil, err
	}
	out := make([]summaryJSON, 0, len(ids))
	for trace, err := range tracesearch.Read(ctx, h.Reader, h.Memory, h.MaxSpans, ids) {
		if err != nil {
			return nil, err
		}
		out = append(out, summarize(trace))
	}
	return map[string]any{"summaries": out}, nil
}

// summarize adds up a trace, on the clock of its root.
func summarize(t *plait.Trace) summaryJSON {
	tree := tracetree.Build(t.Spans)
	s := tree.Summary(t.TraceID)
	out := summaryJSON{
		TraceID: t.TraceID, RootServiceName: s.RootService, RootOperationName: s.RootName,
		MinStartTime: unixNanos(s.StartNanos), MaxEndTime: unixNanos(s.StartNanos + s.DurationNanos), SpanCount: s.SpanCount, ErrorSpanCount: s.ErrorCount,
	}
	for _, m := range tree.MissingParents {
		out.OrphanSpanCount += len(m.Waiting)
	}
	services := map[string]*serviceSummaryJSON{}
	for i := range t.Spans {
		name := t.Spans[i].Resource.Service()
		of := services[name]
		if of == nil {
			of = &serviceSummaryJSON{Name: name}
			services[name] = of
		}
		of.SpanCount++
		if t.Spans[i].Status == plait.StatusError {
			of.ErrorSpanCount++
		}
	}
	for of := range maps.Values(services) {
		out.Services = append(out.Services, *of)
	}
	slices.SortFunc(out.Services, func(a, b serviceSummaryJSON) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// unixNanos writes a time that may not be negative.
func unixNanos(nanos int64) string { return strconv.FormatInt(max(nanos, 0), 10) }
