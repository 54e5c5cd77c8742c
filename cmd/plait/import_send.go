package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	longestRequest = 2 * time.Minute
	longestPause   = 5 * time.Second // between two attempts, where the gateway does not name it
)

// sender posts requests to a gateway's OTLP/HTTP doors and remembers what they answered.
type sender struct {
	base     string
	client   *http.Client
	patience *patience

	mu       sync.Mutex
	requests map[string]int // by signal
	rejected map[string]int
	reasons  map[string]int // text of partial success -> how many requests said so
}

func newSender(base string, p *patience) *sender {
	return &sender{
		base:     base,
		client:   &http.Client{Timeout: longestRequest},
		patience: p,
		requests: map[string]int{}, rejected: map[string]int{}, reasons: map[string]int{},
	}
}

// send posts one request, again while the gateway cannot be reached or asks to come back, until
// ctx ends, which patience sees to. What was committed but not acknowledged is recognised by the
// gateway, so a retry stores nothing twice.
func (s *sender) send(ctx context.Context, p payload) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.MaxInterval = longestPause
	s.patience.sending()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, s.post(ctx, p)
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	s.patience.sent(err == nil)
	return err
}

func (s *sender) post(ctx context.Context, p payload) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/"+p.signal, bytes.NewReader(p.body))
	if err != nil {
		return backoff.Permanent(fmt.Errorf("address of the gateway: %w", err))
	}
	req.Header.Set("Content-Type", contentType(p.json))
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return s.unreachable(ctx, fmt.Errorf("send %s: %w", p.signal, err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return s.unreachable(ctx, fmt.Errorf("read the answer: %w", err))
	}
	switch resp.StatusCode {
	case http.StatusOK:
		s.done(p, resp.Header.Get("Content-Type"), answer)
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		s.patience.busy(resp.Status + ": " + messageOf(answer))
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			return backoff.RetryAfter(seconds)
		}
		return fmt.Errorf("%s: %s", resp.Status, messageOf(answer))
	}
	return backoff.Permanent(fmt.Errorf("the gateway refused %s: %s: %s", p.signal, resp.Status, messageOf(answer)))
}

// unreachable has the wait told of, unless it was this side that ended the attempt.
func (s *sender) unreachable(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		s.patience.unreachable(err)
	}
	return err
}

func contentType(json bool) string {
	if json {
		return "application/json"
	}
	return "application/x-protobuf"
}

// partialSuccess is the same in the three signals but for the name of the count.
type partialSuccess struct {
	PartialSuccess struct {
		RejectedSpans      json.Number `json:"rejectedSpans"`
		RejectedLogRecords json.Number `json:"rejectedLogRecords"`
		RejectedDataPoints json.Number `json:"rejectedDataPoints"`
		ErrorMessage       string      `json:"errorMessage"`
	} `json:"partialSuccess"`
}

func (s *sender) done(p payload, contentType string, answer []byte) {
	partial := partialFromProtobuf
	if strings.HasPrefix(contentType, "application/json") {
		partial = partialFromJSON
	}
	rejected, reason := partial(answer)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[p.signal]++
	s.rejected[p.signal] += rejected
	if reason != "" {
		s.reasons[reason]++
	}
}

func partialFromJSON(answer []byte) (int, string) {
	var partial partialSuccess
	if json.Unmarshal(answer, &partial) != nil {
		return 0, ""
	}
	rejected := 0
	for _, n := range []json.Number{partial.PartialSuccess.RejectedSpans, partial.PartialSuccess.RejectedLogRecords, partial.PartialSuccess.RejectedDataPoints} {
		if i, err := n.Int64(); err == nil {
			rejected += int(i)
		}
	}
	return rejected, partial.PartialSuccess.ErrorMessage
}

func messageOf(answer []byte) string {
	var status struct{ Message, Detail string }
	if json.Unmarshal(answer, &status) == nil && status.Message+status.Detail != "" {
		return status.Message + status.Detail
	}
	return strings.ToValidUTF8(string(answer[:min(len(answer), 300)]), "?")
}

// counts is what the progress bar shows.
func (s *sender) counts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, n := range s.requests {
		total += n
	}
	return fmt.Sprintf("%d requests", total)
}

// report says what was stored and what was refused. It returns an error when anything was refused.
func (s *sender) report(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused := 0
	for _, signal := range slices.Sorted(maps.Keys(s.requests)) {
		fmt.Fprintf(w, "%s: %d requests stored, %d records refused\n", signal, s.requests[signal], s.rejected[signal])
		refused += s.rejected[signal]
	}
	for _, reason := range slices.Sorted(maps.Keys(s.reasons)) {
		fmt.Fprintf(w, "  %s (%d requests)\n", reason, s.reasons[reason])
	}
	if refused > 0 {
		return errors.New("some records were refused; the rest is stored")
	}
	return nil
}
