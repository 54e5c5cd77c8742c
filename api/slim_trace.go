package api

import (
	"context"
	"encoding/json"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/correlate"
	"github.com/plaithq/plait/correlate/tracetree"
)

// slimTrace is a trace without what few of its readers look at: attributes, events' attributes and links, which
// pivot/trace/{id}/span has for one span. Resources and scopes stand in it once.
type slimTrace struct {
	Trace          traceSummary     `json:"trace"`
	Resources      []slimResource   `json:"resources"`
	Scopes         []scope          `json:"scopes"`
	Spans          []slimSpan       `json:"spans"`
	CriticalPath   []slimSegment    `json:"critical_path"`
	UnattachedLogs []slimLog        `json:"unattached_logs"`
	MissingParents []missingParent  `json:"missing_parents"`
	DuplicateIDs   []plait.SpanID   `json:"duplicate_span_ids,omitempty"`
	Cycles         [][]plait.SpanID `json:"cycles,omitempty"`
	Truncated      bool             `json:"truncated"`
	LogsTruncated  bool             `json:"logs_truncated"`
}

type slimResource struct {
	Service    string          `json:"service"`
	Attributes json.RawMessage `json:"attributes"`
}

// slimSpan is a treeSpan. OffsetNS is its start after the trace's.
type slimSpan struct {
	SpanID         plait.SpanID `json:"span_id"`
	ParentSpanID   string       `json:"parent_span_id,omitempty"`
	Depth          int          `json:"depth"`
	Children       int          `json:"children"`
	Resource       int          `json:"resource"`
	Scope          *int         `json:"scope,omitempty"`
	Name           string       `json:"name"`
	Kind           string       `json:"kind"`
	OffsetNS       int64        `json:"offset_ns"`
	SkewNS         int64        `json:"skew_ns,omitempty"`
	DurationNS     int64        `json:"duration_ns"`
	SelfTimeNS     int64        `json:"self_time_ns"`
	CriticalPathNS int64        `json:"critical_path_ns,omitempty"`
	Asynchronous   bool         `json:"asynchronous,omitempty"`
	Shared         bool         `json:"shared,omitempty"`
	Status         string       `json:"status"`
	StatusMessage  string       `json:"status_message,omitempty"`
	Events         []slimEvent  `json:"events,omitempty"`
	Logs           []slimLog    `json:"logs,omitempty"`
}

// slimSegment is a criticalSegment. Span is the place of its span in the list, as the sides of a shared span have one id.
type slimSegment struct {
	Span       int   `json:"span"`
	OffsetNS   int64 `json:"offset_ns"`
	DurationNS int64 `json:"duration_ns"`
}

type slimEvent struct {
	Name     string `json:"name"`
	OffsetNS int64  `json:"offset_ns"`
}

// slimLog is a log record that pivot/log has in full, by its id.
type slimLog struct {
	ID       string          `json:"id"`
	OffsetNS int64           `json:"offset_ns"`
	Severity string          `json:"severity"`
	Service  string          `json:"service"`
	Body     json.RawMessage `json:"body"`
	SpanID   string          `json:"span_id,omitempty"`
}

// slimmer makes slim traces.
type slimmer struct {
	begin     int64 // of the trace, on its root's clock
	trace     *slimTrace
	resources map[*plait.Resource]int
	texts     map[string]int // resources by what they say: one that came in two requests is one
	scopes    map[*plait.Scope]*int
}

func (l links) slim(v *correlate.TraceView) *slimTrace {
	t := v.Tree
	m := slimmer{begin: v.Summary.StartNanos, resources: map[*plait.Resource]int{}, texts: map[string]int{}, scopes: map[*plait.Scope]*int{}}
	m.trace = &slimTrace{
		Trace: l.summary(&v.Summary), Resources: []slimResource{}, Scopes: []scope{}, Spans: make([]slimSpan, 0, len(t.Nodes)),
		CriticalPath: make([]slimSegment, 0, len(t.CriticalPath)), UnattachedLogs: list(m.logs(v.Unattached)), MissingParents: missingParents(t),
		DuplicateIDs: t.DuplicateIDs, Cycles: t.Cycles, Truncated: v.Truncated, LogsTruncated: v.LogsTruncated,
	}
	for i := range t.Nodes {
		m.trace.Spans = append(m.trace.Spans, m.span(&t.Nodes[i]))
	}
	for _, s := range t.CriticalPath {
		m.trace.CriticalPath = append(m.trace.CriticalPath, slimSegment{s.Node, s.FromNanos - m.begin, s.ToNanos - s.FromNanos})
	}
	return m.trace
}

func (m *slimmer) span(n *tracetree.Node) slimSpan {
	span := n.Span
	out := slimSpan{
		SpanID: span.SpanID, Depth: n.Depth, Children: n.Children, Resource: m.resource(span.Resource), Scope: m.scope(span.Scope),
		Name: span.Name, Kind: span.Kind.String(), OffsetNS: n.StartNanos() - m.begin, SkewNS: n.SkewNanos,
		DurationNS: n.DurationNanos(), SelfTimeNS: n.SelfNanos, CriticalPathNS: n.CriticalNanos, Asynchronous: n.Asynchronous, Shared: n.Shared,
		Status: span.Status.String(), StatusMessage: span.StatusMessage, Logs: m.logs(n.Logs),
	}
	if !span.ParentSpanID.IsZero() {
		out.ParentSpanID = span.ParentSpanID.String()
	}
	for _, e := range span.Events {
		out.Events = append(out.Events, slimEvent{e.Name, e.TimeNanos + n.SkewNanos - m.begin})
	}
	return out
}

// resource is the place of a resource in the list.
func (m *slimmer) resource(r *plait.Resource) int {
	at, ok := m.resources[r]
	if ok {
		return at
	}
	text := attributes(r.Attributes)
	if at, ok = m.texts[string(text)]; !ok {
		at = len(m.trace.Resources)
		m.trace.Resources = append(m.trace.Resources, slimResource{r.Service(), text})
		m.texts[string(text)] = at
	}
	m.resources[r] = at
	return at
}

// scope is the place of a scope in the list, nil for one that says nothing.
func (m *slimmer) scope(s *plait.Scope) *int {
	at, ok := m.scopes[s]
	if !ok {
		if shown := scopeOf(s); shown != nil {
			at = new(len(m.trace.Scopes))
			m.trace.Scopes = append(m.trace.Scopes, *shown)
		}
		m.scopes[s] = at
	}
	return at
}

func (m *slimmer) logs(records []plait.LogRecord) (out []slimLog) {
	for i := range records {
		r := &records[i]
		one := slimLog{ID: r.ID, OffsetNS: r.TimeNanos - m.begin, Severity: r.Severity.String(), Service: r.Resource.Service(), Body: r.Body.AppendJSON(nil)}
		if !r.SpanID.IsZero() {
			one.SpanID = r.SpanID.String()
		}
		out = append(out, one)
	}
	return out
}

type traceSpanParams struct {
	ID     anyID      `path:"id"`
	SpanID ask.SpanID `query:"span_id" required:"true"`
}

type traceSpanAnswer struct {
	// Spans are those of the id: two where a client and a server share it.
	Spans []treeSpan `json:"spans"`
}

// traceSpan shows one span of a trace, at its place in the tree.
func (s *Server) traceSpan(ctx context.Context, p traceSpanParams) (*traceSpanAnswer, error) {
	v, err := s.traceView(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	answer := &traceSpanAnswer{Spans: []treeSpan{}}
	for i := range v.Tree.Nodes {
		if plait.SpanID(p.SpanID) == v.Tree.Nodes[i].Span.SpanID {
			answer.Spans = append(answer.Spans, s.linksFor(ctx).node(v.Tree, i))
		}
	}
	if len(answer.Spans) == 0 {
		return nil, plait.Errorf(plait.ErrNotFound, "trace %s has no span %s here", v.Summary.TraceID, plait.SpanID(p.SpanID))
	}
	return answer, nil
}
