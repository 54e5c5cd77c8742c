package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Types of data sources, as Grafana names the plugins.
const (
	prometheusType = "prometheus"
	postgresType   = "grafana-postgresql-datasource"
)

// metrics and rows are the data sources of all panels: what the variables of these names hold.
var (
	metrics = sourceOf(prometheusType, "metrics")
	rows    = sourceOf(postgresType, "sql")
)

func sourceOf(kind, variable string) common.DataSourceRef {
	uid := "${" + variable + "}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// metricsVariable lets the user choose a Prometheus. The uid is that of the provisioned one; where
// there is none, Grafana takes the first of the type.
func metricsVariable(name, uid string) *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("metrics").
		Label("Metrics").
		Description("The Prometheus to ask: Plait itself (…:7080/prometheus), or one that scrapes it.").
		Type(prometheusType).
		Current(option(name, uid))
}

// sqlVariable lets the user choose the Postgres that holds what Plait stores.
func sqlVariable() *dashboard.DatasourceVariableBuilder {
	return dashboard.NewDatasourceVariableBuilder("sql").
		Label("Database").
		Description("The Postgres that Plait stores in.").
		Type(postgresType).
		Current(option("Plait SQL", "plait-postgres"))
}

// traceVariable holds the trace that is looked at; links and exemplars set it.
func traceVariable() *dashboard.TextBoxVariableBuilder {
	return dashboard.NewTextBoxVariableBuilder("trace").
		Label("Trace").
		Description("A trace id in any spelling: hex, traceparent, B3, Jaeger, Datadog's decimals, X-Ray, Google Cloud, Azure.").
		DefaultValue(text("")).
		Current(option("", ""))
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
