package spans

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/store/rowcodec"
)

// maxMapEdges bounds the edges of a service map, and its nodes: senders choose their names. The
// rest is folded into the edge and the node Other, as the metrics do.
const maxMapEdges = 5_000

// mapStep is the step of time in which a map has data or not, as long as that of the metrics.
const mapStep = 15 * time.Second

// sum counts the calls of the range by edge, and what services answered by service.
func (q *mapQuestion) sum() spanmetrics.ServiceMap {
	m := serviceMap{oneIn: q.oneIn, nodes: map[string]*callSums{}, edges: map[spanmetrics.Edge]*callSums{}}
	graph := spanmetrics.NewGraph(q.sides)
	services, edges := q.most(graph)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range q.sides {
		s := &q.sides[i]
		if !q.counts(i) {
			continue
		}
		first, last = min(first, q.times[i].start), max(last, q.times[i].start)
		if spanmetrics.Answers(s.Kind) {
			sumsOf(m.nodes, services.fold(s.Service, spanmetrics.Other)).add(s.Failed, q.times[i].nanos)
		}
	}
	for c := range graph.All() {
		side := c.Server
		if side < 0 {
			side = c.Client
		}
		if !q.counts(side) {
			continue
		}
		folded := spanmetrics.Edge{Client: spanmetrics.Other, Server: spanmetrics.Other, ConnectionType: c.Edge.ConnectionType}
		sumsOf(m.edges, edges.fold(c.Edge, folded)).add(c.Failed, q.times[side].nanos)
	}
	result := m.result()
	if first <= last {
		result.From, result.To = q.covered(first, last)
	}
	return result
}

// covered is the time with data: from the first step with a span to the end of the last one, within
// the range.
func (q *mapQuestion) covered(first, last int64) (from, to time.Time) {
	step := mapStep.Microseconds()
	first -= ((first % step) + step) % step
	last += step - ((last%step)+step)%step
	return rowcodec.MicrosTime(max(first, q.from)), rowcodec.MicrosTime(min(last, q.to))
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
func (q *mapQuestion) most(g *spanmetrics.Graph) (chosen[string], chosen[spanmetrics.Edge]) {
	services, edges := map[string]int{}, map[spanmetrics.Edge]int{}
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

func choose[K comparable](calls map[K]int) chosen[K] {
	if len(calls) <= maxMapEdges {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(calls), func(a, b K) int { return cmp.Compare(calls[b], calls[a]) })
	c := chosen[K]{}
	for _, key := range keys[:maxMapEdges-1] {
		c[key] = true
	}
	return c
}

// serviceMap adds calls up.
type serviceMap struct {
	oneIn int64
	nodes map[string]*callSums
	edges map[spanmetrics.Edge]*callSums
}

func (m *serviceMap) result() spanmetrics.ServiceMap {
	result := spanmetrics.ServiceMap{SampledOneIn: int(m.oneIn)}
	for service, c := range m.nodes {
		result.Nodes = append(result.Nodes, spanmetrics.MapNode{
			Service: service, Calls: c.calls * m.oneIn, Failed: c.failed * m.oneIn, DurationNanosSum: c.nanosSum(m.oneIn),
			P50: c.quantile(0.5), P95: c.quantile(0.95), P99: c.quantile(0.99),
		})
	}
	for key, c := range m.edges {
		result.Edges = append(result.Edges, spanmetrics.MapEdge{
			Edge:  key,
			Calls: c.calls * m.oneIn, Failed: c.failed * m.oneIn, DurationNanosSum: c.nanosSum(m.oneIn),
			P50: c.quantile(0.5), P95: c.quantile(0.95), P99: c.quantile(0.99),
		})
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

func (c *callSums) add(failed bool, nanos int64) {
	c.calls++
	if failed {
		c.failed++
	}
	c.nanos += float64(nanos)
	c.buckets[int(math.Floor(math.Log2(float64(max(nanos, 1)))*bucketsPerDoubling))]++
}

func (c *callSums) nanosSum(oneIn int64) int64 {
	return int64(min(c.nanos*float64(oneIn), math.MaxInt64/2))
}

// bucketsPerDoubling is how many buckets there are between a latency and its double.
const bucketsPerDoubling = 8

// quantile estimates the latency below which the share q of calls stays, at most 4.5 % off.
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
