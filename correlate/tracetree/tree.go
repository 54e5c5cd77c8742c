// Package tracetree arranges the spans of one trace as a tree: who is whose parent, whose clock is off, who waits for whom, and
// where the time went. It puts log records on the spans that wrote them. It is computation alone: its callers
// have read the spans and the records.
package tracetree

import (
	"cmp"
	"iter"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// How spans become a tree, in this order:
//
//  1. Spans are sorted by start, so that nothing below depends on the order in which they came.
//  2. Each span finds its parent by id (parents.go). Ids that several spans carry, parents that
//     are not here and cycles are settled there.
//  3. Clocks are compared where a client's span holds a server's (clocks.go), and spans of a
//     skewed clock are shifted.
//  4. Spans are laid out depth first, siblings by their shifted start.
//  5. It is decided who waits for whom; self times and the critical path follow
//     (criticalpath.go).
//
// Every step is a loop over arrays: a trace of 20,000 spans below one another needs no more
// stack than one of two.

// Tree is a trace as a tree, or several where the trace has several roots.
type Tree struct {
	// Nodes are in depth-first order: a node is followed by its children, the earliest first,
	// each with its own children.
	Nodes []Node
	// Main is the index of the root that stands for the trace: the longest of the spans without
	// a parent, or of all roots where every span has one. It is -1 for a tree without nodes.
	Main int
	// CriticalPath is what the main root's duration was spent on, in time order and without gaps.
	CriticalPath []Segment
	// MissingParents are the parents that spans name and that are not here.
	MissingParents []MissingParent
	// DuplicateIDs are the ids that several spans carry although they are not the two sides of
	// one call, sorted.
	DuplicateIDs []plait.SpanID
	// Cycles are the rings of spans that name one another as parents. Each begins with the span
	// that was made a root, the earliest of the ring, and goes from child to parent.
	Cycles [][]plait.SpanID
}

// Node is a span at its place in a Tree.
type Node struct {
	Span *plait.Span
	// Parent is the parent's index in Tree.Nodes, -1 for a root. It differs from the span's
	// parent id for one side of a shared span, and for a span whose parent is not here.
	Parent int
	// Depth is 0 for a root.
	Depth int
	// Size counts the nodes of the subtree, this one included: the next sibling's index is
	// this node's plus Size.
	Size int
	// Children counts the nodes directly below.
	Children int
	// SkewNanos is what was added to the span's times to show it on the clock of the trace's root.
	SkewNanos int64
	// Shared says that the span is the server's side of a span whose id the client's side,
	// its parent, carries too (B3).
	Shared bool
	// Asynchronous says that the parent does not wait for this span.
	Asynchronous bool
	// SelfNanos is the time in which the span waited for none of its children.
	SelfNanos int64
	// Critical says that the critical path leads through the span, CriticalNanos for how long
	// it was in the span itself and in none of its children.
	Critical      bool
	CriticalNanos int64
	// Logs are the records that were written in the span, once PlaceLogs was called.
	Logs []plait.LogRecord
}

// StartNanos is the span's start on the clock of the trace's root.
func (n *Node) StartNanos() int64 { return inRange(n.Span.StartNanos) + n.SkewNanos }

// EndNanos is the span's end on the clock of the trace's root, never before its start.
func (n *Node) EndNanos() int64 { return EndNanos(n.Span) + n.SkewNanos }

// DurationNanos is the span's duration as far as it is believed (spanmetrics.DurationNanos).
func (n *Node) DurationNanos() int64 { return n.EndNanos() - n.StartNanos() }

// MissingParent is a span that is not here.
type MissingParent struct {
	SpanID plait.SpanID
	// Waiting are the indices in Tree.Nodes of the spans that name it as their parent.
	Waiting []int
}

// Segment is a stretch of the critical path, in nanoseconds on the clock of the trace's root.
type Segment struct {
	Node               int // index in Tree.Nodes
	FromNanos, ToNanos int64
}

// maxNanos bounds times in the arithmetic of trees to 146 years around 1970, so that no
// difference of two of them overflows.
const maxNanos = 1 << 62

func inRange(nanos int64) int64 { return min(max(nanos, -maxNanos), maxNanos-1) }

// EndNanos is when a span ended, on its own clock and as far as it is believed (spanmetrics.DurationNanos).
func EndNanos(s *plait.Span) int64 { return inRange(s.StartNanos) + spanmetrics.DurationNanos(s) }

// Build arranges the spans of one trace, in whatever order they come. It keeps pointers into spans.
func Build(spans []plait.Span) *Tree {
	if len(spans) == 0 {
		return &Tree{Main: -1}
	}
	sorted := make([]*plait.Span, len(spans))
	for i := range spans {
		sorted[i] = &spans[i]
	}
	slices.SortFunc(sorted, compareSpans)

	clocks := newInstances(sorted)
	f := findParents(sorted, clocks)
	skew := clocks.skews(sorted, f)

	t := &Tree{}
	place := t.layOut(sorted, f, skew)
	t.DuplicateIDs, t.Cycles = f.duplicates, f.cycles
	for _, m := range f.missing {
		for i, waiting := range m.Waiting {
			m.Waiting[i] = place[waiting]
		}
		slices.Sort(m.Waiting)
		t.MissingParents = append(t.MissingParents, m)
	}
	t.Main = t.mainRoot()
	t.findWaits()
	t.findSelfTimes()
	t.findCriticalPath()
	return t
}

// compareSpans orders by start, longer spans first, and by everything else that may tell two
// spans of one trace apart.
func compareSpans(a, b *plait.Span) int {
	order := cmp.Or(
		cmp.Compare(a.StartNanos, b.StartNanos),
		cmp.Compare(b.EndNanos, a.EndNanos),
		slices.Compare(a.SpanID[:], b.SpanID[:]),
		cmp.Compare(b.Kind, a.Kind), // client before server
		slices.Compare(a.ParentSpanID[:], b.ParentSpanID[:]),
		cmp.Compare(a.Name, b.Name),
	)
	if order != 0 || a.Resource == b.Resource {
		return order
	}
	x, y := InstanceOf(a.Resource), InstanceOf(b.Resource)
	return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.id, y.id))
}

// layOut fills Nodes in depth-first order and returns where each span went.
func (t *Tree) layOut(spans []*plait.Span, f *family, skew []int64) (place []int) {
	order := make([]int, len(spans))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(inRange(spans[a].StartNanos)+skew[a], inRange(spans[b].StartNanos)+skew[b])
	})
	first, next, roots := siblings(f.parent, order)

	t.Nodes = make([]Node, 0, len(spans))
	place = make([]int, len(spans))
	var stack []int
	for _, root := range roots {
		for i := root; ; {
			place[i] = len(t.Nodes)
			n := Node{Span: spans[i], Parent: -1, Size: 1, SkewNanos: skew[i], Shared: f.shared[i]}
			if p := f.parent[i]; p >= 0 {
				n.Parent = place[p]
				n.Depth = t.Nodes[n.Parent].Depth + 1
				t.Nodes[n.Parent].Children++
			}
			t.Nodes = append(t.Nodes, n)
			if next[i] >= 0 {
				stack = append(stack, next[i])
			}
			if first[i] >= 0 {
				i = first[i]
				continue
			}
			if len(stack) == 0 {
				break
			}
			i, stack = stack[len(stack)-1], stack[:len(stack)-1]
		}
	}
	for i := len(t.Nodes) - 1; i >= 0; i-- {
		if p := t.Nodes[i].Parent; p >= 0 {
			t.Nodes[p].Size += t.Nodes[i].Size
		}
	}
	return place
}

// siblings turns parents into lists of children that keep the given order: first[i] is the
// first child of i, next[i] the sibling after i, -1 for none.
func siblings(parent, order []int) (first, next, roots []int) {
	first, next = make([]int, len(parent)), make([]int, len(parent))
	for i := range parent {
		first[i], next[i] = -1, -1
	}
	for _, i := range slices.Backward(order) {
		if p := parent[i]; p >= 0 {
			next[i], first[p] = first[p], i
		} else {
			roots = append(roots, i)
		}
	}
	slices.Reverse(roots)
	return first, next, roots
}

// Children yields the indices of a node's children in order of start.
func (t *Tree) Children(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		end := i + t.Nodes[i].Size
		for c := i + 1; c < end; c += t.Nodes[c].Size {
			if !yield(c) {
				return
			}
		}
	}
}

// Roots yields the indices of the roots in order of start.
func (t *Tree) Roots() iter.Seq[int] {
	return func(yield func(int) bool) {
		for r := 0; r < len(t.Nodes); r += t.Nodes[r].Size {
			if !yield(r) {
				return
			}
		}
	}
}

// Spans lists the spans in the order of Nodes.
func (t *Tree) Spans() []*plait.Span {
	all := make([]*plait.Span, len(t.Nodes))
	for i := range t.Nodes {
		all[i] = t.Nodes[i].Span
	}
	return all
}

func (t *Tree) mainRoot() int {
	best := -1
	better := func(a, b *Node) bool {
		if a.Span.ParentSpanID.IsZero() != b.Span.ParentSpanID.IsZero() {
			return a.Span.ParentSpanID.IsZero()
		}
		return a.DurationNanos() > b.DurationNanos()
	}
	for r := range t.Roots() {
		if best < 0 || better(&t.Nodes[r], &t.Nodes[best]) {
			best = r
		}
	}
	return best
}
