package main

import (
	"reflect"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/loki"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/tempo"
)

// promQL is a range query whose series are named by legend.
func promQL(refID, expr, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(refID).Datasource(metrics).Expr(expr).LegendFormat(legend).
		EditorMode(prometheus.QueryEditorModeCode).Range()
}

// own is a range query of the gateways' own metrics.
func own(refID, expr, legend string) *prometheus.DataqueryBuilder {
	return promQL(refID, expr, legend).Datasource(scraped)
}

// promStat is an instant query at the end of the range, whose series have a label stat.
func promStat(refID, stat, expr string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(refID).Datasource(metrics).Expr(`label_replace(` + expr + `, "stat", "` + stat + `", "", "")`).
		EditorMode(prometheus.QueryEditorModeCode).Instant().Format(prometheus.PromQueryFormatTimeSeries)
}

// traceQL is a search, or a trace by its 32 digits.
func traceQL(refID, query string) *tempo.TempoQueryBuilder {
	return tempo.NewTempoQueryBuilder().RefId(refID).Datasource(traces).QueryType("traceql").Query(query).
		Filters([]cog.Builder[tempo.TraceqlFilter]{})
}

// logQL is a query over the range: of lines, or of numbers at each step.
func logQL(refID, expr, legend string) *loki.DataqueryBuilder {
	return loki.NewDataqueryBuilder().RefId(refID).Datasource(records).Expr(expr).LegendFormat(legend).
		EditorMode(loki.QueryEditorModeCode).QueryType(string(loki.LokiQueryTypeRange))
}

// sqlQuery is a query of Grafana's PostgreSQL data source, for which the SDK has no type.
type sqlQuery struct {
	RefID      string               `json:"refId"`
	Datasource common.DataSourceRef `json:"datasource"`
	EditorMode string               `json:"editorMode"`
	Format     string               `json:"format"`
	RawQuery   bool                 `json:"rawQuery"`
	RawSQL     string               `json:"rawSql"`
}

// sqlTable asks for the rows of a statement.
func sqlTable(refID, statement string) cog.Builder[variants.Dataquery] {
	return sqlQuery{RefID: refID, Datasource: rows, EditorMode: "code", Format: "table", RawQuery: true, RawSQL: strings.TrimSpace(statement)}
}

// sqlSeries asks for series: the column time, the text in metric, and a number.
func sqlSeries(refID, statement string) cog.Builder[variants.Dataquery] {
	return sqlQuery{RefID: refID, Datasource: rows, EditorMode: "code", Format: "time_series", RawQuery: true, RawSQL: strings.TrimSpace(statement)}
}

// Build returns the query.
func (q sqlQuery) Build() (variants.Dataquery, error) { return q, nil }

// ImplementsDataqueryVariant marks a query.
func (q sqlQuery) ImplementsDataqueryVariant() {}

// Equals compares with another query.
func (q sqlQuery) Equals(other variants.Dataquery) bool { return reflect.DeepEqual(q, other) }

// DataqueryType names the data source's plugin.
func (q sqlQuery) DataqueryType() string { return postgresType }

// Validate has nothing to find.
func (q sqlQuery) Validate() error { return nil }
