package ingest

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
	"unsafe"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/sampling"
)

// Limits of how many spans and log records are stored in a second. Above one, traces are sampled by their ids, as
// OpenTelemetry's samplers do: all spans of a trace and all gateways decide alike, as far as their shares allow. What is
// kept tells of how many it is one: spans in their trace state, from which all who count take it, log records in the
// attribute that the Collector's sampler writes. What is left out is told to its sender, and not written anywhere.
//
// A record passes the limit of its service first, and then that of all together, for which the first is one more sampler by
// the same bits: so what one service has too much of is not in the way of the others.

// keyThreshold is the attribute of a log record that tells the threshold by which it was kept.
const keyThreshold = "sampling.threshold"

// Memory that a limit takes while it works: of a span in the list of urgent traces, of a threshold as text, and of a record
// that is decided about.
const (
	urgentBytes    = 64
	thresholdBytes = 32
	candidateBytes = int64(unsafe.Sizeof(candidate{}))
)

// limiter samples the records of a signal. A nil one keeps all.
type limiter struct {
	signal string
	now    func() time.Time
	chance func() uint64 // 56 random bits

	mu       sync.Mutex
	all      pace
	services *servicePaces // nil: no service has a limit of its own
}

// newLimiter makes a limiter to so many records a second, 0 for any number, and to what services may have; nil where nothing
// is limited.
func newLimiter(signal string, perSecond int, services *servicePaces, now func() time.Time) *limiter {
	if perSecond == 0 && services == nil {
		return nil
	}
	return &limiter{
		signal: signal, now: now, chance: func() uint64 { return rand.Uint64() >> 8 },
		all: pace{limit: orNone(float64(perSecond))}, services: services,
	}
}

// orNone is a limit, infinite for 0.
func orNone(perSecond float64) float64 {
	if perSecond == 0 {
		return math.Inf(1)
	}
	return perSecond
}

// limitSpans takes the spans out of a batch that are too many. Claim is asked for the memory that this takes.
func (l *limiter) limitSpans(b *plait.Traces, claim func(bytes int64) error) (out sampledOut, err error) {
	if l == nil || len(b.Spans) == 0 {
		return out, nil
	}
	if err := claim(int64(len(b.Spans)) * (urgentBytes + candidateBytes)); err != nil {
		return out, err
	}
	urgent := urgentTraces(b.Spans)
	candidates := make([]candidate, len(b.Spans))
	for i := range b.Spans {
		s := &b.Spans[i]
		candidates[i] = candidate{head: spanHead(s, b.ForeignThresholds), resource: s.Resource}
		if urgent[s.TraceID] {
			candidates[i].class = priority
		}
	}
	out = l.decide(candidates)
	kept := b.Spans[:0]
	for i := range b.Spans {
		c, s := &candidates[i], &b.Spans[i]
		if !c.kept {
			continue
		}
		threshold, changed := c.told()
		if changed && s.TraceState == "" && threshold == c.by.threshold {
			s.TraceState = c.by.traceState
		} else if changed {
			if err := claim(int64(len(s.TraceState)) + thresholdBytes); err != nil {
				return sampledOut{}, err
			}
			s.TraceState = sampling.WithThreshold(s.TraceState, threshold)
		}
		kept = append(kept, *s)
	}
	b.Spans = kept
	return out, nil
}

// limitLogs is limitSpans for log records.
func (l *limiter) limitLogs(b *plait.Logs, claim func(bytes int64) error) (out sampledOut, err error) {
	if l == nil || len(b.Records) == 0 {
		return out, nil
	}
	if err := claim(int64(len(b.Records)) * candidateBytes); err != nil {
		return out, err
	}
	candidates := make([]candidate, len(b.Records))
	for i := range b.Records {
		r := &b.Records[i]
		candidates[i] = candidate{head: l.logHead(r), class: logClass(r), resource: r.Resource}
	}
	out = l.decide(candidates)
	kept := b.Records[:0]
	for i := range b.Records {
		c, r := &candidates[i], &b.Records[i]
		if !c.kept {
			continue
		}
		if threshold, changed := c.told(); changed {
			digits := c.by.digits
			if threshold != c.by.threshold {
				digits = threshold.String()
			}
			if err := claim(int64(len(r.Attributes)+1)*attributeBytes + thresholdBytes); err != nil {
				return sampledOut{}, err
			}
			r.Attributes = withAttribute(r.Attributes, plait.Attribute{Key: keyThreshold, Value: plait.StringValue(digits)})
		}
		kept = append(kept, *r)
	}
	b.Records = kept
	return out, nil
}

// decide notes the records of a request as arrived, and says of each whether it is kept.
func (l *limiter) decide(records []candidate) (out sampledOut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	limited := l.services.arrive(records, now)
	l.all.advance(now)
	came := 0
	for i := range records {
		c := &records[i]
		if c.service != nil && !c.passes(c.service.by[c.class]) {
			c.service.out[c.class]++
			continue
		}
		c.kept = true
		came++
		l.all.come(c.class, c.standsFor())
	}
	by := l.all.steps()
	for i := range records {
		if c := &records[i]; c.kept && !c.passes(by[c.class]) {
			c.kept = false
			out.count[ofAll][c.class]++
		}
	}
	l.tell(&out, now, limited, came, by[plain].share)
	return out
}

// share is the part of the records without priority that the limit of all together keeps at the moment.
func (l *limiter) share() float64 {
	if l == nil {
		return 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.shareAt(l.now())
}

// serviceShares are the same for the limits of the services that have an entry of their own, by service.
func (l *limiter) serviceShares() map[string]func() float64 {
	shares := map[string]func() float64{}
	if l == nil || l.services == nil {
		return shares
	}
	for name, p := range l.services.named {
		shares[name] = func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return p.shareAt(l.now())
		}
	}
	return shares
}
