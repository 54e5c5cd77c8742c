package jaeger

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/tracesearch"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/spanmetrics"
)

// The shapes of Jaeger's JSON for its page (its package model/json). Times and durations are microseconds.
type (
	traceJSON struct {
		TraceID   plait.TraceID          `json:"traceID"`
		Spans     []spanJSON             `json:"spans"`
		Processes map[string]processJSON `json:"processes"`
		Warnings  []string               `json:"warnings"`
	}
	spanJSON struct {
		TraceID       plait.TraceID   `json:"traceID"`
		SpanID        plait.SpanID    `json:"spanID"`
		Flags         uint32          `json:"flags,omitempty"`
		OperationName string          `json:"operationName"`
		References    []referenceJSON `json:"references"`
		StartTime     int64           `json:"startTime"`
		Duration      int64           `json:"duration"`
		Tags          []tagJSON       `json:"tags"`
		Logs          []logJSON       `json:"logs"`
		ProcessID     string          `json:"processID"`
		Warnings      []string        `json:"warnings"`
	}
	referenceJSON struct {
		RefType string        `json:"refType"`
		TraceID plait.TraceID `json:"traceID"`
		SpanID  plait.SpanID  `json:"spanID"`
	}
	processJSON struct {
		ServiceName string    `json:"serviceName"`
		Tags        []tagJSON `json:"tags"`
	}
	logJSON struct {
		Timestamp int64     `json:"timestamp"`
		Fields    []tagJSON `json:"fields"`
	}
	tagJSON struct {
		Key   string `json:"key"`
		Type  string `json:"type"`
		Value any    `json:"value"`
	}
)

// view shows a trace. Its spans are those of the tree: what shares an id gets one of its own, and who names a parent
// that would lead nowhere, or in a ring, names none. Raw leaves times as they were recorded.
type view struct {
	tree      *tracetree.Tree
	traceID   plait.TraceID
	raw       bool
	ids       []plait.SpanID // by node
	places    map[plait.SpanID]int
	missing   map[plait.SpanID]bool // parents that are not here
	processes map[*plait.Resource]string
	out       *traceJSON
}

func newView(t *plait.Trace, raw bool) *view {
	v := &view{tree: tracetree.Build(t.Spans), traceID: t.TraceID, raw: raw}
	v.nameSpans()
	return v
}

// show returns a trace as Jaeger's page reads it.
func show(t *plait.Trace, raw bool) *traceJSON {
	v := newView(t, raw)
	v.processes = map[*plait.Resource]string{}
	v.out = &traceJSON{TraceID: t.TraceID, Spans: make([]spanJSON, 0, len(t.Spans)), Processes: map[string]processJSON{}}
	for i := range v.tree.Nodes {
		v.out.Spans = append(v.out.Spans, v.span(i))
	}
	if t.Truncated {
		v.out.Warnings = append(v.out.Warnings, tracesearch.CutShort(t))
	}
	return v.out
}

// adjusted are the spans of a trace as show shows them: each with an id of its own, its parent by that, and its times
// on the clock of the root.
func adjusted(t *plait.Trace) []plait.Span {
	v := newView(t, false)
	out := make([]plait.Span, len(v.tree.Nodes))
	for i := range v.tree.Nodes {
		n := &v.tree.Nodes[i]
		s := *n.Span
		s.SpanID, s.ParentSpanID = v.ids[i], v.parent(n)
		s.StartNanos += n.SkewNanos
		s.EndNanos = s.StartNanos + n.DurationNanos()
		s.Events = slices.Clone(s.Events)
		for e := range s.Events {
			s.Events[e].TimeNanos += n.SkewNanos
		}
		out[i] = s
	}
	return out
}

// nameSpans gives each span an id that no other has.
func (v *view) nameSpans() {
	v.ids = v.tree.IDs()
	v.places = make(map[plait.SpanID]int, len(v.ids))
	for i, id := range v.ids {
		v.places[id] = i
	}
	v.missing = make(map[plait.SpanID]bool, len(v.tree.MissingParents))
	for _, m := range v.tree.MissingParents {
		v.missing[m.SpanID] = true
	}
}

func (v *view) span(i int) spanJSON {
	n := &v.tree.Nodes[i]
	s := n.Span
	out := spanJSON{
		TraceID: v.traceID, SpanID: v.ids[i], Flags: s.Flags & 0xff, OperationName: s.Name,
		References: v.references(i), StartTime: v.at(n, s.StartNanos), Duration: n.DurationNanos() / 1000,
		Tags: spanTags(s), Logs: v.logs(n), ProcessID: v.process(s.Resource), Warnings: v.warnings(i),
	}
	return out
}

// at is a time of a span's own clock in microseconds, on the clock of the trace's root unless the trace is shown raw.
func (v *view) at(n *tracetree.Node, nanos int64) int64 {
	if v.raw {
		return floorMicros(nanos)
	}
	return floorMicros(nanos + n.SkewNanos)
}

func floorMicros(nanos int64) int64 {
	if nanos < 0 {
		return -((-nanos + 999) / 1000)
	}
	return nanos / 1000
}

func (v *view) references(i int) []referenceJSON {
	n := &v.tree.Nodes[i]
	out := make([]referenceJSON, 0, 1+len(n.Span.Links))
	if parent := v.parent(n); !parent.IsZero() {
		out = append(out, referenceJSON{"CHILD_OF", v.traceID, parent})
	}
	for _, l := range n.Span.Links {
		if v.mayFollow(i, &l) {
			out = append(out, referenceJSON{"FOLLOWS_FROM", l.TraceID, l.SpanID})
		}
	}
	return out
}

// parent is the id of a span's parent, zero where it has none or would be its own ancestor.
func (v *view) parent(n *tracetree.Node) plait.SpanID {
	switch {
	case n.Parent >= 0:
		return v.ids[n.Parent]
	case v.parentIsMissing(n):
		return n.Span.ParentSpanID
	}
	return plait.SpanID{}
}

// mayFollow says whether a link can be shown. Jaeger's page takes the first reference for the parent and does not draw
// spans that are in a ring then: so a root refers to spans of its trace only that stand before it.
func (v *view) mayFollow(i int, l *plait.Link) bool {
	if l.TraceID.IsZero() || l.SpanID.IsZero() {
		return false
	}
	if l.TraceID != v.traceID || v.tree.Nodes[i].Parent >= 0 {
		return true
	}
	at, here := v.places[l.SpanID]
	return !here || at < i
}

// parentIsMissing says that a root names a parent that is not here. One that stands in a ring names one that is.
func (v *view) parentIsMissing(n *tracetree.Node) bool {
	return !n.Span.ParentSpanID.IsZero() && v.missing[n.Span.ParentSpanID]
}

func (v *view) warnings(i int) []string {
	n := &v.tree.Nodes[i]
	var out []string
	if v.ids[i] != n.Span.SpanID {
		why := "other spans carry it too"
		if n.Shared {
			why = "the client's span carries it too"
		}
		out = append(out, fmt.Sprintf("The span's id is %s, and %s: it is shown under one of its own.", n.Span.SpanID, why))
	}
	switch {
	case n.Parent < 0 && v.parentIsMissing(n):
		out = append(out, fmt.Sprintf("Its parent %s is not stored.", n.Span.ParentSpanID))
	case n.Parent < 0 && !n.Span.ParentSpanID.IsZero():
		out = append(out, fmt.Sprintf("It is its own ancestor by its parent %s: it is shown as a root.", n.Span.ParentSpanID))
	}
	if n.SkewNanos != 0 && !v.raw {
		out = append(out, fmt.Sprintf("Its times are moved by %s, by which the clock of its service differs from its caller's.", time.Duration(n.SkewNanos)))
	}
	for _, l := range n.Span.Links {
		if !l.SpanID.IsZero() && l.TraceID == v.traceID && !v.mayFollow(i, &l) {
			out = append(out, fmt.Sprintf("Its link to span %s is left out: that span is below it or comes later.", l.SpanID))
		}
	}
	if took := n.Span.DurationNanos(); took != spanmetrics.DurationNanos(n.Span) {
		out = append(out, fmt.Sprintf("Its end, %s after its start, cannot be true: it is shown without a duration.", time.Duration(took)))
	}
	return out
}

// process names the process of a span: the spans of one resource have one.
func (v *view) process(r *plait.Resource) string {
	id, ok := v.processes[r]
	if !ok {
		id = "p" + strconv.Itoa(len(v.processes)+1)
		v.processes[r] = id
		p := processJSON{ServiceName: r.Service(), Tags: []tagJSON{}}
		for _, a := range r.Attributes {
			if a.Key != "service.name" {
				p.Tags = append(p.Tags, tagOf(a))
			}
		}
		v.out.Processes[id] = p
	}
	return id
}

func (v *view) logs(n *tracetree.Node) []logJSON {
	out := make([]logJSON, 0, len(n.Span.Events))
	for _, e := range n.Span.Events {
		l := logJSON{Timestamp: v.at(n, e.TimeNanos), Fields: make([]tagJSON, 0, 1+len(e.Attributes))}
		if _, said := e.Attributes.Get("event"); e.Name != "" && !said {
			l.Fields = append(l.Fields, text("event", e.Name))
		}
		for _, a := range e.Attributes {
			l.Fields = append(l.Fields, tagOf(a))
		}
		l.Fields = appendDropped(l.Fields, "otel.event.dropped_attributes_count", e.DroppedAttributes)
		out = append(out, l)
	}
	return out
}
