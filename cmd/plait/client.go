package main

import (
	"bytes"
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
	// Missing is what else is known of a trace that is not here.
	Missing *missingTrace `json:"missing"`
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
		return fmt.Errorf("%s answered %s, which is not how the API of a gateway answers: --api names the address of 'plait serve --api-addr', %s by default",
			resp.Request.URL.Host, resp.Status, "http://127.0.0.1:7080")
	}
	if p.Detail == "" {
		return fmt.Errorf("the gateway answered: %s", p.Title)
	}
	err = fmt.Errorf("the gateway answered: %s", p.Detail)
	if p.Missing != nil {
		return &notHere{err, p.Missing}
	}
	return err
}

// logLine is a log record as the API shows it.
type logLine struct {
	ID         string          `json:"id"`
	Time       time.Time       `json:"time"`
	Severity   string          `json:"severity"`
	Service    string          `json:"service"`
	Body       json.RawMessage `json:"body"`
	EventName  string          `json:"event_name"`
	TraceID    string          `json:"trace_id"`
	Attributes attributes      `json:"attributes"`

	raw json.RawMessage // the whole record, as the API wrote it
}

// UnmarshalJSON reads what a terminal shows, and keeps all of it.
func (l *logLine) UnmarshalJSON(text []byte) error {
	type shown logLine
	if err := json.Unmarshal(text, (*shown)(l)); err != nil {
		return err
	}
	l.raw = bytes.Clone(text)
	return nil
}

// said is what the record says in one line: the event's name, the body, the attributes.
func (l logLine) said(paint painter) string {
	var words []string
	for _, word := range []string{plain(l.EventName), plain(l.text()), paint.faint(l.Attributes.String())} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// text is the body as one line: a string bare, anything else as JSON.
func (l logLine) text() string {
	var s string
	if json.Unmarshal(l.Body, &s) != nil { // null, which is no body, leaves s empty
		s = string(l.Body)
	}
	return strings.Join(strings.Fields(s), " ")
}
