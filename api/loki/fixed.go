package loki

import (
	"context"

	"github.com/plaithq/plait/query/logql"
)

// lokiVersion is that of the API which is answered, for tools that ask.
const lokiVersion = "3.5.0"

// formatQuery writes a query as people read it.
func (h *handler) formatQuery(_ context.Context, q *request) (any, error) {
	e, err := logql.Parse(q.form.Get("query"))
	if err != nil {
		return nil, err
	}
	return succeed(logql.Pretty(e)), nil
}

// buildInfo says which Loki's API this is.
func (h *handler) buildInfo(context.Context, *request) (any, error) {
	return map[string]string{"version": lokiVersion, "revision": h.Version, "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}, nil
}

// limits are what Logs Drilldown asks for first.
func (h *handler) limits(context.Context, *request) (any, error) {
	return map[string]any{
		"limits": map[string]any{
			"discover_log_levels": true, "discover_service_name": []string{"service_name"}, "log_level_fields": []string{"level", "severity"},
			"max_entries_limit_per_query": maxLimit, "max_query_length": "0s", "max_query_series": maxSeries, "metric_aggregation_enabled": false,
			"pattern_persistence_enabled": false, "query_timeout": h.Timeout.String(), "retention_period": "0s", "volume_enabled": true, "volume_max_series": maxLimit,
		},
		"pattern_ingester_enabled": true, "version": lokiVersion,
	}, nil
}
