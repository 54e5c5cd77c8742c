package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgerror"
)

// Status is how a target of a signal does.
type Status struct {
	Target string
	Signal Signal
	// Waiting is how many records of the signal are committed and not done with, and Lag the age of the oldest of them.
	Waiting int64
	Lag     time.Duration
	// What became of records, since the target was first set.
	Sent, LeftOut, Refused, Expired, GivenUp int64
	// Failing is for how long it has taken nothing; 0: it works.
	Failing time.Duration
	// Failure is what it last said against a request.
	Failure string
	// Held says that a gateway sends to it, and Unseen for how long no gateway has had it in its settings.
	Held   bool
	Unseen time.Duration
}

const statusSQL = `
SELECT t.target, t.signal,
       e.total - t.total + coalesce(fresh.records, 0),
       coalesce(clock_timestamp() - coalesce(waiting.since, fresh.since), interval '0'),
       t.sent, t.left_out, t.refused, t.expired, t.given_up,
       CASE WHEN t.failing_from = 'infinity' THEN interval '0' ELSE clock_timestamp() - t.failing_from END,
       t.failure, t.held_until > clock_timestamp(), clock_timestamp() - t.seen_at
FROM plait_store.forward_target t
JOIN plait_store.outbox_end e ON e.signal = t.signal
LEFT JOIN LATERAL (
	SELECT sum(o.record_count)::int8 AS records, min(o.made_at) AS since
	FROM plait_store.outbox o
	WHERE o.signal = t.signal AND o.position = 0
) fresh ON true
LEFT JOIN LATERAL (
	SELECT o.made_at AS since
	FROM plait_store.outbox o
	WHERE o.signal = t.signal AND o.position > t.position
	ORDER BY o.position
	LIMIT 1
) waiting ON true
ORDER BY t.target, t.signal`

// querier is a pool or a connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Status tells how every target of the database does, whichever gateway sends to it.
func (o *Outbox) Status(ctx context.Context) ([]Status, error) { return StatusOf(ctx, o.pool) }

// StatusOf is Status for whoever has a connection only.
func StatusOf(ctx context.Context, db querier) ([]Status, error) {
	rows, err := db.Query(ctx, statusSQL)
	if err != nil {
		return nil, fmt.Errorf("ask how forwarding does: %w", pgerror.Read(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Status, err error) {
		err = row.Scan(&s.Target, &s.Signal, &s.Waiting, &s.Lag, &s.Sent, &s.LeftOut, &s.Refused, &s.Expired, &s.GivenUp, &s.Failing, &s.Failure, &s.Held, &s.Unseen)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask how forwarding does: %w", pgerror.Read(err))
	}
	return all, nil
}
