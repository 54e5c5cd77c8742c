package ingest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

// layouts are lines as loggers write them, with the ids that their tracers put there: a span of the trace below, or half
// the trace's id where a tracer has 64 bits. Each is at level ERROR and says "declined".
var layouts = map[string]string{
	"zap":                            `{"level":"error","ts":1795255200.5,"caller":"pay/card.go:17","msg":"declined","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}`,
	"zap, production":                `{"level":"ERROR","timestamp":"2026-11-21T10:00:00.500Z","logger":"pay","message":"declined","traceID":"4bf92f3577b34da6a3ce929d0e0e4736","spanID":"00f067aa0ba902b7"}`,
	"zerolog":                        `{"level":"error","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","time":"2026-11-21T10:00:00Z","message":"declined"}`,
	"slog":                           `{"time":"2026-11-21T10:00:00.5Z","level":"ERROR","msg":"declined","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}`,
	"slog with a group":              `{"time":"2026-11-21T10:00:00.5Z","level":"ERROR","msg":"declined","trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}}`,
	"logrus":                         `{"level":"error","msg":"declined","time":"2026-11-21T10:00:00Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}`,
	"logrus text":                    `time="2026-11-21T10:00:00Z" level=error msg=declined trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7`,
	"pino":                           `{"level":50,"time":1795255200500,"pid":1,"hostname":"h","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","msg":"declined"}`,
	"Bunyan":                         `{"name":"pay","hostname":"h","pid":1,"level":50,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","msg":"declined","time":"2026-11-21T10:00:00.500Z","v":0}`,
	"Winston":                        `{"level":"error","message":"declined","timestamp":"2026-11-21T10:00:00.500Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}`,
	"python-json-logger":             `{"asctime":"2026-11-21 10:00:00,500","levelname":"ERROR","name":"pay","message":"declined","otelTraceID":"4bf92f3577b34da6a3ce929d0e0e4736","otelSpanID":"00f067aa0ba902b7","otelServiceName":"pay"}`,
	"structlog":                      `{"event":"declined","level":"error","timestamp":"2026-11-21T10:00:00.500000Z","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}`,
	"Python with Datadog":            `{"asctime":"2026-11-21 10:00:00,500","levelname":"ERROR","message":"declined","dd.trace_id":"11803532876627986230","dd.span_id":"67667974448284343"}`,
	"Logback (logstash)":             `{"@timestamp":"2026-11-21T10:00:00.500Z","@version":"1","message":"declined","logger_name":"shop.Pay","thread_name":"main","level":"ERROR","level_value":40000,"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}`,
	"Logback (its own JSON)":         `{"sequenceNumber":0,"timestamp":1795255200500,"level":"ERROR","threadName":"main","loggerName":"shop.Pay","mdc":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"},"message":"declined"}`,
	"Log4j2 JSON":                    `{"instant":{"epochSecond":1795255200,"nanoOfSecond":500000000},"thread":"main","level":"ERROR","loggerName":"shop.Pay","message":"declined","contextMap":{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}}`,
	"Log4j2 (ECS)":                   `{"@timestamp":"2026-11-21T10:00:00.500Z","log.level":"ERROR","message":"declined","ecs.version":"1.2.0","service.name":"pay","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7"}`,
	"Serilog (compact)":              `{"@t":"2026-11-21T10:00:00.5000000Z","@m":"declined","@i":"4f2a","@l":"Error","@tr":"4bf92f3577b34da6a3ce929d0e0e4736","@sp":"00f067aa0ba902b7"}`,
	"Google Cloud":                   `{"severity":"ERROR","message":"declined","time":"2026-11-21T10:00:00.5Z","logging.googleapis.com/trace":"projects/p/traces/4bf92f3577b34da6a3ce929d0e0e4736","logging.googleapis.com/spanId":"00f067aa0ba902b7"}`,
	"Docker around pino":             `{"log":"{\"level\":50,\"time\":1795255200500,\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\",\"msg\":\"declined\"}\n","stream":"stdout","time":"2026-11-21T10:00:00.6Z"}`,
	"CRI around logfmt":              `2026-11-21T10:00:00.5Z stderr F level=error msg=declined traceID=4bf92f3577b34da6a3ce929d0e0e4736 spanID=00f067aa0ba902b7`,
	"CRI around slog":                `2026-11-21T10:00:00.5Z stdout F {"time":"2026-11-21T10:00:00.5Z","level":"ERROR","msg":"declined","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}`,
	"Spring Boot's text, Micrometer": `2026-11-21T10:00:00.500Z ERROR 1 --- [pay] [main] [4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7] shop.Pay : declined`,
}

func TestIDsAndLevelsOfEveryLayoutAreFound(t *testing.T) {
	t.Parallel()
	ts := start(t)
	for name, line := range layouts {
		line = strings.ReplaceAll(line, "declined", marked(name))
		if got := ts.post(t, "/ingest/logs", strings.NewReader(line), "Content-Type: application/x-ndjson"); got.code != http.StatusNoContent {
			t.Fatalf("%s: %d %s", name, got.code, got.body)
		}
	}
	all, _, err := ts.store.Logs(t.Context(), query.Logs{Condition: condition.Const(true), Page: query.Page{Limit: 100}})
	if err != nil {
		t.Fatal(err)
	}
	for name := range layouts {
		found := false
		for i := range all {
			if r := &all[i]; strings.Contains(r.Body.Text(), marked(name)) {
				found = true
				expectLayout(t, name, r)
			}
		}
		if !found {
			t.Errorf("%s: its record is not there", name)
		}
	}
}

// marked is what a layout's line says.
func marked(name string) string { return "declined-by-" + strings.ReplaceAll(name, " ", "+") + "!" }

func expectLayout(t *testing.T, name string, r *plait.LogRecord) {
	t.Helper()
	trace, span := r.TraceID.String(), r.SpanID.String()
	whole, half := "4bf92f3577b34da6a3ce929d0e0e4736", "0000000000000000a3ce929d0e0e4736"
	if trace != whole && trace != half || trace == half && !strings.Contains(name, "Datadog") || span != "00f067aa0ba902b7" {
		t.Errorf("%s: trace %s, span %s", name, trace, span)
	}
	if r.Severity.String() != "ERROR" {
		t.Errorf("%s: it is %s", name, r.Severity)
	}
	if at := r.TimeNanos / 1e9; at != 1795255200 && !strings.Contains(name, "text") { // a line of text is an event at its arrival
		t.Errorf("%s: its time is %d", name, r.TimeNanos)
	}
}
