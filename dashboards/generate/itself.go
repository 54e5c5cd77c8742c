package main

import (
	_ "embed"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var (
	//go:embed sql/sizes.sql
	sizesSQL string
	//go:embed sql/days.sql
	daysSQL string
	//go:embed sql/signals.sql
	signalsSQL string
)

// plaitItself shows how the gateway does, from its own /metrics.
func plaitItself() (dashboard.Dashboard, error) {
	p := newPage(itselfUID, "Plait: Plait itself", "How the gateways do: what they take in and refuse, how long commits and queries take, what is stored. The metrics are those of their /metrics, which a Prometheus has to scrape.")
	p.WithVariable(scraperVariable()).
		WithVariable(sqlVariable()).
		WithVariable(dashboard.NewQueryVariableBuilder("instance").
			Label("Gateway").
			Description("The gateways to look at.").
			Datasource(scraped).
			Query(text("label_values(plait_store_partitions, instance)")).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortAlphabeticalAsc).
			Multi(true).
			IncludeAll(true).
			AllValue(".*").
			Current(all()))
	p.source = scraped
	p.atAGlance()
	p.wayIn()
	p.commits()
	p.answers()
	p.storage()
	return p.Build()
}

const gateways = `{instance=~"$instance"}`

// orZero is a flat line where a counter that nobody has moved yet has no series.
func orZero(expr string) string { return expr + ` or on () vector(0)` }

func number(unit string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Unit(unit).GraphMode(common.BigValueGraphModeArea).ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
}

func (p *page) atAGlance() {
	p.put(about{"Taken in", "Spans, log records and samples committed per second.", 6, 4},
		number("cps").WithTarget(own("A", `sum(rate(plait_ingest_records_total`+gateways+`[$__rate_interval]))`, "records")))
	p.put(about{"Refused", "Records refused in the range; the panel below says why.", 6, 4},
		number(units.Short).GraphMode(common.BigValueGraphModeNone).Thresholds(steps("green", 1, "red")).WithTarget(own("A", orZero(`sum(increase(plait_ingest_refused_total`+gateways+`[$__range]))`), "records").Instant()))
	p.put(about{"Commit", "The 95th percentile of the time from the start of a group of batches to its commit. Yellow from a quarter of a second, red from one.", 6, 4},
		number(units.Seconds).Thresholds(steps("green", 0.25, "yellow", 1, "red")).WithTarget(own("A", `histogram_quantile(0.95, sum by (le) (rate(plait_store_commit_seconds_bucket`+gateways+`[$__rate_interval])))`, "p95")))
	p.put(about{"Memory for requests", "The share of --max-in-flight that is held by requests which wait for their commit. At 100 % senders are asked to come back.", 6, 4},
		number(units.PercentUnit).Min(0).Max(1).Thresholds(steps("green", 0.7, "yellow", 0.95, "red")).WithTarget(own("A", `max(plait_ingest_in_flight_bytes`+gateways+` / plait_ingest_in_flight_limit_bytes`+gateways+`)`, "in flight")))
}

func (p *page) wayIn() {
	p.put(about{"Records taken in", "Committed per second, by signal.", 8, 8},
		lines("cps").WithTarget(own("A", `sum by (signal) (rate(plait_ingest_records_total`+gateways+`[$__rate_interval]))`, "{{signal}}")))
	p.put(about{"Requests", "Per second, by the door they came through and what was answered.", 8, 8},
		lines(units.RequestsPerSecond).WithTarget(own("A", `sum by (door, answer) (rate(plait_ingest_requests_total`+gateways+`[$__rate_interval]))`, "{{door}} {{answer}}")))
	p.put(about{"Refused and repaired", "Records per second that were refused, and that were stored with a repair, by reason.", 8, 8},
		lines("cps").
			WithTarget(own("A", orZero(`sum by (signal, reason) (rate(plait_ingest_refused_total`+gateways+`[$__rate_interval]))`), "refused {{signal}} {{reason}}")).
			WithTarget(own("B", orZero(`sum by (signal, reason) (rate(plait_ingest_repaired_total`+gateways+`[$__rate_interval]))`), "repaired {{signal}} {{reason}}")))
}

func (p *page) commits() {
	quantile := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le, signal) (rate(plait_store_commit_seconds_bucket` + gateways + `[$__rate_interval])))`
	}
	p.put(about{"Commit latency", "From the start of a group of batches to its commit, by signal.", 8, 8},
		lines(units.Seconds).WithTarget(own("A", quantile("0.99"), "p99 {{signal}}")).WithTarget(own("B", quantile("0.5"), "p50 {{signal}}")))
	p.put(about{"Records per commit", "How many records share a transaction: more, the busier it is.", 8, 8},
		lines(units.Short).WithTarget(own("A", `sum by (signal) (rate(plait_store_commit_records_sum`+gateways+`[$__rate_interval])) / (sum by (signal) (rate(plait_store_commit_records_count`+gateways+`[$__rate_interval])) > 0)`, "{{signal}}")))
	p.put(about{"Not committed, or committed before", "Requests per second whose commit failed, by reason, and those that were a retry of what is stored.", 8, 8},
		lines(units.RequestsPerSecond).
			WithTarget(own("A", orZero(`sum by (signal, reason) (rate(plait_store_failed_requests_total`+gateways+`[$__rate_interval]))`), "failed {{signal}} {{reason}}")).
			WithTarget(own("B", orZero(`sum by (signal) (rate(plait_store_duplicate_requests_total`+gateways+`[$__rate_interval]))`), "retried {{signal}}")))
}

func (p *page) answers() {
	p.put(about{"Queries", "Requests to the API per second, by route and status.", 8, 8},
		lines(units.RequestsPerSecond).WithTarget(own("A", `sum by (route, code) (rate(plait_api_request_seconds_count`+gateways+`[$__rate_interval]))`, "{{route}} {{code}}")))
	p.put(about{"Query latency", "The 95th percentile of the time to answer, by route.", 8, 8},
		lines(units.Seconds).WithTarget(own("A", `histogram_quantile(0.95, sum by (le, route) (rate(plait_api_request_seconds_bucket`+gateways+`[$__rate_interval])))`, "{{route}}")))
	p.put(about{"Memory of the process", "Resident memory of the gateways, without Postgres.", 8, 8},
		lines(units.BytesIEC).WithTarget(own("A", `process_resident_memory_bytes`+gateways+` and on (instance, job) plait_ingest_in_flight_limit_bytes`, "{{instance}}")))
}

func (p *page) storage() {
	p.put(about{"Samples and chunks", "Samples that are not in chunks yet, and memory used by chunks that were read lately.", 8, 8},
		lines(units.Short).
			WithTarget(own("A", `sum(plait_store_head_samples`+gateways+`)`, "samples in the head")).
			WithTarget(own("B", `sum(plait_store_chunk_cache_bytes`+gateways+`)`, "cached chunks")).
			OverrideByName("cached chunks", []dashboard.DynamicConfigValue{set("unit", units.BytesIEC), set("custom.axisPlacement", "right")}))
	p.put(about{"Partitions", "Partitions that exist, by table. They are made three days ahead and dropped when their retention is over.", 8, 8},
		stepped(lines(units.Short)).WithTarget(own("A", `max by (table) (plait_store_partitions`+gateways+`)`, "{{table}}")))
	p.put(about{"Spans that were not measured", "Spans per second that were folded into series for others, not counted, or whose other side never came; and those that came late and were counted at their own time.", 8, 8},
		lines("cps").
			WithTarget(own("A", orZero(`sum(rate(plait_exemplars_folded_spans_total`+gateways+`[$__rate_interval]))`), "folded")).
			WithTarget(own("B", orZero(`sum(rate(plait_exemplars_uncounted_spans_total`+gateways+`[$__rate_interval]))`), "uncounted")).
			WithTarget(own("D", orZero(`sum(rate(plait_exemplars_late_spans_total`+gateways+`[$__rate_interval]))`), "late")).
			WithTarget(own("C", orZero(`sum(rate(plait_exemplars_unpaired_spans_total`+gateways+`[$__rate_interval]))`), "unpaired")))
	p.upkeep()
	p.source = rows
	bytes := set("unit", units.BytesIEC)
	p.put(about{"Size by signal", "What each signal takes in the database, with its indexes. Days are those that have rows; rows are Postgres's estimate.", 24, 6},
		listing(signalsSQL, "Nothing is stored").OverrideByName("bytes", column("size", 110, bytes)))
	p.put(about{"Tables", "What is stored, the largest first. Rows are Postgres's estimate.", 12, 10},
		listing(sizesSQL, "Nothing is stored").
			OverrideByName("bytes", column("size", 110, bytes)).
			OverrideByName("index_bytes", column("of that indexes", 130, bytes)))
	p.put(about{"Days", "What each day takes, the newest first: traces are spans and summaries, metrics are samples and exemplars.", 12, 10},
		listing(daysSQL, "No day has a partition").
			OverrideByRegexp("bytes|traces|logs|metrics", []dashboard.DynamicConfigValue{bytes}).
			OverrideByName("bytes", []dashboard.DynamicConfigValue{set("displayName", "size")}))
}

// upkeep is what gateways do behind the commits.
func (p *page) upkeep() {
	p.put(about{"Commits to merge", "Commits whose terms and counts by the minute wait for one gateway to merge them. They rise and fall; a steady rise means that nobody does.", 8, 8},
		lines(units.Short).
			WithTarget(own("A", `max by (signal) (plait_store_index_heads`+gateways+`)`, "index of {{signal}}")).
			WithTarget(own("B", `max by (signal) (plait_store_tally_commits`+gateways+`)`, "counts of {{signal}}")))
	p.put(about{"Index of terms", "The bytes of its segments, by signal, and how many segments there are: few large ones are read faster.", 8, 8},
		lines(units.BytesIEC).
			WithTarget(own("A", `max by (signal) (plait_store_index_segment_bytes`+gateways+`)`, "{{signal}}")).
			WithTarget(own("B", `max by (signal) (plait_store_index_segments`+gateways+`)`, "segments of {{signal}}")).
			OverrideByRegexp("segments of .*", []dashboard.DynamicConfigValue{set("unit", units.Short), set("custom.axisPlacement", "right")}))
	p.put(about{"Retention", "In the last hour: partitions that were dropped, rows that were kept because an exemplar points to their trace, rounds of upkeep that failed.", 8, 8},
		stepped(lines(units.Short)).
			WithTarget(own("A", orZero(`sum by (table) (increase(plait_store_dropped_partitions_total`+gateways+`[1h]))`), "dropped {{table}}")).
			WithTarget(own("B", orZero(`sum(increase(plait_store_pinned_rows_total`+gateways+`[1h]))`), "kept rows")).
			WithTarget(own("C", orZero(`sum by (task) (increase(plait_store_upkeep_failures_total`+gateways+`[1h]))`), "failed {{task}}")))
}

func stepped(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return p.LineInterpolation(common.LineInterpolationStepAfter)
}
