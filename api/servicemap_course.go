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
	// fineWindow is the longest window whose steps, with those before it, are shorter than a minute.
	fineWindow = 7 * time.Minute
)

// course is how a node or an edge went over the window, and what is usual for it.
type course struct {
	Usual *usual   `json:"usual"` // null where there is too little to tell
	Bins  []mapBin `json:"bins"`
}

// usual is the median over the steps with calls, of the window and of the time before it: half of them may be in
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

// mapCourses reads the map in about so many steps, with the time before the window.
func (s *Server) mapCourses(ctx context.Context, within plait.TimeRange, bins int) (*courses, error) {
	length := within.To.Sub(within.From)
	step := binLength(length, bins)
	before := min(length, longestUsual).Truncate(step)
	asked := plait.TimeRange{From: beginOfStep(within.From, step).Add(-before), To: within.To}
	steps, err := s.deps.Traces.ServiceMapCourse(ctx, asked, step)
	if err != nil {
		return nil, err
	}
	skip := int(before / step)
	c := &courses{nodes: map[string]*course{}, edges: map[spanmetrics.Edge]*course{}}
	for i := skip; i < len(steps); i++ {
		c.starts = append(c.starts, ask.Stamp(asked.From.Add(time.Duration(i)*step).UnixNano()))
	}
	nodes, edges := map[string][]mapStep{}, map[spanmetrics.Edge][]mapStep{}
	for i, m := range steps {
		for _, n := range m.Nodes {
			nodes[n.Service] = append(nodes[n.Service], mapStep{i - skip, n.Calls, n.Failed, n.P95})
		}
		for _, e := range m.Edges {
			edges[e.Edge] = append(edges[e.Edge], mapStep{i - skip, e.Calls, e.Failed, e.P95})
		}
	}
	for service, steps := range nodes {
		c.nodes[service] = c.of(steps)
	}
	for edge, steps := range edges {
		c.edges[edge] = c.of(steps)
	}
	return c, nil
}

// beginOfStep is when the step began that a time lies in: steps begin at multiples of their length since 1970.
func beginOfStep(t time.Time, step time.Duration) time.Time {
	into := t.UnixMicro() % step.Microseconds()
	if into < 0 {
		into += step.Microseconds()
	}
	return time.UnixMicro(t.UnixMicro() - into)
}

// binLength is the shortest step that makes so many bins at most: of whole minutes, which are remembered, or of whole
// seconds in a short window.
func binLength(length time.Duration, bins int) time.Duration {
	unit := time.Minute
	if length <= fineWindow {
		unit = time.Second
	}
	return max(unit, (length/time.Duration(bins) + unit - 1).Truncate(unit))
}

// mapStep is what passed in a step that has calls; those before the window are below zero.
type mapStep struct {
	at            int
	calls, failed int64
	p95           time.Duration
}

func (c *courses) of(steps []mapStep) *course {
	out := &course{Bins: make([]mapBin, len(c.starts)), Usual: usualOf(steps)}
	for i, start := range c.starts {
		out.Bins[i].Start = start
	}
	for _, s := range steps {
		if s.at >= 0 && s.at < len(out.Bins) {
			b := &out.Bins[s.at]
			b.Calls, b.Failed, b.P95NS = s.calls, s.failed, int64(s.p95)
		}
	}
	return out
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
	return cmp.Or(c.nodes[service], c.of(nil))
}

// ofEdge returns the course of calls, nil where none was asked for.
func (c *courses) ofEdge(e spanmetrics.Edge) *course {
	if c == nil {
		return nil
	}
	return cmp.Or(c.edges[e], c.of(nil))
}
