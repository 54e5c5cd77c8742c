package exemplars

import (
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// callKey is what the series of span metrics are told apart by.
type callKey struct {
	service string
	name    string
	kind    plait.SpanKind
	status  plait.StatusCode
}

// call is the series of one callKey.
type call struct {
	latency histogram
	made    time.Time
	seen    time.Time
	written written
}

func (g *Generator) observeCall(s *plait.Span, service string, o *observation, now time.Time) {
	key := callKey{service, spanmetrics.Clip(s.Name), s.Kind, s.Status}
	c := g.calls[key]
	if c == nil {
		c = g.newCall(key, now)
	}
	c.seen = now
	c.latency.observe(&g.bounds, o)
}

// bytes is what the labels of a series take of Config.MaxLabelBytes.
func (k *callKey) bytes() int { return len(k.service) + len(k.name) }

// newCall makes room for a key, or finds the series into which it is folded.
func (g *Generator) newCall(key callKey, now time.Time) *call {
	own := key
	full := len(g.calls) >= g.config.MaxSeries || g.labels.calls+key.bytes() > g.config.MaxLabelBytes
	if _, known := g.services[key.service]; !known && len(g.services) >= g.maxServices() {
		key.service = spanmetrics.Other
	}
	if full {
		key.name = spanmetrics.Other
	}
	if key != own {
		g.counts.folded++
		if c := g.calls[key]; c != nil {
			return c
		}
	}
	key.service, key.name = g.names.keep(key.service), g.names.keep(key.name)
	g.services[key.service] = struct{}{}
	c := &call{made: now}
	g.calls[key] = c
	g.labels.calls += key.bytes()
	return c
}

// maxServices bounds the folded series too: there is one a service, kind and status.
func (g *Generator) maxServices() int { return max(g.config.MaxSeries/20, 1) }
