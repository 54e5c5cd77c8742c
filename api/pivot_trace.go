package api

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/spanmetrics"
)

type traceParams struct {
	ID   anyID `path:"id"`
	Slim int   `query:"slim" max:"1"`
}

type traceAnswer struct {
	Trace          traceSummary      `json:"trace"`
	Spans          []treeSpan        `json:"spans"`
	CriticalPath   []criticalSegment `json:"critical_path"`
	UnattachedLogs []logRecord       `json:"unattached_logs"`
	MissingParents []missingParent   `json:"missing_parents"`
	DuplicateIDs   []plait.SpanID    `json:"duplicate_span_ids,omitempty"`
	Cycles         [][]plait.SpanID  `json:"cycles,omitempty"`
	Exemplars      []traceExemplar   `json:"exemplars"`
	Truncated      bool              `json:"truncated"`
	LogsTruncated  bool              `json:"logs_truncated"`
}

// treeSpan is a span at its place in the tree. Spans come depth first, so that printing them in
// order, indented by depth, draws the tree.
type treeSpan struct {
	SpanID       plait.SpanID `json:"span_id"`
	ParentSpanID string       `json:"parent_span_id,omitempty"`
	Depth        int          `json:"depth"`
	Children     int          `json:"children"`
	Service      string       `json:"service"`
	Name         string       `json:"name"`
	Kind         string       `json:"kind"`
	// Start is on the clock of the trace's root: SkewNS was added to RecordedStart, which is
	// there when it differs.
	Start          string          `json:"start"`
	SkewNS         int64           `json:"skew_ns,omitempty"`
	RecordedStart  string          `json:"recorded_start,omitempty"`
	DurationNS     int64           `json:"duration_ns"`
	SelfTimeNS     int64           `json:"self_time_ns"`
	CriticalPath   bool            `json:"critical_path"`
	CriticalPathNS int64           `json:"critical_path_ns"`
	Asynchronous   bool            `json:"asynchronous,omitempty"`
	Shared         bool            `json:"shared,omitempty"`
	Status         string          `json:"status"`
	StatusMessage  string          `json:"status_message,omitempty"`
	Attributes     json.RawMessage `json:"attributes"`
	Events         []spanEvent     `json:"events"`
	SpanLinks      []spanLink      `json:"links"`
	Resource       json.RawMessage `json:"resource"`
	Scope          *scope          `json:"scope,omitempty"`
	TraceState     string          `json:"trace_state,omitempty"`
	// AdjustedCount is of how many spans a sampler kept this one, where it tells that; absent for 1.
	AdjustedCount int64       `json:"adjusted_count,omitempty"`
	Logs          []logRecord `json:"logs"`
}

type spanEvent struct {
	Time       string          `json:"time"`
	Name       string          `json:"name"`
	Attributes json.RawMessage `json:"attributes"`
}

type spanLink struct {
	TraceID    plait.TraceID   `json:"trace_id"`
	SpanID     plait.SpanID    `json:"span_id"`
	TraceState string          `json:"trace_state,omitempty"`
	Attributes json.RawMessage `json:"attributes"`
	Links      traceLinks      `json:"links"`
}

type criticalSegment struct {
	SpanID     plait.SpanID `json:"span_id"`
	Start      string       `json:"start"`
	DurationNS int64        `json:"duration_ns"`
}

type missingParent struct {
	SpanID   plait.SpanID   `json:"span_id"`
	Children []plait.SpanID `json:"children"`
}

type traceExemplar struct {
	Series map[string]string `json:"series"`
	Value  number            `json:"value"`
	Time   string            `json:"time"`
	SpanID string            `json:"span_id,omitempty"`
}

// pivotTrace shows a trace with all that is known about it, or without what few look at.
func (s *Server) pivotTrace(ctx context.Context, p traceParams) (any, error) {
	v, err := s.traceView(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	if p.Slim > 0 {
		return s.linksFor(ctx).slim(v), nil
	}
	return s.linksFor(ctx).whole(v), nil
}

// traceView reads a trace. Where nothing is stored, the error says what is known of it.
func (s *Server) traceView(ctx context.Context, asked anyID) (*correlate.TraceView, error) {
	v, err := ask.FirstFound(asked.traceIDs(), "span or log record", func(id plait.TraceID) (*correlate.TraceView, error) {
		return s.pivots.Trace(ctx, id, s.config.MaxSpans, s.config.MaxLogs)
	})
	if errors.Is(err, plait.ErrNotFound) {
		return nil, s.tellWhy(ctx, asked, err)
	}
	if err == nil {
		s.deps.Opened(v.Summary.TraceID)
	}
	return v, err
}

func (l links) whole(v *correlate.TraceView) *traceAnswer {
	t := v.Tree
	answer := &traceAnswer{
		Trace:          l.summary(&v.Summary),
		Spans:          make([]treeSpan, 0, len(t.Nodes)),
		CriticalPath:   criticalPath(t),
		UnattachedLogs: l.records(v.Unattached),
		MissingParents: missingParents(t),
		DuplicateIDs:   t.DuplicateIDs,
		Cycles:         t.Cycles,
		Exemplars:      make([]traceExemplar, 0, len(v.Exemplars)),
		Truncated:      v.Truncated,
		LogsTruncated:  v.LogsTruncated,
	}
	for i := range t.Nodes {
		answer.Spans = append(answer.Spans, l.node(t, i))
	}
	for _, e := range v.Exemplars {
		answer.Exemplars = append(answer.Exemplars, traceExemplarOf(e))
	}
	return answer
}

func criticalPath(t *tracetree.Tree) []criticalSegment {
	path := make([]criticalSegment, 0, len(t.CriticalPath))
	for _, segment := range t.CriticalPath {
		path = append(path, criticalSegment{
			SpanID: t.Nodes[segment.Node].Span.SpanID, Start: ask.Stamp(segment.FromNanos), DurationNS: segment.ToNanos - segment.FromNanos,
		})
	}
	return path
}

func missingParents(t *tracetree.Tree) []missingParent {
	all := make([]missingParent, 0, len(t.MissingParents))
	for _, m := range t.MissingParents {
		all = append(all, missing(t, m))
	}
	return all
}

func (l links) node(t *tracetree.Tree, i int) treeSpan {
	n := &t.Nodes[i]
	span := n.Span
	out := treeSpan{
		SpanID: span.SpanID, Depth: n.Depth, Children: n.Children,
		Service: span.Resource.Service(), Name: span.Name, Kind: span.Kind.String(),
		Start: ask.Stamp(span.StartNanos + n.SkewNanos), SkewNS: n.SkewNanos,
		DurationNS: n.DurationNanos(), SelfTimeNS: n.SelfNanos,
		CriticalPath: n.Critical, CriticalPathNS: n.CriticalNanos, Asynchronous: n.Asynchronous, Shared: n.Shared,
		Status: span.Status.String(), StatusMessage: span.StatusMessage,
		Attributes: attributes(span.Attributes), Resource: attributes(span.Resource.Attributes), Scope: scopeOf(span.Scope),
		Events: make([]spanEvent, 0, len(span.Events)), SpanLinks: make([]spanLink, 0, len(span.Links)),
		TraceState: span.TraceState, Logs: l.records(n.Logs),
	}
	if count := spanmetrics.AdjustedCount(span); count > 1 {
		out.AdjustedCount = count
	}
	if !span.ParentSpanID.IsZero() {
		out.ParentSpanID = span.ParentSpanID.String()
	}
	if n.SkewNanos != 0 {
		out.RecordedStart = ask.Stamp(span.StartNanos)
	}
	for _, e := range span.Events {
		out.Events = append(out.Events, spanEvent{ask.Stamp(e.TimeNanos + n.SkewNanos), e.Name, attributes(e.Attributes)})
	}
	for _, k := range span.Links {
		out.SpanLinks = append(out.SpanLinks, spanLink{k.TraceID, k.SpanID, k.TraceState, attributes(k.Attributes), l.trace(k.TraceID)})
	}
	return out
}

func missing(t *tracetree.Tree, m tracetree.MissingParent) missingParent {
	out := missingParent{SpanID: m.SpanID, Children: make([]plait.SpanID, 0, len(m.Waiting))}
	for _, i := range m.Waiting {
		out.Children = append(out.Children, t.Nodes[i].Span.SpanID)
	}
	return out
}

func traceExemplarOf(e plait.SeriesExemplar) traceExemplar {
	out := traceExemplar{Series: labels(e.Series), Value: number(e.Value), Time: ask.Stamp(e.TimeNanos)}
	if !e.SpanID.IsZero() {
		out.SpanID = e.SpanID.String()
	}
	return out
}
