package eval

import (
	"math"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
	"github.com/plaithq/plait/query/condition"
)

// trace is a trace while it is asked. Its spans are named by their places in the view.
type trace struct {
	spans  []condition.SpanView
	view   []plait.Span
	parent []int // of each span, -1 where it has none here; nil until the tree was built
	order  []int // the spans, each before those below it
	places []condition.Place
}

func newTrace(v *condition.TraceView, tree bool) *trace {
	t := &trace{spans: make([]condition.SpanView, len(v.Spans)), view: v.Spans}
	summary := v.Summary
	if summary == nil && len(v.Spans) > 0 {
		summary = Summarize(v.Spans)
	}
	for i := range v.Spans {
		t.spans[i] = condition.SpanView{Span: &v.Spans[i], Trace: summary}
	}
	if tree {
		t.findPlaces()
	}
	return t
}

// Summarize adds spans up by the times that were recorded, as the store does.
func Summarize(spans []plait.Span) *plait.TraceSummary {
	s := &plait.TraceSummary{TraceID: spans[0].TraceID, SpanCount: len(spans), StartNanos: math.MaxInt64}
	end := int64(math.MinInt64)
	root := -1
	for i := range spans {
		s.StartNanos, end = min(s.StartNanos, spans[i].StartNanos), max(end, spans[i].EndNanos)
		if spans[i].ParentSpanID.IsZero() && (root < 0 || spans[i].StartNanos < spans[root].StartNanos) {
			root = i
		}
		if spans[i].Status == plait.StatusError {
			s.ErrorCount++
		}
		s.Services = append(s.Services, spans[i].Resource.Service())
	}
	if root >= 0 {
		s.RootName, s.RootService = spans[root].Name, spans[root].Resource.Service()
	}
	s.DurationNanos = end - s.StartNanos
	slices.Sort(s.Services)
	s.Services = slices.Compact(s.Services)
	return s
}

// all are all spans.
func (t *trace) all() []int {
	all := make([]int, len(t.spans))
	for i := range all {
		all[i] = i
	}
	return all
}

// findPlaces builds the tree, and numbers the spans by it. What hangs on no root has 0 for the numbers of nested
// sets, as in Tempo, but relatives and children like all else.
func (t *trace) findPlaces() {
	if t.parent != nil || len(t.spans) == 0 {
		return
	}
	tree := tracetree.Build(t.view)
	at := make(map[*plait.Span]int, len(t.spans))
	for i := range t.spans {
		at[t.spans[i].Span] = i
	}
	t.parent, t.order = make([]int, len(t.spans)), make([]int, len(t.spans))
	t.places = make([]condition.Place, len(t.spans))
	counted, root := int64(0), 0
	for n := range tree.Nodes {
		node := &tree.Nodes[n]
		i := at[node.Span]
		t.order[n], t.parent[i] = i, -1
		view, place := &t.spans[i], &t.places[i]
		view.Place, place.ChildCount = place, int64(node.Children)
		if node.Parent < 0 {
			counted += 2 * int64(n-root) * truth(n > 0 && tree.Nodes[root].Span.ParentSpanID.IsZero())
			root = n
		} else {
			t.parent[i] = at[tree.Nodes[node.Parent].Span]
			view.Parent = t.spans[t.parent[i]].Span
		}
		if !tree.Nodes[root].Span.ParentSpanID.IsZero() {
			continue
		}
		place.NestedSetLeft = counted + 2*int64(n-root) - int64(node.Depth) + 1
		place.NestedSetRight = place.NestedSetLeft + 2*int64(node.Size) - 1
		place.NestedSetParent = -1
		if node.Parent >= 0 {
			place.NestedSetParent = t.places[t.parent[i]].NestedSetLeft
		}
	}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// siblings names the group of spans with the same parent, whether the parent is here or not. A root is in none.
func (t *trace) siblings(i int) (group plait.SpanID, ok bool) {
	if p := t.parent[i]; p >= 0 {
		return t.spans[p].Span.SpanID, true
	}
	id := t.spans[i].Span.ParentSpanID
	return id, !id.IsZero()
}
