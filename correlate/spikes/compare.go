package spikes

import (
	"math"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
)

const (
	// tail is the quantile that is compared.
	tail = 0.95
	// margin is by how much longer than usual a slow span takes at least: below that nobody waits.
	margin = 5 * time.Millisecond
)

var (
	slowRule   = rule{leastBad: 5, leastRate: 0.1}
	failedRule = rule{leastBad: 3, leastRate: 0.01}
)

// failedWeight is by how much a share of spans that fail counts more than as many that take twice the time that is slow.
const failedWeight = 2

// latency finds the times in which an operation was slow.
func (f *finder) latency(o *operation) (found []Spike) {
	usual := o.usual
	if usual == nil {
		usual = o.within
	}
	p95 := usual.Quantile(tail)
	slow := max(2*p95, p95+margin)
	bins := make([]share, len(o.steps))
	for i := range o.steps {
		bins[i] = share{above(&o.steps[i], slow), o.steps[i].Count}
	}
	var before *share
	if o.usual != nil {
		before = &share{above(usual, slow), usual.Count}
	}
	for _, at := range slowRule.runs(bins, before) {
		s := f.spike(o, Latency, at)
		s.Slow = slow
		inside := sum(o.steps[at.from:at.to])
		s.Score = doublings(&inside, slow)
		found = append(found, s)
	}
	return found
}

// failures finds the times in which an operation failed.
func (f *finder) failures(o *operation) (found []Spike) {
	bins := make([]share, len(o.steps))
	for i := range o.steps {
		bins[i] = share{o.steps[i].Failed, o.steps[i].Count}
	}
	var before *share
	if o.usual != nil {
		before = &share{o.usual.Failed, o.usual.Count}
	}
	for _, at := range failedRule.runs(bins, before) {
		s := f.spike(o, Errors, at)
		inside := sumOf(bins[at.from:at.to])
		s.Usual.ErrorRate = at.usual.rate()
		s.Score = failedWeight * (inside.rate() - s.Usual.ErrorRate)
		found = append(found, s)
	}
	return found
}

// spike describes a run of bins.
func (f *finder) spike(o *operation, kind Kind, at run) Spike {
	inside := sum(o.steps[at.from:at.to])
	s := Spike{
		Kind: kind, Operation: o.Operation, Range: plait.TimeRange{From: f.steps.Begin(at.from), To: f.end(at.to)},
		Requests: inside.Count, Failed: inside.Failed, P95: inside.Quantile(tail), Bins: f.told(o), surprise: at.surprise,
	}
	usual := o.usual
	if usual == nil {
		usual = o.within
	}
	s.Usual = Usual{
		Spans: usual.Count, P95: usual.Quantile(tail), ErrorRate: share{usual.Failed, usual.Count}.rate(), Within: o.usual == nil,
	}
	return s
}

// told are the bins of an operation, some together where there are many.
func (f *finder) told(o *operation) []Bin {
	bins := make([]Bin, 0, maxBins)
	for i := 0; i < len(o.steps); i += f.together {
		step := sum(o.steps[i:min(i+f.together, len(o.steps))])
		bins = append(bins, Bin{Start: f.steps.Begin(i), Requests: step.Count, Failed: step.Failed, P95: step.Quantile(tail)})
	}
	return bins
}

// end is when the bin before a bin ends.
func (f *finder) end(bin int) time.Time {
	if bin >= f.bins {
		return f.question.Range.To
	}
	return f.steps.Begin(bin)
}

// above counts the spans that took longer than a duration, as far as their buckets tell: all of them did.
func above(s *query.SpanStep, d time.Duration) (n int64) {
	for _, b := range s.Durations {
		if b.Over >= d {
			n += b.Count
		}
	}
	return n
}

// doublings is by how many doublings spans took longer than a duration, in the mean.
func doublings(s *query.SpanStep, d time.Duration) float64 {
	total := 0.0
	for _, b := range s.Durations {
		if middle := float64(b.Over)/2 + float64(b.UpTo)/2; middle > float64(d) {
			total += float64(b.Count) * math.Log2(middle/float64(d))
		}
	}
	return total / float64(max(s.Count, 1))
}
