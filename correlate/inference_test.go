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

func TestLabelsOfASeriesBecomeAQuestionAboutSpans(t *testing.T) {
	t.Parallel()
	for series, want := range map[string]string{
		"cpu_usage job=shop/cart instance=cart-1":                           "service=cart service.instance.id=cart-1",
		"cpu_usage pod=cart-1 service_name=cart node=n1":                    "service=cart k8s.pod.name=cart-1",
		"http_requests_total service=cart route=/buy/{id} code=503":         `service=cart span_name=~((HTTP )?[A-Z]+ )?/buy/\{id\} status_code=STATUS_CODE_ERROR`,
		"http_requests_total service=cart method=get handler=/buy code=200": "service=cart span_name=~((HTTP )?GET )?/buy",
		"http_server_request_duration_seconds_bucket job=cart":              "service=cart span_kind=SPAN_KIND_SERVER",
		"rpc_client_duration_seconds service=cart rpc_method=Pay":           "service=cart span_name=~(.*[/.])?Pay span_kind=SPAN_KIND_CLIENT",
		"jobs_done service=cart operation=nightly error_type=timeout":       "service=cart span_name=nightly status_code=STATUS_CODE_ERROR",
		"temperature room=kitchen":                                          "",
	} {
		labels := seriesNamed(series)
		q := targetOf(labels, labels.Get("__name__")).query
		if diff := cmp.Diff(want, matchersText(q.Matchers, q.Resource)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", series, diff)
		}
	}
}

func TestManySeriesAreAskedForTogether(t *testing.T) {
	t.Parallel()
	var series []plait.Labels
	for i := range 40 {
		series = append(series, seriesNamed(fmt.Sprintf("cpu_usage service=s%d pod=p%d", i%10, i)))
	}
	targets := targetsOf(series, "cpu_usage")
	if len(targets) != 1 || len(targets[0].byService) != 10 {
		t.Fatalf("40 series of 10 services become %d questions", len(targets))
	}
	if got := matchersText(targets[0].query.Matchers); got != "service=~s0|s1|s2|s3|s4|s5|s6|s7|s8|s9" {
		t.Errorf("the question is %s", got)
	}
	if n := len(targetsOf(append(series[:1:1], series[0]), "cpu_usage")); n != 1 {
		t.Errorf("the same labels twice become %d questions", n)
	}
}

func TestOnlyLatenciesAreComparedWithDurations(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]float64{
		"http_server_request_duration_seconds_bucket": 1,
		"http_server_request_duration_seconds":        1,
		"db_latency_milliseconds_sum":                 1e-3,
		"rpc_duration_ms":                             1e-3,
		"process_start_time_seconds":                  0,
		"process_cpu_seconds_total":                   0,
		"cpu_usage":                                   0,
		"queue_latency":                               0,
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
	if got, want := selector("up", labels), `up{le="a\"b\\c", "http.route"="/x\n"}`; got != want {
		t.Errorf("selector is %s, want %s", got, want)
	}
	if got, want := selector("http.server.duration", nil), `{"http.server.duration"}`; got != want {
		t.Errorf("selector is %s, want %s", got, want)
	}
	if got, want := selector("a:b", nil), "a:b"; got != want {
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
