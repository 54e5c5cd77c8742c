// Package spanmetrics says what the metrics that are derived from spans are: their names, labels
// and buckets, what an edge of the service graph is, and which spans are the two sides of a call.
//
// Three rooms must agree on it: exemplars counts spans as they come in, store draws the service map
// from stored spans, and correlate leads from a series back to the spans behind it. It holds rules
// only: no state, no database, no HTTP.
package spanmetrics

import "github.com/plaithq/plait"

// The metrics, with the names that Grafana's service graph and Tempo's users know. Latencies are
// histograms in seconds.
const (
	CallsTotal    = "traces_spanmetrics_calls_total"
	Latency       = "traces_spanmetrics_latency"
	RequestTotal  = "traces_service_graph_request_total"
	FailedTotal   = "traces_service_graph_request_failed_total"
	ServerSeconds = "traces_service_graph_request_server_seconds"
	ClientSeconds = "traces_service_graph_request_client_seconds"
)

// The labels of CallsTotal and Latency, then those of the service graph.
const (
	LabelService    = "service"
	LabelSpanName   = "span_name"
	LabelSpanKind   = "span_kind"
	LabelStatusCode = "status_code"

	LabelClient         = "client"
	LabelServer         = "server"
	LabelConnectionType = "connection_type"
)

// Other is the label that stands for what was folded: services, names of spans and edges beyond what
// is counted by itself.
const Other = "other"

// The values of LabelSpanKind and LabelStatusCode that are asked for by name.
const (
	KindServer   = "SPAN_KIND_SERVER"
	KindClient   = "SPAN_KIND_CLIENT"
	KindProducer = "SPAN_KIND_PRODUCER"
	KindConsumer = "SPAN_KIND_CONSUMER"

	StatusError = "STATUS_CODE_ERROR"
)

var kindLabels = [...]string{
	plait.SpanKindUnspecified: "SPAN_KIND_UNSPECIFIED",
	plait.SpanKindInternal:    "SPAN_KIND_INTERNAL",
	plait.SpanKindServer:      KindServer,
	plait.SpanKindClient:      KindClient,
	plait.SpanKindProducer:    KindProducer,
	plait.SpanKindConsumer:    KindConsumer,
}

// KindLabel returns the value of LabelSpanKind, which is the kind's name in OTLP. A kind that OTLP
// does not define is unspecified.
func KindLabel(k plait.SpanKind) string {
	if int(k) < len(kindLabels) {
		return kindLabels[k]
	}
	return kindLabels[plait.SpanKindUnspecified]
}

var statusLabels = [...]string{
	plait.StatusUnset: "STATUS_CODE_UNSET",
	plait.StatusOK:    "STATUS_CODE_OK",
	plait.StatusError: StatusError,
}

// StatusLabel returns the value of LabelStatusCode, which is the code's name in OTLP. A code that
// OTLP does not define is unset.
func StatusLabel(c plait.StatusCode) string {
	if int(c) < len(statusLabels) {
		return statusLabels[c]
	}
	return statusLabels[plait.StatusUnset]
}
