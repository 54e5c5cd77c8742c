package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/plaithq/plait/duration"
)

const (
	tracesAtOnce = 1000 // the most that a search gives in one answer
	behindAtOnce = 200  // the most that pivot/metric gives
)

type tracesCommand struct {
	Service     string            `help:"Through this service." placeholder:"NAME"`
	Name        string            `help:"With a span of this name." placeholder:"NAME"`
	Status      string            `help:"With a span of this status: error, ok or unset." placeholder:"STATUS"`
	MinDuration duration.Duration `help:"With a span that took at least this long, such as 250ms." placeholder:"DURATION"`
	MaxDuration duration.Duration `help:"With a span that took at most this long." placeholder:"DURATION"`
	Attr        []pair            `sep:"none" help:"With a span that has this attribute, of its own or of its resource; may be given more than once." placeholder:"KEY=VALUE"`
	Metric      string            `help:"The traces behind this metric, which a PromQL selector names. Those that exceed the usual most come first." placeholder:"SELECTOR"`
	Min         *float64          `help:"With --metric: values from this on, in the metric's unit." placeholder:"VALUE"`
	Max         *float64          `help:"With --metric: values up to this." placeholder:"VALUE"`
	Since       moment            `help:"From then on: ${moment}." placeholder:"TIME"`
	Until       moment            `help:"Before then, written as --since." placeholder:"TIME"`
	Limit       int               `help:"At most this many." default:"20" short:"n"`
	JSON        bool              `name:"json" help:"Print JSON, a trace a line."`

	apiClient
}

// traceLine is a trace as a search shows it.
type traceLine struct {
	TraceID     string    `json:"trace_id"`
	RootService string    `json:"root_service"`
	RootName    string    `json:"root_name"`
	Start       time.Time `json:"start"`
	DurationNS  int64     `json:"duration_ns"`
	SpanCount   int       `json:"span_count"`
	ErrorCount  int       `json:"error_count"`
}

// Validate checks what no flag can check alone.
func (c *tracesCommand) Validate() error {
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	if c.Metric == "" {
		if c.Min != nil || c.Max != nil {
			return errors.New("--min and --max are about the values of a --metric; --min-duration is about spans")
		}
		return validWindow(c.Since, c.Until)
	}
	if c.Service+c.Name+c.Status != "" || c.MinDuration+c.MaxDuration != 0 || len(c.Attr) > 0 {
		return errors.New("--metric names its traces by the labels of its selector, such as 'traces_spanmetrics_latency{service=\"cart\"}', and takes no flags about spans")
	}
	if c.Limit > behindAtOnce {
		return fmt.Errorf("--limit is at most %d with --metric", behindAtOnce)
	}
	return validWindow(c.Since, c.Until)
}

// Run prints the traces that fit: of a search the newest first, of a metric those first that
// exceed the usual most.
func (c *tracesCommand) Run(ctx context.Context, std console) error {
	find := c.search
	if c.Metric != "" {
		find = c.behind
	}
	found, err := find(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return c.tellNothing(ctx, std, "trace", c.Service)
	}
	paint := newPainter(std.out)
	for _, raw := range found {
		if c.JSON {
			err = printJSON(std.out, raw)
		} else {
			err = printTrace(std.out, paint, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// search asks for page after page until there are as many traces as wanted or no more.
func (c *tracesCommand) search(ctx context.Context) ([]json.RawMessage, error) {
	query := url.Values{}
	set(query, map[string]string{
		"service": c.Service, "name": c.Name, "status": c.Status, "start": rfc3339(c.Since.at), "end": rfc3339(c.Until.at),
		"min_duration": orNothing(c.MinDuration), "max_duration": orNothing(c.MaxDuration),
	})
	for _, a := range c.Attr {
		query.Add("attr", string(a))
	}
	var found []json.RawMessage
	for {
		query.Set("limit", strconv.Itoa(min(c.Limit-len(found), tracesAtOnce)))
		var answer struct {
			Traces     []json.RawMessage `json:"traces"`
			NextCursor string            `json:"next_cursor"`
		}
		if err := c.fetch(ctx, "/api/v1/traces", query, &answer); err != nil {
			return nil, err
		}
		found = append(found, answer.Traces...)
		if answer.NextCursor == "" || len(found) >= c.Limit {
			return found, nil
		}
		query.Set("cursor", answer.NextCursor)
	}
}

// behind asks for the traces behind the metric.
func (c *tracesCommand) behind(ctx context.Context) ([]json.RawMessage, error) {
	query := url.Values{"query": {c.Metric}, "limit": {strconv.Itoa(c.Limit)}}
	set(query, map[string]string{"start": rfc3339(c.Since.at), "end": rfc3339(c.Until.at)})
	for name, value := range map[string]*float64{"min": c.Min, "max": c.Max} {
		if value != nil {
			query.Set(name, strconv.FormatFloat(*value, 'g', -1, 64))
		}
	}
	var answer struct {
		Exemplars []struct {
			Trace json.RawMessage `json:"trace"`
		} `json:"exemplars"`
	}
	if err := c.fetch(ctx, "/api/v1/pivot/metric", query, &answer); err != nil {
		return nil, err
	}
	var found []json.RawMessage
	for _, e := range answer.Exemplars {
		found = append(found, e.Trace)
	}
	return found, nil
}

func printTrace(w io.Writer, paint painter, raw json.RawMessage) error {
	var t traceLine
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	root := paint.faint("no root span")
	if t.RootService != "" {
		root = paint.cyan(plain(t.RootService)) + " " + plain(t.RootName)
	}
	failed := ""
	if t.ErrorCount > 0 {
		failed = paint.red(fmt.Sprintf(", %d failed", t.ErrorCount))
	}
	_, err := fmt.Fprintf(w, "%s %s %9s  %s, %d spans%s\n", t.TraceID, paint.faint(t.Start.Local().Format("2006-01-02 15:04:05.000")),
		rounded(t.DurationNS), root, t.SpanCount, failed)
	return err
}

// set adds the values that are given.
func set(query url.Values, values map[string]string) {
	for key, value := range values {
		if value != "" {
			query.Set(key, value)
		}
	}
}

// orNothing writes a duration as the API reads it, and 0, which bounds nothing, as nothing.
func orNothing(d duration.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// validWindow refuses a window that ends before it begins.
func validWindow(since, until moment) error {
	if !since.at.IsZero() && !until.at.IsZero() && !since.at.Before(until.at) {
		return fmt.Errorf("--since (%s) must lie before --until (%s)", since.at.Format(time.RFC3339), until.at.Format(time.RFC3339))
	}
	return nil
}
