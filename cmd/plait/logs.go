package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	followEvery   = time.Second
	followOverlap = 10 * time.Second // records may come this much later than they happened and still be shown
	followPage    = 1000

	logsAtOnce = 5000 // the most that the API gives in one answer
)

type logsCommand struct {
	Text     string `arg:"" optional:"" help:"Text that the body has to contain, or a LogQL query: it begins with a selector, as '{service_name=\"cart\"}'."`
	Trace    string `help:"Of this trace; any spelling of the id." placeholder:"ID"`
	Span     string `help:"Of this span." placeholder:"ID"`
	Service  string `help:"Of this service." placeholder:"NAME"`
	Attr     []pair `sep:"none" help:"With this attribute, of the record or its resource; may be given more than once." placeholder:"KEY=VALUE"`
	Severity string `help:"At least this severe: trace, debug, info, warn, error or fatal." placeholder:"LEVEL"`
	Since    moment `help:"From then on: ${moment}." placeholder:"TIME"`
	Until    moment `help:"Before then, written as --since." placeholder:"TIME"`
	Limit    int    `help:"At most this many, the newest." default:"100" short:"n"`
	Follow   bool   `help:"Go on with what comes in, until interrupted." short:"f"`
	JSON     bool   `name:"json" help:"Print JSON, a record a line."`

	apiClient
}

type logsAnswer struct {
	Logs       []logLine `json:"logs"`
	NextCursor string    `json:"next_cursor"`
}

// Validate checks what no flag can check alone.
func (c *logsCommand) Validate() error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	if err := validWindow(c.Since, c.Until); err != nil {
		return err
	}
	if err := c.validLogQL(); err != nil {
		return err
	}
	if c.Follow && !c.Until.at.IsZero() {
		return errors.New("--follow goes on with what comes in, so --until makes no sense with it")
	}
	return nil
}

// Run prints the newest records that fit, oldest first.
func (c *logsCommand) Run(ctx context.Context, std console) error {
	if isLogQL(c.Text) {
		return c.runLogQL(ctx, std)
	}
	seen := map[string]time.Time{}
	if err := c.show(ctx, std, c.start(), c.Limit, seen); err != nil {
		return err
	}
	if !c.Follow {
		if len(seen) == 0 {
			return c.tellNothing(ctx, std, "log record", c.Service)
		}
		return nil
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		from := time.Now().Add(-followOverlap)
		if err := c.show(ctx, std, from, followPage, seen); err != nil {
			return err
		}
		for id, t := range seen {
			if t.Before(from.Add(-followOverlap)) {
				delete(seen, id)
			}
		}
	}
}

// start is where the first page begins, zero for the beginning. Following without another
// bound begins now.
func (c *logsCommand) start() time.Time {
	if !c.Since.at.IsZero() {
		return c.Since.at
	}
	if c.Follow && c.Trace == "" {
		return time.Now().Add(-followOverlap)
	}
	return time.Time{}
}

// show prints the records since from that were not printed before.
func (c *logsCommand) show(ctx context.Context, std console, from time.Time, limit int, seen map[string]time.Time) error {
	logs, err := c.search(ctx, from, limit)
	if err != nil {
		return err
	}
	paint := newPainter(std.out)
	for _, l := range slices.Backward(logs) { // the API gives the newest first
		if _, shown := seen[l.ID]; shown {
			continue
		}
		seen[l.ID] = l.Time
		if err := c.print(std.out, paint, l); err != nil {
			return err
		}
	}
	return nil
}

// search asks for page after page until there are limit records or no more.
func (c *logsCommand) search(ctx context.Context, from time.Time, limit int) ([]logLine, error) {
	query := url.Values{}
	set(query, map[string]string{
		"trace_id": c.Trace, "span_id": c.Span, "service": c.Service, "severity": c.Severity, "q": c.Text,
		"start": rfc3339(from), "end": rfc3339(c.Until.at),
	})
	for _, a := range c.Attr {
		query.Add("attr", string(a))
	}
	var logs []logLine
	for {
		query.Set("limit", strconv.Itoa(min(limit-len(logs), logsAtOnce)))
		var answer logsAnswer
		if err := c.fetch(ctx, "/api/v1/logs", query, &answer); err != nil {
			return nil, err
		}
		logs = append(logs, answer.Logs...)
		// A page may be empty and not the last: then a search of seldom records ran out of time.
		if answer.NextCursor == "" || len(logs) >= limit {
			return logs, nil
		}
		query.Set("cursor", answer.NextCursor)
	}
}

// rfc3339 writes a time as the API reads it, and no time as nothing.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (c *logsCommand) print(w io.Writer, paint painter, l logLine) error {
	if c.JSON {
		return printJSON(w, l.raw)
	}
	line := fmt.Sprintf("%s %s %s %s", paint.faint(l.Time.Local().Format("2006-01-02 15:04:05.000")),
		paint.severity(l.Severity, fmt.Sprintf("%-5s", plain(l.Severity))), paint.cyan(plain(l.Service)), l.said(paint))
	if l.TraceID != "" && c.Trace == "" {
		line += paint.faint(" trace=" + l.TraceID)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
