package thin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/recent"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgerror"
)

// A trace that somebody opened by its id may be named in a ticket or a chat, so it is kept. Answers only note the id in memory: it is
// written behind them, and neither a slow database nor one that takes no writes is felt by who reads.

const (
	// openedAnHour bounds what a gateway notes in an hour of the clock: a script that opens every trace keeps no more of them.
	openedAnHour = 2000
	// openedLately is how many traces are remembered of which it is known that they are noted today.
	openedLately = 4000
)

// openings are the traces that were opened at this gateway.
type openings struct {
	pool *pgxpool.Pool
	now  func() time.Time

	writing sync.Mutex // one write after the other

	mu      sync.Mutex
	hour    int64 // since 1970, in which so many were noted
	noted   int
	lately  *recent.Map[int64, partition.Day]
	pending map[int64]partition.Day // by the lower half of the id
}

func newOpenings(pool *pgxpool.Pool, now func() time.Time) *openings {
	return &openings{pool: pool, now: now, lately: recent.OfSize[int64, partition.Day](openedLately), pending: map[int64]partition.Day{}}
}

// note says whether the opening of a trace is noted, now or before.
func (o *openings) note(id plait.TraceID) bool {
	now, low := o.now(), int64(id.Low())
	today, hour := partition.DayOf(now), now.Unix()/int64(time.Hour/time.Second)
	o.mu.Lock()
	defer o.mu.Unlock()
	if day, known := o.lately.Get(low); known && day == today {
		return true
	}
	if o.hour != hour {
		o.hour, o.noted = hour, 0
	}
	if o.noted >= openedAnHour || len(o.pending) >= openedAnHour {
		return false
	}
	o.noted++
	o.lately.Put(low, today)
	o.pending[low] = today
	return true
}

// The rows are in order, so that gateways which write the same ones wait for each other, and not in a circle.
const noteOpenedSQL = `
INSERT INTO plait_store.opened_trace AS o (low_id, opened_on)
SELECT low_id, opened_on
FROM unnest($1::int8[], $2::date[]) new (low_id, opened_on)
ON CONFLICT (low_id) DO UPDATE
SET opened_on = excluded.opened_on
WHERE o.opened_on < excluded.opened_on`

// write writes what was noted since the last write. What fails is written with the next one.
func (o *openings) write(ctx context.Context) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	o.mu.Lock()
	pending := o.pending
	o.pending = map[int64]partition.Day{}
	o.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	lows := slices.Sorted(maps.Keys(pending))
	days := make([]time.Time, len(lows))
	for i, low := range lows {
		days[i] = pending[low].Time()
	}
	_, err := o.pool.Exec(ctx, noteOpenedSQL, lows, days)
	if err == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for low, day := range pending {
		o.pending[low] = max(o.pending[low], day)
	}
	if pgerror.Code(err) == pgerrcode.ReadOnlySQLTransaction {
		return nil // a standby: it may be promoted
	}
	return fmt.Errorf("note which traces were opened: %w", pgerror.Read(err))
}

const forgetOpenedSQL = `
DELETE FROM plait_store.opened_trace
WHERE opened_on < $1`

// NoteOpened remembers that somebody opened a trace, so that it is kept when its day is thinned. It returns at once.
func (t *Thinner) NoteOpened(id plait.TraceID) {
	if t.policy.After > 0 && t.policy.KeepOpened && !t.openings.note(id) {
		t.instruments.unnoted.Inc()
	}
}

// WriteOpened writes which traces were opened since the last time. A database that takes no writes is no error.
func (t *Thinner) WriteOpened(ctx context.Context) error { return t.openings.write(ctx) }

// RetainOpened forgets what was opened last before a time: the retention of spans ago, all days of then are gone.
func (t *Thinner) RetainOpened(ctx context.Context, before time.Time) error {
	if _, err := t.pool.Exec(ctx, forgetOpenedSQL, partition.DayOf(before).Time()); err != nil {
		return fmt.Errorf("forget which traces were opened: %w", pgerror.Read(err))
	}
	return nil
}
