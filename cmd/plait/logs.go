package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"
)

const (
	followEvery   = time.Second
	followOverlap = 10 * time.Second // records may come this much later than they happened and still be shown
	followPage    = 1000
)

type logsCommand struct {
	Text     string        `arg:"" optional:"" help:"Text that the body has to contain."`
	Trace    string        `help:"Of this trace; any spelling of the id." placeholder:"ID"`
	Span     string        `help:"Of this span." placeholder:"ID"`
	Service  string        `help:"Of this service." placeholder:"NAME"`
	Severity string        `help:"At least this severe: trace, debug, info, warn, error or fatal." placeholder:"LEVEL"`
	Since    time.Duration `help:"From this long ago until now." placeholder:"DURATION"`
	Limit    int           `help:"At most this many, the newest." default:"100" short:"n"`
	Follow   bool          `help:"Go on with what comes in, until interrupted." short:"f"`
	JSON     bool          `name:"json" help:"Print JSON, a record a line."`

	apiClient
}

type logsAnswer struct {
	Logs []logLine `json:"logs"`
}

// Run prints the newest records that fit, oldest first.
func (c *logsCommand) Run(ctx context.Context, std console) error {
	seen := map[string]time.Time{}
	if err := c.page(ctx, std, c.start(), c.Limit, seen); err != nil || !c.Follow {
		return err
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
		if err := c.page(ctx, std, from, followPage, seen); err != nil {
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
	if c.Since > 0 {
		return time.Now().Add(-c.Since)
	}
	if c.Follow && c.Trace == "" {
		return time.Now().Add(-followOverlap)
	}
	return time.Time{}
}

// page prints the records since from that were not printed before.
func (c *logsCommand) page(ctx context.Context, std console, from time.Time, limit int, seen map[string]time.Time) error {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	for key, value := range map[string]string{"trace_id": c.Trace, "span_id": c.Span, "service": c.Service, "severity": c.Severity, "q": c.Text} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if !from.IsZero() {
		query.Set("start", from.UTC().Format(time.RFC3339Nano))
	}
	var answer logsAnswer
	if err := c.fetch(ctx, "/api/v1/logs", query, &answer); err != nil {
		return err
	}
	paint := newPainter(std.out)
	for i := len(answer.Logs) - 1; i >= 0; i-- { // the API gives the newest first
		l := answer.Logs[i]
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

func (c *logsCommand) print(w io.Writer, paint painter, l logLine) error {
	if c.JSON {
		return printJSON(w, l)
	}
	line := fmt.Sprintf("%s %s %s %s", paint.faint(l.Time.Local().Format("2006-01-02 15:04:05.000")),
		paint.severity(l.Severity, fmt.Sprintf("%-5s", plain(l.Severity))), paint.cyan(plain(l.Service)), plain(l.text()))
	if l.TraceID != "" && c.Trace == "" {
		line += paint.faint(" trace=" + l.TraceID)
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
