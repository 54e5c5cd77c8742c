package health

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
)

// A caller whose traceparent is dropped on the way has a client span that nobody answered, and the service that it called has a
// server span that begins a trace of its own within that time, at the same path.

// halfCall is one side of a call.
type halfCall struct {
	service  string
	client   bool
	from, to int64
	path     string
}

// maxHalfCalls bounds those that are compared.
const maxHalfCalls = 20_000

// pathKeys are the attributes in which the path of a request stands, alone or in its URL.
var pathKeys = []string{"url.path", "http.target", "url.full", "http.url", "http.path"}

// pathOf is the path that a span asks for or answers, empty where it does not say.
func pathOf(s *plait.Span) string {
	for _, key := range pathKeys {
		if v, ok := s.Attributes.Get(key); ok {
			if u, err := url.Parse(v.Text()); err == nil && u.Path != "" {
				return u.Path
			}
		}
	}
	return ""
}

// addCalls notes clients that nobody answered and servers that nobody called.
func (s *survey) addCalls(tree *tracetree.Tree) {
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		side := halfCall{service: n.Span.Resource.Service(), from: n.Span.StartNanos, to: n.EndNanos()}
		switch {
		case n.Span.Kind == plait.SpanKindServer && n.Span.ParentSpanID.IsZero():
			s.of(side.service).roots++
		case n.Span.Kind == plait.SpanKindClient && n.Children == 0:
			side.client = true
		default:
			continue
		}
		if side.path = pathOf(n.Span); side.path != "" && len(s.lost) < maxHalfCalls {
			s.lost = append(s.lost, side)
		}
	}
}

// matchCalls finds the servers that were called by somebody whose trace they do not know.
func (s *survey) matchCalls() {
	slices.SortFunc(s.lost, func(a, b halfCall) int { return cmp.Compare(a.from, b.from) })
	var open []halfCall // clients that began before
	for _, side := range s.lost {
		open = slices.DeleteFunc(open, func(c halfCall) bool { return c.to < side.from })
		if side.client {
			open = append(open, side)
			continue
		}
		for i, c := range open {
			if c.service != side.service && c.to >= side.to && strings.HasSuffix(c.path, side.path) {
				of := s.of(side.service)
				if of.lostFrom == nil {
					of.lostFrom = map[string]int64{}
				}
				of.lostFrom[c.service]++
				open = slices.Delete(open, i, i+1)
				break
			}
		}
	}
}

// compareClocks tells by how much each service's clock is off what most clocks say.
func (s *survey) compareClocks() {
	medians := map[string]int64{}
	var all []int64
	for name, of := range s.services {
		if len(of.skews) > 0 {
			medians[name] = median(of.skews)
			all = append(all, medians[name])
		}
	}
	if len(all) == 0 {
		return
	}
	most := median(all)
	for name, skew := range medians {
		s.of(name).ClockSkew = time.Duration(most - skew)
	}
}

// median is the middle one; of the two in the middle the one nearer to 0.
func median(values []int64) int64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	if max(high, -high) < max(low, -low) {
		return high
	}
	return low
}
