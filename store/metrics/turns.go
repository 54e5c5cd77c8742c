package metrics

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plaithq/plait"
)

// turns lets some do at a time what would keep all others from the connections to write by.
type turns chan struct{}

const (
	// seriesWriters is how many requests write label sets at a time, each by a connection that
	// commits of other signals do not need (store.writers).
	seriesWriters = 2
	// maxTurnWait is how long a request waits for its turn before its sender is told to come back.
	maxTurnWait = 5 * time.Second
)

func newTurns(n int) turns { return make(turns, n) }

// acquire waits for a turn; the error wraps plait.ErrOverloaded when there was none in time.
func (t turns) acquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTurnWait, plait.ErrOverloaded)
	defer cancel()
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), plait.ErrOverloaded) {
		return plait.Errorf(plait.ErrOverloaded, "other requests bring too many series that were not seen before")
	}
	return fmt.Errorf("wait to write series: %w", ctx.Err())
}

func (t turns) release() { <-t }
