package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// retain removes what is past its retention: partitions, then what only they referred to.
func (s *Store) retain(ctx context.Context) error {
	return errors.Join(s.dropPartitions(ctx), s.sweepDictionaries(ctx))
}

// dropPartitions drops the partitions that are past their retention, each by itself: one that
// a long query holds on to is left for the next round.
func (s *Store) dropPartitions(ctx context.Context) error {
	today := dayOf(s.now())
	retained := make(map[string]day)
	for _, t := range partitionedTables(s.config) {
		retained[t.name] = t.oldest(today)
	}
	return s.withPartitionLock(ctx, func(conn *pgx.Conn) error {
		found, err := s.listPartitions(ctx, conn)
		if err != nil {
			return err
		}
		var failures []error
		for id := range found {
			if oldest, ok := retained[id.table]; !ok || id.day >= oldest {
				continue
			}
			if err := s.dropPartition(ctx, conn, id); err != nil {
				failures = append(failures, fmt.Errorf("drop partition %s of %s: %w", id.day.suffix(), id.table, err))
				continue
			}
			s.instruments.dropped.WithLabelValues(id.table).Inc()
		}
		_, err = s.listPartitions(ctx, conn)
		return errors.Join(errors.Join(failures...), err)
	})
}

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

// sweepDictionaries removes entries that were last used before anything that is retained.
func (s *Store) sweepDictionaries(ctx context.Context) error {
	longest := max(s.config.RetentionTraces, s.config.RetentionLogs, s.config.RetentionMetrics)
	limit := (partitionedTable{retention: longest}).oldest(dayOf(s.now())) - sweepMargin
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
