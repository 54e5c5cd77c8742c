package tracetree

import "github.com/plaithq/plait"

// PlaceLogs puts records on the nodes of their spans, in the order given, and returns those
// that belong to no span here: they name none, or one that was not recorded. Where several
// spans carry the id, the one of the record's own instance gets it, or else the first.
func (t *Tree) PlaceLogs(records []plait.LogRecord) (unattached []plait.LogRecord) {
	type spanAt struct {
		id plait.SpanID
		in Instance
	}
	first, exact := map[plait.SpanID]int{}, map[spanAt]int{}
	for i := range t.Nodes {
		s := t.Nodes[i].Span
		if _, ok := first[s.SpanID]; !ok {
			first[s.SpanID] = i
		}
		exact[spanAt{s.SpanID, InstanceOf(s.Resource)}] = i
	}
	for i := range records {
		r := &records[i]
		node, ok := exact[spanAt{r.SpanID, InstanceOf(r.Resource)}]
		if !ok {
			node, ok = first[r.SpanID]
		}
		if !ok || r.SpanID.IsZero() {
			unattached = append(unattached, *r)
			continue
		}
		t.Nodes[node].Logs = append(t.Nodes[node].Logs, *r)
	}
	return unattached
}
