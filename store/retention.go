package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// retain removes what is past its retention: partitions, then what only they referred to. It
// removes nothing when a clock looks wrong.
func (s *Store) retain(ctx context.Context) error {
	if err := s.checkClock(ctx); err != nil {
		return err
	}
	kept, err := s.dropPartitions(ctx)
	return errors.Join(err, s.sweepDictionaries(ctx, kept))
}

// dropPartitions drops the partitions that are past their retention, each by itself: one that
// a long query holds on to is left for the next round. It returns the oldest day of which there is
// one still.
func (s *Store) dropPartitions(ctx context.Context) (oldest day, err error) {
	today := dayOf(s.now())
	conn, err := s.readPool.Acquire(ctx)
	if err != nil {
		return minDay, fmt.Errorf("connect to drop partitions: %w", err)
	}
	defer conn.Release()
	found, err := s.listPartitions(ctx, conn)
	if err != nil {
		return minDay, err
	}
	var failures []error
	for _, t := range partitionedTables(s.config) {
		for _, d := range t.expired(found, today) {
			dropped, err := s.dropExpired(ctx, conn.Conn(), t, d, found[partitionID{t.name, d}])
			if err != nil { // the others of this table would wait for the same readers
				failures = append(failures, fmt.Errorf("drop partition %s of %s: %w", d.suffix(), t.name, err))
				break
			}
			if dropped {
				s.instruments.dropped.WithLabelValues(t.name).Inc()
			}
		}
	}
	found, err = s.listPartitions(ctx, conn)
	if err != nil {
		return minDay, errors.Join(append(failures, err)...)
	}
	oldest = today
	for id := range found {
		oldest = min(oldest, id.day)
	}
	return oldest, errors.Join(failures...)
}

// expired returns the days of the partitions that are past their retention, first of those that
// are leaving: of a table only one at a time can.
func (t partitionedTable) expired(found map[partitionID]attachment, today day) []day {
	var days []day
	for id := range found {
		if id.table == t.name && id.day < t.oldest(today) {
			days = append(days, id.day)
		}
	}
	slices.SortFunc(days, func(a, b day) int {
		before, after := found[partitionID{t.name, a}] == leaving, found[partitionID{t.name, b}] == leaving
		if before != after {
			if before {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
	return days
}

// minDay, of the year 1, is before all that have partitions.
const minDay = day(-719_162)

// partitionDay reads the day from the name of a partition.
func partitionDay(parent, name string) (day, bool) {
	suffix, ok := strings.CutPrefix(name, parent+"_")
	if !ok {
		return 0, false
	}
	t, err := time.Parse("20060102", suffix)
	return dayOf(t), err == nil
}

// sweepMargin is how long after the longest retention an entry stays: rows may lie daysAhead in
// the future of their commit, partitions go when their whole day has passed, and clocks differ.
const sweepMargin = daysAhead + 2

// Each statement removes a bite of entries that no row can refer to any more.
var sweepSQL = map[string]string{
	"service":         sweepStatement("service"),
	"resource":        sweepStatement("resource"),
	"scope":           sweepStatement("scope"),
	"operation":       sweepStatement("operation"),
	"log_class":       sweepStatement("log_class"),
	"attribute_set":   sweepStatement("attribute_set"),
	"series":          sweepStatement("series"),
	"metric_metadata": sweepStatement("metric_metadata"),
}

func sweepStatement(table string) string {
	return `
DELETE FROM ` + storeTable(table) + `
WHERE last_used < $1 AND ctid = ANY (ARRAY(
	SELECT ctid FROM ` + storeTable(table) + ` WHERE last_used < $1 LIMIT $2))`
}

const sweepBite = 10_000

// sweepDictionaries removes entries that were last used before anything that is retained, and
// before the oldest day of which there is a partition.
func (s *Store) sweepDictionaries(ctx context.Context, kept day) error {
	longest := max(s.config.RetentionTraces, s.config.RetentionLogs, s.config.RetentionMetrics)
	limit := min((partitionedTable{retention: longest}).oldest(dayOf(s.now())), kept) - sweepMargin
	var failures []error
	for table, statement := range sweepSQL {
		for {
			tag, err := s.readPool.Exec(ctx, statement, limit.time(), sweepBite)
			if err != nil {
				failures = append(failures, fmt.Errorf("sweep dictionary %s: %w", table, err))
				break
			}
			s.instruments.swept.WithLabelValues(table).Add(float64(tag.RowsAffected()))
			if tag.RowsAffected() < sweepBite {
				break
			}
		}
	}
	return errors.Join(failures...)
}
