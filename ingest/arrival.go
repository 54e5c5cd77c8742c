package ingest

import (
	"io"
	"time"

	"github.com/plaithq/plait"
)

// A body has to keep coming: a sender that stalls holds memory which others need. Its progress is
// measured in steps of progressBytes.

const (
	// progressBytes is how much of a body has to come for the clock to start anew.
	progressBytes = 16 << 10
	// slowAfter is how long a step may take before the request may be shed for others.
	slowAfter = 500 * time.Millisecond
)

var errShed = plait.Errorf(plait.ErrOverloaded, "the body came in slowly, and its memory was needed for others: send it again")

// deadliner is a connection, or a stream of one, from which a body is read: an http.ResponseController, a
// net.Conn.
type deadliner interface {
	// SetReadDeadline is the time after which reading fails with os.ErrDeadlineExceeded, also for whoever is
	// reading at the moment; the zero time means never.
	SetReadDeadline(time.Time) error
}

// arrival is the part of a lease that matters while a request's body is coming in. It is guarded
// by the budget's mutex.
type arrival struct {
	control deadliner
	mark    time.Time // when the last step was complete, or the arrival began
	step    int       // bytes since then
	end     time.Time // when all has to be here
}

// begin says that the request's body is coming in from now on, to be complete by end.
func (l *lease) begin(control deadliner, stall time.Duration, end time.Time) error {
	b := l.budget
	arrival := arrival{control: control, mark: b.now(), end: end}
	if err := arrival.extend(stall); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l.arrival = arrival
	b.arriving[l] = struct{}{}
	return nil
}

// progress says that n more bytes are here.
func (l *lease) progress(n int, stall time.Duration) error {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.shed {
		return errShed
	}
	if l.step += n; l.step < progressBytes {
		return nil
	}
	l.step = 0
	now := b.now()
	late := now.Sub(l.mark) > stall/8 // a deadline is not worth setting at each step
	l.mark = now
	if late {
		return l.extend(stall)
	}
	return nil
}

// extend gives the sender until stall from now for the next step.
func (a *arrival) extend(stall time.Duration) error {
	at := a.mark.Add(stall)
	if a.end.Before(at) {
		at = a.end
	}
	return a.control.SetReadDeadline(at)
}

// interrupt wakes up whoever reads the body. The caller holds the budget's mutex.
func (a *arrival) interrupt() {
	_ = a.control.SetReadDeadline(time.Unix(1, 0)) // that fails only where there is nobody to wake
}

// arrived says that the body is here. Its memory is the request's until it is answered.
func (l *lease) arrived() error {
	b := l.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.shed {
		return errShed
	}
	delete(b.arriving, l)
	return nil
}

// arriving reads a body and tells its lease of the progress.
type arriving struct {
	body  io.Reader
	lease *lease
	stall time.Duration
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.body.Read(p)
	if progressErr := a.lease.progress(n, a.stall); progressErr != nil {
		return n, progressErr
	}
	return n, err
}
