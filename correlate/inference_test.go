package correlate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
)

// seriesNamed reads labels as `name a=1 b=2`.
func seriesNamed(text string) plait.Labels {
	words := strings.Fields(text)
	labels := plait.Labels{{Name: "__name__", Value: words[0]}}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		labels = append(labels, plait.Label{Name: name, Value: value})
	}
	return labels
}

func matchersText(some ...[]plait.Matcher) string {
	var words []string
	for _, matchers := range some {
		for _, m := range matchers {
			words = append(words, m.Name+string(m.Op)+m.Value)
		}
	}
	return strings.Join(words, " ")
}

// spanNamed reads a span as `service=cart name=GET·/x kind=server status=error http.route=/x`; a dot in
// the middle of a name is a space, and r: begins an attribute of the resource.
func spanNamed(text string) *plait.Span {
	s := &plait.Span{Resource: &plait.Resource{}}
	for _, w := range strings.Fields(strings.TrimSpace(text)) {
		key, value, _ := strings.Cut(w, "=")
		value = strings.ReplaceAll(value, "·", " ")
		attribute := plait.Attribute{Key: key, Value: plait.StringValue(value)}
		switch key {
		case "service":
			attribute.Key = "service.name"
			s.Resource.Attributes = append(s.Resource.Attributes, attribute)
		case "name":
			s.Name = value
		case "kind":
			for s.Kind = plait.SpanKindUnspecified; s.Kind.String() != value; s.Kind++ {
			}
		case "status":
			s.Status = plait.StatusError
		default:
			if of, ok := strings.CutPrefix(key, "r:"); ok {
				attribute.Key = of
				s.Resource.Attributes = append(s.Resource.Attributes, attribute)
			} else {
				s.Attributes = append(s.Attributes, attribute)
			}
		}
	}
	return s
}

func TestLabelsAreComparedWithWhatSpansSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		matcher, span string
		want          verdict
	}{
		{`http_route=/x`, "http.route=/x name=GET·/y", fits},
		{`http_route=/x`, "http.route=/y name=GET·/x", differs},
		{`http_route=/x`, "name=GET·/x", fits},
		{`http_route=/x`, "name=HTTP·GET·/x", fits},
		{`http_route=/x`, "name=GET·/y", differs},
		{`http_route=/x`, "name=handler", unknown},
		{`http_route!=/x`, "name=GET·/x", differs},
		{`http_route!=/x`, "name=GET·/y", fits},
		{`http_route=~/x.*`, "http.route=/x/{id}", fits},
		{`http_route!~/x.*`, "http.route=/x/{id}", differs},
		{`handler=/x`, "http.target=/x?a=b", fits},
		{`http_target=/x?a=b`, "http.target=/x?a=b", fits},
		{`http_target=/x`, "url.path=/x", fits},
		{`method=get`, "http.request.method=GET", fits},
		{`http_method=GET`, "http.request.method=POST", differs},
		{`http_request_method=GET`, "http.method=GET", fits},
		{`http_request_method=GET`, "name=POST·/x", differs},
		{`http_response_status_code=404`, "http.response.status_code=404", fits},
		{`http_response_status_code=404`, "http.response.status_code=200", differs},
		{`http_response_status_code=404`, "http.status_code=404", fits},
		{`http_status_code=404`, "http.response.status_code=404", fits},
		{`code=~5..`, "http.response.status_code=503", fits},
		{`code=5xx`, "http.response.status_code=503", fits},
		{`code!~5..`, "http.response.status_code=503", differs},
		{`code=~5..`, "name=x status=error", fits},
		{`code=~5..`, "name=x", differs},
		{`code!~2..`, "name=x", differs},
		{`code!~2..`, "name=x status=error", fits},
		{`code=404`, "name=x", unknown},
		{`status=200`, "name=x status=error", differs},
		{`status=error`, "http.response.status_code=500 status=error", fits},
		{`status=success`, "http.response.status_code=200", fits},
		{`status_class=5xx`, "http.response.status_code=503", fits},
		{`status_class=5xx`, "http.response.status_code=404", differs},
		{`status_class=5xx`, "name=x status=error", fits},
		{`envoy_response_code_class=5`, "http.status_code=503", fits},
		{`response_code_class=4xx`, "http.status_code=503", differs},
		{`outcome=CLIENT_ERROR`, "http.response.status_code=404", fits},
		{`outcome=CLIENT_ERROR`, "http.response.status_code=503 status=error", differs},
		{`outcome=SERVER_ERROR`, "http.response.status_code=503 status=error", fits},
		{`outcome=SERVER_ERROR`, "http.response.status_code=404", differs},
		{`outcome=SERVER_ERROR`, "name=x status=error", fits},
		{`outcome=SUCCESS`, "http.response.status_code=204", fits},
		{`outcome=SUCCESS`, "http.response.status_code=404", differs},
		{`outcome=success`, "http.response.status_code=404", unknown},
		{`outcome=SUCCESS`, "name=x status=error", differs},
		{`outcome!=SUCCESS`, "http.response.status_code=404", fits},
		{`outcome!=SUCCESS`, "http.response.status_code=200", differs},
		{`outcome=failure`, "name=x status=error", fits},
		{`outcome=shed`, "outcome=shed", fits},
		{`status_code=STATUS_CODE_ERROR`, "name=x status=error", fits},
		{`status_code=Error`, "name=x status=error", fits},
		{`status_code=2`, "name=x status=error", fits},
		{`status_code=2`, "name=x", differs},
		{`status_code=500`, "http.response.status_code=500", fits},
		{`span_kind=SPAN_KIND_SERVER`, "kind=server", fits},
		{`span_kind=server`, "kind=server", fits},
		{`span_kind=Server`, "kind=server", fits},
		{`span_kind=2`, "kind=server", fits},
		{`span_kind!=client`, "kind=client", differs},
		{`span_kind=~SPAN_KIND_(SERVER|CONSUMER)`, "kind=consumer", fits},
		{`error_type=timeout`, "error.type=timeout status=error", fits},
		{`error_type=timeout`, "error.type=refused status=error", differs},
		{`error_type=timeout`, "name=x status=error", unknown},
		{`error_type=timeout`, "name=x", differs},
		{`error=true`, "name=x status=error", fits},
		{`error_type=`, "name=x", fits},
		{`rpc_method=Pay`, "rpc.method=Pay", fits},
		{`rpc_method=Pay`, "rpc.method=shop.Billing/Pay", fits},
		{`rpc_method=Pay`, "name=shop.Billing/Pay", fits},
		{`rpc_method=Pay`, "name=shop.Billing/Refund", differs},
		{`rpc_service=shop.Billing`, "name=shop.Billing/Pay", fits},
		{`rpc_service=shop.Billing`, "rpc.service=shop.Billing", fits},
		{`grpc_code=NotFound`, "rpc.grpc.status_code=5", fits},
		{`rpc_grpc_status_code=5`, "rpc.grpc.status_code=5", fits},
		{`rpc_grpc_status_code=5`, "rpc.response.status_code=NOT_FOUND", fits},
		{`db_operation_name=SELECT`, "db.operation.name=SELECT", fits},
		{`db_operation=SELECT`, "db.operation.name=INSERT", differs},
		{`db_operation_name=SELECT`, "name=SELECT·orders", fits},
		{`db_system_name=postgresql`, "db.system=postgresql", fits},
		{`db_namespace=orders`, "db.name=orders", fits},
		{`messaging_destination_name=mails`, "messaging.destination.name=mails", fits},
		{`messaging_destination_name=mails`, "messaging.destination=bills", differs},
		{`server_address=db-1`, "net.peer.name=db-1", fits},
		{`server_port=443`, "server.port=80", differs},
		{`url_scheme=https`, "http.scheme=https", fits},
		{`network_protocol_version=1.1`, "http.flavor=1.1", fits},
		{`tenant=a`, "tenant=a", fits},
		{`tenant_id=a`, "tenant.id=b", differs},
		{`tenant_id=a`, "r:tenant.id=a", fits},
		{`tenant_id=a`, "name=x", unknown},
		{`tenant_id!=a`, "name=x", fits},
		{`deployment_environment=prod`, "r:deployment.environment.name=prod", fits},
		{`job=eu/cart`, "service=cart r:service.namespace=eu", fits},
		{`job=eu/cart`, "service=cart r:service.namespace=us", differs},
		{`job=eu/cart`, "service=cart", unknown},
		{`job=cart`, "service=cart r:service.namespace=us", fits},
		{`job!=eu/cart`, "service=cart r:service.namespace=us", fits},
		{`job!=eu/cart`, "service=cart r:service.namespace=eu", differs},
		{`job=~.*cart`, "service=mail", differs},
		{`job=a/b`, "service=a/b", fits},
		{`service_name=cart`, "service=mail", differs},
		{`destination_service_name=cart`, "service=cart", fits},
		{`destination_app=cart`, "service=mail", differs},
		{`instance=cart-1`, "r:service.instance.id=cart-1", fits},
		{`instance=cart-2`, "r:service.instance.id=cart-1", differs},
		{`instance=cart-2:80`, "r:service.instance.id=cart-1:80", differs},
		{`instance=cart-2:80`, "r:service.instance.id=cart-1", unknown},
		{`instance=h1:8080`, "r:host.name=h1", fits},
		{`pod=cart-1`, "r:k8s.pod.name=cart-2", differs},
		{`span_name=GET·/x`, "name=GET·/x", fits},
		{`operation=nightly`, "name=hourly", differs},
	} {
		m := plait.Matcher{}
		for _, op := range []plait.MatchOp{plait.MatchRegexp, plait.MatchNotRegexp, plait.MatchNotEqual, plait.MatchEqual} {
			if name, value, ok := strings.Cut(c.matcher, string(op)); ok && !strings.ContainsAny(name, "=!~") {
				m = plait.Matcher{Name: name, Op: op, Value: strings.ReplaceAll(value, "·", " ")}
				break
			}
		}
		condition, ok, err := conditionOf(m)
		if !ok || err != nil {
			t.Errorf("%s is no condition: %v", c.matcher, err)
			continue
		}
		if got := condition.of(spanNamed(c.span)); got != c.want {
			t.Errorf("%s of span %s: verdict %d, want %d", c.matcher, c.span, got, c.want)
		}
	}
	for _, name := range []string{"le", "quantile", "otel_scope_name", "__name__"} {
		if _, ok, _ := conditionOf(plait.Matcher{Name: name, Op: plait.MatchEqual, Value: "x"}); ok {
			t.Errorf("%s is compared with spans", name)
		}
	}
}

func TestEachSeriesClaimsTheSpansThatFitIt(t *testing.T) {
	t.Parallel()
	inf, _, err := newInference([]plait.Labels{
		seriesNamed("d service_name=cart http_route=/a"), seriesNamed("d service_name=cart http_route=/b"),
		seriesNamed("d service_name=mail pool=x"), seriesNamed("d room=kitchen"),
	}, []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "d"}})
	if err != nil {
		t.Fatal(err)
	}
	for span, want := range map[string]string{
		"service=cart http.route=/a":         "2 cart/a",
		"service=cart http.route=/b":         "2 cart/b",
		"service=cart http.route=/c":         "0 ",
		"service=cart name=tick":             "1 cart/a",
		"service=mail name=send":             "2 mail",
		"service=bill name=send":             "0 ",
		"service=bill name=x r:room=kitchen": "2 kitchen",
	} {
		s := spanNamed(span)
		labels := inf.seriesOf(s)
		got := fmt.Sprint(inf.grade(s), " ", labels.Get("service_name"), labels.Get("http_route"), labels.Get("room"))
		if got != want {
			t.Errorf("%s is %q, want %q", span, got, want)
		}
	}
}

func TestOnlyLatenciesAreComparedWithDurations(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]float64{
		"http_server_request_duration_seconds_bucket":      1,
		"http_server_request_duration_seconds":             1,
		"db_latency_milliseconds_sum":                      1e-3,
		"traces_span_metrics_duration_milliseconds_bucket": 1e-3,
		"rpc_duration_ms":                                  1e-3,
		"process_start_time_seconds":                       0,
		"process_cpu_seconds_total":                        0,
		"cpu_usage":                                        0,
		"queue_latency":                                    0,
	} {
		unit, ok := latencyUnit([]plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: name}})
		if ok != (want != 0) || ok && unit != want {
			t.Errorf("%s is a latency: %v, in units of %g s; want %g", name, ok, unit, want)
		}
	}
}

func TestSpanDerivedMetricsBecomeQuestionsAboutSpans(t *testing.T) {
	t.Parallel()
	is := func(name, value string) plait.Matcher {
		return plait.Matcher{Name: name, Op: plait.MatchEqual, Value: value}
	}
	for name, c := range map[string]struct {
		matchers        []plait.Matcher
		query, ignored  string
		maxNanos        int64
		latency, absent bool
		nothing         bool
		asks            []string // of a metric of edges
	}{
		"latency": {
			matchers: []plait.Matcher{is("__name__", "traces_spanmetrics_latency_bucket"), is("service", "cart"), is("le", "0.5"), is("job", "plait")},
			query:    "service=cart", ignored: "job=plait", maxNanos: 5e8, latency: true,
		},
		"open bucket": {
			matchers: []plait.Matcher{is("__name__", "traces_spanmetrics_latency_bucket"), is("le", "+Inf")}, latency: true,
		},
		"failed calls": {
			matchers: []plait.Matcher{is("__name__", "traces_spanmetrics_calls_total"), is("status_code", spanmetrics.StatusError)},
			query:    "status_code=STATUS_CODE_ERROR",
		},
		"failed edge": {
			matchers: []plait.Matcher{is("__name__", "traces_service_graph_request_failed_total"), is("client", "web"), is("server", "cart")},
			query:    "status_code=STATUS_CODE_ERROR",
			asks: []string{
				"status_code=STATUS_CODE_ERROR service=cart span_kind=~SPAN_KIND_SERVER|SPAN_KIND_CONSUMER",
				"status_code=STATUS_CODE_ERROR service=web span_kind=~SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER",
			},
		},
		"client's side": {
			matchers: []plait.Matcher{is("__name__", "traces_service_graph_request_client_seconds"), is("client", "web"), is("server", "cart")},
			latency:  true,
			asks:     []string{"service=web span_kind=~SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER"},
		},
		"database": {
			matchers: []plait.Matcher{is("__name__", "traces_service_graph_request_total"), is("client", "web"), is("connection_type", "database"), is("service", "x")},
			ignored:  "service=x",
			asks:     []string{"service=web span_kind=~SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER db.namespace!= db.name!= db.system.name!= db.system!="},
		},
		"both sides": {
			matchers: []plait.Matcher{is("__name__", "traces_service_graph_request_total"), is("connection_type", ""), is("server", "cart")},
			asks:     []string{"service=cart span_kind=~SPAN_KIND_SERVER"},
		},
		"no such connection": {
			matchers: []plait.Matcher{is("__name__", "traces_service_graph_request_total"), is("connection_type", "nonsense")},
		},
		"buckets by a pattern": {
			matchers: []plait.Matcher{is("__name__", "traces_spanmetrics_latency_bucket"), {Name: "le", Op: plait.MatchRegexp, Value: "0\\.(128|256)"}},
			latency:  true, maxNanos: 256e6,
		},
		"no such bucket": {
			matchers: []plait.Matcher{is("__name__", "traces_spanmetrics_latency_bucket"), {Name: "le", Op: plait.MatchRegexp, Value: "7"}},
			latency:  true, nothing: true,
		},
		"by a pattern": {
			matchers: []plait.Matcher{{Name: "__name__", Op: plait.MatchRegexp, Value: "traces_spanmetrics_lat.*"}}, latency: true,
		},
		"another": {matchers: []plait.Matcher{is("__name__", "up")}, absent: true},
		"any":     {matchers: []plait.Matcher{is("job", "plait")}, absent: true},
	} {
		m, ok, err := spanMetricOf(c.matchers)
		if err != nil || ok == c.absent {
			t.Errorf("%s: span-derived %v, error %v", name, ok, err)
			continue
		}
		if !ok {
			continue
		}
		if got := matchersText(m.query.Matchers); got != c.query || m.latency != c.latency || int64(m.query.Max) != c.maxNanos || matchersText(m.ignored) != c.ignored {
			t.Errorf("%s: asks %q up to %v, latency %v, ignores %q", name, got, m.query.Max, m.latency, matchersText(m.ignored))
		}
		if m.nothing != c.nothing {
			t.Errorf("%s: finds nothing: %v", name, m.nothing)
		}
		var asks []string
		if m.edge != nil {
			for _, q := range m.edge.questions(m.query) {
				asks = append(asks, matchersText(q.Matchers, q.AnyAttribute))
			}
		}
		if diff := cmp.Diff(c.asks, asks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPromQLQuotesWhatItMust(t *testing.T) {
	t.Parallel()
	labels := plait.Labels{{Name: "le", Value: `a"b\c`}, {Name: "http.route", Value: "/x\n"}}
	if got, want := Selector("up", labels), `up{le="a\"b\\c", "http.route"="/x\n"}`; got != want {
		t.Errorf("selector is %s, want %s", got, want)
	}
	if got, want := Selector("http.server.duration", nil), `{"http.server.duration"}`; got != want {
		t.Errorf("selector is %s, want %s", got, want)
	}
	if got, want := Selector("a:b", nil), "a:b"; got != want {
		t.Errorf("selector is %s, want %s", got, want)
	}
}

func TestHitsOfSelectorsTakeTurns(t *testing.T) {
	t.Parallel()
	hit := func(n byte) MetricHit { return MetricHit{TraceID: plait.TraceID{n}} }
	got := firstOfTraces(interleave([][]MetricHit{{hit(1), hit(2), hit(5)}, {}, {hit(3), hit(1)}}), 3)
	var ids []byte
	for _, h := range got {
		ids = append(ids, h.TraceID[0])
	}
	if string(ids) != string([]byte{1, 3, 2}) {
		t.Errorf("hits are %v, want 1, 3, 2", ids)
	}
}
