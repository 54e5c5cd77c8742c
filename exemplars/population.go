package exemplars

import (
	"strings"
	"time"

	"github.com/plaithq/plait/spanmetrics"
)

// population is series, and the sides of calls that wait for others to become some. Spans that come while they happen and those
// that come late have one each, so that neither takes the other's room.
type population struct {
	config *Config
	bounds *bounds
	counts *counters
	late   *late // where what comes late is counted; nil: in the series

	names    names
	services map[string]struct{}
	calls    map[callKey]*call
	edges    map[spanmetrics.Edge]*edge
	labels   struct{ calls, edges int } // bytes of their label values
	pairs    pairs
}

func newPopulation(g *Generator) population {
	return population{
		config:   &g.config,
		bounds:   &g.bounds,
		counts:   &g.counts,
		names:    names{},
		services: map[string]struct{}{},
		calls:    map[callKey]*call{},
		edges:    map[spanmetrics.Edge]*edge{},
		pairs:    newPairs(g.config.PairWait, g.config.MaxPending),
	}
}

// names keeps one copy of each string that outlives its request.
type names map[string]string

// maxNames bounds the copies that are shared; a sender that makes up names gets one for each use.
const maxNames = 20_000

// keep returns a copy of s that may be kept.
func (n names) keep(s string) string {
	if kept, ok := n[s]; ok {
		return kept
	}
	kept := strings.Clone(s)
	if len(n) < maxNames {
		n[kept] = kept
	}
	return kept
}

// expire forgets what no span was seen of for a while.
func (p *population) expire(now time.Time) {
	p.expirePairs(now)
	before := now.Add(-p.config.Idle)
	for key, c := range p.calls {
		if c.seen.Before(before) {
			delete(p.calls, key)
			p.labels.calls -= key.bytes()
		}
	}
	for key, e := range p.edges {
		if e.seen.Before(before) {
			delete(p.edges, key)
			p.labels.edges -= edgeBytes(key)
		}
	}
	p.forgetNames()
}

// forgetNames lets go of the names that no series has any more.
func (p *population) forgetNames() {
	used, services := names{}, map[string]struct{}{}
	for key := range p.calls {
		used[key.service], used[key.name] = key.service, key.name
		services[key.service] = struct{}{}
	}
	for key := range p.edges {
		used[key.Client], used[key.Server] = key.Client, key.Server
	}
	for _, l := range [...]*line{&p.pairs.waiting, &p.pairs.answered} {
		for e := l.first; e != nil; e = e.after {
			used[e.Service], used[e.Peer] = e.Service, e.Peer
		}
	}
	p.names, p.services = used, services
}
