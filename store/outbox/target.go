package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pgerror"
	"github.com/plaithq/plait/store/rowcodec"
)

// Of several gateways one sends to a target at a time: it holds the target's row until a time by the database's clock, and
// puts that off with all that it writes there. One that was too late writes nothing (ErrNotHeld).

// ErrNotHeld says that another gateway sends to the target by now.
var ErrNotHeld = errors.New("another gateway sends to this target")

// Target is one signal of a target of forwarding, as one gateway holds it.
type Target struct {
	Name   string
	Signal Signal
	Holder [16]byte      // the gateway
	Lease  time.Duration // for how long it is held without a word
}

const (
	registerSQL = `
INSERT INTO plait_store.forward_target (target, signal, position, total, sending, sent, left_out, refused, expired,
                                        holder, held_until, seen_at, failing_from, failure)
SELECT $1, signal, position, total, position, 0, 0, 0, 0,
       '00000000-0000-0000-0000-000000000000', '-infinity', clock_timestamp(), 'infinity', ''
FROM plait_store.outbox_end
WHERE signal = $2
FOR UPDATE
ON CONFLICT (target, signal) DO UPDATE SET seen_at = excluded.seen_at`

	holdSQL = `
UPDATE plait_store.forward_target
SET holder = $3, held_until = clock_timestamp() + $4::interval, seen_at = clock_timestamp()
WHERE target = $1 AND signal = $2 AND (holder = $3 OR held_until < clock_timestamp())
RETURNING position, total, sending`

	releaseSQL = `
UPDATE plait_store.forward_target
SET held_until = '-infinity'
WHERE target = $1 AND signal = $2 AND holder = $3`

	advanceSQL = `
UPDATE plait_store.forward_target
SET position = $5, total = $6, sending = $7, sent = sent + $8, left_out = left_out + $9, refused = refused + $10, expired = expired + $11,
    given_up = given_up + $12, failing_from = CASE WHEN $8 + $10 > 0 THEN 'infinity' ELSE failing_from END,
    failure = CASE $13 WHEN '' THEN failure ELSE $13 END, held_until = clock_timestamp() + $4::interval, seen_at = clock_timestamp()
WHERE target = $1 AND signal = $2 AND holder = $3`

	failSQL = `
UPDATE plait_store.forward_target
SET failing_from = least(failing_from, clock_timestamp()), failure = $5,
    held_until = clock_timestamp() + $4::interval, seen_at = clock_timestamp()
WHERE target = $1 AND signal = $2 AND holder = $3`
)

// Register makes the target known, if it is not: it then gets what is committed from now on. From the next Refresh of each gateway
// on, commits leave their records in the outbox.
func (o *Outbox) Register(ctx context.Context, name string, s Signal) error {
	if _, err := o.pool.Exec(ctx, registerSQL, name, int16(s)); err != nil {
		return fmt.Errorf("register the target %s for %s: %w", name, s, pgerror.Read(err))
	}
	return nil
}

// Hold takes the target, or goes on holding it, and returns what it is done with and the last row of the batch that was on its way. It is
// ErrNotHeld where another gateway has it.
func (o *Outbox) Hold(ctx context.Context, t Target) (done Place, sending int64, err error) {
	err = o.pool.QueryRow(ctx, holdSQL, t.Name, int16(t.Signal), t.Holder, t.Lease).Scan(&done.Position, &done.Total, &sending)
	if errors.Is(err, pgx.ErrNoRows) {
		return done, 0, ErrNotHeld
	}
	if err != nil {
		return done, 0, fmt.Errorf("hold the target %s for %s: %w", t.Name, t.Signal, pgerror.Read(err))
	}
	return done, sending, nil
}

// Release lets another gateway have the target at once.
func (o *Outbox) Release(ctx context.Context, t Target) error {
	if _, err := o.pool.Exec(ctx, releaseSQL, t.Name, int16(t.Signal), t.Holder); err != nil {
		return fmt.Errorf("release the target %s for %s: %w", t.Name, t.Signal, pgerror.Read(err))
	}
	return nil
}

// Progress is what became of a batch.
type Progress struct {
	Done Place // the batch's end, or that of what is given up
	// Sending is the last row of the batch that goes next; that of Done: none yet.
	Sending int64
	// Records of the batch by what became of them. Expired ones were gone before; GivenUp are those of it and behind it that are not
	// waited with any longer, since too much waits.
	Sent, LeftOut, Refused, Expired, GivenUp int64
	// Said is what the target said against records that it refused, or empty.
	Said string
}

// Advance notes that a batch is done with. One that answered fails no longer.
func (o *Outbox) Advance(ctx context.Context, t Target, p Progress) error {
	return o.write(ctx, t, advanceSQL, p.Done.Position, p.Done.Total, p.Sending, p.Sent, p.LeftOut, p.Refused, p.Expired, p.GivenUp, said(p.Said))
}

// Failed notes that a target takes nothing at the moment, and why.
func (o *Outbox) Failed(ctx context.Context, t Target, why string) error {
	return o.write(ctx, t, failSQL, said(why))
}

// write writes to the row of a target that is held.
func (o *Outbox) write(ctx context.Context, t Target, sql string, args ...any) error {
	tag, err := o.pool.Exec(ctx, sql, append([]any{t.Name, int16(t.Signal), t.Holder, t.Lease}, args...)...)
	if err != nil {
		return fmt.Errorf("note how far the target %s for %s is: %w", t.Name, t.Signal, pgerror.Read(err))
	}
	if tag.RowsAffected() == 0 {
		return ErrNotHeld
	}
	return nil
}

// maxSaid bounds what is kept of a target's words.
const maxSaid = 1 << 10

// said is a text of a target as Postgres takes it.
func said(text string) string { return rowcodec.CleanText(text[:min(len(text), maxSaid)]) }

const setAsideSQL = `
INSERT INTO plait_store.forward_refusal (id, refused_at, record_count, signal, target, reason, body)
VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6)`

// SetAside keeps records that the target refused, for as long as telemetry of their signal is kept.
func (o *Outbox) SetAside(ctx context.Context, t Target, records int, reason string, body []byte) error {
	if _, err := o.pool.Exec(ctx, setAsideSQL, rand.Int64(), records, int16(t.Signal), t.Name, said(reason), body); err != nil {
		return fmt.Errorf("set %d records aside that the target %s refuses: %w", records, t.Name, pgerror.Read(err))
	}
	return nil
}
