package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

type traceCommand struct {
	ID     string `arg:"" help:"The trace's id in any spelling: hex, traceparent, X-Ray, Datadog decimal, …"`
	NoLogs bool   `help:"Leave the log records out."`
	All    bool   `help:"Show the attributes and events of all spans, not only of those that failed." short:"a"`
	JSON   bool   `name:"json" help:"Print the API's answer as it is."`

	apiClient
}

// traceAnswer is what pivot/trace answers, as far as a terminal shows it.
type traceAnswer struct {
	Trace struct {
		TraceID    string    `json:"trace_id"`
		Start      time.Time `json:"start"`
		DurationNS int64     `json:"duration_ns"`
		SpanCount  int       `json:"span_count"`
		ErrorCount int       `json:"error_count"`
		Services   []string  `json:"services"`
	} `json:"trace"`
	Spans          []traceSpan `json:"spans"`
	UnattachedLogs []logLine   `json:"unattached_logs"`
	MissingParents []struct {
		SpanID string `json:"span_id"`
	} `json:"missing_parents"`
	Truncated bool `json:"truncated"`
}

type traceSpan struct {
	Depth         int       `json:"depth"`
	Service       string    `json:"service"`
	Name          string    `json:"name"`
	Kind          string    `json:"kind"`
	Start         time.Time `json:"start"`
	DurationNS    int64     `json:"duration_ns"`
	SelfTimeNS    int64     `json:"self_time_ns"`
	Status        string    `json:"status"`
	StatusMessage string    `json:"status_message"`
	CriticalPath  bool      `json:"critical_path"`
	Logs          []logLine `json:"logs"`

	Attributes attributes `json:"attributes"`
	Events     []struct {
		Time       time.Time  `json:"time"`
		Name       string     `json:"name"`
		Attributes attributes `json:"attributes"`
	} `json:"events"`
}

// Run prints the tree: a span a line with a bar on the trace's time line, its logs below.
func (c *traceCommand) Run(ctx context.Context, std console) error {
	path := "/api/v1/pivot/trace/" + url.PathEscape(c.ID)
	if c.JSON {
		var raw json.RawMessage
		if err := c.fetch(ctx, path, nil, &raw); err != nil {
			return err
		}
		return printJSON(std.out, raw)
	}
	var answer traceAnswer
	if err := c.fetch(ctx, path, nil, &answer); err != nil {
		if missing, ok := errors.AsType[*notHere](err); ok {
			missing.missing.print(std.out, newPainter(std.out))
		}
		return err
	}
	answer.print(std.out, newPainter(std.out), !c.NoLogs, c.All)
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (a *traceAnswer) print(w io.Writer, paint painter, logs, details bool) {
	t := a.Trace
	fmt.Fprintf(w, "%s  %s  %s, %d spans, %s\n", paint.bold(t.TraceID), t.Start.Local().Format("2006-01-02 15:04:05.000 MST"),
		rounded(t.DurationNS), t.SpanCount, a.errors(paint))
	fmt.Fprintf(w, "%s\n\n", paint.faint(plain(strings.Join(t.Services, ", "))))
	for _, s := range a.Spans {
		a.printSpan(w, paint, s)
		if details || s.Status == "error" {
			s.printDetails(w, paint)
		}
		if logs {
			for _, l := range s.Logs {
				printLog(w, paint, l, s.Depth+1)
			}
		}
	}
	if n := len(a.MissingParents); n > 0 {
		fmt.Fprintf(w, "\n%s\n", paint.yellow(fmt.Sprintf("%d parents of these spans were never received", n)))
	}
	if logs && len(a.UnattachedLogs) > 0 {
		fmt.Fprintln(w, "\nlog records of no span of these:")
		for _, l := range a.UnattachedLogs {
			printLog(w, paint, l, 0)
		}
	}
	if a.Truncated {
		fmt.Fprintln(w, paint.yellow("\nthe trace is longer than what is shown"))
	}
	fmt.Fprintf(w, "\n%s\n", paint.faint("* on the critical path; the bars show when each span ran"))
}

func (a *traceAnswer) errors(paint painter) string {
	if a.Trace.ErrorCount == 0 {
		return "no errors"
	}
	return paint.red(fmt.Sprintf("%d failed", a.Trace.ErrorCount))
}

const (
	barWidth  = 24
	nameWidth = 64
)

func (a *traceAnswer) printSpan(w io.Writer, paint painter, s traceSpan) {
	mark := " "
	if s.CriticalPath {
		mark = paint.yellow("*")
	}
	name := strings.Repeat("  ", min(s.Depth, 20)) + plain(s.Service) + "  " + plain(s.Name)
	if cut := []rune(name); len(cut) > nameWidth {
		name = string(cut[:nameWidth-1]) + "…"
	}
	line := fmt.Sprintf("%s %s %s %9s  self %9s", mark, paint.cyan(bar(s.Start.Sub(a.Trace.Start), s.DurationNS, a.Trace.DurationNS)),
		padded(name, nameWidth), rounded(s.DurationNS), rounded(s.SelfTimeNS))
	if s.Status == "error" {
		line += paint.red("  error " + plain(s.StatusMessage))
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-len([]rune(s))))
}

// bar draws when a span ran within its trace.
func bar(offset time.Duration, spanNS, traceNS int64) string {
	if traceNS <= 0 {
		return strings.Repeat("█", barWidth)
	}
	from := min(max(int(int64(barWidth)*int64(offset)/traceNS), 0), barWidth-1)
	to := min(max(int(float64(barWidth)*float64(int64(offset)+spanNS)/float64(traceNS)+0.5), from+1), barWidth)
	return strings.Repeat("·", from) + strings.Repeat("█", to-from) + strings.Repeat("·", barWidth-to)
}

// printDetails prints the span's attributes and events, a line each.
func (s *traceSpan) printDetails(w io.Writer, paint painter) {
	if text := s.Attributes.String(); text != "" {
		printBelow(w, s.Depth+1, paint.faint(text))
	}
	for _, e := range s.Events {
		line := paint.faint(e.Time.Local().Format("15:04:05.000")) + " event " + plain(e.Name) + " " + paint.faint(e.Attributes.String())
		printBelow(w, s.Depth+1, strings.TrimRight(line, " "))
	}
}

func printLog(w io.Writer, paint painter, l logLine, depth int) {
	printBelow(w, depth, fmt.Sprintf("%s %s %s", paint.faint(l.Time.Local().Format("15:04:05.000")), paint.severity(l.Severity, plain(l.Severity)), l.said(paint)))
}

// printBelow prints a line that belongs to a span, indented as what stands at the given depth.
func printBelow(w io.Writer, depth int, line string) {
	fmt.Fprintf(w, "  %s %s%s\n", strings.Repeat(" ", barWidth), strings.Repeat("  ", min(depth, 20)), line)
}

// rounded writes nanoseconds as a duration of three digits or so.
func rounded(ns int64) string {
	d := time.Duration(ns)
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit || d <= -unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}
