package ingest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
	"github.com/plaithq/plait/spanmetrics"
)

// Limits of how many spans and log records are stored in a second. Above one, traces are sampled by their ids, as
// OpenTelemetry's samplers do: all spans of a trace and all gateways decide alike, as far as their shares allow. What is
// kept tells of how many it is one: spans in their trace state, from which all who count take it, log records in the
// attribute that the Collector's sampler writes. What is left out is told to its sender, and not written anywhere.

// keyThreshold is the attribute of a log record that tells the threshold by which it was kept.
const keyThreshold = "sampling.threshold"

// Memory that a limit takes while it works: of a span in the list of urgent traces, and of a threshold as text.
const (
	urgentBytes    = 64
	thresholdBytes = 32
)

// limiter samples the records of a signal. A nil one keeps all.
type limiter struct {
	signal string
	now    func() time.Time
	chance func() uint64 // 56 random bits

	mu   sync.Mutex
	pace pace
}

// newLimiter makes a limiter to so many records a second; nil for 0.
func newLimiter(signal string, perSecond int, now func() time.Time) *limiter {
	if perSecond == 0 {
		return nil
	}
	return &limiter{signal: signal, now: now, chance: func() uint64 { return rand.Uint64() >> 8 }, pace: pace{limit: float64(perSecond)}}
}

// sampledOut is what a limiter left out of a request.
type sampledOut struct {
	count [classes]int
	why   string          // for the sender
	noted []plait.Limited // for the LimitObserver
}

func (s *sampledOut) records() int { return s.count[plain] + s.count[priority] }

// head is what was told of samplers that a record has passed.
type head struct {
	randomness uint64
	threshold  sampling.Threshold // by the same randomness
	others     float64            // of how many it is one by samplers that decide by something else; 1 or more
}

// standsFor is of how many records one is that would be kept by the randomness.
func (h *head) standsFor() float64 { return 1 / h.threshold.Share() }

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

// passed notes a threshold that was told; foreign is one of a sampler with a randomness of its own.
func (h *head) passed(t sampling.Threshold, foreign bool) {
	if foreign || !t.Keeps(h.randomness) {
		h.others = 1 / t.Share()
	} else {
		h.threshold = t
	}
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

// decide says whether a record is kept by a step, and by which threshold it then was, of all samplers together.
// Changed is false where its own samplers have said all.
func (h *head) decide(by *step) (keep bool, threshold sampling.Threshold, changed bool) {
	switch {
	case by.threshold <= h.threshold:
		return true, 0, false
	case !by.threshold.Keeps(h.randomness):
		return false, 0, false
	case h.others > 1:
		return true, sampling.OfShare(by.share / h.others), true
	}
	return true, by.threshold, true
}

// limitSpans takes the spans out of a batch that are too many. Claim is asked for the memory that this takes.
func (l *limiter) limitSpans(b *plait.Traces, claim func(bytes int64) error) (out sampledOut, err error) {
	if l == nil || len(b.Spans) == 0 {
		return out, nil
	}
	if err := claim(int64(len(b.Spans)) * urgentBytes); err != nil {
		return out, err
	}
	urgent := urgentTraces(b.Spans)
	classOf := func(s *plait.Span) class {
		if urgent[s.TraceID] {
			return priority
		}
		return plain
	}
	var came [classes]arrivals
	for i := range b.Spans {
		h := spanHead(&b.Spans[i], b.ForeignThresholds)
		came[classOf(&b.Spans[i])].come(h.standsFor())
	}
	by := l.steps(&came)
	kept := b.Spans[:0]
	for i := range b.Spans {
		s := &b.Spans[i]
		c, h := classOf(s), spanHead(s, b.ForeignThresholds)
		keep, threshold, changed := h.decide(by[c])
		if !keep {
			out.count[c]++
			continue
		}
		if changed && s.TraceState == "" && threshold == by[c].threshold {
			s.TraceState = by[c].traceState
		} else if changed {
			if err := claim(int64(len(s.TraceState)) + thresholdBytes); err != nil {
				return sampledOut{}, err
			}
			s.TraceState = sampling.WithThreshold(s.TraceState, threshold)
		}
		kept = append(kept, *s)
	}
	l.tell(&out, len(b.Spans), by)
	b.Spans = kept
	return out, nil
}

// limitLogs is limitSpans for log records.
func (l *limiter) limitLogs(b *plait.Logs, claim func(bytes int64) error) (out sampledOut, err error) {
	if l == nil || len(b.Records) == 0 {
		return out, nil
	}
	if err := claim(int64(len(b.Records)) * int64(unsafe.Sizeof(head{}))); err != nil {
		return out, err
	}
	heads := make([]head, len(b.Records)) // chance decides once
	var came [classes]arrivals
	for i := range b.Records {
		heads[i] = l.logHead(&b.Records[i])
		came[logClass(&b.Records[i])].come(heads[i].standsFor())
	}
	by := l.steps(&came)
	kept := b.Records[:0]
	for i := range b.Records {
		r := &b.Records[i]
		c := logClass(r)
		keep, threshold, changed := heads[i].decide(by[c])
		if !keep {
			out.count[c]++
			continue
		}
		if changed {
			digits := by[c].digits
			if threshold != by[c].threshold {
				digits = threshold.String()
			}
			if err := claim(int64(len(r.Attributes)+1)*attributeBytes + thresholdBytes); err != nil {
				return sampledOut{}, err
			}
			r.Attributes = withAttribute(r.Attributes, plait.Attribute{Key: keyThreshold, Value: plait.StringValue(digits)})
		}
		kept = append(kept, *r)
	}
	l.tell(&out, len(b.Records), by)
	b.Records = kept
	return out, nil
}

// steps notes what came, and tells by which step to sample each class.
func (l *limiter) steps(came *[classes]arrivals) (by [classes]*step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace.add(l.now(), came)
	for c, share := range l.pace.shares() {
		by[c] = stepOf(share)
	}
	return by
}

// tell notes what was left out, and says so to the sender.
func (l *limiter) tell(out *sampledOut, came int, by [classes]*step) {
	n := out.records()
	if share := by[plain].share; n > 0 || share < 1 {
		now := l.now()
		out.noted = append(out.noted, plait.Limited{Signal: l.signal, From: now, To: now, Came: int64(came), SampledOut: int64(n), LeastShare: share})
	}
	if n == 0 {
		return
	}
	what, setting := "spans", "max-spans-per-second"
	if l.signal == logs {
		what, setting = "log records", "max-records-per-second"
	}
	out.why = fmt.Sprintf("%d of %d %s are sampled out and not stored: more come in than %.0f a second (%s), so %s of them are kept",
		n, came, what, l.pace.limit, setting, percent(by[plain].share))
}

// percent writes a share with two digits that tell.
func percent(share float64) string { return fmt.Sprintf("%.2g %%", 100*share) }

// share is the part of the records without priority that is kept at the moment.
func (l *limiter) share() float64 {
	if l == nil {
		return 1
	}
	by := l.steps(&[classes]arrivals{})
	return by[plain].share
}
