package store

import (
	"context"
	"errors"

	"github.com/plaithq/plait"
)

// NoteLimited remembers what a limit of ingest did to a request at l.From. It returns at once; what it is told is written some
// seconds later.
func (s *Store) NoteLimited(l plait.Limited) { s.limits.Note(l) }

// Limited returns when limits of all gateways of the database left records out, in stretches of whole minutes that overlap a
// range: the newest first, of the same minute that of all together first and then by how many it left out, and at most a
// thousand. Both ends of the range are needed.
func (s *Store) Limited(ctx context.Context, r plait.TimeRange) ([]plait.Limited, error) {
	return s.limits.Read(ctx, r)
}

// retainLimits forgets when limits left records out for as long as telemetry of the signal is kept.
func (s *Store) retainLimits(ctx context.Context) error {
	now := s.partitions.Now()
	return errors.Join(
		s.limits.Retain(ctx, "traces", now.Add(-s.config.RetentionTraces)),
		s.limits.Retain(ctx, "logs", now.Add(-s.config.RetentionLogs)))
}
