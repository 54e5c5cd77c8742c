package tracetree

import "github.com/plaithq/plait"

// spread lies between the ids that are made of one: odd, so that they repeat after all others only.
const spread = 0x9e3779b97f4a7c15

// IDs gives each node an id that no other has: its own to the first that carries it, and to the others one that nobody
// carries, the same whenever the tree is that of the same spans.
func (t *Tree) IDs() []plait.SpanID {
	carried := make(map[plait.SpanID]bool, len(t.Nodes))
	for i := range t.Nodes {
		carried[t.Nodes[i].Span.SpanID] = true
	}
	ids := make([]plait.SpanID, len(t.Nodes))
	given := make(map[plait.SpanID]bool, len(t.Nodes))
	tried := map[plait.SpanID]uint64{} // how many ids were made of one
	for i := range t.Nodes {
		own := t.Nodes[i].Span.SpanID
		id := own
		for given[id] {
			for free := false; !free; free = !carried[id] && !id.IsZero() {
				tried[own]++
				id = plait.SpanIDFromInt64(own.Int64() + int64(tried[own]*spread))
			}
		}
		ids[i], given[id] = id, true
	}
	return ids
}

// Distinct returns the spans of a trace, in their order, each with an id that no other has: for readers that tell spans apart by
// their ids. A parent is named by the id that it then has. Spans whose ids differ are returned as they are.
func Distinct(spans []plait.Span) []plait.Span {
	seen := make(map[plait.SpanID]bool, len(spans))
	for i := range spans {
		seen[spans[i].SpanID] = true
	}
	if len(seen) == len(spans) {
		return spans
	}
	t := Build(spans)
	ids := t.IDs()
	place := make(map[*plait.Span]int, len(spans))
	for i := range t.Nodes {
		place[t.Nodes[i].Span] = i
	}
	distinct := make([]plait.Span, len(spans))
	for i := range spans {
		n := place[&spans[i]]
		distinct[i] = spans[i]
		distinct[i].SpanID = ids[n]
		if parent := t.Nodes[n].Parent; parent >= 0 {
			distinct[i].ParentSpanID = ids[parent]
		}
	}
	return distinct
}
