package tracetree

import (
	"cmp"
	"slices"

	"github.com/plaithq/plait"
)

// Clocks of machines differ. A server's span lies within the span of the client that waits
// for it, so each such pair says by how much at least, and at most, the server's clock must
// be moved against the client's. All pairs between two instances of services share two clocks:
// the answer is the offset with which most pairs agree. Where no offset at all is among
// them, clocks are left alone; otherwise the smallest of them is taken. A recorded time is moved
// as little as its trace demands, because what is shown moved differs from what was sent.

// offsets is a closed range of clock offsets in nanoseconds.
type offsets struct{ least, most int64 }

// pair is two instances, the one with the smaller number first.
type pair struct{ a, b int }

// skews returns what to add to the times of each span.
func (in *instances) skews(spans []*plait.Span, f *family) []int64 {
	skew := make([]int64, len(spans))
	evidence := in.evidence(spans, f)
	if len(evidence) == 0 {
		return skew
	}
	between := make(map[pair]int64, len(evidence))
	moved := false
	for p, ranges := range evidence {
		between[p] = agreed(ranges)
		moved = moved || between[p] != 0
	}
	if !moved {
		return skew
	}
	clock := in.spread(between, spans, f)
	for i := range spans {
		skew[i] = clock[in.of[i]]
	}
	return skew
}

// evidence collects, for each pair of instances that call one another, what each call says
// about the offset of b's clock against a's.
func (in *instances) evidence(spans []*plait.Span, f *family) map[pair][]offsets {
	evidence := map[pair][]offsets{}
	for i, child := range spans {
		p := f.parent[i]
		if p < 0 || in.of[p] == in.of[i] || child.Kind != plait.SpanKindServer || spans[p].Kind != plait.SpanKindClient {
			continue
		}
		r := allowed(spans[p], child)
		k := pair{in.of[p], in.of[i]}
		if k.a > k.b {
			k, r = pair{k.b, k.a}, offsets{-r.most, -r.least}
		}
		evidence[k] = append(evidence[k], r)
	}
	return evidence
}

// allowed is the range of offsets that put the server's span into the client's. A server that
// worked longer than its client waited does not fit: it was at work when its client gave up, or
// the two rounded their times differently. So it must at least run at the client's end.
func allowed(client, server *plait.Span) offsets {
	from, to := inRange(client.StartNanos), EndNanos(client)
	start, end := inRange(server.StartNanos), EndNanos(server)
	if end-start > to-from {
		return offsets{clip(to - end), clip(to - start)}
	}
	return offsets{clip(from - start), clip(to - end)}
}

// maxSkewNanos bounds an offset: what differs by more than a day is no skew.
const maxSkewNanos = 24 * 60 * 60 * 1e9

func clip(nanos int64) int64 { return min(max(nanos, -maxSkewNanos), maxSkewNanos) }

// agreed returns that of the offsets which most ranges contain that is nearest to 0.
func agreed(ranges []offsets) int64 {
	type edge struct {
		at   int64
		step int
	}
	edges := make([]edge, 0, 2*len(ranges))
	for _, r := range ranges {
		edges = append(edges, edge{r.least, 1}, edge{r.most, -1})
	}
	slices.SortFunc(edges, func(x, y edge) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(y.step, x.step)) })

	open, most, best := 0, 0, int64(0)
	for i, e := range edges {
		if open += e.step; e.step < 0 || open < most {
			continue
		}
		// A range that has just begun ends at a later edge, so there is a next one.
		nearest := min(max(0, e.at), edges[i+1].at)
		if open > most || magnitude(nearest) < magnitude(best) {
			most, best = open, nearest
		}
	}
	return best
}

func magnitude(nanos int64) int64 { return max(nanos, -nanos) }

// spread turns offsets between pairs into offsets against the clock of the root: from parents
// to children, each instance takes the first path that reaches it. An instance that no call
// reaches keeps its own clock.
func (in *instances) spread(between map[pair]int64, spans []*plait.Span, f *family) []int64 {
	clock, known := make([]int64, in.n), make([]bool, in.n)
	order := make([]int, len(spans))
	for i := range order {
		order[i] = i
	}
	first, next, queue := siblings(f.parent, order)
	slices.SortStableFunc(queue, func(a, b int) int {
		return cmp.Compare(orphan(spans[a]), orphan(spans[b]))
	})
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		here := in.of[i]
		if !known[here] {
			clock[here], known[here] = in.against(f.parent[i], here, clock, between), true
		}
		for c := first[i]; c >= 0; c = next[c] {
			queue = append(queue, c)
		}
	}
	return clock
}

// against returns the offset of an instance whose first span has the given parent.
func (in *instances) against(parent, here int, clock []int64, between map[pair]int64) int64 {
	if parent < 0 {
		return 0
	}
	from := in.of[parent]
	if offset, ok := between[pair{from, here}]; ok {
		return clock[from] + offset
	}
	if offset, ok := between[pair{here, from}]; ok {
		return clock[from] - offset
	}
	return 0
}

// orphan sorts spans that name a parent behind those that name none.
func orphan(s *plait.Span) int {
	if s.ParentSpanID.IsZero() {
		return 0
	}
	return 1
}
