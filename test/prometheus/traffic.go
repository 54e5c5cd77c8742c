package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// traffic sends traces to Plait until the time is over, so that its histograms have exemplars
// for Prometheus to scrape.
func traffic(ctx context.Context, duration time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if ctx.Err() == context.DeadlineExceeded {
				return nil
			}
			return ctx.Err()
		case now := <-tick.C:
			if err := sendSpan(ctx, now); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// span is an OTLP request of one span in JSON: ids, start and end are filled in.
const span = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
"scopeSpans":[{"spans":[{"traceId":"%016x%016x","spanId":"%016x","name":"GET /","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`

func sendSpan(ctx context.Context, end time.Time) error {
	start := end.Add(-time.Duration(rand.ExpFloat64() * float64(100*time.Millisecond)))
	body := fmt.Sprintf(span, rand.Uint64(), rand.Uint64(), rand.Uint64(), start.UnixNano(), end.UnixNano())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+plaitIngest+"/v1/traces", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("send a span: %s", resp.Status)
	}
	return nil
}
