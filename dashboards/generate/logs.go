package main

import (
	_ "embed"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var (
	//go:embed sql/trace_summary.sql
	traceSummarySQL string
	//go:embed sql/trace_exemplars.sql
	traceExemplarsSQL string
	//go:embed sql/services_without_ids.sql
	servicesWithoutIDsSQL string
)

// logsByTraceID shows all that is known of a trace whose id somebody has, from a log line or a mail.
func logsByTraceID() (dashboard.Dashboard, error) {
	p := newPage(logsUID, "Plait: logs by trace id",
		"Paste a trace id in any spelling. What is known of that trace does not depend on the time range.")
	p.withEverySource().WithVariable(traceVariable()).WithVariable(newWholeID())
	p.source = rows
	const none = "No trace of this id. Paste one above, in any spelling"
	toPivot := link("Metric to trace to logs", pivotUID, "var-trace=${__value.raw}&"+everySource)
	p.put(about{"Trace", "The trace that the id stands for, with all its 32 digits. Its id leads to the latencies around it.", 24, 4},
		listing(traceSummarySQL, none).
			OverrideByName("trace_id", column("trace", 290, toPivot)).
			OverrideByName("duration", column("duration", 110, set("unit", units.Milliseconds))).
			OverrideByName("failed", column("failed", 80, countOfFailures()...)).
			OverrideByName("spans", column("spans", 80)))
	p.put(about{"Logs", "What all services logged for this trace, in the order of time. Open a line for its service, its span and its attributes.", 24, 11}, traceLogs("Nothing was logged with this id"))
	p.put(about{"Spans", "The spans of the trace, each below the one that called it: when it ran within the trace, for how long, whether it failed, and how many records it logged.", 24, 10}, traceTree(none))
	p.put(about{"Exemplars", "The measurements that point to this trace.", 24, 7},
		listing(traceExemplarsSQL, "No exemplar points to this trace").
			OverrideByName("trace_id", column("trace", 290, toPivot)).
			OverrideByName("metric", column("metric", 330)))
	p.put(about{"Services that log without trace ids", "Log records of the time range that no trace can be found by, by service, with one of them as an example. Whoever mends these services makes the table above longer.", 24, 9},
		listing(servicesWithoutIDsSQL, "Every record of the range has a trace id").
			OverrideByName("service", column("service", 220)).
			OverrideByName("records", column("records", 110)).
			OverrideByName("without", column("without id", 110)).
			OverrideByName("share", column("share", 130, set("unit", units.PercentUnit), set("min", 0), set("max", 1),
				set("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}))).
			OverrideByName("last", column("last", 180)))
	return p.Build()
}
