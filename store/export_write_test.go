package store

import (
	"context"
	"errors"
)

// Upkeep does every task of the upkeep once.
func (s *Store) Upkeep(ctx context.Context) error {
	var failures []error
	err := whenElected(ctx, s.readPool, func() {
		for _, t := range s.upkeepTasks() {
			failures = append(failures, t.do(ctx))
		}
	})
	return errors.Join(err, errors.Join(failures...))
}

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
func (s *Store) WaitingTraces() int {
	s.traces.mu.Lock()
	defer s.traces.mu.Unlock()
	return len(s.traces.waiting)
}

// KnownScopes is how many scopes the writer of spans need not write again.
func (s *Store) KnownScopes() int { return s.traces.writer.(*spanWriter).scopes.known.Len() }

// MakePartitions makes the partitions that are due.
func (s *Store) MakePartitions(ctx context.Context) error { return s.makePartitions(ctx) }
