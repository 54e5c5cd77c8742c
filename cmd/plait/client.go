package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// apiClient asks a gateway's API.
type apiClient struct {
	API baseURL `name:"api" help:"The gateway's API address." default:"http://127.0.0.1:7080" placeholder:"URL"`
}

// problem is an error answer of the API (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// fetch asks for path with the query and reads the JSON answer into v.
func (c apiClient) fetch(ctx context.Context, path string, query url.Values, v any) error {
	address := string(c.API) + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("address of the gateway: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from the gateway (is 'plait serve' running? --api says where): %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return readProblem(resp)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}

func readProblem(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	var p problem
	if json.Unmarshal(body, &p) != nil || p.Title+p.Detail == "" {
		return fmt.Errorf("the gateway answered %s", resp.Status)
	}
	if p.Detail == "" {
		return fmt.Errorf("the gateway answered: %s", p.Title)
	}
	return fmt.Errorf("the gateway answered: %s", p.Detail)
}

// logLine is a log record as the API shows it, as far as a terminal shows it.
type logLine struct {
	ID       string          `json:"id"`
	Time     time.Time       `json:"time"`
	Severity string          `json:"severity"`
	Service  string          `json:"service"`
	Body     json.RawMessage `json:"body"`
	TraceID  string          `json:"trace_id"`
	SpanID   string          `json:"span_id"`
}

// text is the body as one line: a string bare, anything else as JSON.
func (l logLine) text() string {
	var s string
	if json.Unmarshal(l.Body, &s) != nil {
		s = string(l.Body)
	}
	return strings.Join(strings.Fields(s), " ")
}
