package partition

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// Whose time it is.
//
// What is kept and what goes is decided by the database's clock alone: the gateways of a
// database may disagree, and the one that is wrong must not drop what the others keep. So a
// gateway asks the database now and then, and in between counts on from the answer by its own
// clock, which, as a monotonic one, goes on evenly even when somebody sets it.
//
// The database's clock may be wrong as well. Nothing can tell a clock that was set ahead from
// weeks in which no gateway ran, so both are treated alike: after a leap, retention waits a day
// for somebody to look (checkClock).

const (
	// maxClockDifference is how far a gateway's clock may be off for it to drop anything: then
	// one of the two clocks is wrong, and it may be either.
	maxClockDifference = 5 * time.Minute
	// maxClockLeap is how much time may pass between two looks at the clock of the database.
	maxClockLeap = 36 * time.Hour
	// waitAfterLeap is for how long nothing is dropped after a longer one.
	waitAfterLeap = oneDay
)

// Clock tells the database's time.
type Clock struct {
	gateway  func() time.Time // this gateway's
	database func() time.Time // stands in for the database's in tests; nil asks it
	measured atomic.Pointer[measurement]
}

// measurement is what both clocks showed at one moment.
type measurement struct{ gateway, database time.Time }

// NewClock makes a clock that has read none of the two.
func NewClock(gateway, database func() time.Time) *Clock {
	return &Clock{gateway: gateway, database: database}
}

// now is the database's time, or the gateway's before the first measurement.
func (c *Clock) now() time.Time {
	own := c.gateway()
	m := c.measured.Load()
	if m == nil {
		return own
	}
	return m.database.Add(own.Sub(m.gateway)) // by the monotonic clock, where there is one
}

// ahead is how far the gateway's clock was ahead of the database's when both were last read.
func (c *Clock) ahead() time.Duration {
	m := c.measured.Load()
	if m == nil {
		return 0
	}
	return m.gateway.Round(0).Sub(m.database) // without the monotonic reading, which nobody can set
}

const databaseTimeSQL = `SELECT pg_catalog.clock_timestamp()`

// Measure asks the database for its time.
func (c *Clock) Measure(ctx context.Context, db rowQuerier) error {
	before := c.gateway()
	var at time.Time
	if c.database != nil {
		at = c.database()
	} else if err := db.QueryRow(ctx, databaseTimeSQL).Scan(&at); err != nil {
		return fmt.Errorf("ask the database for its time: %w", err)
	}
	took := c.gateway().Sub(before)
	c.measured.Store(&measurement{gateway: before.Add(took / 2), database: at})
	return nil
}

// rowQuerier is a connection, a transaction or a pool.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// seeClockSQL notes the time of the database and returns since when it has passed evenly.
const seeClockSQL = `
INSERT INTO plait_store.clock AS c (one, seen_at, steady_since)
VALUES (true, $1, '-infinity')
ON CONFLICT (one) DO UPDATE SET
	seen_at = excluded.seen_at,
	steady_since = CASE
		WHEN excluded.seen_at - c.seen_at > $2::interval OR c.seen_at - excluded.seen_at > $2::interval THEN excluded.seen_at
		ELSE c.steady_since
	END
RETURNING coalesce(extract(epoch FROM $1::timestamptz - nullif(steady_since, '-infinity')), 'Infinity')::float8`

// CheckClock returns an error when a clock looks wrong, so that nothing may be dropped by it.
func (s *Keeper) CheckClock(ctx context.Context) error {
	if err := s.clock.Measure(ctx, s.pool); err != nil {
		return err
	}
	ahead := s.clock.ahead()
	s.instruments.clockAhead.Set(ahead.Seconds())
	var steady float64
	if err := s.pool.QueryRow(ctx, seeClockSQL, s.Now().UTC(), maxClockLeap).Scan(&steady); err != nil {
		return fmt.Errorf("note the time of the database: %w", err)
	}
	if ahead.Abs() > maxClockDifference {
		return fmt.Errorf("the clocks of this gateway and of the database differ by %v: nothing is dropped until both are right",
			ahead.Abs().Round(time.Second))
	}
	if left := waitAfterLeap.Seconds() - steady; left > 0 {
		return fmt.Errorf("the database's clock has leapt by more than %v, or no gateway ran for so long: nothing is dropped for another %v, so that a wrong clock can be mended",
			maxClockLeap, time.Duration(left*float64(time.Second)).Round(time.Minute))
	}
	return nil
}
