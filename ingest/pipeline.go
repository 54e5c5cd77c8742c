package ingest

import (
	"context"
	"fmt"
	"strings"

	"github.com/plaithq/plait"
)

// The pipeline is what all doors share once a request is decoded: clean, write, tell the observer, say
// what became of the records.

// A signal's name, as in labels and paths.
const (
	traces  = "traces"
	logs    = "logs"
	metrics = "metrics"
)

// outcome is what became of the records of a request that was taken.
type outcome struct {
	refusedCount int
	reasons      []string      // for the sender, at most maxReasons
	unstored     plait.Refusal // of refusedCount, what the writer refused and not the decoder
	duplicate    bool          // an earlier request had brought all of it
	stored       int           // records that were committed
	known        int           // records of a duplicate, which are stored once
	sampled      int           // records that a limit left out
	sampling     string        // what the sender is told of that
}

// maxReasons bounds the reasons that a sender is told of one request, maxReasonsBytes all of them
// and maxReasonBytes each.
const (
	maxReasons      = 5
	maxReasonBytes  = 512
	maxReasonsBytes = 2 << 10
)

func (o *outcome) refuse(n int, reason string) {
	o.refusedCount += n
	if len(o.reasons) < maxReasons {
		o.reasons = append(o.reasons, plait.OneLine(reason, maxReasonBytes))
	}
}

// message is the reasons in one line, empty when nothing was refused.
func (o *outcome) message() string {
	text := plait.OneLine(strings.Join(o.reasons, "; "), maxReasonsBytes)
	if o.refusedCount > len(o.reasons) && len(o.reasons) == maxReasons {
		return fmt.Sprintf("%s; and others, %d in all", text, o.refusedCount)
	}
	return text
}

// partial says whether there is something that the sender has to know of: records that were refused or sampled out, or changed.
func (o *outcome) partial() bool { return len(o.reasons) > 0 || o.sampled > 0 }

// told is what the sender is told of what was refused and what was sampled out, empty for neither.
func (o *outcome) told() string {
	switch {
	case o.sampled == 0:
		return o.message()
	case len(o.reasons) == 0:
		return o.sampling
	}
	return o.message() + "; " + o.sampling
}

// name is the outcome as a label of plait_ingest_requests_total.
func (o *outcome) name() string {
	switch {
	case o.refusedCount > 0:
		return "partial"
	case o.sampled > 0:
		return "sampled"
	case o.duplicate:
		return "duplicate"
	}
	return "ok"
}

// pipeline takes decoded batches to the writer. Its methods return when the batch is committed.
type pipeline struct {
	writer  Writer
	spans   SpanObserver  // nil when nobody observes
	limits  LimitObserver // nil likewise
	cleaner *cleaner
	meters  *meters
	digests digester
	// spanLimit and recordLimit bound what is stored in a second; nil: nothing does.
	spanLimit, recordLimit *limiter
}

// takeTraces cleans and writes a batch. b.Digest is set by the caller. Claim is asked for memory beside that of the batch.
func (p *pipeline) takeTraces(ctx context.Context, b *plait.Traces, claim func(bytes int64) error) (outcome, error) {
	var o outcome
	p.refused(&o, traces, "malformed", b.Refused)
	p.repaired(traces, b.Repaired)
	p.cleaner.cleanSpans(b, &o)
	out, err := p.spanLimit.limitSpans(b, claim)
	if err != nil {
		return o, err
	}
	if len(b.Spans) == 0 {
		p.sampled(&o, traces, out)
		return o, nil
	}
	receipt, err := p.writer.WriteTraces(ctx, b)
	if err != nil {
		return o, fmt.Errorf("write %d spans: %w", len(b.Spans), err)
	}
	p.sampled(&o, traces, out)
	p.committed(&o, traces, len(b.Spans), receipt)
	if p.spans != nil && !receipt.Duplicate {
		p.spans.ObserveSpans(b.Spans)
	}
	return o, nil
}

// takeLogs is takeTraces for log records. Those without a time of their own are written by
// themselves, after the others: when that fails and the sender repeats the request, the others are
// recognised, and these were not stored.
func (p *pipeline) takeLogs(ctx context.Context, b *plait.Logs, claim func(bytes int64) error) (outcome, error) {
	var o outcome
	p.refused(&o, logs, "malformed", b.Refused)
	p.repaired(logs, b.Repaired)
	timeless := splitTimeless(b)
	if err := p.writeLogs(ctx, b, &o, claim); err != nil || timeless == nil {
		return o, err
	}
	return o, p.writeLogs(ctx, timeless, &o, claim)
}

// writeLogs cleans and writes records.
func (p *pipeline) writeLogs(ctx context.Context, b *plait.Logs, o *outcome, claim func(bytes int64) error) error {
	p.cleaner.cleanLogs(b)
	out, err := p.recordLimit.limitLogs(b, claim)
	if err != nil {
		return err
	}
	if len(b.Records) == 0 {
		p.sampled(o, logs, out)
		return nil
	}
	receipt, err := p.writer.WriteLogs(ctx, b)
	if err != nil {
		return fmt.Errorf("write %d log records: %w", len(b.Records), err)
	}
	p.sampled(o, logs, out)
	p.committed(o, logs, len(b.Records), receipt)
	return nil
}

// takeMetrics is takeTraces for series; their decoders check them.
func (p *pipeline) takeMetrics(ctx context.Context, b *plait.Metrics) (outcome, error) {
	var o outcome
	p.refused(&o, metrics, "malformed", b.Refused)
	p.repaired(metrics, b.Repaired)
	if len(b.Series) == 0 && len(b.Metadata) == 0 {
		return o, nil
	}
	receipt, err := p.writer.WriteMetrics(ctx, b)
	if err != nil {
		return o, fmt.Errorf("write %d series: %w", len(b.Series), err)
	}
	samples, histograms, _ := b.Counts()
	p.committed(&o, metrics, samples+histograms, receipt)
	return o, nil
}

// committed counts what a writer has stored, and what it left out.
func (p *pipeline) committed(o *outcome, signal string, records int, r plait.Receipt) {
	p.refused(o, signal, "limit", r.Refused)
	if o.duplicate = r.Duplicate; o.duplicate {
		o.known = records
	} else {
		for _, left := range r.Refused {
			records -= left.Count
			o.unstored.Count += left.Count
			o.unstored.Histograms += left.Histograms
			o.unstored.Exemplars += left.Exemplars
		}
		o.stored = max(records, 0)
		p.meters.records.WithLabelValues(signal).Add(float64(o.stored))
	}
}

// sampled counts what a limit left out of a request, once the rest is committed: what fails is sent again, and sampled again.
func (p *pipeline) sampled(o *outcome, signal string, out sampledOut) {
	for kind := range out.count {
		for c, n := range out.count[kind] {
			if n > 0 {
				p.meters.sampled.WithLabelValues(signal, sampledReasons[kind][c]).Add(float64(n))
			}
		}
	}
	if n := out.records(); n > 0 {
		o.sampled += n
		if o.sampling != "" { // of the records of the request that have a time of their own
			o.sampling += "; "
		}
		o.sampling += out.why
	}
	if p.limits != nil {
		for _, l := range out.noted {
			p.limits.NoteLimited(l)
		}
	}
}

// refused counts records that a decoder or the writer left out.
func (p *pipeline) refused(o *outcome, signal, reason string, refusals []plait.Refusal) {
	for _, r := range refusals {
		o.refuse(r.Count, r.Reason)
		p.meters.refused.WithLabelValues(signal, reason).Add(float64(r.Count))
	}
}

// repaired counts what a decoder changed.
func (p *pipeline) repaired(signal string, repairs []plait.Repair) {
	for _, r := range repairs {
		p.meters.repaired.WithLabelValues(signal, r.Reason).Add(float64(r.Count))
	}
}
