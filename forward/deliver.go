package forward

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/plaithq/plait/store/outbox"
)

// maxSplits bounds the requests that are sent to find out which records of a batch a target refuses. What is refused beyond is set aside together.
const maxSplits = 200

// delivery is one batch on its way.
type delivery struct {
	*stream
	begin    outbox.Place // of the batch
	progress outbox.Progress
	splits   int
}

// request is records with the body that carries them.
type request struct {
	content content
	body    []byte
}

// deliver sends what the target gets of a batch, until it has taken or refused all of it, or until it is given up because too much waits, or for too long. Only the end
// of ctx and the database can keep it from that.
func (s *stream) deliver(ctx context.Context, batch outbox.Batch) (outbox.Progress, error) {
	d := delivery{stream: s, begin: batch.Begin, progress: outbox.Progress{Done: batch.End, Expired: batch.Expired}}
	var all content
	records := 0
	for _, row := range batch.Rows {
		records += row.Records
		if err := all.read(s.series, s.lease.Signal, row.Body); err != nil {
			if err := d.setAside(ctx, row.Records, err.Error(), row.Body); err != nil {
				return d.progress, err
			}
		}
	}
	kept, leftOut := s.selected.of(all)
	d.progress.LeftOut = leftOut
	if kept.len() == 0 {
		return d.progress, nil
	}
	requests, err := s.requests(kept)
	if err != nil {
		return d.progress, err
	}
	for _, r := range requests {
		err := d.offer(ctx, r)
		if g, ok := errors.AsType[*gaveUp](err); ok {
			s.giveUpBatch(&d.progress, g.end, int64(records))
			return d.progress, nil
		}
		if err != nil {
			return d.progress, err
		}
	}
	return d.progress, nil
}

// requests makes requests of records, none larger than the target's batchsize as far as single records allow. The same records
// make the same requests.
func (s *stream) requests(c content) ([]request, error) {
	body, err := s.exporter.encode(c)
	if err != nil {
		return nil, fmt.Errorf("encode %d records: %w", c.len(), err)
	}
	n := min((len(body)+s.target.BatchSize-1)/s.target.BatchSize, c.len())
	if n <= 1 {
		return []request{{c, body}}, nil
	}
	var all []request
	for i := range n {
		some, err := s.requests(c.slice(i*c.len()/n, (i+1)*c.len()/n))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// offer sends a request. One that is refused is sent in halves, until single records are known to be refused; these are set aside.
func (d *delivery) offer(ctx context.Context, r request) error {
	part, refusal, err := d.insist(ctx, r.body)
	if err != nil {
		return err
	}
	if refusal == nil {
		d.took(r.content, part)
		return nil
	}
	n := r.content.len()
	if n == 1 || d.splits >= maxSplits {
		return d.setAside(ctx, n, refusal.text, encoded(r.content))
	}
	for _, half := range []content{r.content.slice(0, n/2), r.content.slice(n/2, n)} {
		d.splits++
		body, err := d.exporter.encode(half)
		if err != nil {
			return fmt.Errorf("encode %d records: %w", half.len(), err)
		}
		if err := d.offer(ctx, request{half, body}); err != nil {
			return err
		}
	}
	return nil
}

// took counts a request that the target took, in part maybe.
func (d *delivery) took(c content, part partial) {
	n := int64(c.len())
	part.refused = min(max(part.refused, 0), n)
	d.progress.Sent += n - part.refused
	d.progress.Refused += part.refused
	if part.refused > 0 {
		d.progress.Said = part.said
		d.failing.log.Debug("a target refused records of a request", "refused", part.refused, "said", part.said)
	}
}

// setAside keeps what the target refuses.
func (d *delivery) setAside(ctx context.Context, records int, reason string, body []byte) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := d.config.Outbox.SetAside(ctx, d.lease, records, reason, body); err != nil {
		return err
	}
	d.progress.Refused += int64(records)
	d.progress.Said = reason
	d.failing.log.Warn("a target refuses records: they are set aside", "records", records, "reason", reason)
	return nil
}

// patience is how often a request is sent over which the target fails before that counts as a refusal: it cannot block what
// comes after it for ever. A target that is starting or lacks parts of itself may fail over everything for a while, as a Loki without ingesters does: a
// whole request is sent for patientFor at least before its halves are.
const (
	patience   = 8
	patientFor = 10 * time.Minute
)

// exhausted says whether a request was sent often enough over which the target fails since a time.
func (d *delivery) exhausted(failures int, since time.Time) bool {
	return failures >= patience && (d.splits > 0 || d.config.Now().Sub(since) >= patientFor)
}

// insist sends a request until the target takes or refuses it. An error is a *gaveUp, one of the database, or that of ctx.
func (d *delivery) insist(ctx context.Context, body []byte) (part partial, refusal *failure, err error) {
	pause, failures, first := time.Duration(d.target.Backoff.MinPeriod), 0, d.config.Now()
	for {
		start := d.config.Now()
		part, err := d.once(ctx, body)
		if err == nil {
			d.counts.request("ok", d.config.Now().Sub(start))
			d.failing.over("forwarding: the target takes records again")
			return part, nil, nil
		}
		f := failureOf(err)
		d.counts.request(f.code, d.config.Now().Sub(start))
		if f.verdict == broken {
			failures++
		}
		if f.verdict == refused || d.exhausted(failures, first) {
			d.failing.over("forwarding: the target answers again")
			return part, f, nil
		}
		if ctx.Err() != nil {
			return part, nil, ctx.Err()
		}
		d.failing.failed("forwarding: the target takes nothing; it is tried until it does", err)
		if err := d.pause(ctx, max(f.after, pause/2+rand.N(pause/2+1)), f.text); err != nil {
			return part, nil, err
		}
		pause = min(2*pause, time.Duration(d.target.Backoff.MaxPeriod))
	}
}

// stopLimit is how long a request that is on its way may take when the gateway stops.
const stopLimit = 5 * time.Second

// once sends a request once. The end of ctx does not cut it short at once: what the target has taken need not be sent again.
func (d *delivery) once(ctx context.Context, body []byte) (partial, error) {
	if ctx.Err() != nil {
		return partial{}, ctx.Err()
	}
	requestCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(d.target.Timeout))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(stopLimit, cancel)
		context.AfterFunc(requestCtx, func() { timer.Stop() })
	})()
	return d.exporter.send(requestCtx, body)
}

// pause waits, and keeps the target meanwhile. It ends with a *gaveUp where too much waits behind the batch, or the batch has waited for too long.
func (d *delivery) pause(ctx context.Context, long time.Duration, why string) error {
	for {
		if err := d.config.Outbox.Failed(ctx, d.lease, why); err != nil {
			return err
		}
		d.renewed = d.config.Now()
		end, over, err := d.excess(ctx, d.begin, d.progress.Done)
		if err != nil {
			return err
		}
		if over {
			return &gaveUp{end}
		}
		some := min(long, renewEvery)
		if err := d.config.Wait(ctx, some); err != nil {
			return err
		}
		if long -= some; long <= 0 {
			return nil
		}
	}
}
