package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pg"
)

// Upkeep does every task of the upkeep once.
func (s *Store) Upkeep(ctx context.Context) error {
	var failures []error
	err := partition.WhenElected(ctx, s.readPool, partition.UpkeepLock, func() {
		for _, t := range s.upkeepTasks() {
			failures = append(failures, t.Do(ctx))
		}
	})
	return errors.Join(err, errors.Join(failures...))
}

// BlockRanges summarises block ranges, beside the store that does it by itself.
func (s *Store) BlockRanges() *partition.Ranges { return s.partitions.NewRanges() }

// Hold stops the committers of traces from taking the next group until the returned function is
// called, so that what is written meanwhile shares a commit. It waits until they stand still.
func (s *Store) Hold(ctx context.Context) (release func(), err error) {
	var held []func()
	for range writers {
		conn, err := s.writePool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		held = append(held, conn.Release)
	}
	return func() {
		for _, give := range held {
			give()
		}
	}, nil
}

// WaitingTraces is how many requests wait for a commit.
func (s *Store) WaitingTraces() int { return s.traces.Waiting() }

// EnteredScopes is how many scopes this gateway believes to have written.
func (s *Store) EnteredScopes() (n float64, err error) {
	families, err := s.config.Registerer.(*prometheus.Registry).Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "plait_store_dictionary_entries_total" && m.GetLabel()[0].GetValue() == "scope" {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n, err
}

// MakePartitions makes the partitions that are due.
func (s *Store) MakePartitions(ctx context.Context) error { return s.partitions.Make(ctx) }

// SetMaxPinned changes the bound of pinned traces.
func (s *Store) SetMaxPinned(n int) { s.partitions.MaxPinned = n }

// JoinLateHalves runs the upkeep task.
func (s *Store) JoinLateHalves(ctx context.Context) error { return s.ids.JoinLate(ctx) }

// ExplainLookup plans a statement as the look-up connections do and returns the plan as JSON.
func (s *Store) ExplainLookup(ctx context.Context, prepare, explain string) (plan string, err error) {
	err = s.lookupPool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if _, err := conn.Exec(ctx, prepare); err != nil {
			return err
		}
		return conn.QueryRow(ctx, explain, pgx.QueryExecModeSimpleProtocol).Scan(&plan)
	})
	return plan, err
}

// ExplainPlanned plans a statement for its arguments after another that sets how, and returns the plan as JSON.
func (s *Store) ExplainPlanned(ctx context.Context, settings, sql string, args ...any) (plan string, err error) {
	err = pg.ReadPlanned(ctx, s.readPool, settings, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+sql, args...).Scan(&plan)
	})
	return plan, err
}

// MergeTerms merges all of the term index, as if it had waited for long.
func (s *Store) MergeTerms(ctx context.Context) error {
	if _, err := s.readPool.Exec(ctx, `UPDATE plait_store.term_head SET made_at = now() - interval '1 hour' WHERE replaced_at = 'infinity'`); err != nil {
		return err
	}
	for merged := false; !merged; { // the store may be about to merge, too
		var failed error
		err := partition.WhenElected(ctx, s.readPool, partition.MergeLock, func() { merged, failed = true, s.mergeOnce(ctx) })
		if err = errors.Join(err, failed); err != nil {
			return err
		}
	}
	return nil
}

// BoundDictionaries bounds what searches have of the dictionaries in memory.
func (s *Store) BoundDictionaries(b dictionary.Bounds) { s.entries.Catalog.Bounds = b }

// SpanTerms and LogTerms are the term indexes.
func (s *Store) SpanTerms() *index.Index { return s.spanTerms }

func (s *Store) LogTerms() *index.Index { return s.logTerms }

// WriteOpened writes which traces were opened.
func (s *Store) WriteOpened(ctx context.Context) error { return s.thinner.WriteOpened(ctx) }
