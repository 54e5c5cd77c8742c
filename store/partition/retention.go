package partition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Drop drops the partitions that are past their retention, each by itself: one that
// a long query holds on to is left for the next round. It returns the oldest day of which there is
// one still.
func (s *Keeper) Drop(ctx context.Context) (oldest Day, err error) {
	today := DayOf(s.Now())
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return minDay, fmt.Errorf("connect to drop partitions: %w", err)
	}
	defer conn.Release()
	found, err := s.listPartitions(ctx, conn)
	if err != nil {
		return minDay, err
	}
	var failures []error
	for _, t := range tables(s.retention) {
		for _, d := range t.expired(found, today) {
			dropped, err := s.dropExpired(ctx, conn.Conn(), t, d, found[id{t.name, d}])
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
func (t table) expired(found map[id]attachment, today Day) []Day {
	var days []Day
	for id := range found {
		if id.table == t.name && id.day < t.oldest(today) {
			days = append(days, id.day)
		}
	}
	slices.SortFunc(days, func(a, b Day) int {
		before, after := found[id{t.name, a}] == leaving, found[id{t.name, b}] == leaving
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
const minDay = Day(-719_162)

// partitionDay reads the day from the name of a partition.
func partitionDay(parent, name string) (Day, bool) {
	suffix, ok := strings.CutPrefix(name, parent+"_")
	if !ok {
		return 0, false
	}
	t, err := time.Parse("20060102", suffix)
	return DayOf(t), err == nil
}

// sweepMargin is how long after the longest retention an entry stays: rows may lie daysAhead in
// the future of their commit, partitions go when their whole day has passed, and clocks differ.
const sweepMargin = daysAhead + 2

// Unreferenced is the day before which a dictionary entry was last used that no row refers to, when
// kept is the oldest day of which there is a partition.
func (s *Keeper) Unreferenced(kept Day) Day {
	longest := table{retention: s.retention.longest()}
	return min(longest.oldest(DayOf(s.Now())), kept) - sweepMargin
}
