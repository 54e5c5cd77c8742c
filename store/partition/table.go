// Package partition keeps one partition a day of each table: it makes them ahead of time, drops them by the
// database's clock, keeps the planner informed of them, and tells where a row belongs.
package partition

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/rowcodec"
)

// daysAhead is how many days of partitions exist before their time: enough for a long weekend
// without an elected gateway, and for clocks that run ahead.
const daysAhead = 3

// table is the partitions that a table of schema plait_store has for one kind of rows, one a day, which are
// made ahead of time and dropped when their retention is over.
type table struct {
	name      string // partitions are called name_20261121
	root      string // the table that they are partitions of
	key       partitionKey
	retention time.Duration // rounded up to whole days
	time      string        // the column that says when a row happened
	day       string        // the column that the views' day is of; empty: time
}

// partitionKey says what the partitions of a table are bounded by.
type partitionKey int

const (
	byShelf   partitionKey = iota // the day on which it happened, as its shelf
	byOutside                     // the shelf of what came on a day and happened outside of the window
	byArrival                     // the day on which it came
)

// Shelf is the key of a row's partition: the day on which it happened where that has a partition, else the
// day on which it came, moved out of the calendar.
type Shelf = Day

// firstOutside is how far the shelves of what happened outside of the window lie from their days: a
// million days, which is beyond every time that 64 bits of nanoseconds hold.
const firstOutside Shelf = 1_000_000

// OutsideShelf is the shelf of what comes on a day and happened outside of the window.
func OutsideShelf(d Day) Shelf { return firstOutside + d }

// OutsideSQL is the condition on a shelf that a row happened outside of the window. A statement about a range
// of time reads the shelves of its days and these.
const OutsideSQL = `shelf >= '4000-01-01'`

// Retention says how long telemetry is kept.
type Retention struct{ Traces, Logs, Metrics time.Duration }

func (r Retention) longest() time.Duration { return max(r.Traces, r.Logs, r.Metrics) }

// tables lists every partitioned table.
func tables(c Retention) []table {
	return []table{
		{name: "half_trace", root: "half_trace", key: byArrival, retention: c.longest(), time: "since"},
		{name: "span", root: "span", key: byShelf, retention: c.Traces, time: "start_time"},
		{name: "span_outside", root: "span", key: byOutside, retention: c.Traces, time: "start_time"},
		{name: "trace_fragment", root: "trace_fragment", key: byShelf, retention: c.Traces, time: "start_time"},
		{name: "trace_fragment_outside", root: "trace_fragment", key: byOutside, retention: c.Traces, time: "start_time"},
		{name: "log", root: "log", key: byShelf, retention: c.Logs, time: "time"},
		{name: "log_outside", root: "log", key: byOutside, retention: c.Logs, time: "time"},
		{name: "sample_chunk", root: "sample_chunk", key: byShelf, retention: c.Metrics, time: "start_time", day: "end_time"},
		{name: "sample_chunk_outside", root: "sample_chunk", key: byOutside, retention: c.Metrics, time: "start_time", day: "end_time"},
		{name: "exemplar", root: "exemplar", key: byShelf, retention: c.Metrics, time: "time"},
		{name: "exemplar_outside", root: "exemplar", key: byOutside, retention: c.Metrics, time: "time"},
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
	if t.key != byShelf {
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
	if t.key == byOutside {
		d = OutsideShelf(d)
	}
	return d.Time().Format("('2006-01-02')")
}

// checks say of which time and day the rows of a partition are, in the words of the tables and of the views'
// column day: with them a condition on either leaves the partition out.
func (t table) checks(d Day) string {
	if t.key != byShelf {
		return ""
	}
	const midnight = "2006-01-02 15:04:05+00"
	return fmt.Sprintf(", CONSTRAINT day CHECK (%s = '%s'), CONSTRAINT time CHECK (%s >= '%s' AND %[3]s < '%[5]s')",
		t.dayOf(), d.Time().Format(time.DateOnly), t.time, d.Time().Format(midnight), (d + 1).Time().Format(midnight))
}

// dayOf is the expression of the views' column day.
func (t table) dayOf() string {
	return "(" + cmp.Or(t.day, t.time) + " AT TIME ZONE interval '0')::date"
}

// Set is what this gateway knows of the partitions that exist. A row goes to its
// table only when the partition is known; so a day that nobody made a partition for costs
// a detour and no error.
type Set struct {
	known    atomic.Pointer[map[id]struct{}]
	retained map[string]Day // for how many days the rows of each table are kept

	closeAfter time.Duration // after a day's end; 0: never
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

// Gone says whether the rows of a shelf have been dropped: it is past the retention and has no partition, as
// far as this gateway knows. The table is one that has days and what lies outside of them, such as span.
func (s *Keeper) Gone(table string, shelf Shelf) bool {
	day := shelf
	if shelf.Outside() {
		table, day = table+"_outside", shelf-firstOutside
	}
	return day < DayOf(s.Now())-s.retained[table] && !s.has(table, day)
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
SELECT child.relname::text, CASE WHEN i.inhdetachpending THEN 1 ELSE 0 END
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
JOIN pg_catalog.pg_class child ON child.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = parent.relnamespace
WHERE n.nspname = 'plait_store' AND parent.relkind = 'p'
UNION ALL
SELECT c.relname::text, 2
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
	var name string
	var state attachment
	_, err = pgx.ForEachRow(rows, []any{&name, &state}, func() error {
		p, ok := partitionOf(name)
		if _, ours := s.retained[p.table]; !ok || !ours {
			return nil
		}
		found[p] = state
		if state == attached {
			known[p] = struct{}{}
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

// partitionOf reads the table and the day from the name of a partition.
func partitionOf(name string) (id, bool) {
	i := strings.LastIndexByte(name, '_')
	if i < 0 {
		return id{}, false
	}
	t, err := time.Parse("20060102", name[i+1:])
	return id{name[:i], DayOf(t)}, err == nil
}
