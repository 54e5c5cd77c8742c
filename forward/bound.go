package forward

import (
	"context"
	"time"

	"github.com/plaithq/plait/store/outbox"
)

// What waits for a target is bounded by its max_bytes, since it fills the disk of the database, and by its max_age. Who sends to the target looks now and
// then whether more waits, or for longer, whether the target takes nothing or only less than comes in. The oldest records are then given up: they are
// counted, and the cursor passes over them.

// boundEvery is how often it is looked how much waits: all rows that do are counted once the outbox is so large.
const boundEvery = time.Minute

// gaveUp ends the sending of a batch: it is given up with all up to a place.
type gaveUp struct{ end outbox.Place }

func (g *gaveUp) Error() string { return "the records are given up" }

// excess is up to which place records have to be given up, from the end of a batch on, and whether any have to: those behind it because too much waits, or
// the batch itself, too, because it has waited for too long.
func (s *stream) excess(ctx context.Context, begin, end outbox.Place) (outbox.Place, bool, error) {
	if s.config.Now().Sub(s.bounded) < boundEvery {
		return end, false, nil
	}
	s.bounded = s.config.Now()
	place := end
	if s.target.MaxBytes > 0 {
		var err error
		if place, err = s.config.Outbox.Excess(ctx, s.lease.Signal, end, int64(s.target.MaxBytes)); err != nil {
			return end, false, err
		}
	}
	if s.target.MaxAge > 0 {
		stale, err := s.config.Outbox.Stale(ctx, s.lease.Signal, begin, time.Duration(s.target.MaxAge))
		if err != nil {
			return end, false, err
		}
		if stale != begin && stale.Position >= place.Position {
			return stale, true, nil
		}
	}
	return place, place != end, nil
}

// giveUp adds to what became of a batch that records behind it are given up.
func (s *stream) giveUp(p *outbox.Progress, end outbox.Place) {
	s.giveUpRecords(p, end, end.Total-p.Done.Total)
}

// giveUpBatch adds that the rest of the batch is given up, too. So many records were in it.
func (s *stream) giveUpBatch(p *outbox.Progress, end outbox.Place, records int64) {
	s.giveUpRecords(p, end, max(0, records-p.Sent-p.LeftOut-p.Refused)+end.Total-p.Done.Total)
}

func (s *stream) giveUpRecords(p *outbox.Progress, end outbox.Place, records int64) {
	p.Done, p.GivenUp = end, records
	if !s.overfull {
		s.failing.log.Warn("forwarding: more waits for the target than its max_bytes, or for longer than its max_age: the oldest records are given up",
			"max_bytes", s.target.MaxBytes, "max_age", s.target.MaxAge, "first", records)
	}
	s.overfull = true
}

// caughtUp notes that nothing waits.
func (s *stream) caughtUp() {
	if s.overfull {
		s.failing.log.Info("forwarding: the target has all that was not given up")
	}
	s.overfull = false
}
