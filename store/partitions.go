package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// daysAhead is how many days of partitions exist before their time: enough for a long weekend
// without an elected gateway, and for clocks that run ahead.
const daysAhead = 3

// partitionedTable is a table of schema plait_store with one partition a day, which package
// store makes ahead of time and drops when its retention is over.
type partitionedTable struct {
	name      string // partitions are called name_20261121
	key       partitionKey
	retention time.Duration // rounded up to whole days
	time      string        // the column that says when it happened
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
	longest := max(c.RetentionTraces, c.RetentionLogs, c.RetentionMetrics)
	return []partitionedTable{
		{name: "half_trace", key: byArrival, retention: longest, time: "since"},
		{name: "span", key: byTime, retention: c.RetentionTraces, time: "start_time"},
		{name: "span_outside", key: byArrival, retention: c.RetentionTraces, time: "start_time"},
		{name: "trace_fragment", key: byTime, retention: c.RetentionTraces, time: "start_time"},
		{name: "trace_fragment_outside", key: byArrival, retention: c.RetentionTraces, time: "start_time"},
		{name: "log", key: byTime, retention: c.RetentionLogs, time: "time"},
		{name: "log_outside", key: byArrival, retention: c.RetentionLogs, time: "time"},
		{name: "sample_chunk", key: byTime, retention: c.RetentionMetrics, time: "end_time"},
		{name: "sample_chunk_outside", key: byArrival, retention: c.RetentionMetrics, time: "end_time"},
		{name: "exemplar", key: byTime, retention: c.RetentionMetrics, time: "time"},
		{name: "exemplar_outside", key: byArrival, retention: c.RetentionMetrics, time: "time"},
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
func (t partitionedTable) oldest(today day) day { return today - t.retainedDays() }

func (t partitionedTable) retainedDays() day { return day((t.retention + oneDay - 1) / oneDay) }

// retainedDays returns the number of days for which the rows of each table are kept.
func retainedDays(c Config) map[string]day {
	days := make(map[string]day)
	for _, t := range partitionedTables(c) {
		days[t.name] = t.retainedDays()
	}
	return days
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

// check says of which day the rows are, in the words of the views' column day: with it a condition on
// that column leaves the partition out.
func (t partitionedTable) check(d day) string {
	if t.key != byTime {
		return ""
	}
	return fmt.Sprintf(", CONSTRAINT day CHECK ((%s AT TIME ZONE interval '0')::date = '%s')", t.time, d.time().Format(time.DateOnly))
}

// partitionSet is what this gateway knows of the partitions that exist. A row goes to its
// table only when the partition is known; so a day that nobody made a partition for costs
// a detour and no error.
type partitionSet struct {
	known    atomic.Pointer[map[partitionID]struct{}]
	retained map[string]day // for how many days the rows of each table are kept
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

// attachment says how a partition hangs together with its table.
type attachment int

const (
	attached attachment = iota
	leaving             // being detached: queries that began earlier may still read it, all others do not
	loose               // a table of its own, about to become a partition or to be dropped
)

// listPartitionsSQL lists the partitions, and the tables that are called like one.
const listPartitionsSQL = `
SELECT parent.relname::text, child.relname::text, CASE WHEN i.inhdetachpending THEN 1 ELSE 0 END
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
JOIN pg_catalog.pg_class child ON child.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = parent.relnamespace
WHERE n.nspname = 'plait_store' AND parent.relkind = 'p'
UNION ALL
SELECT pg_catalog.left(c.relname::text, -9), c.relname::text, 2
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'plait_store' AND c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '_[0-9]{8}$'`

// listPartitions reads which partitions exist and remembers those that take rows.
func (s *Store) listPartitions(ctx context.Context, db querier) (map[partitionID]attachment, error) {
	rows, err := db.Query(ctx, listPartitionsSQL)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	found := make(map[partitionID]attachment)
	known := make(map[partitionID]struct{})
	var parent, child string
	var state attachment
	_, err = pgx.ForEachRow(rows, []any{&parent, &child, &state}, func() error {
		d, ok := partitionDay(parent, child)
		if _, ours := s.partitions.retained[parent]; !ok || !ours {
			return nil
		}
		found[partitionID{parent, d}] = state
		if state == attached {
			known[partitionID{parent, d}] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	s.partitions.known.Store(&known)
	s.instruments.countPartitions(known)
	return found, nil
}

// storeTable quotes the name of a table of schema plait_store.
func storeTable(name string) string { return pgx.Identifier{"plait_store", name}.Sanitize() }
