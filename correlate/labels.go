package correlate

import (
	"slices"
	"strings"

	"github.com/plaithq/plait"
)

// What the labels of a metric say about spans. A label is compared with
//
//  1. the attribute that it was made from, of the span or its resource: http_route with http.route, and
//     any other label with the attribute of which it is the name in Prometheus;
//  2. attributes of other names that mean the same: older conventions, and what other libraries call it;
//  3. what else of a span tells: its service, name, kind and status.

// sameMeaning are attributes that mean the same, the latest convention's first.
var sameMeaning = [][]string{
	{"http.request.method", "http.method"},
	{"http.response.status_code", "http.status_code"},
	{"http.route"},
	{"url.path", "http.target"},
	{"url.full", "http.url"},
	{"url.scheme", "http.scheme"},
	{"server.address", "net.peer.name", "net.host.name", "http.host", "http.server_name"},
	{"server.port", "net.peer.port", "net.host.port"},
	{"client.address", "http.client_ip"},
	{"network.peer.address", "net.sock.peer.addr", "net.peer.ip"},
	{"network.peer.port", "net.sock.peer.port"},
	{"network.protocol.name", "net.protocol.name", "net.app.protocol.name"},
	{"network.protocol.version", "net.protocol.version", "http.flavor"},
	{"network.transport", "net.transport"},
	{"user_agent.original", "http.user_agent"},
	{"rpc.method"},
	{"rpc.service"},
	{"rpc.system.name", "rpc.system"},
	{"rpc.response.status_code", "rpc.grpc.status_code", "rpc.connect_rpc.error_code"},
	{"db.system.name", "db.system"},
	{"db.namespace", "db.name"},
	{"db.operation.name", "db.operation"},
	{"db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table"},
	{"db.query.text", "db.statement"},
	{"messaging.destination.name", "messaging.destination"},
	{"messaging.operation.name", "messaging.operation.type", "messaging.operation"},
	{"messaging.consumer.group.name", "messaging.kafka.consumer.group", "messaging.consumer_group"},
	{"error.type", "exception.type"},
	{"deployment.environment.name", "deployment.environment"},
	{"service.instance.id"},
	{"k8s.pod.name"},
	{"k8s.node.name"},
	{"k8s.namespace.name", "service.namespace"},
	{"k8s.container.name", "container.name"},
	{"k8s.cluster.name"},
	{"host.name"},
	{"container.id"},
	{"service.version"},
	{"cloud.region"},
}

// otherNames are labels that are not the name of an attribute, and the attribute that they mean.
var otherNames = map[string]string{
	"method": "http.request.method", "verb": "http.request.method", "request_method": "http.request.method",
	"route": "http.route", "handler": "http.route", "path": "http.route", "uri": "http.route", "endpoint": "http.route",
	"http_target": "url.path", "url_path": "url.path",
	"grpc_method": "rpc.method", "method_name": "rpc.method", "grpc_service": "rpc.service",
	"grpc_code": "rpc.response.status_code", "grpc_status": "rpc.response.status_code",
	"code": "http.response.status_code", "status": "http.response.status_code", "status_code": "http.response.status_code",
	"response_code": "http.response.status_code", "http_code": "http.response.status_code", "http_status": "http.response.status_code",
	"status_class": "http.response.status_code", "code_class": "http.response.status_code", "http_status_class": "http.response.status_code",
	"response_code_class": "http.response.status_code", "envoy_response_code": "http.response.status_code",
	"envoy_response_code_class": "http.response.status_code", "grpc_response_status": "rpc.response.status_code",
	"error": "error.type", "exception": "error.type",
	"pod": "k8s.pod.name", "pod_name": "k8s.pod.name", "node": "k8s.node.name",
	"namespace": "k8s.namespace.name", "container": "k8s.container.name", "cluster": "k8s.cluster.name",
	"instance": "service.instance.id", "exported_instance": "service.instance.id",
	"host": "host.name", "hostname": "host.name",
	"env": "deployment.environment.name", "environment": "deployment.environment.name",
	"version": "service.version", "region": "cloud.region",
	"db_statement": "db.query.text", "topic": "messaging.destination.name", "queue": "messaging.destination.name",
}

// decisiveKeys are attributes by which requests are told apart, and services' instances.
var decisiveKeys = []string{
	"http.request.method", "http.response.status_code", "http.route", "url.path", "rpc.method", "rpc.service", "rpc.response.status_code",
	"db.operation.name", "db.collection.name", "messaging.destination.name", "messaging.operation.name", "error.type",
	"service.instance.id", "k8s.pod.name", "host.name", "container.id",
}

// serviceLabels name the service, the most telling first. A service mesh names the one that answers as the destination.
var serviceLabels = []string{
	"service_name", "service", "exported_service", "destination_service_name", "destination_canonical_service", "destination_workload", "destination_app",
	"exported_job", "job", "app", "application",
}

var spanNameLabels = []string{"span_name", "operation", "operation_name"}

// readerOf returns how a span is read for a matcher, nil where no span can tell, and whether the
// label is decisive.
func readerOf(m plait.Matcher) (read reader, decisive bool) {
	switch {
	case m.Name == "__name__" || m.Name == "le" || m.Name == "quantile" || strings.HasPrefix(m.Name, "otel_scope_"):
		return nil, false
	case m.Name == "job" || m.Name == "exported_job":
		return jobReader(m), true
	case slices.Contains(serviceLabels, m.Name):
		return readService, true
	case slices.Contains(spanNameLabels, m.Name):
		return readName, true
	case m.Name == "span_kind" || m.Name == "kind" && spelledIn(m.Value, allKinds):
		return readKind, true
	case m.Name == "outcome":
		return readOutcome, true
	case m.Name == "span_status" || m.Name == "otel_status_code" || m.Name == "status_code" && spelledIn(m.Value, allStatuses[:]):
		return readStatus, true
	}
	keys := keysOf(m.Name)
	own := func(s *plait.Span) reading { return attributeReading(s, m.Name, keys) }
	if len(keys) == 0 {
		return own, false
	}
	decisive = slices.Contains(decisiveKeys, keys[0])
	if heuristic := heuristicOf(keys[0], m); heuristic != nil {
		return func(s *plait.Span) reading {
			if r := own(s); r.told {
				return spelledOut(keys[0], m, r, s)
			}
			return heuristic(s)
		}, decisive
	}
	return own, decisive
}

// keysOf returns the attributes that a label may mean, the likeliest first; none for a label that is
// known to be nothing but the name of an attribute.
func keysOf(label string) []string {
	key, ok := otherNames[label]
	for _, group := range sameMeaning {
		for _, one := range group {
			if one == key || !ok && labelledAs(one, label) {
				return group
			}
		}
	}
	return nil
}

// labelledAs says whether an attribute's key becomes the label in Prometheus.
func labelledAs(key, label string) bool {
	if len(key) != len(label) {
		return false
	}
	for i := range len(key) {
		c := key[i]
		if c != label[i] && (label[i] != '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}

// attributeReading reads the attribute that became the label, or else the first of the others.
func attributeReading(s *plait.Span, label string, keys []string) reading {
	best, text := len(keys)+1, ""
	for _, attributes := range []plait.Attributes{s.Attributes, s.Resource.Attributes} {
		for i := range attributes {
			a := &attributes[i]
			var at int
			if labelledAs(a.Key, label) {
				at = -1
			} else if k := slices.Index(keys, a.Key); k >= 0 {
				at = k
			} else {
				continue
			}
			if at < best {
				best, text = at, a.Value.Text()
			}
		}
	}
	if best > len(keys) {
		return reading{}
	}
	return reading{texts: []string{text}, told: true}
}

func readService(s *plait.Span) reading {
	return reading{texts: []string{s.Resource.Service()}, told: true}
}

func readName(s *plait.Span) reading { return reading{texts: []string{s.Name}, told: true} }

func readKind(s *plait.Span) reading {
	return reading{texts: kindSpellings(s.Kind), told: true}
}

func readStatus(s *plait.Span) reading {
	return reading{texts: statusSpellings(s.Status), told: true}
}

// jobReader reads a job: OpenTelemetry's is namespace/name, a scrape's is often the name alone.
func jobReader(m plait.Matcher) reader {
	return func(s *plait.Span) reading {
		service := s.Resource.Service()
		r := reading{texts: []string{service}, told: true}
		if v, ok := s.Resource.Attributes.Get("service.namespace"); ok && v.Text() != "" {
			r.texts = append(r.texts, v.Text()+"/"+service)
		} else if strings.HasSuffix(m.Value, "/"+service) {
			r.possible = []string{m.Value}
		}
		return r
	}
}

func spelledIn(value string, all [][]string) bool {
	return slices.ContainsFunc(all, func(texts []string) bool { return slices.Contains(texts, value) })
}
