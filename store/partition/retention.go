package partition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/pg"
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
	held := make(map[string]bool) // tables whose other partitions would wait for the same readers
	for _, t := range leavingFirst(tables(s.retention), found) {
		idle, err := t.idle(ctx, conn.Conn(), found, today)
		failures = append(failures, err)
		for _, d := range append(t.expired(found, today), idle...) {
			if held[t.root] {
				break
			}
			dropped, err := s.dropExpired(ctx, conn.Conn(), t, d, found[id{t.name, d}])
			if err != nil {
				failures = append(failures, fmt.Errorf("drop partition %s of %s: %w", d.suffix(), t.name, err))
				held[t.root] = true
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

// leavingFirst puts the tables first that have a partition which is leaving: of a root only one can.
func leavingFirst(all []table, found map[id]attachment) []table {
	isLeaving := func(t table) bool {
		for p, state := range found {
			if p.table == t.name && state == leaving {
				return true
			}
		}
		return false
	}
	slices.SortStableFunc(all, func(a, b table) int {
		switch before, after := isLeaving(a), isLeaving(b); {
		case before == after:
			return 0
		case before:
			return -1
		}
		return 1
	})
	return all
}

// idle returns the days of partitions that are still to be kept, to which nothing is written any more and that
// hold nothing: of rows outside of the window, which are rare. Every question would have to look into them.
func (t table) idle(ctx context.Context, conn *pgx.Conn, found map[id]attachment, today Day) ([]Day, error) {
	var days []Day
	for p, state := range found {
		if t.key != byOutside || p.table != t.name || state != attached || p.day < t.oldest(today) || p.day >= today-1 {
			continue
		}
		var empty bool
		if err := conn.QueryRow(ctx, "SELECT NOT EXISTS (SELECT 1 FROM "+pg.StoreTable(t.partition(p.day))+")").Scan(&empty); err != nil {
			return nil, fmt.Errorf("look into partition %s of %s: %w", p.day.suffix(), t.name, err)
		}
		if empty {
			days = append(days, p.day)
		}
	}
	return days, nil
}

// minDay, of the year 1, is before all that have partitions.
const minDay = Day(-719_162)

// sweepMargin is how long after the longest retention an entry stays: rows may lie daysAhead in
// the future of their commit, partitions go when their whole day has passed, and clocks differ.
const sweepMargin = daysAhead + 2

// Unreferenced is the day before which a dictionary entry was last used that no row refers to, when
// kept is the oldest day of which there is a partition.
func (s *Keeper) Unreferenced(kept Day) Day {
	longest := table{retention: s.retention.longest()}
	return min(longest.oldest(DayOf(s.Now())), kept) - sweepMargin
}
