package api

import (
	"context"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/ask"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

type logsParams struct {
	TraceID ask.TraceID `query:"trace_id"`
	SpanID  ask.SpanID  `query:"span_id"`
	logChoice
	Q      string      `query:"q"`
	Attr   []attribute `query:"attr"`
	Traces yes         `query:"traces"`
	ask.Window
	Limit  int    `query:"limit" default:"100" max:"5000"`
	Cursor string `query:"cursor"`
}

// logChoice says which records are looked at.
type logChoice struct {
	Service  []string `query:"service"`
	Severity severity `query:"severity"`
	Level    []level  `query:"level"`
	Joined   joined   `query:"joined"`
}

// condition is what the choice asks for, but for Severity.
func (c *logChoice) condition() condition.Node {
	levels := make([]plait.SeverityNumber, 0, len(c.Level))
	for _, l := range c.Level {
		levels = append(levels, plait.SeverityNumber(l))
	}
	and := condition.And{query.Services(c.Service), query.LogLevels(levels)}
	if c.Joined != "" {
		and = append(and, query.LogJoined(c.Joined == "yes"))
	}
	return and
}

// searchLogs finds log records, newest first.
func (s *Server) searchLogs(ctx context.Context, p logsParams) (*logsAnswer, error) {
	within, err := p.Within(s.deps.Now())
	if err != nil {
		return nil, err
	}
	readings := p.TraceID
	if len(readings) == 0 {
		readings = ask.TraceID{{}}
	}
	for _, trace := range readings {
		q := query.Logs{Condition: p.condition(trace), Range: within, Page: query.Page{Limit: p.Limit, Cursor: p.Cursor}}
		records, next, err := s.deps.Logs.Logs(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(records) > 0 || next != "" { // a search that ran out of time goes on with the cursor
			answer := &logsAnswer{Logs: s.linksFor(ctx).records(records), NextCursor: next}
			if p.Traces {
				err = s.tellTraces(ctx, records, answer.Logs)
			}
			return answer, err
		}
	}
	return &logsAnswer{Logs: []logRecord{}}, nil
}

// condition is what the parameters ask for, with one reading of the trace's id, if it is not zero.
func (p *logsParams) condition(trace plait.TraceID) condition.Node {
	and := append(recordsOf(trace, p.SpanID, p.Severity), p.logChoice.condition(), query.LogLine("", p.Q))
	for _, a := range p.Attr {
		and = append(and, query.LogAttribute(a.Key, a.Value.Text()))
	}
	return and
}

// recordsOf asks for the records of a trace and of a span, where they are not zero, and of a severity at least.
func recordsOf(trace plait.TraceID, span ask.SpanID, least severity) condition.And {
	and := condition.And{}
	if !trace.IsZero() {
		and = append(and, query.LogTrace(trace))
	}
	if id := plait.SpanID(span); !id.IsZero() {
		and = append(and, query.LogSpan(id))
	}
	if least > 0 {
		and = append(and, query.SeverityAtLeast(plait.SeverityNumber(least)))
	}
	return and
}
