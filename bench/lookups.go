package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

const warmUp = 50

// lookupReport is how long one kind of question took, the body read, one after the other over
// one connection.
type lookupReport struct {
	Name      string
	Asked     int
	Empty     int // answers in which nothing was found
	P50Millis float64
	P99Millis float64
}

// lookups asks for random traces of those that were sent.
func (g *gateway) lookups(ctx context.Context, traceIDs []string, n int) ([]lookupReport, error) {
	if len(traceIDs) == 0 || n == 0 {
		return nil, nil
	}
	var out []lookupReport
	for _, k := range []struct{ name, path, found string }{
		{"trace by id (no time range)", "/api/v1/pivot/trace/%s", `"span_id"`},
		{"logs of a trace", "/api/v1/pivot/trace/%s/logs", `"body"`},
		{"metrics of a trace", "/api/v1/pivot/trace/%s/metrics", `"query"`},
	} {
		r, err := g.lookup(ctx, k.name, g.api+k.path, k.found, traceIDs, n)
		if err != nil {
			return out, fmt.Errorf("%s: %w", k.name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (g *gateway) lookup(ctx context.Context, name, url, found string, traceIDs []string, n int) (lookupReport, error) {
	r := lookupReport{Name: name, Asked: n}
	random := rand.New(rand.NewPCG(1, 1))
	times := make([]time.Duration, 0, n)
	for i := range warmUp + n {
		started := time.Now()
		body, err := fetch(ctx, fmt.Sprintf(url, traceIDs[random.IntN(len(traceIDs))]))
		if err != nil {
			return r, err
		}
		if i < warmUp {
			continue
		}
		times = append(times, time.Since(started))
		if !bytes.Contains(body, []byte(found)) {
			r.Empty++
		}
	}
	r.P50Millis, r.P99Millis = quantiles(times)
	return r, nil
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %.200s", url, resp.Status, body)
	}
	return body, nil
}
