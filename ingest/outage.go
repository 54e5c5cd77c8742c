package ingest

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// outagePause is how often an outage that goes on is told of.
const outagePause = 10 * time.Second

// outage writes to the log that requests cannot be stored. While the database is away every
// request fails for the same reason, thousands a second: the first is told of at once, the others
// by their number, and the end of it with how long it took.
type outage struct {
	log  *slog.Logger
	now  func() time.Time
	open atomic.Bool // requests that succeed look at nothing else

	mu     sync.Mutex
	since  time.Time
	told   time.Time // when the last line was written
	untold int       // failures since then
	failed int       // since the beginning
}

// failure counts a request that was not stored.
func (o *outage) failure(ctx context.Context, door, answer string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if !o.open.Load() {
		o.since, o.told, o.untold, o.failed = now, time.Time{}, 0, 0
		o.open.Store(true)
	}
	o.failed++
	if now.Sub(o.told) < outagePause {
		o.untold++
		return
	}
	o.log.ErrorContext(ctx, "request not stored", "door", door, "answer", answer, "others_since_last_line", o.untold, "error", err)
	o.told, o.untold = now, 0
}

// success ends the outage, if there was one.
func (o *outage) success(ctx context.Context) {
	if !o.open.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open.Swap(false) {
		o.log.InfoContext(ctx, "requests are stored again", "not_stored", o.failed, "after", o.now().Sub(o.since).Round(time.Millisecond))
	}
}
