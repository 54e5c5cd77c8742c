package localpg

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// How the postmaster is started again after it died.
const (
	firstDelay   = 100 * time.Millisecond
	longestDelay = 5 * time.Second
	// longLived is a run after which the next death counts as the first.
	longLived = 10 * time.Second
	// giveUpAfter bounds how long starts may fail in a row. It leaves time to mend what
	// keeps a server from starting, such as a full disk.
	giveUpAfter = 5 * time.Minute
)

// supervise keeps the postmaster running until ctx ends, and then shuts it down: in order
// while patience lasts, at once after it.
func (s *Server) supervise(ctx, patience context.Context) {
	defer close(s.done)
	err := s.keepRunning(ctx)
	if err == nil {
		err = s.shutdown(patience)
	}
	s.cluster.removeStandIn()
	err = errors.Join(err, unlock(s.lock))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pm, s.err = nil, err
}

// keepRunning returns nil when ctx ends and an error when it gives up.
func (s *Server) keepRunning(ctx context.Context) error {
	delay := firstDelay
	for ctx.Err() == nil {
		pm := s.postmaster()
		select {
		case <-ctx.Done():
			return nil
		case <-pm.exited:
		}
		s.log.Error("private Postgres ended by itself; it will be started again",
			"pid", pm.pid, "reason", pm.reason(), "log", s.cluster.logTail())
		if time.Since(pm.started) > longLived {
			delay = firstDelay
		}
		var err error
		if delay, err = s.relaunch(ctx, delay); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// relaunch starts the postmaster again, waiting for delay first and for ever longer after
// each failure. It returns the delay to begin with the next time.
func (s *Server) relaunch(ctx context.Context, delay time.Duration) (time.Duration, error) {
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return delay, context.Cause(ctx)
		case <-time.After(delay):
		}
		delay = min(2*delay, longestDelay)
		err := s.launch(ctx)
		switch {
		case err == nil:
			s.log.Info("private Postgres runs again", "pid", s.Pid(), "took", time.Since(began))
			return delay, nil
		case ctx.Err() != nil:
			return delay, err
		case time.Since(began) > giveUpAfter:
			return delay, fmt.Errorf("private Postgres could not be started again for %v: %w", giveUpAfter, err)
		}
		s.log.Error("start private Postgres again", "error", err, "next_try_in", delay)
	}
}

// launch starts the postmaster and returns when it answers queries. An error leaves none
// running.
func (s *Server) launch(ctx context.Context) error {
	if err := s.cluster.endLeftovers(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.cluster.removeClaims(), s.cluster.nameSocket()); err != nil {
		return err
	}
	pm, err := s.cluster.startPostmaster()
	if err != nil {
		return err
	}
	s.setPostmaster(pm)
	if err := s.cluster.waitReady(ctx, pm); err != nil {
		tail := s.cluster.logTail()
		_ = s.cluster.stop(ctx, pm) // it ended badly already, and the next launch ends what is left
		s.setPostmaster(nil)
		return fmt.Errorf("%w; the end of its log:\n%s", err, tail)
	}
	return nil
}

func (s *Server) shutdown(patience context.Context) error {
	pm := s.postmaster()
	if pm == nil {
		return nil // ctx ended while it was being started again
	}
	if err := s.cluster.stop(patience, pm); err != nil {
		return fmt.Errorf("stop private Postgres: %w", err)
	}
	return nil
}

// stop ends the postmaster and returns when no process of the cluster is left. The shutdown
// is fast, which breaks off connections and writes a checkpoint. When that takes too long, or
// patience ends, it is immediate: the next start replays the log of committed work instead.
func (c *cluster) stop(patience context.Context, pm *process) error {
	pm.signal(syscall.SIGINT)
	select {
	case <-pm.exited:
	case <-patience.Done():
	case <-time.After(fastShutdown):
	}
	pm.signal(syscall.SIGQUIT)
	select {
	case <-pm.exited:
	case <-time.After(immediateShutdown):
		pm.signal(syscall.SIGKILL)
		<-pm.exited
	}
	// A logger outlives its postmaster by a moment, and orphans by more.
	err := c.endLeftovers(context.Background())
	if pm.err != nil {
		return errors.Join(pm.err, err)
	}
	return err
}

func (s *Server) postmaster() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pm
}

func (s *Server) setPostmaster(pm *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pm = pm
}
