package health

import (
	"fmt"
	"strings"
	"time"

	"github.com/plaithq/plait"
)

// estimate tells of all telemetry of a service what its sample tells.
func (of *sampled) estimate(seen Noticed) {
	of.WithTraceID = scaled(of.joined, of.logs, of.LogRecords)
	of.IDsFound = scaled(of.found, of.checked, of.WithTraceID)
	of.Orphans = scaled(of.orphans, of.spans, of.Spans)
	of.HalfIDs = max(seen.HalfIDs, scaled(of.halfRecords, of.logs, of.LogRecords)+scaled(of.halfSpans, of.spans, of.Spans))
	of.Duplicates = seen.Duplicates
}

// scaled is how many of all there are where some of a sample are.
func scaled(some, of, all int64) int64 {
	if of == 0 {
		return 0
	}
	return min(int64(float64(some)/float64(of)*float64(all)+0.5), all)
}

const (
	fewRecords = 10 // too few to say that a logger knows no ids
	fewSpans   = 3
	// noticeable is the share from which on something is worth mending.
	noticeable = 0.01
	// clockOff is how far a clock may be off: a network's delay is as much.
	clockOff = 100 * time.Millisecond
)

// findings are what to mend.
func (of *sampled) findings() (all []Finding) {
	for _, find := range []func() (Finding, bool){
		of.noName, of.logsWithoutIDs, of.idsNotFound, of.contextLost, of.orphaned, of.clock, of.halves, of.repeats,
	} {
		if f, ok := find(); ok {
			all = append(all, f)
		}
	}
	return all
}

func (of *sampled) noName() (Finding, bool) {
	return Finding{"no_service_name", Advice{
		fmt.Sprintf("%d spans and %d log records came without a service.name.", of.Spans, of.LogRecords),
		"Name the service with OTEL_SERVICE_NAME, or the attribute service.name of the resource.",
	}}, of.Name == plait.ServiceUnknown || strings.HasPrefix(of.Name, plait.ServiceUnknown+":")
}

func (of *sampled) logsWithoutIDs() (Finding, bool) {
	return Finding{"logs_without_ids", Advice{
		fmt.Sprintf("%s of its log records carry a trace id, though it sends spans.", percent(of.WithTraceID, of.LogRecords)), mendLogger(of.language, of.scope),
	}}, of.Spans > 0 && of.logs >= fewRecords && float64(of.joined) < 0.05*float64(of.logs)
}

func (of *sampled) idsNotFound() (Finding, bool) {
	if of.missing < fewSpans || float64(of.missing) < 0.05*float64(of.checked) {
		return Finding{}, false
	}
	share := percent(of.missing, of.checked)
	switch {
	case of.limit != "" && of.saidNot == 0 && of.Spans > 0:
		return Finding{"sampled_away", Advice{fmt.Sprintf("The traces of %s of its log records with an id are not here, and %s", share, saysLimit(of.limit)), mendLimit}}, true
	case of.saidNot > 0 || of.saidSampled > 0 && of.found > 0:
		return Finding{"sampled_away", Advice{fmt.Sprintf("The traces of %s of its log records with an id were sampled away.", share), mendSampling}}, true
	case of.Spans == 0:
		return Finding{"ids_not_found", Advice{fmt.Sprintf("%s of the trace ids in its log records lead to no trace, and it sends no spans.", share),
			"Let its SDK export traces to this gateway, too (OTEL_TRACES_EXPORTER=otlp, OTEL_EXPORTER_OTLP_ENDPOINT)."}}, true
	}
	return Finding{"ids_not_found", Advice{fmt.Sprintf("%s of the trace ids in its log records lead to no trace: they were sampled away, or their spans are lost.", share),
		mendSampling + " " + mendLoss}}, true
}

const mendLoss = "Or give its exporter a longer queue (OTEL_BSP_MAX_QUEUE_SIZE), and shut the SDK down in good order."

func (of *sampled) contextLost() (Finding, bool) {
	lost, from := int64(0), ""
	for caller, n := range of.lostFrom {
		if lost += n; from == "" || n > of.lostFrom[from] || n == of.lostFrom[from] && caller < from {
			from = caller
		}
	}
	return Finding{"context_lost", Advice{
		fmt.Sprintf("%s of its traces begin within calls of %s: the traceparent of the caller does not arrive.", percent(lost, of.roots), from),
		fmt.Sprintf("Let what stands between %s and %s (a proxy, a gateway, a queue) pass on the headers traceparent and tracestate, and see that both know the same propagators (OTEL_PROPAGATORS).", from, of.Name),
	}}, lost >= fewSpans && 2*lost >= of.roots
}

func (of *sampled) orphaned() (Finding, bool) {
	says := fmt.Sprintf("The parents of %s of its spans are not here", percent(of.orphans, of.spans))
	advice := Advice{says + ": spans of its own are lost.", "Give its exporter a longer queue (OTEL_BSP_MAX_QUEUE_SIZE), shut the SDK down in good order, and see whether requests are refused."}
	switch {
	case of.limitOfParents != "":
		advice = Advice{says + ", and " + saysLimit(of.limitOfParents), mendLimit}
	case 2*of.remoteOrphans >= of.orphans:
		advice = Advice{says + ": whoever called it does not send its spans here.", "Let its callers export their spans to this gateway, too, or have them start no traces."}
	}
	return Finding{"orphans", advice}, of.orphans >= fewSpans && float64(of.orphans) >= noticeable*float64(of.spans)
}

func (of *sampled) clock() (Finding, bool) {
	ahead := "ahead of"
	if of.ClockSkew < 0 {
		ahead = "behind"
	}
	return Finding{"clock", Advice{
		fmt.Sprintf("Its clock is %v %s the others.", of.ClockSkew.Abs().Round(time.Millisecond), ahead), "Let its host take its time by NTP (chrony, systemd-timesyncd).",
	}}, of.ClockSkew.Abs() >= clockOff
}

func (of *sampled) halves() (Finding, bool) {
	return Finding{"half_ids", Advice{
		fmt.Sprintf("%d of its spans and log records came with the lower half of a trace id alone.", of.HalfIDs),
		"Let its tracer keep ids of 128 bits: DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED and DD_TRACE_128_BIT_TRACEID_LOGGING_ENABLED of Datadog, traceId128Bit of Brave, JAEGER_TRACEID_128BIT of Jaeger.",
	}}, of.HalfIDs > 0
}

func (of *sampled) repeats() (Finding, bool) {
	all := of.Spans + of.LogRecords
	return Finding{"duplicates", Advice{
		fmt.Sprintf("%d of its spans and log records came again, and were stored once.", of.Duplicates),
		"Its exporter does not wait for the answer: raise OTEL_EXPORTER_OTLP_TIMEOUT, and see whether two pipelines of a Collector send the same.",
	}}, of.Duplicates >= fewSpans && float64(of.Duplicates) >= noticeable*float64(all)
}

// loggers says for each language of an SDK how its log records get ids.
var loggers = map[string]string{
	"java":   "Take the appender of OpenTelemetry's Java agent or opentelemetry-logback-appender, or write %X{trace_id} and %X{span_id} into the pattern (opentelemetry-logback-mdc).",
	"python": "Set OTEL_PYTHON_LOG_CORRELATION=true, or OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true to send the records by OTLP.",
	"nodejs": "Register @opentelemetry/instrumentation-pino, -winston or -bunyan, whichever logger it is.",
	"webjs":  "Log through @opentelemetry/api-logs within the active context.",
	"go":     "Log with the context (slog.InfoContext) through the bridge otelslog, otelzap or otellogrus.",
	"dotnet": "Log through ILogger with builder.Logging.AddOpenTelemetry().",
	"ruby":   "Write OpenTelemetry::Trace.current_span.context.hex_trace_id and hex_span_id into each record.",
	"php":    "Add OpenTelemetry's handler for Monolog (open-telemetry/opentelemetry-logger-monolog).",
	"rust":   "Log through tracing with the layer of opentelemetry-appender-tracing.",
}

// mendLogger says how a logger gets to know ids.
func mendLogger(language, scope string) string {
	how, known := loggers[language]
	if !known {
		how = "Let its logger write trace_id and span_id of the active span into each record; Plait finds them in attributes, JSON and text."
	}
	if scope != "" {
		return fmt.Sprintf("%s Its records come from %s.", how, scope)
	}
	return how
}
