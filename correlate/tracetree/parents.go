package tracetree

import (
	"slices"

	"github.com/plaithq/plait"
)

// family says who is whose parent. Numbers are places in the sorted spans.
type family struct {
	parent     []int // -1 for roots
	shared     []bool
	missing    []MissingParent // Waiting holds places in the sorted spans
	duplicates []plait.SpanID
	cycles     [][]plait.SpanID
}

// holders are the spans that carry one id.
type holders struct {
	client     int         // the caller's side of a shared span, -1 when the id is not shared
	spans      []int       // the likeliest parent of what names the id first
	byInstance map[int]int // the first of spans in each instance; nil for a single one
}

// callee says whether span i is a callee's side of a shared span.
func (h *holders) callee(kind plait.SpanKind) bool {
	return h.client >= 0 && (kind == plait.SpanKindServer || kind == plait.SpanKindConsumer)
}

// findParents settles who is whose parent:
//   - An id that a client and a server carry is one call seen from both sides. The server's
//     side becomes the client's child; what names the id as parent happened in the server,
//     unless it comes from the client's instance.
//   - Any other id that occurs more than once is reported. What names it as parent goes to the
//     span of its own instance, or else to the earliest.
//   - A span whose parent is not here becomes a root and is listed under the missing parent.
//   - A ring is opened at its earliest span.
func findParents(spans []*plait.Span, at *instances) *family {
	f := &family{parent: make([]int, len(spans)), shared: make([]bool, len(spans))}
	byID := f.indexByID(spans, at)
	waiting := map[plait.SpanID]int{} // places in f.missing
	for i, s := range spans {
		h := byID[s.SpanID]
		if h.callee(s.Kind) {
			f.parent[i], f.shared[i] = h.client, true
			continue
		}
		f.parent[i] = -1
		if s.ParentSpanID.IsZero() {
			continue
		}
		if p, ok := byID[s.ParentSpanID]; ok {
			f.parent[i] = p.parentFor(at.of[i])
			continue
		}
		m, ok := waiting[s.ParentSpanID]
		if !ok {
			m = len(f.missing)
			waiting[s.ParentSpanID] = m
			f.missing = append(f.missing, MissingParent{SpanID: s.ParentSpanID})
		}
		f.missing[m].Waiting = append(f.missing[m].Waiting, i)
	}
	f.openCycles(spans)
	return f
}

func (f *family) indexByID(spans []*plait.Span, at *instances) map[plait.SpanID]*holders {
	byID := make(map[plait.SpanID]*holders, len(spans))
	for i, s := range spans {
		h := byID[s.SpanID]
		if h == nil {
			h = &holders{client: -1}
			byID[s.SpanID] = h
		}
		h.spans = append(h.spans, i)
	}
	for id, h := range byID {
		if len(h.spans) > 1 && !h.tellSides(spans, at) {
			f.duplicates = append(f.duplicates, id)
		}
	}
	slices.SortFunc(f.duplicates, func(a, b plait.SpanID) int { return slices.Compare(a[:], b[:]) })
	return byID
}

// tellSides looks for the two sides of a call among spans with one id, and says whether that
// explains all of them.
func (h *holders) tellSides(spans []*plait.Span, at *instances) bool {
	client, servers, others := -1, []int(nil), []int(nil)
	for _, i := range h.spans {
		switch kind := spans[i].Kind; {
		case client < 0 && (kind == plait.SpanKindClient || kind == plait.SpanKindProducer):
			client = i
		case kind == plait.SpanKindServer || kind == plait.SpanKindConsumer:
			servers = append(servers, i)
		default:
			others = append(others, i)
		}
	}
	shared := client >= 0 && len(servers) > 0
	if shared {
		h.client = client
		h.spans = append(append(servers, client), others...)
	}
	h.byInstance = map[int]int{}
	for _, i := range h.spans {
		if _, ok := h.byInstance[at.of[i]]; !ok {
			h.byInstance[at.of[i]] = i
		}
	}
	return shared && len(others) == 0
}

// parentFor chooses the parent of a span of the given instance.
func (h *holders) parentFor(instance int) int {
	if i, ok := h.byInstance[instance]; ok {
		return i
	}
	return h.spans[0]
}

// openCycles makes one span of each ring a root. It follows every span's parents until it
// meets a root or a span that an earlier walk has passed: one pass over all spans in total.
func (f *family) openCycles(spans []*plait.Span) {
	walk := make([]int, len(spans)) // the walk that passed a span, 0 for none
	for i := range spans {
		at := i
		for at >= 0 && walk[at] == 0 {
			walk[at] = i + 1
			at = f.parent[at]
		}
		if at < 0 || walk[at] != i+1 {
			continue
		}
		earliest := at
		for j := f.parent[at]; j != at; j = f.parent[j] {
			earliest = min(earliest, j)
		}
		ring := []plait.SpanID{spans[earliest].SpanID}
		for j := f.parent[earliest]; j != earliest; j = f.parent[j] {
			ring = append(ring, spans[j].SpanID)
		}
		f.parent[earliest] = -1
		f.cycles = append(f.cycles, ring)
	}
}
