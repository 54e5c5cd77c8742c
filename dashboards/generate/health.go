package main

import (
	_ "embed"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var (
	//go:embed sql/health_logs.sql
	healthLogsSQL string
	//go:embed sql/health_ids.sql
	healthIDsSQL string
	//go:embed sql/health_spans.sql
	healthSpansSQL string
	//go:embed sql/health_clocks.sql
	healthClocksSQL string
	//go:embed sql/health_exemplars.sql
	healthExemplarsSQL string
)

// correlationHealth tells what keeps telemetry from leading to other telemetry, and what to mend.
func correlationHealth() (dashboard.Dashboard, error) {
	p := newPage(healthUID, "Plait: correlation health",
		"What keeps a metric, a trace and a log record from leading to each other, service by service, and what to mend. Tables are of a sample of the range.")
	p.withEverySource().WithVariable(scraperVariable())
	p.source = rows
	toService := link("This service", serviceUID, "var-name=${__value.raw}&"+everySource)
	toTrace := link("Show this trace", pivotUID, "var-trace=${__value.raw}&"+everySource)
	p.put(about{"Log records", "Of a sample of each service's log records: how many have no trace id, how many have one of which no span is stored, how many have half an id. What to mend stands in the same line.", 24, 10},
		mended(healthLogsSQL, "No log records in this time").
			OverrideByName("service", column("service", 200, toService)).
			OverrideByName("records", column("records", 90)).
			OverrideByName("without_id", column("without id", 110, share()...)).
			OverrideByName("not_found", column("trace not here", 130, share()...)).
			OverrideByName("half", column("64-bit ids", 110, share()...)).
			OverrideByName("example", column("one without", 320, set("custom.inspect", true))))
	p.put(about{"Spans", "Of a sample of each service's spans: how many name a parent that never came, how many have half an id. The trace is one with such a span.", 24, 10},
		mended(healthSpansSQL, "No spans in this time").
			OverrideByName("service", column("service", 200, toService)).
			OverrideByName("spans", column("spans", 90)).
			OverrideByName("orphans", column("without parent", 130, share()...)).
			OverrideByName("half", column("64-bit ids", 110, share()...)).
			OverrideByName("example", column("one without", 220)).
			OverrideByName("trace", column("trace", 120, toTrace)))
	p.put(about{"Clocks", "Of a sample of calls from one service to another: how many seem to begin before the call, and by how much at most. Yellow from 1 ms, red from 50.", 24, 8},
		mended(healthClocksSQL, "No calls between services in this time").
			OverrideByName("caller", column("caller", 200, toService)).
			OverrideByName("service", column("called", 200, toService)).
			OverrideByName("calls", column("calls", 90)).
			OverrideByName("share", column("too early", 110, share()...)).
			OverrideByName("early", column("by at most", 110, painted(units.Milliseconds, 1, 50)...)).
			OverrideByName("trace", column("trace", 120, toTrace)))
	p.put(about{"Exemplars", "Of a sample of exemplars, by metric: how many have no trace id, and how many are kept aside because their trace is not here.", 24, 9},
		mended(healthExemplarsSQL, "No exemplars in this time").
			OverrideByName("metric", column("metric", 420)).
			OverrideByName("exemplars", column("exemplars", 100)).
			OverrideByName("without_id", column("without id", 110, share()...)).
			OverrideByName("aside", column("kept aside", 110, share()...)))
	p.put(about{"Records with a trace id", "The share of log records that have one, by service, of a sample.", 12, 8},
		lines(units.PercentUnit).Max(1).FillOpacity(0).ShowPoints(common.VisibilityModeAlways).WithTarget(sqlSeries("A", healthIDsSQL)))
	p.source = scraped
	p.put(about{"Found, repeated, unpaired", "Per second: trace ids found in the text or attributes of log records that had none, requests that were sent again, and ends of calls whose other end did not come.", 12, 8},
		lines("cps").
			WithTarget(own("A", orZero(`sum(rate(plait_ingest_trace_ids_found_total[$__rate_interval]))`), "ids found in records")).
			WithTarget(own("B", orZero(`sum by (signal) (rate(plait_store_duplicate_requests_total[$__rate_interval]))`), "requests sent again {{signal}}")).
			WithTarget(own("C", orZero(`sum(rate(plait_exemplars_unpaired_spans_total[$__rate_interval]))`), "unpaired ends of calls")))
	return p.Build()
}

// mended is a table whose rows say what to mend.
func mended(statement, noValue string) *table.PanelBuilder {
	return listing(statement, noValue).OverrideByName("mend", column("what to mend", 520, set("custom.cellOptions", map[string]any{"type": "auto", "wrapText": true}), set("custom.inspect", true)))
}

// share is a share that ought to be none.
func share() []dashboard.DynamicConfigValue { return painted(units.PercentUnit, 0.01, 0.1) }

// painted is a number in a unit, yellow from one value and red from another.
func painted(unit string, yellow, red float64) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		set("unit", unit),
		set("custom.cellOptions", map[string]any{"type": "color-text"}),
		set("color", map[string]any{"mode": "thresholds"}),
		set("thresholds", map[string]any{"mode": "absolute", "steps": []any{
			map[string]any{"color": "text", "value": nil}, map[string]any{"color": "yellow", "value": yellow}, map[string]any{"color": "red", "value": red},
		}}),
	}
}
