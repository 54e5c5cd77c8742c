package demo

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// Not every service logs through a bridge that fills in trace and span id. Two of the shop's
// are older than that: a collector reads their lines from a file, and all that joins a line
// to its trace is text in it, spelled as their library of then spells it.

// A lineLogger ships lines as a collector's file reader does.
type lineLogger struct {
	logger log.Logger
	file   string
}

func (s *service) lineLogger(file string) *lineLogger {
	return &lineLogger{logger: s.telemetry.logs.Logger("filelog"), file: file}
}

func (l *lineLogger) ship(severity log.Severity, line string) {
	var rec log.Record
	rec.SetTimestamp(time.Now())
	rec.SetSeverity(severity)
	rec.SetBody(attribute.StringValue(line))
	rec.AddAttributes(attribute.String("log.file.name", l.file))
	l.logger.Emit(context.Background(), rec) // no context: the reader of a file has none
}

// text writes a line as Datadog's tracing library for Python formats it, with decimal ids.
func (l *lineLogger) text(ctx context.Context, severity log.Severity, format string, args ...any) {
	trace, span := ids(ctx)
	l.ship(severity, fmt.Sprintf("%s %s [shipping.quotes] [dd.service=shipping dd.env=demo dd.trace_id=%d dd.span_id=%d] - %s",
		time.Now().UTC().Format("2006-01-02 15:04:05,000"), severity, binary.BigEndian.Uint64(trace[8:]), binary.BigEndian.Uint64(span[:]),
		fmt.Sprintf(format, args...)))
}

// json writes a line of JSON with B3's names for the ids.
func (l *lineLogger) json(ctx context.Context, severity log.Severity, message string, members map[string]any) {
	trace, span := ids(ctx)
	line := map[string]any{
		"level": severity.String(), "message": message,
		"X-B3-TraceId": trace.String(), "X-B3-SpanId": span.String(),
	}
	for name, value := range members {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		text = []byte(message)
	}
	l.ship(severity, string(text))
}

func ids(ctx context.Context) (trace.TraceID, trace.SpanID) {
	c := trace.SpanContextFromContext(ctx)
	return c.TraceID(), c.SpanID()
}
