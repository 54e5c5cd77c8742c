package api

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/spanmetrics"
)

type logParams struct {
	ID      string     `query:"id"`
	Time    ask.Moment `query:"time"`
	Service string     `query:"service"`
	Body    string     `query:"body"`
	Lines   int        `query:"lines" default:"10" max:"200"`
}

type logAnswer struct {
	Log   logRecord     `json:"log"`
	Trace *traceSummary `json:"trace"`
	// Span wrote the record; Path leads to it from the root of the trace.
	Span   *pathSpan   `json:"span"`
	Path   []pathSpan  `json:"path"`
	Before []logRecord `json:"before"`
	After  []logRecord `json:"after"`
}

// pathSpan is a span in short.
type pathSpan struct {
	SpanID     plait.SpanID `json:"span_id"`
	Service    string       `json:"service"`
	Name       string       `json:"name"`
	Kind       string       `json:"kind"`
	Start      string       `json:"start"`
	DurationNS int64        `json:"duration_ns"`
	Status     string       `json:"status"`
}

// pivotLog leads from a log line to its trace and span, and shows the lines around it.
func (s *Server) pivotLog(ctx context.Context, p logParams) (*logAnswer, error) {
	if p.ID == "" && !p.Time.Given() {
		return nil, plait.Errorf(plait.ErrInvalid, "give the record's id, or its time with service and body")
	}
	v, err := s.pivots.Log(ctx, correlate.LogQuestion{
		ID: p.ID, Time: p.Time.Resolve(s.deps.Now()), Service: p.Service, Body: p.Body, Lines: p.Lines,
	})
	if err != nil {
		return nil, err
	}
	answer := &logAnswer{
		Log: s.linksFor(ctx).record(&v.Record), Path: make([]pathSpan, 0, len(v.Path)),
		Before: s.linksFor(ctx).records(v.Before), After: s.linksFor(ctx).records(v.After),
	}
	if v.Trace != nil {
		s.deps.Opened(v.Trace.TraceID)
		summary := s.linksFor(ctx).summary(v.Trace)
		answer.Trace = &summary
	}
	for i := range v.Path {
		span := &v.Path[i]
		answer.Path = append(answer.Path, pathSpan{
			SpanID: span.SpanID, Service: span.Resource.Service(), Name: span.Name, Kind: span.Kind.String(),
			Start: ask.Stamp(span.StartNanos), DurationNS: spanmetrics.DurationNanos(span), Status: span.Status.String(),
		})
	}
	if n := len(answer.Path); n > 0 {
		answer.Span = &answer.Path[n-1]
	}
	return answer, nil
}
