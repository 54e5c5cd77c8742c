package main

import (
	"context"
	"errors"
	"fmt"
)

// part is something that runs until its context ends and then finishes what it has begun.
type part struct {
	name string
	run  func(context.Context) error
}

// errEnded says that a part ended by itself, which none should.
var errEnded = errors.New("ended unexpectedly")

// runParts starts the parts in order and keeps them running until ctx ends, until one of
// them ends by itself, or until failed is closed. Then it stops them in the opposite order,
// each only when the one before it is done, so that every part can still use those that it was
// started after.
func runParts(ctx context.Context, failed <-chan struct{}, parts []part) error {
	type running struct {
		stop context.CancelFunc
		done chan struct{}
	}
	var started []running
	var errs []error
	ended := make(chan error, len(parts))
	for _, p := range parts {
		partCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{stop: stop, done: make(chan struct{})}
		go func() {
			defer close(r.done)
			err := p.run(partCtx)
			if err == nil && partCtx.Err() == nil {
				err = errEnded
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				ended <- fmt.Errorf("%s: %w", p.name, err)
			}
		}()
		started = append(started, r)
	}
	select {
	case <-ctx.Done():
	case err := <-ended:
		errs = append(errs, err)
	case <-failed:
		errs = append(errs, errors.New("the private Postgres is gone; its log is in the data directory"))
	}
	for i := len(started) - 1; i >= 0; i-- {
		started[i].stop()
		<-started[i].done
	}
	close(ended)
	for err := range ended {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
