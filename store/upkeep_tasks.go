package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/commit"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/index"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/tally"
)

// upkeepTasks is what the elected gateway does now and then.
func (s *Store) upkeepTasks() []partition.Task {
	return append(s.partitions.Tasks(),
		partition.Task{Name: "halves", Every: time.Minute, Do: s.ids.JoinLate},
		partition.Task{Name: "requests", Every: 10 * time.Minute, Do: func(ctx context.Context) error { return commit.ExpireRequests(ctx, s.readPool) }},
		partition.Task{Name: "retention", Every: time.Hour, Do: s.retain},
		partition.Task{Name: "thin", Every: thinEvery, Do: s.thin},
	)
}

// retain removes what is past its retention: partitions, then what only they referred to. It
// removes nothing when a clock looks wrong.
func (s *Store) retain(ctx context.Context) error {
	if err := s.partitions.CheckClock(ctx); err != nil {
		return err
	}
	kept, err := s.partitions.Drop(ctx)
	return errors.Join(err, s.retainDerived(ctx), s.retainOutbox(ctx), s.retainLimits(ctx), s.retainOpened(ctx), dictionary.Sweep(ctx, s.readPool, s.dictionaries, s.partitions.Unreferenced(kept)))
}

// retainDerived removes the term index, the counts and the increments of partitions that are gone.
func (s *Store) retainDerived(ctx context.Context) error {
	kept := func(table string) func(partition.Shelf) bool {
		return func(shelf partition.Shelf) bool { return !s.partitions.Gone(table, shelf) }
	}
	return errors.Join(s.spanTerms.Retain(ctx, kept("span")), s.logTerms.Retain(ctx, kept("log")),
		s.tally.Retain(ctx, tally.Spans, kept("span")), s.tally.Retain(ctx, tally.Logs, kept("log")),
		s.tally.Retain(ctx, tally.Increments, kept("sample_chunk")), s.thinner.Retain(ctx, kept("span")))
}

// thinEvery is how often it is looked whether a day's time has come: of several one at a time is thinned.
const thinEvery = 10 * time.Minute

// thin makes the traces of a closed day fewer. It removes nothing when a clock looks wrong.
func (s *Store) thin(ctx context.Context) error {
	if s.config.Thin.After == 0 {
		return nil
	}
	if err := s.partitions.CheckClock(ctx); err != nil {
		return err
	}
	return s.thinner.Thin(ctx)
}

// ThinnedTrace returns what is known of a trace that went when its day was thinned, or nil.
func (s *Store) ThinnedTrace(ctx context.Context, id plait.TraceID) (*plait.ThinnedTrace, error) {
	return s.thinner.Find(ctx, id)
}

// retainOutbox removes what was not forwarded for as long as telemetry of its signal is kept.
func (s *Store) retainOutbox(ctx context.Context) error {
	now := s.partitions.Now()
	return errors.Join(
		s.outbox.Retain(ctx, outbox.Traces, now.Add(-s.config.RetentionTraces)),
		s.outbox.Retain(ctx, outbox.Logs, now.Add(-s.config.RetentionLogs)),
		s.outbox.Retain(ctx, outbox.Metrics, now.Add(-s.config.RetentionMetrics)))
}

// NoteOpened remembers that somebody opened a trace by its id: it is kept when its day is thinned. It returns at once; what it
// is told is written some seconds later.
func (s *Store) NoteOpened(id plait.TraceID) { s.thinner.NoteOpened(id) }

// retainOpened forgets openings of traces whose days are gone.
func (s *Store) retainOpened(ctx context.Context) error {
	return s.thinner.RetainOpened(ctx, s.partitions.Now().Add(-s.config.RetentionTraces-oneDay))
}

// mergeBehind merges behind the commits what they left, of the term index and of the counts, and writes what limits left
// out and which traces were opened, until ctx ends. It does not wait for its turn among the tasks of the upkeep, some of which take minutes: every search
// looks through what is not merged.
func (s *Store) mergeBehind(ctx context.Context) {
	tick := time.NewTicker(index.MergeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var failed error
		if err := s.outbox.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.partitions.Failed("outbox", err)
		}
		if err := s.limits.Write(ctx); err != nil && ctx.Err() == nil {
			s.partitions.Failed("limits", err)
		}
		if err := s.thinner.WriteOpened(ctx); err != nil && ctx.Err() == nil {
			s.partitions.Failed("opened", err)
		}
		err := partition.WhenElected(ctx, s.readPool, partition.MergeLock, func() { failed = s.mergeOnce(ctx) })
		if err = errors.Join(err, failed); err != nil && ctx.Err() == nil {
			s.partitions.Failed("merge", err)
		}
	}
}

// notesGrace is how long a stop waits until it is written what was noted last.
const notesGrace = 2 * time.Second

// finishNotes writes what limits did last, and which traces were opened.
func (s *Store) finishNotes() {
	if s.limits == nil {
		return // it was not opened so far
	}
	ctx, cancel := context.WithTimeout(context.Background(), notesGrace)
	defer cancel()
	if err := errors.Join(s.limits.Write(ctx), s.thinner.WriteOpened(ctx)); err != nil {
		s.log.Warn("what limits left out in the last seconds, or which traces were opened, is lost", "error", err)
	}
}

// mergeOnce merges what there is to merge.
func (s *Store) mergeOnce(ctx context.Context) error {
	today := partition.DayOf(s.partitions.Now())
	return errors.Join(s.tally.Merge(ctx), s.spanTerms.Merge(ctx, today), s.logTerms.Merge(ctx, today))
}

// keepDerived keeps traces in the term index and in the counts whose rows outlive their partition.
func (s *Store) keepDerived(ctx context.Context, tx pgx.Tx, table string, from, to partition.Shelf, traces []partition.Moved) error {
	switch table {
	case "span":
		return errors.Join(s.spanTerms.Move(ctx, tx, from, to, traces), s.tally.Keep(ctx, tx, tally.Spans, to, traces))
	case "log":
		return errors.Join(s.logTerms.Move(ctx, tx, from, to, traces), s.tally.Keep(ctx, tx, tally.Logs, to, traces))
	}
	return nil
}
