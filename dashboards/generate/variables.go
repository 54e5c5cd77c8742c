package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Types of data sources, as Grafana names the plugins.
const (
	prometheusType = "prometheus"
	tempoType      = "tempo"
	lokiType       = "loki"
	postgresType   = "grafana-postgresql-datasource"
)

// The data sources of all panels are what the variables of these names hold.
var (
	metrics = sourceOf(prometheusType, "metrics")
	scraped = sourceOf(prometheusType, "scraper")
	traces  = sourceOf(tempoType, "traces")
	records = sourceOf(lokiType, "logs")
	rows    = sourceOf(postgresType, "sql")
)

// everySource is the part of a link that passes the chosen data sources on.
const everySource = "${metrics:queryparam}&${traces:queryparam}&${logs:queryparam}&${sql:queryparam}"

func sourceOf(kind, variable string) common.DataSourceRef {
	uid := "${" + variable + "}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// metricsVariable lets the user choose a Prometheus. The uid is that of the provisioned one; where
// there is none, Grafana takes the first of the type.
func metricsVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("metrics").
		Label("Metrics").
		Description("The Prometheus to ask: Plait itself (…:7080/prometheus), or one that scrapes it.").
		Type(prometheusType).
		Current(option("Plait metrics", "plait-prometheus"))
}

// scraperVariable lets the user choose the Prometheus that has the gateways' own metrics. It has another name than
// metricsVariable, since a link from one dashboard to another carries what variables hold.
func scraperVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("scraper").
		Label("Gateways' metrics").
		Description("The Prometheus that scrapes /metrics of the gateways.").
		Type(prometheusType).
		Current(option("Prometheus", "prometheus"))
}

// sqlVariable lets the user choose the Postgres that holds what Plait stores.
func sqlVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("sql").
		Label("Database").
		Description("The Postgres that Plait stores in.").
		Type(postgresType).
		Current(option("Plait SQL", "plait-postgres"))
}

// withEverySource adds a variable for each data source.
func (p *page) withEverySource() *page {
	p.WithVariable(metricsVariable()).
		WithVariable(dashboard.NewDatasourceVariableBuilder("traces").
			Label("Traces").
			Description("The Tempo to ask: Plait itself (…:7080/tempo).").
			Type(tempoType).
			Current(option("Plait traces", "plait-tempo"))).
		WithVariable(dashboard.NewDatasourceVariableBuilder("logs").
			Label("Logs").
			Description("The Loki to ask: Plait itself (…:7080, without a path).").
			Type(lokiType).
			Current(option("Plait logs", "plait-loki"))).
		WithVariable(sqlVariable())
	return p
}

// traceVariable holds the trace that is looked at; links and exemplars set it.
func traceVariable() *dashboard.TextBoxVariableBuilder {
	return dashboard.NewTextBoxVariableBuilder("trace").
		Label("Trace").
		Description("A trace id in any spelling: hex, traceparent, B3, Jaeger, Datadog's decimals, X-Ray, Google Cloud, Azure.").
		DefaultValue(text("")).
		Current(option("", ""))
}

// follower is a variable that nobody sees, because it follows from another one. So it is no part of an address, where
// it would go on being what it was.
type follower struct {
	*dashboard.QueryVariableBuilder
}

// newWholeID is the 32 digits of the id in traceVariable. Grafana's Tempo asks for a trace by these only, and takes any other
// text for a search; it asks nothing while there are none.
func newWholeID() follower {
	return follower{followed("traceid", "The 32 digits of the chosen trace.",
		`SELECT replace(id::text, '-', '') FROM plait.trace_id(${trace:sqlstring}) id WHERE id IS NOT NULL`)}
}

// newLoggedID is the same for Grafana's Loki, which asks in any case: while there are none it is the id of no
// trace, since the empty text would ask for every record without one.
func newLoggedID() follower {
	return follower{followed("logsof", "The 32 digits of the chosen trace, or of none that there is.",
		`SELECT replace(coalesce(plait.trace_id(${trace:sqlstring}), 'f0f0f0f0-f0f0-f0f0-f0f0-f0f0f0f0f0f0')::text, '-', '')`)}
}

func followed(name, description, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).
		Label(name).
		Description(description).
		Datasource(rows).
		Query(text(query)).
		Refresh(dashboard.VariableRefreshOnDashboardLoad).
		Hide(dashboard.VariableHideHideVariable).
		Current(option("", ""))
}

// Build returns the variable.
func (f follower) Build() (dashboard.VariableModel, error) {
	v, err := f.QueryVariableBuilder.Build()
	hidden := true
	v.SkipUrlSync = &hidden
	return v, err
}

// serviceVariable lets the user choose services. All is the pattern .*, so that metrics that name no service are shown as well.
func serviceVariable(source common.DataSourceRef, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder("service").
		Label("Service").
		Description("The services to look at, told by the labels service, job and service_name of metrics.").
		Datasource(source).
		Query(text(query)).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).
		IncludeAll(true).
		AllValue(".*").
		Current(all())
}

func all() dashboard.VariableOption {
	return dashboard.VariableOption{
		Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	}
}

func option(name, value string) dashboard.VariableOption {
	return dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{String: &name}, Value: dashboard.StringOrArrayOfString{String: &value}}
}

func text(s string) dashboard.StringOrMap { return dashboard.StringOrMap{String: &s} }
