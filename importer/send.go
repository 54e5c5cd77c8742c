package importer

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

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/otlp"
)

const (
	longestRequest = 2 * time.Minute
	longestPause   = 5 * time.Second // between two attempts, where the gateway does not name it
	messageBytes   = 1000            // of what the gateway says that are shown
	maxReasons     = 1000            // that are told apart
)

// sender posts requests to a gateway's OTLP/HTTP doors and remembers what they answered.
type sender struct {
	base     string
	client   *http.Client
	patience *patience

	mu      sync.Mutex
	sums    map[string]*sum // by signal
	reasons map[string]int  // text of partial success -> how many requests said so
	files   map[string]bool // whether anything in them was understood
}

// sum is what became of the requests of one signal.
type sum struct {
	requests int
	stored   int // records
	known    int // records that an earlier request had brought
	rejected int
	counted  bool // the gateway says how many it stored, which others than Plait do not
}

// records is what the signals' records are called.
var records = map[string]string{"traces": "spans", "logs": "log records", "metrics": "samples"}

func newSender(base string, p *patience) *sender {
	return &sender{
		base:     base,
		client:   &http.Client{Timeout: longestRequest},
		patience: p,
		sums:     map[string]*sum{}, reasons: map[string]int{}, files: map[string]bool{},
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
		s.done(p, resp.Header, answer)
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

func (s *sender) done(p payload, header http.Header, answer []byte) {
	partial := otlp.PartialSuccess
	if strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		partial = partialFromJSON
	}
	refused, reason := partial(answer)
	rejected := int(refused)
	stored, err := strconv.Atoi(header.Get("Plait-Stored"))
	known, _ := strconv.Atoi(header.Get("Plait-Known")) // 0 where the gateway does not say
	s.mu.Lock()
	defer s.mu.Unlock()
	total := s.sums[p.signal]
	if total == nil {
		total = &sum{counted: true}
		s.sums[p.signal] = total
	}
	total.requests++
	total.stored += stored
	total.known += known
	total.rejected += rejected
	total.counted = total.counted && err == nil
	s.files[p.file] = s.files[p.file] || err != nil || stored+known+rejected > 0
	if reason = plait.OneLine(reason, messageBytes); reason != "" && (s.reasons[reason] > 0 || len(s.reasons) < maxReasons) {
		s.reasons[reason]++
	}
}

func partialFromJSON(answer []byte) (int64, string) {
	var partial partialSuccess
	if json.Unmarshal(answer, &partial) != nil {
		return 0, ""
	}
	var rejected int64
	for _, n := range []json.Number{partial.PartialSuccess.RejectedSpans, partial.PartialSuccess.RejectedLogRecords, partial.PartialSuccess.RejectedDataPoints} {
		if i, err := n.Int64(); err == nil {
			rejected += i
		}
	}
	return rejected, partial.PartialSuccess.ErrorMessage
}

func messageOf(answer []byte) string {
	var status struct{ Message, Detail string }
	if json.Unmarshal(answer, &status) == nil && status.Message+status.Detail != "" {
		return plait.OneLine(status.Message+status.Detail, messageBytes)
	}
	return plait.OneLine(string(answer), messageBytes)
}

// counts is what the progress bar shows.
func (s *sender) counts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests, stored := 0, 0
	for _, total := range s.sums {
		requests += total.requests
		stored += total.stored
	}
	return fmt.Sprintf("%d records in %d requests", stored, requests)
}

// report says what was stored and what was refused. It tells of files in which nothing was
// understood, and returns an error when anything was refused or nothing at all was understood.
func (s *sender) report(w, notes io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused, mayBeStored := 0, false
	for _, signal := range slices.Sorted(maps.Keys(s.sums)) {
		total := s.sums[signal]
		fmt.Fprintf(w, "%s: %s\n", signal, total.text(records[signal]))
		refused += total.rejected
		mayBeStored = mayBeStored || !total.counted || total.stored+total.known > 0
	}
	for _, reason := range slices.Sorted(maps.Keys(s.reasons)) {
		fmt.Fprintf(w, "  %s (%d requests)\n", reason, s.reasons[reason])
	}
	for _, file := range slices.Sorted(maps.Keys(s.files)) {
		if !s.files[file] {
			fmt.Fprintf(notes, "%s: its requests hold no span, log record or data point\n", file)
		}
	}
	understood := slices.Contains(slices.Collect(maps.Values(s.files)), true)
	switch {
	case refused > 0 && mayBeStored:
		return errors.New("some records were refused; the rest is stored")
	case refused > 0:
		return errors.New("all records were refused")
	case len(s.files) > 0 && !understood:
		return errors.New("nothing was stored")
	}
	return nil
}

// text says what became of the records.
func (t *sum) text(records string) string {
	if !t.counted {
		return fmt.Sprintf("%d requests taken, %d %s refused", t.requests, t.rejected, records)
	}
	text := fmt.Sprintf("%d %s stored, %d refused", t.stored, records, t.rejected)
	if t.known > 0 {
		text += fmt.Sprintf(", %d known from an earlier import", t.known)
	}
	return text
}
