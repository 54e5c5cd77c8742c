package servicemap

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/rowcodec"
)

// maxEdges bounds the edges of a service map, and its nodes: senders choose their names. The
// rest is folded into the edge and the node Other, as the metrics do.
const maxEdges = 5_000

// mapStep is the step of time in which a map has data or not, as long as that of the metrics.
const mapStep = 15 * time.Second

// quarterMicros is the part of a minute, in microseconds, whose calls are remembered together.
const quarterMicros = int64(mapStep / time.Microsecond)

// minuteSums are the calls of a minute, or of a part of one, by edge, and what services answered in it by service.
type minuteSums struct {
	oneIn       int64
	nodes       map[string]*callSums
	edges       map[spanmetrics.Edge]*callSums
	first, last int64 // when spans started, in microseconds
	ends        openEnds
}

// sums counts the calls of each step of the run, in microseconds, by which number of step since 1970 it is.
func (q *question) sums(step int64) map[int64]*minuteSums {
	steps := map[int64]*minuteSums{}
	of := func(micros int64) *minuteSums {
		at := rowcodec.FloorDiv(micros, step)
		if steps[at] == nil {
			steps[at] = newMinuteSums(q.oneIn)
		}
		return steps[at]
	}
	graph := spanmetrics.NewGraph(q.sides)
	services, edges := q.most(graph)
	for i := range q.sides {
		s := &q.sides[i]
		if !q.counts(i) {
			continue
		}
		m := of(q.times[i].start)
		m.first, m.last = min(m.first, q.times[i].start), max(m.last, q.times[i].start)
		if spanmetrics.Answers(s.Kind) {
			sumsOf(m.nodes, services.fold(s.Service, spanmetrics.Other)).add(s.Failed, q.times[i].nanos, s.Adjusted)
		}
	}
	q.addCalls(graph, edges, of)
	for i, caller := range graph.Missing() {
		if q.counts(i) {
			of(q.times[i].start).ends.seek(q, i, caller)
		}
	}
	return steps
}

// addCalls adds the calls of the run to the steps of their times, or leaves them open (openends.go).
func (q *question) addCalls(graph *spanmetrics.Graph, edges chosen[spanmetrics.Edge], of func(micros int64) *minuteSums) {
	for c := range graph.All() {
		side := c.Server
		if side < 0 {
			side = c.Client
		}
		late := c.Server >= 0 && c.Client >= 0 && q.late(c)
		if !q.counts(side) {
			if late && q.counts(c.Client) {
				of(q.times[c.Client].start).ends.open(q, c.Client, nil)
			}
			continue
		}
		m, edge := of(q.times[side].start), edges.fold(c.Edge, folded(c.Edge))
		if late {
			m.ends.answer(q.sides[c.Client].Ref())
		}
		if c.Server >= 0 || !m.ends.open(q, side, &edge) {
			sumsOf(m.edges, edge).add(c.Failed, q.times[side].nanos, graph.Adjusted(c))
		}
	}
}

// folded is the edge that stands for those that are too many.
func folded(e spanmetrics.Edge) spanmetrics.Edge {
	return spanmetrics.Edge{Client: spanmetrics.Other, Server: spanmetrics.Other, ConnectionType: e.ConnectionType}
}

func newMinuteSums(oneIn int64) *minuteSums {
	return &minuteSums{oneIn: oneIn, nodes: map[string]*callSums{}, edges: map[spanmetrics.Edge]*callSums{}, first: math.MaxInt64, last: math.MinInt64}
}

// sumOfMinutes is the map of minutes of a range.
func sumOfMinutes(minutes []*minuteSums, from, to int64) spanmetrics.ServiceMap {
	m := newMinuteSums(1)
	nodes, edges := map[string]int64{}, map[spanmetrics.Edge]int64{}
	for _, part := range minutes {
		m.oneIn = max(m.oneIn, part.oneIn)
		m.first, m.last = min(m.first, part.first), max(m.last, part.last)
		for service, c := range part.nodes {
			nodes[service] += c.calls * part.oneIn
		}
		for edge, c := range part.edges {
			edges[edge] += c.calls * part.oneIn
		}
	}
	chosenNodes, chosenEdges := choose(nodes), choose(edges)
	for _, part := range minutes {
		for service, c := range part.nodes {
			sumsOf(m.nodes, chosenNodes.fold(service, spanmetrics.Other)).include(c, part.oneIn)
		}
		for edge, c := range part.edges {
			sumsOf(m.edges, chosenEdges.fold(edge, folded(edge))).include(c, part.oneIn)
		}
	}
	result := m.result()
	if m.first <= m.last {
		result.From, result.To = covered(m.first, m.last, from, to)
	}
	return result
}

// covered is the time with data: from the first step with a span to the end of the last one, within
// the range.
func covered(first, last, from, to int64) (time.Time, time.Time) {
	step := mapStep.Microseconds()
	first, last = rowcodec.FloorDiv(first, step)*step, (rowcodec.FloorDiv(last, step)+1)*step
	return rowcodec.MicrosTime(max(first, from)), rowcodec.MicrosTime(min(last, to))
}

// chosen are keys that are shown by themselves; nil means all.
type chosen[K comparable] map[K]bool

func (c chosen[K]) fold(key, other K) K {
	if c == nil || c[key] {
		return key
	}
	return other
}

// most chooses the services and the edges with the most calls.
func (q *question) most(g *spanmetrics.Graph) (chosen[string], chosen[spanmetrics.Edge]) {
	services, edges := map[string]int64{}, map[spanmetrics.Edge]int64{}
	for i := range q.sides {
		if q.counts(i) && spanmetrics.Answers(q.sides[i].Kind) {
			services[q.sides[i].Service]++
		}
	}
	for c := range g.All() {
		edges[c.Edge]++
	}
	return choose(services), choose(edges)
}

func choose[K comparable](calls map[K]int64) chosen[K] {
	if len(calls) <= maxEdges {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(calls), func(a, b K) int { return cmp.Compare(calls[b], calls[a]) })
	c := chosen[K]{}
	for _, key := range keys[:maxEdges-1] {
		c[key] = true
	}
	return c
}

// result is the map of what was added up.
func (m *minuteSums) result() spanmetrics.ServiceMap {
	result := spanmetrics.ServiceMap{SampledOneIn: int(m.oneIn)}
	for service, c := range m.nodes {
		result.Nodes = append(result.Nodes, spanmetrics.MapNode{Service: service, MapCalls: c.result()})
	}
	for key, c := range m.edges {
		result.Edges = append(result.Edges, spanmetrics.MapEdge{Edge: key, MapCalls: c.result()})
	}
	slices.SortFunc(result.Nodes, func(a, b spanmetrics.MapNode) int { return cmp.Compare(a.Service, b.Service) })
	slices.SortFunc(result.Edges, func(a, b spanmetrics.MapEdge) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Server, b.Server), cmp.Compare(a.ConnectionType, b.ConnectionType))
	})
	return result
}

// callSums are counts and a histogram of latency with exponential buckets.
type callSums struct {
	calls, failed int64
	measured      int64
	nanos         float64
	buckets       map[int]int64
}

func sumsOf[K comparable](sums map[K]*callSums, key K) *callSums {
	c := sums[key]
	if c == nil {
		c = &callSums{buckets: make(map[int]int64)}
		sums[key] = c
	}
	return c
}

// add adds a call that stands for n.
func (c *callSums) add(failed bool, nanos, n int64) {
	c.calls += n
	c.measured++
	if failed {
		c.failed += n
	}
	c.nanos += float64(nanos) * float64(n)
	c.buckets[int(math.Floor(math.Log2(float64(max(nanos, 1)))*bucketsPerDoubling))] += n
}

// include adds calls of which one in so many was counted.
func (c *callSums) include(more *callSums, oneIn int64) {
	c.calls += more.calls * oneIn
	c.failed += more.failed * oneIn
	c.measured += more.measured
	c.nanos += more.nanos * float64(oneIn)
	for bucket, n := range more.buckets {
		c.buckets[bucket] += n * oneIn
	}
}

func (c *callSums) result() spanmetrics.MapCalls {
	return spanmetrics.MapCalls{
		Calls: c.calls, Failed: c.failed, Measured: c.measured, DurationNanosSum: c.nanosSum(),
		P50: c.quantile(0.5), P95: c.quantile(0.95), P99: c.quantile(0.99),
	}
}

func (c *callSums) nanosSum() int64 { return int64(min(c.nanos, math.MaxInt64/2)) }

// bucketsPerDoubling is how many buckets there are between a latency and its double.
const bucketsPerDoubling = 8

// quantile estimates the latency below which the share q of calls stays, at most 9 % off.
func (c *callSums) quantile(q float64) time.Duration {
	rank := q * float64(c.calls)
	indexes := make([]int, 0, len(c.buckets))
	for i := range c.buckets {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	below := 0.0
	for n, i := range indexes {
		inside := float64(c.buckets[i])
		if below+inside >= rank || n == len(indexes)-1 {
			part := min(max((rank-below)/inside, 0), 1)
			return time.Duration(math.Exp2((float64(i) + part) / bucketsPerDoubling))
		}
		below += inside
	}
	return 0
}
