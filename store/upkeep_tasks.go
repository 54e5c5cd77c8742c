package store

import (
	"context"
	"errors"
	"time"

	"github.com/plaithq/plait/store/commit"
	"github.com/plaithq/plait/store/dictionary"
	"github.com/plaithq/plait/store/partition"
)

// upkeepTasks is what the elected gateway does now and then.
func (s *Store) upkeepTasks() []partition.Task {
	return append(s.partitions.Tasks(),
		partition.Task{Name: "halves", Every: time.Minute, Do: s.ids.JoinLate},
		partition.Task{Name: "requests", Every: 10 * time.Minute, Do: func(ctx context.Context) error { return commit.ExpireRequests(ctx, s.readPool) }},
		partition.Task{Name: "retention", Every: time.Hour, Do: s.retain},
	)
}

// retain removes what is past its retention: partitions, then what only they referred to. It
// removes nothing when a clock looks wrong.
func (s *Store) retain(ctx context.Context) error {
	if err := s.partitions.CheckClock(ctx); err != nil {
		return err
	}
	kept, err := s.partitions.Drop(ctx)
	return errors.Join(err, dictionary.Sweep(ctx, s.readPool, s.dictionaries, s.partitions.Unreferenced(kept)))
}
