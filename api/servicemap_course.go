package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/spanmetrics"
)

const (
	// longestUsual is how long before a window it is looked for what is usual; for as long as the window, in a shorter one.
	longestUsual = time.Hour
	// fewestUsual is the fewest steps with calls that tell what is usual.
	fewestUsual = 5
	// fineWindow is the longest window whose steps, with those before it, are of whole seconds.
	fineWindow = 7 * time.Minute
	// quarter is of what longer steps are multiples: what a store remembers.
	quarter = 15 * time.Second
	// mostUsual is how many of the shortest steps are looked at for what is usual.
	mostUsual = 600
)

// course is how a node or an edge went over the window, and what is usual for it.
type course struct {
	Usual *usual   `json:"usual"` // null where there is too little to tell
	Bins  []mapBin `json:"bins"`
}

// usual is the median over short steps with calls, of the window and of the time before it: half of them may be in
// trouble without changing it.
type usual struct {
	P95NS     int64   `json:"p95_ns"`
	ErrorRate float64 `json:"error_rate"`
}

type mapBin struct {
	Start  string `json:"start"`
	Calls  int64  `json:"calls"`
	Failed int64  `json:"failed"`
	P95NS  int64  `json:"p95_ns"`
}

// courses are those of a map.
type courses struct {
	starts []string // of the steps of the window
	nodes  map[string]*course
	edges  map[spanmetrics.Edge]*course
}

// mapCourses reads the map in about so many steps, and what is usual from the window and the time before it.
func (s *Server) mapCourses(ctx context.Context, within plait.TimeRange, bins int) (*courses, error) {
	length := within.To.Sub(within.From)
	step := binLength(length, bins)
	asked := plait.TimeRange{From: beginOfStep(within.From, step), To: within.To}
	steps, err := s.deps.Traces.ServiceMapCourse(ctx, asked, step)
	if err != nil {
		return nil, err
	}
	c := newCourses(asked.From, step, steps)
	before := min(length, longestUsual)
	fine := usualStep(length+before, step)
	earlier := plait.TimeRange{From: beginOfStep(within.From, fine).Add(-before.Truncate(fine)), To: within.To}
	if steps, err = s.deps.Traces.ServiceMapCourse(ctx, earlier, fine); err != nil {
		return nil, err
	}
	c.setUsual(steps)
	return c, nil
}

// usualStep is how long the steps are by which it is told what is usual in so long a time: short ones, so that a trouble
// of some seconds is not in all of them, but not too many.
func usualStep(length, bin time.Duration) time.Duration {
	if bin < quarter {
		return bin
	}
	return max(quarter, (length/mostUsual + quarter - 1).Truncate(quarter))
}

// newCourses makes the courses of all that the steps have.
func newCourses(from time.Time, step time.Duration, steps []spanmetrics.ServiceMap) *courses {
	c := &courses{nodes: map[string]*course{}, edges: map[spanmetrics.Edge]*course{}}
	for i := range steps {
		c.starts = append(c.starts, ask.Stamp(from.Add(time.Duration(i)*step).UnixNano()))
	}
	for i, m := range steps {
		for _, n := range m.Nodes {
			c.node(n.Service).Bins[i].set(n.Calls, n.Failed, n.P95)
		}
		for _, e := range m.Edges {
			c.edge(e.Edge).Bins[i].set(e.Calls, e.Failed, e.P95)
		}
	}
	return c
}

// setUsual tells what is usual for all that have courses.
func (c *courses) setUsual(steps []spanmetrics.ServiceMap) {
	nodes, edges := map[string][]mapStep{}, map[spanmetrics.Edge][]mapStep{}
	for _, m := range steps {
		for _, n := range m.Nodes {
			nodes[n.Service] = append(nodes[n.Service], mapStep{n.Calls, n.Failed, n.P95})
		}
		for _, e := range m.Edges {
			edges[e.Edge] = append(edges[e.Edge], mapStep{e.Calls, e.Failed, e.P95})
		}
	}
	for service, of := range c.nodes {
		of.Usual = usualOf(nodes[service])
	}
	for edge, of := range c.edges {
		of.Usual = usualOf(edges[edge])
	}
}

// node returns the course of a service, which it makes where there is none.
func (c *courses) node(service string) *course {
	if c.nodes[service] == nil {
		c.nodes[service] = c.empty()
	}
	return c.nodes[service]
}

// edge returns the course of calls, which it makes where there is none.
func (c *courses) edge(e spanmetrics.Edge) *course {
	if c.edges[e] == nil {
		c.edges[e] = c.empty()
	}
	return c.edges[e]
}

func (c *courses) empty() *course {
	out := &course{Bins: make([]mapBin, len(c.starts))}
	for i, start := range c.starts {
		out.Bins[i].Start = start
	}
	return out
}

func (b *mapBin) set(calls, failed int64, p95 time.Duration) {
	b.Calls, b.Failed, b.P95NS = calls, failed, int64(p95)
}

// beginOfStep is when the step began that a time lies in: steps begin at multiples of their length since 1970.
func beginOfStep(t time.Time, step time.Duration) time.Time {
	into := t.UnixMicro() % step.Microseconds()
	if into < 0 {
		into += step.Microseconds()
	}
	return time.UnixMicro(t.UnixMicro() - into)
}

// binLength is the shortest step that makes so many bins at most: of multiples of 15 s, which are remembered, or of whole
// seconds in a short window.
func binLength(length time.Duration, bins int) time.Duration {
	unit := quarter
	if length <= fineWindow {
		unit = time.Second
	}
	return max(unit, (length/time.Duration(bins) + unit - 1).Truncate(unit))
}

// mapStep is what passed in a step that has calls.
type mapStep struct {
	calls, failed int64
	p95           time.Duration
}

func usualOf(steps []mapStep) *usual {
	if len(steps) < fewestUsual {
		return nil
	}
	p95s, rates := make([]int64, 0, len(steps)), make([]float64, 0, len(steps))
	for _, s := range steps {
		p95s, rates = append(p95s, int64(s.p95)), append(rates, float64(s.failed)/float64(max(s.calls, 1)))
	}
	return &usual{P95NS: median(p95s), ErrorRate: median(rates)}
}

// median returns the lower one of an even number.
func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// ofNode returns the course of a service, nil where none was asked for.
func (c *courses) ofNode(service string) *course {
	if c == nil {
		return nil
	}
	return cmp.Or(c.nodes[service], c.empty())
}

// ofEdge returns the course of calls, nil where none was asked for.
func (c *courses) ofEdge(e spanmetrics.Edge) *course {
	if c == nil {
		return nil
	}
	return cmp.Or(c.edges[e], c.empty())
}
