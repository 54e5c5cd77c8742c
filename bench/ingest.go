package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plaithq/plait/bench/load"
	"github.com/plaithq/plait/bench/proc"
)

const (
	idleShare  = 0.06 // of a core: what a resting Postgres uses
	idleFor    = 5 * time.Second
	settleTime = 3 * time.Minute
	retries    = 20
)

// ingestReport is what taking in one signal cost, gateway and Postgres together, from the
// first request until the server rested again.
type ingestReport struct {
	Signal             string
	Items              int
	Seconds            float64
	PerSecond          float64
	CPUPerMillion      float64 // CPU seconds
	PlaitCPUPerMillion float64 // of the gateway's process alone
	BytesPerItem       float64 // growth of the data directory without the write-ahead log
	PlaitPeakMiB       float64
	AckP50Millis       float64
	AckP99Millis       float64
	Failed             int64 // requests given up
	Retried            int64
}

func (g *gateway) ingest(ctx context.Context, signal string, requests []load.Request, conns int) (ingestReport, error) {
	r := ingestReport{Signal: signal}
	if err := g.rest(ctx); err != nil {
		return r, err
	}
	before, err := proc.Read(g.cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	diskBefore, err := proc.DiskBytes(g.dir, "pg_wal")
	if err != nil {
		return r, err
	}
	started := time.Now()
	s := &sending{url: g.doors + "/v1/" + signal, requests: requests}
	if err := s.run(ctx, conns); err != nil {
		return r, err
	}
	r.Seconds = time.Since(started).Seconds()
	if err := g.rest(ctx); err != nil {
		return r, err
	}
	after, err := proc.Read(g.cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	diskAfter, err := proc.DiskBytes(g.dir, "pg_wal")
	if err != nil {
		return r, err
	}
	for _, q := range requests {
		r.Items += q.Items
	}
	millions := float64(r.Items) / 1e6
	r.PerSecond = float64(r.Items) / r.Seconds
	r.CPUPerMillion = (after.CPUSeconds - before.CPUSeconds) / millions
	r.PlaitCPUPerMillion = (after.RootCPUSeconds - before.RootCPUSeconds) / millions
	r.BytesPerItem = float64(diskAfter-diskBefore) / float64(r.Items)
	r.PlaitPeakMiB = float64(after.RootPeakBytes) / (1 << 20)
	r.AckP50Millis, r.AckP99Millis = quantiles(s.acks)
	r.Failed, r.Retried = s.failed.Load(), s.retried.Load()
	return r, nil
}

func (g *gateway) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	return proc.WaitIdle(ctx, g.cmd.Process.Pid, idleShare, idleFor)
}

// sending is a closed loop: every connection sends its next request when the last is acknowledged.
type sending struct {
	url      string
	requests []load.Request

	next, failed, retried atomic.Int64
	mu                    sync.Mutex
	acks                  []time.Duration
	last                  error // of a request that was given up
}

func (s *sending) run(ctx context.Context, conns int) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			for n := s.next.Add(1) - 1; int(n) < len(s.requests) && ctx.Err() == nil && s.failed.Load() == 0; n = s.next.Add(1) - 1 {
				s.send(ctx, client, s.requests[n].Body)
			}
		})
	}
	wg.Wait()
	if s.last != nil {
		return fmt.Errorf("%d requests were given up, the last with: %w", s.failed.Load(), s.last)
	}
	return ctx.Err()
}

func (s *sending) send(ctx context.Context, client *http.Client, body []byte) {
	var err error
	for attempt := range retries {
		started := time.Now()
		err = post(ctx, client, s.url, body)
		if err == nil {
			s.mu.Lock()
			s.acks = append(s.acks, time.Since(started))
			s.mu.Unlock()
			return
		}
		s.retried.Add(1)
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(time.Second, 10*time.Millisecond<<attempt)):
		}
	}
	s.failed.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = err
}

func post(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// quantiles returns the median and the 99th percentile in milliseconds.
func quantiles(d []time.Duration) (p50, p99 float64) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	at := func(q float64) float64 { return d[min(int(q*float64(len(d))), len(d)-1)].Seconds() * 1000 }
	return at(0.5), at(0.99)
}
