package kill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	senderCount  = 4
	retryDelay   = 20 * time.Millisecond
	requestLimit = 20 * time.Second
)

// senders keep a gateway under load. Each repeats a request, byte for byte, until it is
// acknowledged, and then takes the next.
type senders struct {
	client  *http.Client
	url     string
	next    atomic.Int64
	repeats atomic.Int64 // requests sent again after a failure

	acknowledged chan int // the number of each acknowledged request
	refused      chan error
	stopping     chan struct{}
	running      sync.WaitGroup
}

func startSenders(t *testing.T, url string) *senders {
	s := &senders{
		client:       &http.Client{Timeout: requestLimit},
		url:          url,
		acknowledged: make(chan int),
		refused:      make(chan error, senderCount),
		stopping:     make(chan struct{}),
	}
	for range senderCount {
		s.running.Go(func() { s.run(t.Context()) })
	}
	return s
}

// stop lets each sender finish its request and returns the numbers acknowledged meanwhile.
func (s *senders) stop() (last []int) {
	close(s.stopping)
	go func() {
		s.running.Wait()
		close(s.acknowledged)
	}()
	for number := range s.acknowledged {
		last = append(last, number)
	}
	s.client.CloseIdleConnections()
	return last
}

func (s *senders) run(ctx context.Context) {
	for {
		select {
		case <-s.stopping:
			return
		case <-ctx.Done():
			return
		default:
		}
		r, err := newRequest(int(s.next.Add(1)), time.Now())
		if err == nil {
			err = s.sendUntilAcknowledged(ctx, r)
		}
		if err != nil {
			s.refused <- err
			return
		}
		select {
		case s.acknowledged <- r.number:
		case <-ctx.Done():
			return
		}
	}
}

// sendUntilAcknowledged returns an error only when the gateway says that it never will.
func (s *senders) sendUntilAcknowledged(ctx context.Context, r request) error {
	for {
		status, answer, err := s.post(ctx, r)
		switch {
		case err == nil && status == http.StatusOK && len(answer) == 0:
			return nil // an answer with something in it tells of refused records
		case err == nil && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
			return fmt.Errorf("request %d to %s was answered %d %q", r.number, r.path, status, answer)
		}
		s.repeats.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryDelay):
		}
	}
}

// post returns an error when there is no whole answer, as when the gateway is killed.
func (s *senders) post(ctx context.Context, r request) (status int, answer []byte, err error) {
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0, nil, err
	}
	post.Header.Set("Content-Type", "application/x-protobuf")
	response, err := s.client.Do(post)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}
