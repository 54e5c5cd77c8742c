package dashboards

// TempoSettings are the settings of a data source of Grafana for Plait's traces: a span leads to what all services
// logged for its trace and to the metrics of its service, and the service graph is drawn.
func TempoSettings() map[string]any {
	return map[string]any{
		"nodeGraph":  map[string]any{"enabled": true},
		"serviceMap": map[string]any{"datasourceUid": PrometheusUID},
		"tracesToLogsV2": map[string]any{
			"datasourceUid": LokiUID, "spanStartTimeShift": "-1h", "spanEndTimeShift": "1h",
			"tags":        []any{map[string]any{"key": "service.name", "value": "service_name"}},
			"customQuery": true, "query": `{service_name=~".+"} | trace_id = "${__trace.traceId}"`,
		},
		"tracesToMetrics": map[string]any{
			"datasourceUid": PrometheusUID, "spanStartTimeShift": "-10m", "spanEndTimeShift": "10m",
			"tags": []any{map[string]any{"key": "service.name", "value": "service"}},
			"queries": []any{
				map[string]any{"name": "Requests per second, by operation", "query": `sum by (span_name) (rate(traces_spanmetrics_calls_total{$__tags}[5m]))`},
				map[string]any{"name": "Failed per second, by operation", "query": `sum by (span_name) (rate(traces_spanmetrics_calls_total{$__tags, status_code="STATUS_CODE_ERROR"}[5m]))`},
				map[string]any{"name": "p95", "query": `histogram_quantile(0.95, sum by (le) (rate(traces_spanmetrics_latency_bucket{$__tags}[5m])))`},
			},
		},
	}
}

// LokiSettings are the settings of a data source of Grafana for Plait's log records: a line leads to its trace, on
// the dashboard and in Explore.
func LokiSettings() map[string]any {
	return map[string]any{
		"manageAlerts": false, "maxLines": 1000,
		"derivedFields": []any{
			map[string]any{"name": "trace_id", "matcherType": "label", "matcherRegex": "trace_id", "url": ExemplarURL, "urlDisplayLabel": "Show the trace"},
			map[string]any{"name": "Trace", "matcherType": "label", "matcherRegex": "trace_id", "url": "${__value.raw}", "datasourceUid": TempoUID, "urlDisplayLabel": "Explore the trace"},
			map[string]any{"name": "trace_id in the line", "matcherRegex": `\btrace_?[iI][dD]"?[=:]\s*"?([0-9a-fA-F]{32})\b`, "url": ExemplarURL, "urlDisplayLabel": "Show the trace"},
		},
	}
}
