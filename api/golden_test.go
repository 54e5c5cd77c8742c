package api

import (
	"testing"

	"github.com/plaithq/plait/api/facetest"
)

// Answers on the excerpt of the recording. The traces named here are small ones of it.
func TestAnswersOnTheRecording(t *testing.T) {
	t.Parallel()
	g := start(t, excerptStore(t))
	d := readDescription(t)
	const (
		window = "&start=1674982096.478&end=1674982196271628381"
		trace  = "/api/v1/pivot/trace/17b4947393b68e5df1fac39efc57b3a5"
	)
	for name, c := range map[string]struct{ path, template string }{
		"trace":              {trace, "/api/v1/pivot/trace/{id}"},
		"trace_slim":         {trace + "?slim=1", "/api/v1/pivot/trace/{id}"},
		"trace_span":         {trace + "/span?span_id=11718eecbcc72451", "/api/v1/pivot/trace/{id}/span"},
		"trace_logs":         {trace + "/logs?limit=3&severity=info", "/api/v1/pivot/trace/{id}/logs"},
		"trace_metrics":      {trace + "/metrics?limit=4", "/api/v1/pivot/trace/{id}/metrics"},
		"metric_spans":       {"/api/v1/pivot/metric?query=histogram_quantile(0.99,rate(traces_spanmetrics_latency_bucket{service=%22ts-order-service%22}[1m]))&limit=2" + window, "/api/v1/pivot/metric"},
		"metric_calls":       {"/api/v1/pivot/metric?query=traces_spanmetrics_calls_total{service=%22ts-order-service%22,instance=%22plait:7080%22}&limit=2" + window, "/api/v1/pivot/metric"},
		"metric_edge":        {"/api/v1/pivot/metric?query=traces_service_graph_request_server_seconds_bucket{client=%22ts-seat-service%22,server=%22ts-order-service%22}&limit=2" + window, "/api/v1/pivot/metric"},
		"metric_gauge":       {"/api/v1/pivot/metric?query=pod_server_latency_p95_seconds{job=%22trainticket/ts-order-service%22}&min=0.005&limit=2" + window, "/api/v1/pivot/metric"},
		"metric_pods":        {"/api/v1/pivot/metric?query=memory_usage_Mi&limit=2" + window, "/api/v1/pivot/metric"},
		"metric_nothing":     {"/api/v1/pivot/metric?query=unheard_of" + window, "/api/v1/pivot/metric"},
		"logs":               {"/api/v1/logs?service=ts-order-service&q=TRAVEL&limit=2" + window, "/api/v1/logs"},
		"log":                {"/api/v1/pivot/log?time=2023-01-29T08:49:55.883Z&service=ts-travel-service&body=today+date&lines=2", "/api/v1/pivot/log"},
		"traces":             {"/api/v1/traces?service=ts-order-service&min_duration=5ms&kind=server&attr=service.namespace=trainticket&limit=2" + window, "/api/v1/traces"},
		"service_map":        {"/api/v1/service-map?start=1674982096478&end=1674982196272", "/api/v1/service-map"},
		"service_map_course": {"/api/v1/service-map?start=1674982096478&end=1674982196272&bins=4", "/api/v1/service-map"},
		"logs_joined":        {"/api/v1/logs?service=ts-order-service&service=ts-travel-service&level=info&level=error&joined=yes&limit=1" + window, "/api/v1/logs"},
		"heatmap":            {"/api/v1/heatmap?query=traces_spanmetrics_latency{service=%22ts-order-service%22}&columns=4&rows=6" + window, "/api/v1/heatmap"},
		"log_volume":         {"/api/v1/logs/volume?service=ts-order-service&severity=info&by=service,severity,template&step=1h&start=1674982096478&end=1674982196272", "/api/v1/logs/volume"},
		"span_volume":        {"/api/v1/spans/volume?service=ts-order-service&kind=server&by=name,kind&step=1m&start=1674982096478&end=1674982196272", "/api/v1/spans/volume"},
		"correlation":        {"/api/v1/correlation?service=ts-order-service&start=1674982096478&end=1674982196272", "/api/v1/correlation"},
		"why_missing":        {"/api/v1/why-missing?id=17b4947393b68e5df1fac39efc57b3a5", "/api/v1/why-missing"},
		"spikes":             {"/api/v1/spikes?service=ts-order-service&start=1674982096478&end=1674982196272", "/api/v1/spikes"},
		"services":           {"/api/v1/services?limit=2&cursor=dHMtbw", "/api/v1/services"},
		"problem":            {"/api/v1/traces?min_duration=fast", "/api/v1/traces"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := g.get(t, c.path)
			for _, wrong := range d.validate(c.template, resp, body) {
				t.Error(wrong)
			}
			facetest.Golden(t, name, body)
		})
	}
}
