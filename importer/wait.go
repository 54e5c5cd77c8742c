package importer

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"syscall"
	"time"
)

const (
	patienceCheck = time.Second      // how often the time is looked at
	patienceTell  = 10 * time.Second // how often a wait is told of
)

// Wait says how long to wait for a gateway that cannot be reached, or keeps asking to come back.
type Wait struct {
	Target string        // what is waited for, as the user calls it
	Limit  time.Duration // without anything stored
	Advice string        // what to do when that has passed
}

// patience watches over the requests on their way to a gateway: it tells of the wait while none
// of them is stored, and ends it after a while.
type patience struct {
	Wait
	tell func(line string)

	mu      sync.Mutex
	pending int
	since   time.Time // the last request was stored, or the first one sent
	told    time.Time // the last time that a wait was told of
	waiting bool      // a wait was told of, and not yet that it is over
	reason  string    // why the last attempt failed
}

// watch returns a context that ends, with an error for the user as its cause, when patience
// does. The returned function must be called to stop the watch.
func (p *patience) watch(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(patienceCheck)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := p.check(); err != nil {
				cancel(err)
				return
			}
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-ended
	}
}

func (p *patience) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == 0 {
		return nil
	}
	waited := time.Since(p.since)
	reason := p.reason
	if reason == "" {
		reason = "no answer yet"
	}
	if waited >= p.Limit {
		return fmt.Errorf("gave up after %s in which %s stored nothing: %s (%s)", p.Limit, p.Target, reason, p.Advice)
	}
	if waited >= patienceTell && time.Since(p.told) >= patienceTell {
		p.tellOfWait(fmt.Sprintf("still waiting for %s after %s: %s", p.Target, waited.Round(time.Second), reason))
	}
	return nil
}

// sending says that a request is on its way from now on.
func (p *patience) sending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == 0 {
		p.since = time.Now()
	}
	p.pending++
}

// unreachable says that an attempt got no answer. The first in a while is told at once.
func (p *patience) unreachable(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reason = reasonOf(err)
	if !p.waiting && time.Since(p.told) >= patienceTell {
		p.tellOfWait(fmt.Sprintf("waiting for %s: %s", p.Target, p.reason))
	}
}

func (p *patience) tellOfWait(line string) {
	p.told, p.waiting = time.Now(), true
	p.tell(line)
}

// busy says that an attempt was answered with the wish to come back, which is nothing to tell
// of unless it goes on.
func (p *patience) busy(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reason = reason
}

// sent says that a request is no longer on its way.
func (p *patience) sent(stored bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending--
	if !stored {
		return
	}
	if p.waiting {
		p.tell(fmt.Sprintf("%s answers again after %s", p.Target, time.Since(p.since).Round(time.Second)))
	}
	p.since, p.waiting, p.reason = time.Now(), false, ""
}

// reasonOf is the part of a failed request's error that says why.
func reasonOf(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error() // such as "connection refused"
	}
	var request *url.Error
	if !errors.As(err, &request) {
		return err.Error()
	}
	if request.Timeout() {
		return "no answer in time"
	}
	return request.Err.Error()
}
