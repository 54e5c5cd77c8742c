package kill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	senderCount  = 6
	retryDelay   = 20 * time.Millisecond
	requestLimit = 20 * time.Second
)

// senders keep a gateway under load over all ways in. Each repeats a request, byte for byte, until
// it is acknowledged, and then takes the next.
type senders struct {
	doors   *doors
	refused chan error    // of requests that are not to be sent again
	ended   chan struct{} // closed when all have ended

	mu       sync.Mutex
	next     int // the number of the next request
	stopping bool
	repeats  int // requests sent again after a failure
	acks     []ack
	progress chan struct{} // has room for one: something above has changed
}

// ack is an acknowledged request.
type ack struct {
	number int
	first  time.Time // when it was sent for the first time
	begun  time.Time // when the request that was acknowledged was sent
	done   time.Time // when the acknowledgement came
}

func startSenders(t *testing.T, g *gateway) *senders {
	t.Helper()
	d, err := openDoors("http://"+g.ingestAddr, g.grpcAddr)
	check(t, err)
	s := &senders{
		doors: d, refused: make(chan error, senderCount),
		ended: make(chan struct{}), progress: make(chan struct{}, 1),
	}
	var running sync.WaitGroup
	for range senderCount {
		running.Go(func() { s.run(t.Context()) })
	}
	go func() {
		defer close(s.ended)
		running.Wait()
	}()
	t.Cleanup(func() { // where a test ends early its context has ended too
		<-s.ended
		check(t, d.close())
	})
	return s
}

// stop lets the senders finish their requests, and returns all that were acknowledged.
func (s *senders) stop(t *testing.T, g *gateway) []ack {
	t.Helper()
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.until(t, g, func() bool {
		select {
		case <-s.ended:
			return true
		default:
			return false
		}
	})
	return s.acks
}

func (s *senders) state() (acks, repeats int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acks), s.repeats
}

// take returns the number of the next request.
func (s *senders) take() (number int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number = s.next
	s.next++
	return number, !s.stopping
}

func (s *senders) run(ctx context.Context) {
	for number, ok := s.take(); ok && ctx.Err() == nil; number, ok = s.take() {
		if err := s.sendUntilAcknowledged(ctx, number); err != nil {
			s.refused <- fmt.Errorf("request %d, %s: %w", number, wayOf(number).name, err)
			return
		}
	}
}

// sendUntilAcknowledged returns an error only when the gateway says that it never will.
func (s *senders) sendUntilAcknowledged(ctx context.Context, number int) error {
	first := time.Now()
	send, err := wayOf(number).make(number, first)
	if err != nil {
		return err
	}
	for {
		begun := time.Now()
		err := send(ctx, s.doors)
		s.mu.Lock()
		if err == nil {
			s.acks = append(s.acks, ack{number, first, begun, time.Now()})
		} else {
			s.repeats++
		}
		s.mu.Unlock()
		select {
		case s.progress <- struct{}{}:
		default:
		}
		if !errors.Is(err, errRepeat) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryDelay):
		}
	}
}

// await returns when n more requests are acknowledged.
func (s *senders) await(t *testing.T, g *gateway, n int) {
	t.Helper()
	before, _ := s.state()
	s.until(t, g, func() bool {
		acks, _ := s.state()
		return acks >= before+n
	})
}

// awaitBegunAfter returns when a request that was sent after a time is acknowledged.
func (s *senders) awaitBegunAfter(t *testing.T, g *gateway, after time.Time) {
	t.Helper()
	s.until(t, g, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.acks, func(a ack) bool { return a.begun.After(after) })
	})
}

// awaitRepeats returns when n more requests were sent again.
func (s *senders) awaitRepeats(t *testing.T, g *gateway, n int) {
	t.Helper()
	_, before := s.state()
	s.until(t, g, func() bool {
		_, repeats := s.state()
		return repeats >= before+n
	})
}

// until returns when enough says so, and fails when that takes too long.
func (s *senders) until(t *testing.T, g *gateway, enough func() bool) {
	t.Helper()
	limit := time.After(ackLimit)
	for !enough() {
		select {
		case <-s.progress:
		case <-s.ended:
			if !enough() {
				t.Fatal("all senders have ended")
			}
		case err := <-s.refused:
			t.Fatal(err)
		case <-g.ended:
			t.Fatalf("plait ended by itself: %v", g.err)
		case <-limit:
			acks, repeats := s.state()
			t.Fatalf("no such progress in %v, after %d acknowledged requests and %d repeats", ackLimit, acks, repeats)
		}
	}
}
