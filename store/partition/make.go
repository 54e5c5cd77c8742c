package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/pgerror"
)

// partitionLock is the advisory lock of whoever makes partitions.
const partitionLock = 0x706c616974_02

// Keeper makes the partitions, drops those that are past their retention, and knows which there are.
type Keeper struct {
	Set
	retention   Retention
	pool        *pgxpool.Pool
	clock       *Clock
	log         *slog.Logger
	instruments *Instruments
	// MaxPinned is how many traces with exemplars one dropped partition may leave behind.
	MaxPinned int
	// Pinned, if set, is told in the same transaction which traces' rows moved from a table's partition to
	// another shelf.
	Pinned func(ctx context.Context, tx pgx.Tx, table string, from, to Shelf, traces []Moved) error
}

// NewKeeper makes a keeper that knows of no partition yet.
func NewKeeper(pool *pgxpool.Pool, c *Clock, r Retention, log *slog.Logger, in *Instruments) *Keeper {
	return &Keeper{
		Set:       Set{retained: retainedDays(r)},
		retention: r, pool: pool, clock: c, log: log, instruments: in, MaxPinned: maxPinned,
	}
}

// Now is the database's time.
func (s *Keeper) Now() time.Time { return s.clock.now() }

// Make makes every partition that should exist and does not. Gateways that call it
// at the same time take turns.
func (s *Keeper) Make(ctx context.Context) error {
	found, err := s.listPartitions(ctx, s.pool)
	if err != nil {
		return err
	}
	today := DayOf(s.Now())
	missing := false
	for _, t := range tables(s.retention) {
		missing = missing || len(t.missing(found, today)) > 0
	}
	if !missing {
		return nil
	}
	err = s.withPartitionLock(ctx, func(conn *pgx.Conn) error {
		found, err := s.listPartitions(ctx, conn) // somebody else may have been first
		if err != nil {
			return err
		}
		for _, t := range tables(s.retention) {
			if err := t.create(ctx, conn, t.missing(found, today)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.listPartitions(ctx, s.pool)
	return err
}

func (t table) missing(found map[id]attachment, today Day) []Day {
	var days []Day
	for d, last := t.days(today); d <= last; d++ {
		if state, ok := found[id{t.name, d}]; !ok || state == loose {
			days = append(days, d)
		}
	}
	return days
}

// HasRoom says whether every table has a partition for what arrives today.
func (s *Keeper) HasRoom() bool {
	today := DayOf(s.Now())
	for _, t := range tables(s.retention) {
		if t.key != byShelf && !s.has(t.name, today) {
			return false
		}
	}
	return true
}

// withPartitionLock calls use with a connection that holds the partition lock.
func (s *Keeper) withPartitionLock(ctx context.Context, use func(*pgx.Conn) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for partitions: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_catalog.pg_advisory_lock($1)`, int64(partitionLock)); err != nil {
		return fmt.Errorf("wait for the partition lock: %w", err)
	}
	err = use(conn.Conn())
	_, unlockErr := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_catalog.pg_advisory_unlock($1)`, int64(partitionLock))
	return errors.Join(err, unlockErr)
}

// partitionSettings are the storage parameters of a partition. It is only ever appended to, so
// there is nothing to clean up while it is open: the elected gateway analyses it as it grows
// and freezes it once when its day is over (upkeep.go).
const partitionSettings = ` WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false)`

// settings are partitionSettings, except of a table whose rows come and go, and of one that is spread over nodes: the
// upkeep sees only the coordinator's, which has no rows, so each node keeps up its own.
func (t table) settings(spread bool) string {
	if t.name == "half_trace" || spread {
		return ""
	}
	return partitionSettings
}

// createdAtOnce is how many partitions one transaction makes: each holds a dozen locks until its
// end, and a server of usual settings has room for six thousand.
const createdAtOnce = 50

// create makes partitions: tables like their parent, which are then attached to it. CREATE TABLE …
// PARTITION OF would wait for every transaction that has read the parent, and all others would
// wait for it. ATTACH PARTITION waits for none that reads or writes; so that it neither makes indexes nor
// looks at rows, the table has its indexes before and no rows.
func (t table) create(ctx context.Context, conn *pgx.Conn, days []Day) error {
	spread, err := isSpread(ctx, conn)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(days, createdAtOnce) {
		var statements []string
		for _, d := range some {
			parent, child := pg.StoreTable(t.root), pg.StoreTable(t.partition(d))
			statements = append(statements, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (LIKE %s INCLUDING ALL%s)%s", child, parent, t.checks(d), t.settings(spread)))
			if t.key == byOutside { // rows of any day, few or in order of time
				statements = append(statements, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s USING brin ((%s)) WITH (pages_per_range = 32)", t.partition(d)+"_day", child, t.dayOf()))
			}
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM %s TO %s", parent, child, t.bound(d), t.bound(d+1)))
		}
		if err := withLockTimeout(ctx, conn, statements...); err != nil {
			return fmt.Errorf("create partitions of %s: %w", t.name, err)
		}
	}
	return nil
}

const (
	lockAttempts  = 10
	lockPause     = 200 * time.Millisecond
	lockTimeoutMS = "1000"
)

// limitLocksSQL bounds how long a transaction waits for each lock. Citus has to be told that this is for the other nodes, too.
const limitLocksSQL = `
SELECT pg_catalog.set_config(name, value, true)
FROM (VALUES ('citus.propagate_set_commands', 'local'), ('lock_timeout', $1)) w (name, value)
JOIN pg_catalog.pg_settings USING (name)
ORDER BY name`

// withLockTimeout runs statements in one transaction that waits a second at most for each
// lock, and tries again when that was not enough.
func withLockTimeout(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for attempt := 1; ; attempt++ {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return runEach(ctx, tx, statements) })
		if err == nil || !slices.Contains([]string{pgerrcode.LockNotAvailable, pgerrcode.DeadlockDetected}, pgerror.Code(err)) || attempt == lockAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// runEach sends statements one by one: Citus passes what it was sent on to other nodes, as one statement.
func runEach(ctx context.Context, tx pgx.Tx, statements []string) error {
	if _, err := tx.Exec(ctx, limitLocksSQL, lockTimeoutMS); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
