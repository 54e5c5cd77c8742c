package partition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plaithq/plait/store/pg"
)

// Failed counts and logs that a task could not be done.
func (s *Keeper) Failed(task string, err error) {
	s.instruments.upkeep.WithLabelValues(task).Inc()
	s.log.Warn("upkeep of the database", "task", task, "error", err)
}

// Lock is an advisory lock of the database. Whoever gets it is elected for a round of something; the others
// do nothing.
type Lock int64

// The locks of what one gateway does for all.
const (
	UpkeepLock Lock = 0x706c616974_03
	MergeLock  Lock = 0x706c616974_04 // of the term index and the counts
	// SummarizeLock is of block ranges: the upkeep takes minutes at times.
	SummarizeLock Lock = 0x706c616974_05
)

// upkeepTick is how often it is looked which tasks are due.
const upkeepTick = time.Minute

// Task is something that one gateway of all does now and then.
type Task struct {
	Name  string
	Every time.Duration
	Do    func(context.Context) error
}

// Tasks are what the partitions need, apart from retention.
func (s *Keeper) Tasks() []Task {
	return []Task{
		{"summarize", time.Minute, s.summarizePartitions},
		{"analyze", time.Minute, s.analyzePartitions},
		{"partitions", time.Hour, s.Make},
		{"freeze", time.Hour, s.freezePartitions},
	}
}

// KeepUp does the upkeep until ctx ends. Each task first runs a tick after the start.
func (s *Keeper) KeepUp(ctx context.Context, tasks []Task) {
	last := make([]time.Time, len(tasks))
	tick := time.NewTicker(upkeepTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			var due []Task
			for i, t := range tasks {
				if now.Sub(last[i]) >= t.Every-upkeepTick/2 {
					last[i] = now
					due = append(due, t)
				}
			}
			s.upkeepRound(ctx, due)
		}
	}
}

// upkeepRound does tasks if this gateway is elected, and reads in any case which partitions
// there are, since another gateway may have made or dropped some.
func (s *Keeper) upkeepRound(ctx context.Context, tasks []Task) {
	err := WhenElected(ctx, s.pool, UpkeepLock, func() {
		for _, t := range tasks {
			if err := t.Do(ctx); err != nil && ctx.Err() == nil {
				s.Failed(t.Name, err)
			}
		}
	})
	if err == nil {
		_, err = s.listPartitions(ctx, s.pool)
	}
	if err != nil && ctx.Err() == nil {
		s.Failed("election", err)
	}
}

// WhenElected calls do if no other gateway does the same at the moment. The lock belongs to a
// session and is gone with it, so a gateway that dies blocks nobody.
func WhenElected(ctx context.Context, pool *pgxpool.Pool, lock Lock, do func()) (err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for the upkeep: %w", err)
	}
	defer conn.Release()
	var elected bool
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_try_advisory_lock($1)`, int64(lock)).Scan(&elected); err != nil {
		return fmt.Errorf("elect who does the upkeep: %w", err)
	}
	if !elected {
		return nil
	}
	do()
	_, err = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_catalog.pg_advisory_unlock($1)`, int64(lock))
	return err
}

// partitionState is a partition as the upkeep sees it.
type partitionState struct {
	root, name    string
	pages         int64 // at present
	analyzedPages int64 // when it was last analysed
	frozen        bool  // as far as the visibility map tells
}

// partitionStatesSQL lists leaf partitions that hold something.
const partitionStatesSQL = `
SELECT parent.relname::text, child.relname::text, size.pages, child.relpages::int8, child.relallvisible >= size.pages
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class parent ON parent.oid = i.inhparent
JOIN pg_catalog.pg_class child ON child.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = parent.relnamespace
CROSS JOIN LATERAL (
	SELECT pg_catalog.pg_relation_size(child.oid) / pg_catalog.current_setting('block_size')::int8 AS pages
) size
WHERE n.nspname = 'plait_store' AND parent.relkind = 'p' AND size.pages > 0`

func (s *Keeper) partitionStates(ctx context.Context) ([]partitionState, error) {
	rows, err := s.pool.Query(ctx, partitionStatesSQL)
	if err != nil {
		return nil, fmt.Errorf("look at partitions: %w", err)
	}
	states, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p partitionState, err error) {
		err = row.Scan(&p.root, &p.name, &p.pages, &p.analyzedPages, &p.frozen)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("look at partitions: %w", err)
	}
	return states, nil
}

// Growth between one ANALYZE and the next: autovacuum's tenth would sample a growing partition
// fifty times a day.
const (
	analyzeGrowth   = 4
	analyzeMinPages = 128
)

// analyzePartitions tells the planner about tables that have a partition which has grown much.
// It analyses the whole tree: a join over all partitions is estimated from what is known of
// their root, which autovacuum never looks at.
func (s *Keeper) analyzePartitions(ctx context.Context) error {
	analyzed := map[string]bool{}
	return s.forPartitions(ctx, func(p partitionState) string {
		if analyzed[p.root] || p.pages < analyzeMinPages || p.pages < analyzeGrowth*p.analyzedPages {
			return ""
		}
		analyzed[p.root] = true
		return "ANALYZE " + pg.StoreTable(p.root)
	})
}

// freezePartitions vacuums partitions whose day is over, once: nothing is written to them any
// more, except late rows, for which it does so again.
func (s *Keeper) freezePartitions(ctx context.Context) error {
	today := DayOf(s.Now())
	return s.forPartitions(ctx, func(p partitionState) string {
		if partition, ok := partitionOf(p.name); !ok || partition.day >= today || p.frozen {
			return ""
		}
		return "VACUUM (FREEZE, ANALYZE, SKIP_LOCKED) " + pg.StoreTable(p.name)
	})
}

// forPartitions runs the statement that choose returns for each partition, if any.
func (s *Keeper) forPartitions(ctx context.Context, choose func(partitionState) string) error {
	states, err := s.partitionStates(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, p := range states {
		if statement := choose(p); statement != "" {
			if _, err := s.pool.Exec(ctx, statement); err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", statement, err))
			}
		}
	}
	return errors.Join(failures...)
}

// summarizeSQL makes BRIN indexes cover what was added; nothing else would, since autovacuum
// stays away from partitions. Those of days long past return at once.
const summarizeSQL = `
SELECT pg_catalog.sum(pg_catalog.brin_summarize_new_values(c.oid))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am a ON a.oid = c.relam
WHERE n.nspname = 'plait_store' AND a.amname = 'brin' AND c.relkind = 'i'`

func (s *Keeper) summarizePartitions(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, summarizeSQL); err != nil {
		return fmt.Errorf("summarize indexes: %w", err)
	}
	return nil
}
