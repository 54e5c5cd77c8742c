package main

import (
	_ "embed"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

//go:embed sql/slow_and_failed.sql
var slowAndFailedSQL string

// Of span-derived series only those are taken that measure what a service did for its callers.
// Other histograms tell their service by job (OpenTelemetry) or service_name, or not at all.
const (
	served  = `span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"`
	buckets = `increase($histogram{service=~"$service", span_kind=~"|SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"}[$__rate_interval])` +
		` or increase($histogram{job=~"(.+/)?$service", service=""}[$__rate_interval])` +
		` or increase($histogram{service_name=~"$service", service="", job=""}[$__rate_interval])`
)

// thisTrace is the part of a link that sets the trace of this dashboard and keeps its other variables.
const thisTrace = "var-trace=${__value.raw}&${service:queryparam}&${histogram:queryparam}&${slower:queryparam}&" + everySource

// metricToTraceToLogs leads from a latency spike to a trace behind it and to what it logged.
func metricToTraceToLogs() (dashboard.Dashboard, error) {
	p := newPage(pivotUID, "Plait: metric to trace to logs",
		"Click a dot on the heatmap, or a trace beside it: below are the trace and what its services logged.")
	p.withEverySource().
		WithVariable(dashboard.NewQueryVariableBuilder("histogram").
			Label("Histogram").
			Description("The latency histogram to look at. The first measures every span that Plait took in.").
			Datasource(metrics).
			Query(text(`label_values({__name__=~".+_bucket"}, __name__)`)).
			Refresh(dashboard.VariableRefreshOnDashboardLoad).
			Sort(dashboard.VariableSortAlphabeticalAsc).
			Current(option("traces_spanmetrics_latency_bucket", "traces_spanmetrics_latency_bucket"))).
		WithVariable(serviceVariable(metrics, "label_values(traces_spanmetrics_calls_total, service)")).
		WithVariable(dashboard.NewTextBoxVariableBuilder("slower").
			Label("Slower than (ms)").
			Description("Spans at least this long count as slow.").
			DefaultValue(text("250")).
			Current(option("250", "250"))).
		WithVariable(traceVariable()).
		WithVariable(newWholeID()).
		WithVariable(newLoggedID())
	p.withSpikes(`{service=~"$service", ` + served + `}`)
	p.spikes()
	p.rates()
	p.source = traces
	p.put(about{"Trace $traceid", "The chosen trace, span below span. Open a span for its attributes, and for the way to its log records and to the metrics of its service. Empty until a dot on the heatmap, or a trace beside it, is clicked.", 24, 13},
		trace("$traceid").Links(onward("All that is known of this trace", logsUID, "var-trace=${traceid}&"+everySource)))
	p.source = records
	p.put(about{"Logs of trace $traceid", "What all services logged with this trace's id within the time range, in the order of time. Open a line for its service, its span and its attributes.", 24, 10},
		logLines(`{service_name=~".+"} | trace_id="$logsof"`, "Click a dot on the heatmap, or a trace beside it", common.LogsSortOrderAscending, 1000))
	p.serviceGraph()
	return p.Build()
}

// spikes are where to begin: the heatmap, and what is slow or failed.
func (p *page) spikes() {
	p.source = metrics
	p.put(about{"Latency of $histogram", "How many requests took how long. Each dot is an exemplar: a request whose trace is stored. Its link opens this dashboard with that trace. (Seconds, unless the metric's name says another unit.)", 14, 10},
		latencies("sum by (le) ("+buckets+")"))
	p.source = rows
	p.put(about{"Slow and failed traces", "Traces of the range that hold a span of the chosen services which took longer than the given time or failed: those that most exceed what is usual for the operation in the range, and the newest that failed. A click shows the trace below.", 10, 10},
		listing(slowAndFailedSQL, "Nothing slow, nothing failed").
			OverrideByName("trace", column("trace", 110, link("Show this trace", pivotUID, thisTrace))).
			OverrideByName("duration", column("duration", 95, set("unit", units.Milliseconds))).
			OverrideByName("exceeds", column("above usual", 95, set("unit", units.Milliseconds))).
			OverrideByName("failed", column("failed", 65, countOfFailures()...)).
			OverrideByName("start", column("start", 160)).
			OverrideByName("spans", column("spans", 60)))
}

// rates are the quantiles, the requests and the failures.
func (p *page) rates() {
	p.source = metrics
	quantile := func(q string) string { return "histogram_quantile(" + q + ", sum by (le) (" + buckets + "))" }
	p.put(about{"Quantiles of $histogram", "The median, the 95th and the 99th percentile. (Seconds, unless the metric's name says another unit.) The dots are exemplars.", 8, 8},
		lines(units.Seconds).
			WithTarget(promQL("A", quantile("0.99"), "p99").Exemplar(true)).
			WithTarget(promQL("B", quantile("0.95"), "p95")).
			WithTarget(promQL("C", quantile("0.5"), "p50")))
	rate := func(labels string) string {
		return `sum by (service) (rate(traces_spanmetrics_calls_total{service=~"$service", ` + labels + served + `}[$__rate_interval]))`
	}
	p.put(about{"Requests", "Server and consumer spans per second, by service.", 8, 8},
		lines(units.RequestsPerSecond).WithTarget(promQL("A", rate(""), "{{service}}")))
	p.put(about{"Failed requests", "The share of server and consumer spans whose status is error, by service. The line is at 5 %.", 8, 8},
		lines(units.PercentUnit).Thresholds(steps("transparent", 0.05, "red")).ThresholdsStyle(thresholdLine()).WithTarget(promQL("A", `(`+rate(`status_code="STATUS_CODE_ERROR", `)+` or 0 * `+rate("")+`) / (`+rate("")+` > 0)`, "{{service}}")))
}
