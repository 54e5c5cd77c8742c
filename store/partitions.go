package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// daysAhead is how many days of partitions exist before their time: enough for a long weekend
// without an elected gateway, and for clocks that run ahead.
const daysAhead = 3

// partitionLock is the advisory lock of whoever makes or drops partitions.
const partitionLock = 0x706c616974_02

// partitionedTable is a table of schema plait_store with one partition a day, which package
// store makes ahead of time and drops when its retention is over.
type partitionedTable struct {
	name      string // partitions are called name_20261121
	key       partitionKey
	retention time.Duration // rounded up to whole days
}

// partitionKey says what the partitions of a table are bounded by.
type partitionKey int

const (
	byTime    partitionKey = iota // timestamptz: when it happened
	byMillis                      // int8: when it happened, milliseconds since the Unix epoch
	byArrival                     // date: the day on which it came
)

// partitionedTables lists every partitioned table.
func partitionedTables(c Config) []partitionedTable {
	return []partitionedTable{
		{name: "span", key: byTime, retention: c.RetentionTraces},
		{name: "span_outside", key: byArrival, retention: c.RetentionTraces},
		{name: "trace_fragment", key: byTime, retention: c.RetentionTraces},
		{name: "trace_fragment_outside", key: byArrival, retention: c.RetentionTraces},
		{name: "log", key: byTime, retention: c.RetentionLogs},
		{name: "log_outside", key: byArrival, retention: c.RetentionLogs},
		{name: "sample_chunk", key: byTime, retention: c.RetentionMetrics},
		{name: "sample_chunk_outside", key: byArrival, retention: c.RetentionMetrics},
		{name: "exemplar", key: byTime, retention: c.RetentionMetrics},
		{name: "exemplar_outside", key: byArrival, retention: c.RetentionMetrics},
	}
}

// day is a day in UTC, counted from 1970-01-01.
type day int32

func dayOf(t time.Time) day {
	return day(floorDiv(t.Unix(), int64(oneDay/time.Second)))
}

func (d day) time() time.Time { return time.Unix(int64(d)*int64(oneDay/time.Second), 0).UTC() }

func (d day) suffix() string { return d.time().Format("20060102") }

// floorDiv rounds towards minus infinity, as times before 1970 need it.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// days returns the first and last day for which a partition should exist today.
func (t partitionedTable) days(today day) (first, last day) {
	if t.key == byArrival {
		return today, today + daysAhead
	}
	return t.oldest(today), today + daysAhead
}

// oldest is the first day that is still retained.
func (t partitionedTable) oldest(today day) day {
	return today - day((t.retention+oneDay-1)/oneDay)
}

func (t partitionedTable) partition(d day) string { return t.name + "_" + d.suffix() }

// bound is the literal at which the partition of a day begins.
func (t partitionedTable) bound(d day) string {
	switch t.key {
	case byMillis:
		return fmt.Sprintf("(%d)", d.time().UnixMilli())
	case byArrival:
		return d.time().Format("('2006-01-02')")
	}
	return d.time().Format("('2006-01-02 15:04:05+00')")
}

// partitionSet is what this gateway knows of the partitions that exist. A row goes to its
// table only when the partition is known; so a day that nobody made a partition for costs
// a detour and no error.
type partitionSet struct {
	known atomic.Pointer[map[partitionID]struct{}]
}

type partitionID struct {
	table string
	day   day
}

func (p *partitionSet) has(table string, d day) bool {
	known := p.known.Load()
	if known == nil {
		return false
	}
	_, ok := (*known)[partitionID{table, d}]
	return ok
}

// querier is a connection, a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const listPartitionsSQL = `
SELECT parent.relname::text, child.relname::text
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
JOIN pg_catalog.pg_class child ON child.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = parent.relnamespace
WHERE n.nspname = 'plait_store' AND parent.relkind = 'p'`

// listPartitions reads which partitions exist and remembers them.
func (s *Store) listPartitions(ctx context.Context, db querier) (map[partitionID]struct{}, error) {
	rows, err := db.Query(ctx, listPartitionsSQL)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	found := make(map[partitionID]struct{})
	var parent, child string
	_, err = pgx.ForEachRow(rows, []any{&parent, &child}, func() error {
		if d, ok := partitionDay(parent, child); ok {
			found[partitionID{parent, d}] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	s.partitions.known.Store(&found)
	s.instruments.countPartitions(found)
	return found, nil
}

// makePartitions makes every partition that should exist and does not. Gateways that call it
// at the same time take turns.
func (s *Store) makePartitions(ctx context.Context) error {
	found, err := s.listPartitions(ctx, s.readPool)
	if err != nil {
		return err
	}
	today := dayOf(s.now())
	missing := false
	for _, t := range partitionedTables(s.config) {
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
		for _, t := range partitionedTables(s.config) {
			if err := t.create(ctx, conn, t.missing(found, today)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.listPartitions(ctx, s.readPool)
	return err
}

func (t partitionedTable) missing(found map[partitionID]struct{}, today day) []day {
	var days []day
	for d, last := t.days(today); d <= last; d++ {
		if _, ok := found[partitionID{t.name, d}]; !ok {
			days = append(days, d)
		}
	}
	return days
}

// withPartitionLock calls use with a connection that holds the partition lock.
func (s *Store) withPartitionLock(ctx context.Context, use func(*pgx.Conn) error) error {
	conn, err := s.readPool.Acquire(ctx)
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

// createdAtOnce is how many partitions one transaction makes: each holds a dozen locks until its
// end, and a server of usual settings has room for six thousand.
const createdAtOnce = 50

// create makes partitions. The lock on the parent is exclusive, and whoever waits for it makes
// all others wait: so it gives up soon and tries again.
func (t partitionedTable) create(ctx context.Context, conn *pgx.Conn, days []day) error {
	for some := range slices.Chunk(days, createdAtOnce) {
		var statements strings.Builder
		for _, d := range some {
			fmt.Fprintf(&statements, "CREATE TABLE IF NOT EXISTS %s PARTITION OF %s FOR VALUES FROM %s TO %s%s;\n",
				storeTable(t.partition(d)), storeTable(t.name), t.bound(d), t.bound(d+1), partitionSettings)
		}
		if err := withLockTimeout(ctx, conn, statements.String()); err != nil {
			return fmt.Errorf("create partitions of %s: %w", t.name, err)
		}
	}
	return nil
}

// storeTable quotes the name of a table of schema plait_store.
func storeTable(name string) string { return pgx.Identifier{"plait_store", name}.Sanitize() }

const (
	lockAttempts  = 10
	lockPause     = 200 * time.Millisecond
	lockTimeoutMS = "1000"
)

// lockNotAvailable is the SQLSTATE of a lock_timeout.
const lockNotAvailable = "55P03"

// withLockTimeout runs statements in one transaction that waits a second at most for each
// lock, and tries again when that was not enough.
func withLockTimeout(ctx context.Context, conn *pgx.Conn, statements string) error {
	statements = "BEGIN; SET LOCAL lock_timeout = " + lockTimeoutMS + ";\n" + statements + "COMMIT;"
	for attempt := 1; ; attempt++ {
		_, err := conn.Exec(ctx, statements)
		if err == nil {
			return nil
		}
		if _, rollbackErr := conn.Exec(context.WithoutCancel(ctx), "ROLLBACK"); rollbackErr != nil {
			return errors.Join(err, rollbackErr)
		}
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || !slices.Contains([]string{lockNotAvailable, "40P01"}, e.Code) || attempt == lockAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}
