package ingest

import (
	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
	"github.com/plaithq/plait/spanmetrics"
)

// head is what was told of samplers that a record has passed.
type head struct {
	randomness uint64
	threshold  sampling.Threshold // by the same randomness
	others     float64            // of how many it is one by samplers that decide by something else; 1 or more
}

// spanHead reads what a span tells. Of a threshold by which the span would not be here another randomness is the reason.
func spanHead(s *plait.Span, foreign bool) head {
	h := head{randomness: sampling.RandomnessOf(s.TraceState, s.TraceID), others: 1}
	if t, told := sampling.OfTraceState(s.TraceState); told {
		h.passed(t, foreign)
	} else {
		h.others = max(h.others, spanmetrics.OfSampler(s.Attributes))
	}
	return h
}

// logHead reads what a log record tells. One without a trace is kept by chance.
func (l *limiter) logHead(r *plait.LogRecord) head {
	h := head{others: 1}
	if r.TraceID.IsZero() {
		h.randomness = l.chance()
	} else {
		h.randomness = sampling.Randomness(r.TraceID)
	}
	if told, ok := r.Attributes.Get(keyThreshold); ok {
		if t, ok := sampling.ParseThreshold(told.Str()); ok {
			h.passed(t, r.TraceID.IsZero())
		}
	}
	return h
}

// passed notes a threshold that was told; foreign is one of a sampler with a randomness of its own.
func (h *head) passed(t sampling.Threshold, foreign bool) {
	if foreign || !t.Keeps(h.randomness) {
		h.others = 1 / t.Share()
	} else {
		h.threshold = t
	}
}

// candidate is a record of a request while limits decide about it.
type candidate struct {
	head
	class    class
	resource *plait.Resource
	service  *servicePace // nil: its service has no limit of its own
	by       *step        // the strictest that left out others like it; nil: none did
	kept     bool
}

// passes says whether a step keeps a record. One that its own samplers kept more rarely is kept as it is.
func (c *candidate) passes(by *step) bool {
	if by.threshold <= c.strictest() {
		return true
	}
	if !by.threshold.Keeps(c.randomness) {
		return false
	}
	c.by = by
	return true
}

// strictest is the highest threshold that the record has passed.
func (c *candidate) strictest() sampling.Threshold {
	if c.by != nil {
		return c.by.threshold
	}
	return c.threshold
}

// standsFor is of how many records one is that would be kept by the randomness.
func (c *candidate) standsFor() float64 { return 1 / c.strictest().Share() }

// told is the threshold that a record which is kept has to tell, of all samplers together. Changed is false where its own
// samplers have said all.
func (c *candidate) told() (threshold sampling.Threshold, changed bool) {
	switch {
	case c.by == nil:
		return 0, false
	case c.others > 1:
		return sampling.OfShare(c.by.share / c.others), true
	}
	return c.by.threshold, true
}
