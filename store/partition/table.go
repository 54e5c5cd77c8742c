// Package partition keeps one partition a day of each table: it makes them ahead of time, drops them by the
// database's clock, keeps the planner informed of them, and tells where a row belongs.
package partition

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/rowcodec"
)

// daysAhead is how many days of partitions exist before their time: enough for a long weekend
// without an elected gateway, and for clocks that run ahead.
const daysAhead = 3

// table is a table of schema plait_store with one partition a day, which package
// store makes ahead of time and drops when its retention is over.
type table struct {
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

// Retention says how long telemetry is kept.
type Retention struct{ Traces, Logs, Metrics time.Duration }

func (r Retention) longest() time.Duration { return max(r.Traces, r.Logs, r.Metrics) }

// tables lists every partitioned table.
func tables(c Retention) []table {
	return []table{
		{name: "half_trace", key: byArrival, retention: c.longest(), time: "since"},
		{name: "span", key: byTime, retention: c.Traces, time: "start_time"},
		{name: "span_outside", key: byArrival, retention: c.Traces, time: "start_time"},
		{name: "trace_fragment", key: byTime, retention: c.Traces, time: "start_time"},
		{name: "trace_fragment_outside", key: byArrival, retention: c.Traces, time: "start_time"},
		{name: "log", key: byTime, retention: c.Logs, time: "time"},
		{name: "log_outside", key: byArrival, retention: c.Logs, time: "time"},
		{name: "sample_chunk", key: byTime, retention: c.Metrics, time: "end_time"},
		{name: "sample_chunk_outside", key: byArrival, retention: c.Metrics, time: "end_time"},
		{name: "exemplar", key: byTime, retention: c.Metrics, time: "time"},
		{name: "exemplar_outside", key: byArrival, retention: c.Metrics, time: "time"},
	}
}

const oneDay = 24 * time.Hour

// Day is a day in UTC, counted from 1970-01-01.
type Day int32

// DayOf returns the day of a time.
func DayOf(t time.Time) Day {
	return Day(rowcodec.FloorDiv(t.Unix(), int64(oneDay/time.Second)))
}

// Time is the midnight with which the day begins.
func (d Day) Time() time.Time { return time.Unix(int64(d)*int64(oneDay/time.Second), 0).UTC() }

func (d Day) suffix() string { return d.Time().Format("20060102") }

// dayOfNanos is the day of a Unix time in nanoseconds.
func dayOfNanos(nanos int64) Day { return Day(rowcodec.FloorDiv(nanos, int64(oneDay))) }

// days returns the first and last day for which a partition should exist today.
func (t table) days(today Day) (first, last Day) {
	if t.key == byArrival {
		return today, today + daysAhead
	}
	return t.oldest(today), today + daysAhead
}

// oldest is the first day that is still retained.
func (t table) oldest(today Day) Day { return today - t.retainedDays() }

func (t table) retainedDays() Day { return Day((t.retention + oneDay - 1) / oneDay) }

// retainedDays returns the number of days for which the rows of each table are kept.
func retainedDays(c Retention) map[string]Day {
	days := make(map[string]Day)
	for _, t := range tables(c) {
		days[t.name] = t.retainedDays()
	}
	return days
}

func (t table) partition(d Day) string { return t.name + "_" + d.suffix() }

// bound is the literal at which the partition of a day begins.
func (t table) bound(d Day) string {
	switch t.key {
	case byMillis:
		return fmt.Sprintf("(%d)", d.Time().UnixMilli())
	case byArrival:
		return d.Time().Format("('2006-01-02')")
	}
	return d.Time().Format("('2006-01-02 15:04:05+00')")
}

// check says of which day the rows are, in the words of the views' column day: with it a condition on
// that column leaves the partition out.
func (t table) check(d Day) string {
	if t.key != byTime {
		return ""
	}
	return fmt.Sprintf(", CONSTRAINT day CHECK ((%s AT TIME ZONE interval '0')::date = '%s')", t.time, d.Time().Format(time.DateOnly))
}

// Set is what this gateway knows of the partitions that exist. A row goes to its
// table only when the partition is known; so a day that nobody made a partition for costs
// a detour and no error.
type Set struct {
	known    atomic.Pointer[map[id]struct{}]
	retained map[string]Day // for how many days the rows of each table are kept
}

type id struct {
	table string
	day   Day
}

func (p *Set) has(table string, d Day) bool {
	known := p.known.Load()
	if known == nil {
		return false
	}
	_, ok := (*known)[id{table, d}]
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
func (s *Keeper) listPartitions(ctx context.Context, db querier) (map[id]attachment, error) {
	rows, err := db.Query(ctx, listPartitionsSQL)
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	found := make(map[id]attachment)
	known := make(map[id]struct{})
	var parent, child string
	var state attachment
	_, err = pgx.ForEachRow(rows, []any{&parent, &child, &state}, func() error {
		d, ok := partitionDay(parent, child)
		if _, ours := s.retained[parent]; !ok || !ours {
			return nil
		}
		found[id{parent, d}] = state
		if state == attached {
			known[id{parent, d}] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	s.known.Store(&known)
	s.instruments.countPartitions(known)
	return found, nil
}
