package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"
)

type spikesCommand struct {
	Service string `help:"Of this service." placeholder:"NAME"`
	Since   moment `help:"From then on: ${moment}. An hour ago when absent." placeholder:"TIME"`
	Until   moment `help:"Before then, written as --since." placeholder:"TIME"`
	Traces  int    `help:"So many traces behind each." default:"3"`
	Limit   int    `help:"At most this many." default:"10" short:"n"`
	JSON    bool   `name:"json" help:"Print JSON, a spike a line."`

	apiClient
}

const spikesAtOnce = 200 // the most that the API gives

// spikeLine is a spike as a terminal shows it.
type spikeLine struct {
	Rank     int       `json:"rank"`
	Kind     string    `json:"kind"`
	Service  string    `json:"service"`
	Name     string    `json:"name"`
	SpanKind string    `json:"span_kind"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Requests int64     `json:"requests"`
	Failed   int64     `json:"failed"`
	Logged   bool      `json:"logged"`
	P95NS    int64     `json:"p95_ns"`
	Usual    struct {
		P95NS     int64   `json:"p95_ns"`
		ErrorRate float64 `json:"error_rate"`
	} `json:"usual"`
	Query      string  `json:"query"`
	MinSeconds float64 `json:"min_seconds"`

	raw json.RawMessage
}

// UnmarshalJSON reads what a terminal shows, and keeps all of it.
func (s *spikeLine) UnmarshalJSON(text []byte) error {
	type shown spikeLine
	s.raw = slices.Clone(text)
	return json.Unmarshal(text, (*shown)(s))
}

// Validate checks what no flag can check alone.
func (c *spikesCommand) Validate() error {
	if c.Limit < 1 || c.Limit > spikesAtOnce {
		return fmt.Errorf("--limit is from 1 to %d", spikesAtOnce)
	}
	if c.Traces < 0 || c.Traces > behindAtOnce {
		return errors.New("--traces is from 0 to " + strconv.Itoa(behindAtOnce))
	}
	return validWindow(c.Since, c.Until)
}

// Run prints the spikes, those first that are furthest from their usual, and the traces behind each.
func (c *spikesCommand) Run(ctx context.Context, std console) error {
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	set(query, map[string]string{"service": c.Service, "start": rfc3339(c.Since.at), "end": rfc3339(c.Until.at)})
	var answer struct {
		Spikes []spikeLine `json:"spikes"`
		Hint   string      `json:"hint"`
	}
	if err := c.fetch(ctx, "/api/v1/spikes", query, &answer); err != nil {
		return err
	}
	if len(answer.Spikes) == 0 {
		if answer.Hint != "" {
			fmt.Fprintln(std.err, answer.Hint)
		} else {
			fmt.Fprintln(std.err, "nothing is unusual")
		}
		return nil
	}
	slices.SortFunc(answer.Spikes, func(a, b spikeLine) int { return a.Rank - b.Rank })
	paint := newPainter(std.out)
	for i := range answer.Spikes {
		s := &answer.Spikes[i]
		if c.JSON {
			if err := printJSON(std.out, s.raw); err != nil {
				return err
			}
			continue
		}
		s.print(std.out, paint)
		if err := c.printBehind(ctx, std.out, paint, s); err != nil {
			return err
		}
	}
	return nil
}

func (s *spikeLine) print(w io.Writer, paint painter) {
	fmt.Fprintf(w, "%s – %s  %s %s %s  ", paint.faint(s.Start.Local().Format("2006-01-02 15:04:05")), paint.faint(s.End.Local().Format("15:04:05")),
		paint.cyan(plain(s.Service)), plain(s.Name), paint.faint(s.SpanKind))
	if s.Kind == "latency" {
		fmt.Fprintf(w, "%s, usually %s, %d requests\n", paint.yellow("p95 "+rounded(s.P95NS)), rounded(s.Usual.P95NS), s.Requests)
		return
	}
	verb := "failed"
	if s.Logged {
		verb = "logged errors"
	}
	usually := "usually none"
	if s.Usual.ErrorRate > 0 {
		usually = fmt.Sprintf("usually %.2g %%", 100*s.Usual.ErrorRate)
	}
	fmt.Fprintf(w, "%s, %s\n", paint.red(fmt.Sprintf("%d of %d requests %s", s.Failed, s.Requests, verb)), usually)
}

// printBehind prints some of the traces behind a spike.
func (c *spikesCommand) printBehind(ctx context.Context, w io.Writer, paint painter, s *spikeLine) error {
	if c.Traces == 0 {
		return nil
	}
	behind := tracesCommand{Metric: s.Query, Since: moment{s.Start}, Until: moment{s.End}, Limit: c.Traces, apiClient: c.apiClient}
	if s.Kind == "latency" {
		behind.Min = &s.MinSeconds
	}
	found, err := behind.behind(ctx)
	if err != nil {
		return err
	}
	for _, raw := range found {
		fmt.Fprint(w, "  ")
		if err := printTrace(w, paint, raw); err != nil {
			return err
		}
	}
	return nil
}
