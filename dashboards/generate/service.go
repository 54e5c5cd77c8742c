package main

import (
	_ "embed"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/loki"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

//go:embed sql/service_templates.sql
var serviceTemplatesSQL string

// What the chosen service did for its callers, as its spans tell.
const (
	ofService        = `{service="$name", ` + served + `}`
	failedOfService  = `{service="$name", status_code="STATUS_CODE_ERROR", ` + served + `}`
	whatFailedInLogs = `detected_level=~"error|critical|fatal"`
)

// service is the overview of one service: what is asked of it, how it answers, what it logs, whom it calls.
func service() (dashboard.Dashboard, error) {
	p := newPage(serviceUID, "Plait: service", "One service: requests, failures and durations by operation, its logs, its callers and callees. Every dot is an exemplar that opens its trace.")
	p.withEverySource().WithVariable(dashboard.NewQueryVariableBuilder("name").
		Label("Service").
		Description("The service to look at. (It is not called service, because links between dashboards carry variables, and there it may be several.)").
		Datasource(metrics).
		Query(text("label_values(traces_spanmetrics_calls_total, service)")).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Current(option("", "")))
	p.withSpikes(`{service="$name"}`)
	p.serviceAtAGlance()
	p.serviceOverTime()
	p.operations()
	p.serviceLogs()
	p.neighbours()
	return p.Build()
}

func (p *page) serviceAtAGlance() {
	p.source = metrics
	p.put(about{"Requests", "Server and consumer spans per second, over the range.", 6, 4},
		number(units.RequestsPerSecond).GraphMode(common.BigValueGraphModeNone).WithTarget(promQL("A", `sum(rate(traces_spanmetrics_calls_total`+ofService+`[$__range]))`, "requests").Instant()))
	p.put(about{"Failed", "The share of these whose status is error. Yellow from 1 %, red from 5 %.", 6, 4},
		number(units.PercentUnit).GraphMode(common.BigValueGraphModeNone).Thresholds(steps("green", 0.01, "yellow", 0.05, "red")).
			WithTarget(promQL("A", `(sum(rate(traces_spanmetrics_calls_total`+failedOfService+`[$__range])) or on () vector(0)) / (sum(rate(traces_spanmetrics_calls_total`+ofService+`[$__range])) > 0)`, "failed").Instant()))
	p.put(about{"95th percentile", "19 of 20 requests of the range took less time. Yellow from half a second, red from two.", 6, 4},
		number(units.Seconds).GraphMode(common.BigValueGraphModeNone).Thresholds(steps("green", 0.5, "yellow", 2, "red")).
			WithTarget(promQL("A", `histogram_quantile(0.95, sum by (le) (rate(traces_spanmetrics_latency_bucket`+ofService+`[$__range])))`, "p95").Instant()))
	p.source = records
	p.put(about{"Errors logged", "Log records of the range at level error and above. Red from the first.", 6, 4},
		number(units.Short).GraphMode(common.BigValueGraphModeNone).Thresholds(steps("green", 1, "red")).
			WithTarget(logQL("A", `sum(count_over_time({service_name="$name"} | `+whatFailedInLogs+` [$__range])) or vector(0)`, "errors").QueryType(string(loki.LokiQueryTypeInstant))))
}

func (p *page) serviceOverTime() {
	p.source = metrics
	p.put(about{"Latency", "How many requests took how long. Each dot is an exemplar: a request whose trace is stored.", 12, 9},
		latencies(`sum by (le) (increase(traces_spanmetrics_latency_bucket`+ofService+`[$__rate_interval]))`))
	quantile := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le) (rate(traces_spanmetrics_latency_bucket` + ofService + `[$__rate_interval])))`
	}
	p.put(about{"Quantiles", "The median, the 95th and the 99th percentile of the time to answer.", 12, 9},
		lines(units.Seconds).
			WithTarget(promQL("A", quantile("0.99"), "p99").Exemplar(true)).
			WithTarget(promQL("B", quantile("0.95"), "p95")).
			WithTarget(promQL("C", quantile("0.5"), "p50")))
	rate := func(labels string) string {
		return `sum by (span_name) (rate(traces_spanmetrics_calls_total` + labels + `[$__rate_interval]))`
	}
	p.put(about{"Requests by operation", "Server and consumer spans per second.", 8, 8},
		lines(units.RequestsPerSecond).WithTarget(promQL("A", rate(ofService), "{{span_name}}")))
	p.put(about{"Failed requests by operation", "The share whose status is error. The line is at 5 %.", 8, 8},
		lines(units.PercentUnit).Thresholds(steps("transparent", 0.05, "red")).ThresholdsStyle(thresholdLine()).
			WithTarget(promQL("A", `(`+rate(failedOfService)+` or 0 * `+rate(ofService)+`) / (`+rate(ofService)+` > 0)`, "{{span_name}}")))
	p.put(about{"95th percentile by operation", "19 of 20 requests took less time. The dots are exemplars.", 8, 8},
		lines(units.Seconds).WithTarget(promQL("A", `histogram_quantile(0.95, sum by (le, span_name) (rate(traces_spanmetrics_latency_bucket`+ofService+`[$__rate_interval])))`, "{{span_name}}").Exemplar(true)))
}

// joinedTable is a table of instant queries, a row for each value of a label and a column for each of their stats.
func joinedTable(by, noValue string) *table.PanelBuilder {
	inOrder := dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"excludeByName": map[string]any{"Time": true},
		"indexByName":   map[string]any{by: 0, "requests": 1, "failed": 2, "p50": 3, "p95": 4},
		"renameByName":  map[string]any{},
	}}
	return table.NewPanelBuilder().
		Unit(units.Short).
		NoValue(noValue).
		ShowHeader(true).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{})).
		CellHeight(common.TableCellHeightSm).
		Filterable(true).
		Transformations(append(joined("/.*/"), inOrder)).
		OverrideByName("requests", column("requests/s", 110, set("unit", units.RequestsPerSecond))).
		OverrideByName("failed", column("failed", 100, painted(units.PercentUnit, 0.01, 0.05)...)).
		OverrideByName("p50", column("p50", 100, set("unit", units.Seconds))).
		OverrideByName("p95", column("p95", 100, set("unit", units.Seconds)))
}

// measures is a table of requests, failures and durations, by a label.
func measures(noValue, by, requests, failed, buckets string) *table.PanelBuilder {
	sum := func(expr string) string { return `sum by (` + by + `) (rate(` + expr + `[$__range]))` }
	quantile := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le, ` + by + `) (rate(` + buckets + `[$__range])))`
	}
	return joinedTable(by, noValue).
		WithTarget(promStat("A", "requests", sum(requests))).
		WithTarget(promStat("B", "failed", `(`+sum(failed)+` or 0 * `+sum(requests)+`) / (`+sum(requests)+` > 0)`)).
		WithTarget(promStat("C", "p50", quantile("0.5"))).
		WithTarget(promStat("D", "p95", quantile("0.95")))
}

func (p *page) operations() {
	p.source = metrics
	p.put(about{"Operations", "What the service is asked for, over the range. A click shows its latency, its slow and its failed traces.", 24, 9},
		measures("Nothing was asked of this service", "span_name", `traces_spanmetrics_calls_total`+ofService, `traces_spanmetrics_calls_total`+failedOfService, `traces_spanmetrics_latency_bucket`+ofService).
			OverrideByName("span_name", []dashboard.DynamicConfigValue{set("displayName", "operation"),
				link("Metric to trace to logs", pivotUID, "var-service=${name}&"+everySource)}))
	p.source = traces
	p.put(about{"Failed traces", "The newest traces in which a span of the service failed. A click shows the trace and its logs.", 12, 9},
		table.NewPanelBuilder().
			WithTarget(traceQL("A", `{resource.service.name = "$name" && status = error}`).Limit(20).Spss(3).TableType("traces")).
			Unit(units.Short).
			NoValue("No span of this service failed").
			ShowHeader(true).
			Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{})).
			CellHeight(common.TableCellHeightSm).
			OverrideByName("traceID", column("trace", 110, link("Show this trace", pivotUID, "var-trace=${__value.raw}&var-service=${name}&"+everySource))))
}

func (p *page) serviceLogs() {
	p.source = rows
	p.put(about{"What it logs most", "Log lines by their text without digits, with their share of a sample: the first 300 records of each of 20 parts of the range.", 12, 9},
		listing(serviceTemplatesSQL, "This service logged nothing").
			OverrideByName("share", column("share", 130, append([]dashboard.DynamicConfigValue{set("unit", units.PercentUnit), set("min", 0), set("max", 1)}, gauge()...)...)).
			OverrideByName("level", column("level", 80, set("mappings", levelColors()), set("custom.cellOptions", map[string]any{"type": "color-text"}))))
	p.source = records
	p.put(about{"Logs by level", "Log records by the level that was detected.", 12, 8},
		levels().WithTarget(logQL("A", `sum by (detected_level) (count_over_time({service_name="$name"} [$__auto]))`, "{{detected_level}}")))
	p.put(about{"Errors", "The newest log records at level error and above. Open a line: its trace id leads to the trace.", 12, 8},
		logLines(`{service_name="$name"} | `+whatFailedInLogs, "No errors were logged", common.LogsSortOrderDescending, 100))
}

// neighbours are the services on the other ends of calls.
func (p *page) neighbours() {
	p.source = metrics
	calls := func(other, mine string) func(title, description, none string) {
		return func(title, description, none string) {
			of := func(name string) string { return name + `{` + mine + `="$name"}` }
			p.put(about{title, description, 12, 8},
				measures(none, other, of("traces_service_graph_request_total"), of("traces_service_graph_request_failed_total"), of("traces_service_graph_request_server_seconds_bucket")).
					OverrideByName(other, []dashboard.DynamicConfigValue{set("displayName", "service"),
						link("This service", serviceUID, "var-name=${__value.raw}&"+everySource)}))
		}
	}
	calls("client", "server")("Callers", "Who calls the service, over the range, as it answered. A click leads to that service; user is whoever sends no spans.", "Nobody called it")
	calls("server", "client")("Callees", "Whom the service calls, over the range, as they answered. A click leads to that service.", "It calls nobody")
	overTime := func(title, description, other, mine string) {
		p.put(about{title, description, 12, 8},
			lines(units.Seconds).WithTarget(promQL("A", `histogram_quantile(0.95, sum by (le, `+other+`) (rate(traces_service_graph_request_server_seconds_bucket{`+mine+`="$name"}[$__rate_interval])))`, "{{"+other+"}}").Exemplar(true)))
	}
	overTime("Answers to callers", "The 95th percentile of the time to answer, by caller. The dots are exemplars.", "client", "server")
	overTime("Answers of callees", "The 95th percentile of the time until they answered, by callee. The dots are exemplars.", "server", "client")
}
