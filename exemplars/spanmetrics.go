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
	latency histogram // of spans that came while they happened
	late    *lateSeries
	made    time.Time
	seen    time.Time
	written written
}

func (p *population) observeCall(s *plait.Span, service string, o *observation, now time.Time) {
	key := callKey{service, spanmetrics.Clip(s.Name), s.Kind, s.Status}
	c := p.calls[key]
	if c == nil {
		c = p.newCall(key, now)
	}
	c.seen = now
	if p.late != nil {
		p.late.span(c.late, o)
		return
	}
	c.latency.observe(p.bounds, o, o.adjusted)
}

// bytes is what the labels of a series take of Config.MaxLabelBytes.
func (k *callKey) bytes() int { return len(k.service) + len(k.name) }

func (k *callKey) labels() plait.Labels {
	return plait.Labels{
		{Name: spanmetrics.LabelService, Value: k.service}, {Name: spanmetrics.LabelSpanKind, Value: spanmetrics.KindLabel(k.kind)},
		{Name: spanmetrics.LabelSpanName, Value: k.name}, {Name: spanmetrics.LabelStatusCode, Value: spanmetrics.StatusLabel(k.status)},
	}
}

// newCall makes room for a key, or finds the series into which it is folded.
func (p *population) newCall(key callKey, now time.Time) *call {
	own := key
	full := len(p.calls) >= p.config.MaxSeries || p.labels.calls+key.bytes() > p.config.MaxLabelBytes
	if _, known := p.services[key.service]; !known && len(p.services) >= p.maxServices() {
		key.service = spanmetrics.Other
	}
	if full {
		key.name = spanmetrics.Other
	}
	if key != own {
		p.counts.folded++
		if c := p.calls[key]; c != nil {
			return c
		}
	}
	key.service, key.name = p.names.keep(key.service), p.names.keep(key.name)
	p.services[key.service] = struct{}{}
	c := &call{made: now}
	if p.late != nil {
		c.late = newLateSeries(key.labels())
	}
	p.calls[key] = c
	p.labels.calls += key.bytes()
	return c
}

// maxServices bounds the folded series too: there is one a service, kind and status.
func (p *population) maxServices() int { return max(p.config.MaxSeries/20, 1) }
