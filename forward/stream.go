package forward

import (
	"context"
	"errors"
	"time"

	"github.com/plaithq/plait/store/outbox"
)

// exporter speaks a protocol to a target, for one signal. One goroutine uses it.
type exporter interface {
	// encode makes the body of a request, before compression. The same records make the same bytes, so that a target that
	// knows requests by their bytes stores one once that is sent again.
	encode(c content) ([]byte, error)
	// send sends it, and returns what the target did not take of it. An error is a *failure.
	send(ctx context.Context, body []byte) (partial, error)
	close()
}

// partial is what a target says that took a request in part.
type partial struct {
	refused int64
	said    string
}

// stream sends one signal to one target.
type stream struct {
	*Forwarder
	target   *Target
	lease    outbox.Target
	exporter exporter
	selected selection
	counts   streamCounts
	woken    chan struct{} // holds a token when there may be something new

	failing  outage // of the target
	overfull bool   // records were given up since it had all
	bounded  time.Time
	database outage
	renewed  time.Time
}

func (f *Forwarder) open(t *Target, s outbox.Signal, holder [16]byte) (*stream, error) {
	selected, err := t.compile()
	if err != nil {
		return nil, err
	}
	e, err := t.protocol().open(&f.config, t, s)
	if err != nil {
		return nil, err
	}
	log := f.config.Logger.With("target", t.Name, "signal", s.String())
	return &stream{
		Forwarder: f,
		target:    t,
		lease:     outbox.Target{Name: t.Name, Signal: s, Holder: holder, Lease: time.Duration(t.Timeout) + leaseSlack},
		exporter:  e,
		selected:  selected,
		counts:    f.instruments.of(t.Name, s.String()),
		woken:     make(chan struct{}, 1),
		failing:   outage{log: log, now: f.config.Now},
		database:  outage{log: log, now: f.config.Now},
	}, nil
}

func (s *stream) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// run sends whenever no other gateway does, until ctx ends.
func (s *stream) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.hold(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, outbox.ErrNotHeld) {
			s.database.failed("forwarding waits for the database", err)
		}
		_ = s.config.Wait(ctx, databasePause)
	}
}

// hold takes the target and sends to it until that is impossible.
func (s *stream) hold(ctx context.Context) error {
	done, sending, err := s.config.Outbox.Hold(ctx, s.lease)
	if err != nil {
		return err
	}
	s.database.over("forwarding has the database again")
	s.renewed = s.config.Now()
	defer s.release(ctx)
	batch, err := s.begin(ctx, done, sending)
	for ; err == nil; batch, err = s.step(ctx, batch) {
		for batch.End == done && err == nil {
			s.caughtUp()
			if err = s.idle(ctx); err == nil {
				batch, err = s.begin(ctx, done, done.Position)
			}
		}
		if err != nil {
			break
		}
		done = batch.End
	}
	return err
}

// release lets another gateway go on at once.
func (s *stream) release(ctx context.Context) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := s.config.Outbox.Release(ctx, s.lease); err != nil {
		s.failing.log.Debug("release a target", "error", err)
	}
}

// afterwardsLimit bounds what is written after a stream was told to stop.
const afterwardsLimit = 5 * time.Second

// afterwards is a context for what is written down although ctx may have ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), afterwardsLimit)
}

// begin reads the batch that follows a place: the one that was on its way when a gateway ended, or else a new one, which is then noted as being
// on its way.
func (s *stream) begin(ctx context.Context, done outbox.Place, sending int64) (outbox.Batch, error) {
	if sending > done.Position {
		batch, err := s.config.Outbox.Same(ctx, s.lease.Signal, done, sending)
		if err != nil || len(batch.Rows) > 0 {
			return batch, err
		}
	}
	batch, err := s.config.Outbox.Next(ctx, s.lease.Signal, done)
	if err != nil || len(batch.Rows) == 0 {
		return batch, err
	}
	return batch, s.config.Outbox.Advance(ctx, s.lease, outbox.Progress{Done: done, Sending: batch.End.Position})
}

// step sends a batch, notes that it is done with, and returns the next one.
func (s *stream) step(ctx context.Context, batch outbox.Batch) (outbox.Batch, error) {
	p, err := s.deliver(ctx, batch)
	if err != nil {
		return outbox.Batch{}, err
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	end, over, err := s.excess(ctx, p.Done, p.Done)
	if err != nil {
		return outbox.Batch{}, err
	}
	if over {
		s.giveUp(&p, end)
	}
	next, err := s.config.Outbox.Next(ctx, s.lease.Signal, p.Done)
	if err != nil {
		return outbox.Batch{}, err
	}
	p.Sending = p.Done.Position
	if len(next.Rows) > 0 {
		p.Sending = next.End.Position
	}
	if err := s.config.Outbox.Advance(ctx, s.lease, p); err != nil {
		return outbox.Batch{}, err
	}
	s.renewed = s.config.Now()
	s.counts.add(p)
	return next, nil
}

// idle waits until there may be something to send, and keeps the target.
func (s *stream) idle(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.woken:
	}
	if s.config.Now().Sub(s.renewed) < renewEvery {
		return nil
	}
	s.renewed = s.config.Now()
	_, _, err := s.config.Outbox.Hold(ctx, s.lease)
	return err
}
