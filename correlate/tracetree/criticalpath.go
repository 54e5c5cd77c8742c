package tracetree

import (
	"cmp"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

// Self time and critical path rest on one question: does a span wait for its child?
//
// It does not when the child is a consumer or the span a producer, when the child starts after
// the span's end, or when the child outlives the span. The last has two exceptions: a client
// waits for its server until it gives up, so it does wait although the server may work on;
// and what ends a little late ended in time (see jitter). Children that are not waited for are
// asynchronous. They count for nothing in their parent; their own children count for them.
//
// Self time is the time of a span that is covered by none of the children it waits for.
//
// The critical path goes backwards through the duration of the main root: at every moment it
// is in the child that finished last among those the span waits for, and in the span itself
// where there is none. Within a child the same holds for the child. So it cuts the root's duration into
// segments without gaps, and no span holds more of it than its self time.

// jitter is how much later than its parent a child may end and still count as waited for.
// Some frameworks close the span of a request before that of the call within it (by 12 µs in
// the median and 0.2 ms at most in the recording under testdata/trainticket), and recorded
// times may be rounded to milliseconds.
func jitter(childNanos int64) int64 { return max(int64(time.Millisecond), childNanos/100) }

// waits says whether the parent waits for the child.
func waits(parent, child *Node) bool {
	if child.Span.Kind == plait.SpanKindConsumer || parent.Span.Kind == plait.SpanKindProducer {
		return false
	}
	if child.StartNanos() > parent.EndNanos() {
		return false
	}
	late := child.EndNanos() - parent.EndNanos()
	return late <= jitter(child.DurationNanos()) ||
		parent.Span.Kind == plait.SpanKindClient && child.Span.Kind == plait.SpanKindServer
}

func (t *Tree) findWaits() {
	for i := range t.Nodes {
		n := &t.Nodes[i]
		n.Asynchronous = n.Parent >= 0 && !waits(&t.Nodes[n.Parent], n)
	}
}

// findSelfTimes subtracts from each span the union of the children that it waits for. Children
// come in order of start, so one number per span, the end of what is covered, suffices.
func (t *Tree) findSelfTimes() {
	covered := make([]int64, len(t.Nodes))
	for i := range t.Nodes {
		n := &t.Nodes[i]
		n.SelfNanos = n.DurationNanos()
		covered[i] = n.StartNanos()
		if n.Asynchronous || n.Parent < 0 {
			continue
		}
		p := &t.Nodes[n.Parent]
		from, to := max(n.StartNanos(), covered[n.Parent]), min(n.EndNanos(), p.EndNanos())
		if from < to {
			p.SelfNanos -= to - from
			covered[n.Parent] = to
		}
	}
}

// findCriticalPath walks back from the end of the main root. The stack holds stretches of time,
// each with the span that the path is in.
func (t *Tree) findCriticalPath() {
	if t.Main < 0 {
		return
	}
	root := &t.Nodes[t.Main]
	stack := []Segment{{t.Main, root.StartNanos(), root.EndNanos()}}
	var children []int
	for len(stack) > 0 {
		within := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		t.Nodes[within.Node].Critical = true
		children = t.lastFirst(children[:0], within.Node)
		at := within.ToNanos
		for _, c := range children {
			from := max(t.Nodes[c].StartNanos(), within.FromNanos)
			to := min(t.Nodes[c].EndNanos(), at)
			if from >= to {
				continue
			}
			t.addSegment(Segment{within.Node, to, at})
			stack = append(stack, Segment{c, from, to})
			at = from
		}
		t.addSegment(Segment{within.Node, within.FromNanos, at})
	}
	slices.SortFunc(t.CriticalPath, func(a, b Segment) int { return cmp.Compare(a.FromNanos, b.FromNanos) })
}

func (t *Tree) addSegment(s Segment) {
	if s.FromNanos < s.ToNanos {
		t.CriticalPath = append(t.CriticalPath, s)
		t.Nodes[s.Node].CriticalNanos += s.ToNanos - s.FromNanos
	}
}

// lastFirst appends the children that a node waits for, the one that ends last first.
func (t *Tree) lastFirst(to []int, node int) []int {
	for c := range t.Children(node) {
		if !t.Nodes[c].Asynchronous {
			to = append(to, c)
		}
	}
	slices.SortStableFunc(to, func(a, b int) int { return cmp.Compare(t.Nodes[b].EndNanos(), t.Nodes[a].EndNanos()) })
	return to
}
