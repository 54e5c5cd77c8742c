package datadog

import (
	"strconv"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
)

// The shares of traces that samplers kept, which one span of a trace tells.
const (
	keyKeptShare  = "_dd.p.ksr"     // of the tracer that decided, which it tells the others
	keyRuleShare  = "_dd.rule_psr"  // by a rule
	keyAgentShare = "_dd.agent_psr" // by the agent's rates
	keyLimitShare = "_dd.limit_psr" // of those that a rule keeps
	keyDecision   = "_dd.p.dm"
	decidedByHand = "-4"
)

// priorityOf is the highest sampling priority that spans of a trace tell: 1 and above for one that is kept, 0 and below for one
// that the sampler rejected. Not each part of a trace tells one.
func priorityOf(spans []plait.Span) (priority int64, told bool) {
	for i := range spans {
		if v, ok := spans[i].Attributes.Get(keyPriority); ok && (!told || v.Int() > priority) {
			priority, told = v.Int(), true
		}
	}
	return priority, told
}

// traceState is OpenTelemetry's word for the share of traces of which the one with these spans was kept, which others read;
// empty where that is all, or is not told.
func traceState(spans []plait.Span) string {
	share := 1.0
	for i := range spans {
		if by, _ := spans[i].Attributes.Get(keyDecision); by.Str() == decidedByHand {
			return ""
		}
		if of, ok := keptShare(spans[i].Attributes); ok {
			share = min(share, of)
		}
	}
	if share >= 1 {
		return ""
	}
	return sampling.WithThreshold("", sampling.OfShare(share))
}

// keptShare is the share that a span tells, above 0 and below 1.
func keptShare(attributes plait.Attributes) (share float64, ok bool) {
	share, ok = shareOf(attributes, keyKeptShare)
	if !ok {
		if share, ok = shareOf(attributes, keyRuleShare); !ok {
			return shareOf(attributes, keyAgentShare)
		}
	}
	if limit, limited := shareOf(attributes, keyLimitShare); limited {
		share *= limit
	}
	return share, ok
}

// shareOf reads a number, or a text with one.
func shareOf(attributes plait.Attributes, key string) (share float64, ok bool) {
	v, _ := attributes.Get(key)
	switch v.Kind() {
	case plait.KindDouble:
		share = v.Double()
	case plait.KindString:
		share, _ = strconv.ParseFloat(v.Str(), 64)
	}
	return share, share > 0 && share < 1
}
