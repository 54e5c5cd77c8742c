package api

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/exemplars"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/wire/otlp"
	"github.com/plaithq/plait/wire/zipkin"
)

// edgeLabels are the labels of the service graph, callLabels those of operations.
var (
	edgeLabels = []string{"client", "connection_type", "server"}
	callLabels = []string{"service", "span_kind", "span_name", "status_code"}
)

// measured is a gateway whose metrics have seen telemetry of around a time.
type measured struct {
	*gateway
	at     time.Time
	served []map[string]string // the series at which /metrics has an exemplar
}

// measure stores batches of spans, lets the metrics see them, and collects what /metrics then shows.
func measure(t testing.TB, c exemplars.Config, batches ...[]plait.Span) *measured {
	t.Helper()
	s := emptyStore(t)
	var end int64
	for _, spans := range batches {
		writeSpans(t, s, spans...)
		for i := range spans {
			end = max(end, spans[i].EndNanos)
		}
	}
	m := &measured{at: time.Unix(0, end)}
	now := m.at
	registry := prometheus.NewRegistry()
	c.Writer, c.Registerer, c.Now = s, registry, func() time.Time { return now }
	g, err := exemplars.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, spans := range batches {
		g.ObserveSpans(spans)
		now = now.Add(2 * time.Minute) // a side that comes with the next batch comes too late
	}
	g.ObserveSpans(nil)
	writeOnce(t, g)
	m.gateway = start(t, s, func(_ *Config, d *Deps) { d.Gatherer = registry })
	m.collect(t, registry)
	return m
}

// collect lists the series of /metrics with exemplars.
func (m *measured) collect(t testing.TB, registry *prometheus.Registry) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			labels := map[string]string{"__name__": f.GetName()}
			for _, l := range one.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if one.GetCounter().GetExemplar() != nil {
				m.served = append(m.served, labels)
			}
			for _, b := range one.GetHistogram().GetBucket() {
				if b.GetExemplar() != nil {
					bucket := maps.Clone(labels)
					bucket["__name__"] += "_bucket"
					bucket["le"] = spanmetrics.BucketLabel(b.GetUpperBound())
					m.served = append(m.served, bucket)
				}
			}
		}
	}
}

// ask returns the series behind a selector.
func (m *measured) ask(t testing.TB, selector string, limit int) []map[string]string {
	t.Helper()
	path := fmt.Sprintf("%s/pivot/metric?query=%s&start=%d&end=%d&limit=%d", root, url.QueryEscape(selector), m.at.Add(-50*time.Minute).Unix(), m.at.Add(10*time.Minute).Unix(), limit)
	var series []map[string]string
	for _, e := range answerOf[metricAnswer](t, m.gateway, path).Exemplars {
		series = append(series, e.Series)
	}
	return series
}

// selectorOf selects a series, comparing one label by another operator.
func selectorOf(series map[string]string, op, except, exceptOp string) string {
	var matchers []string
	for _, name := range slices.Sorted(maps.Keys(series)) {
		one, value := op, series[name]
		if name == except {
			one = exceptOp
		}
		if strings.HasSuffix(one, "~") {
			value = regexp.QuoteMeta(value)
		}
		matchers = append(matchers, name+one+strconv.Quote(value))
	}
	return "{" + strings.Join(matchers, ",") + "}"
}

// checkServed asks for each series that has an exemplar, for every so many with each operator.
func (m *measured) checkServed(t *testing.T, every int) {
	t.Helper()
	if len(m.served) == 0 {
		t.Fatal("no exemplar is served")
	}
	t.Logf("%d series have exemplars", len(m.served))
	for i, series := range m.served {
		labels := callLabels
		if _, ok := series["client"]; ok {
			labels = edgeLabels
		}
		ops := []string{"=", "=~"}
		if i%every > 0 {
			ops, labels = ops[:1], nil
		}
		for _, op := range ops {
			query := selectorOf(series, op, "", "")
			found := m.ask(t, query, 5)
			if len(found) == 0 {
				t.Errorf("%s has an exemplar and finds none", query)
			}
			for _, got := range found {
				if diff := cmp.Diff(series, got); diff != "" {
					t.Errorf("%s finds another series (-want +got):\n%s", query, diff)
				}
			}
		}
		for _, label := range labels {
			for _, op := range []string{"!=", "!~"} {
				query := selectorOf(series, "=", label, op)
				found := m.ask(t, query, 5)
				for _, got := range found {
					others := maps.Clone(series)
					others[label] = got[label]
					if diff := cmp.Diff(others, got); diff != "" || got[label] == series[label] {
						t.Errorf("%s finds another series (-want +got):\n%s", query, diff)
					}
				}
				if len(found) == 0 && m.servesBut(series, label) {
					t.Errorf("%s has exemplars and finds none", query)
				}
			}
		}
	}
}

// servesBut says whether a series is served that differs in one label only.
func (m *measured) servesBut(series map[string]string, label string) bool {
	return slices.ContainsFunc(m.served, func(other map[string]string) bool {
		same := maps.Clone(other)
		same[label] = series[label]
		return other[label] != series[label] && maps.Equal(same, series)
	})
}

// checkMap compares the edges of the service map with those of the metrics.
func (m *measured) checkMap(t *testing.T) {
	t.Helper()
	metrics, drawn := map[string]bool{}, map[string]bool{}
	for _, series := range m.served {
		if client, ok := series["client"]; ok {
			metrics[fmt.Sprintf("%s -> %s by %q", client, series["server"], series["connection_type"])] = true
		}
	}
	path := fmt.Sprintf("%s/service-map?start=%d&end=%d", root, m.at.Add(-50*time.Minute).Unix(), m.at.Add(10*time.Minute).Unix())
	for _, e := range answerOf[serviceMapAnswer](t, m.gateway, path).Edges {
		drawn[fmt.Sprintf("%s -> %s by %q", e.Client, e.Server, e.ConnectionType)] = true
	}
	if diff := cmp.Diff(metrics, drawn); diff != "" {
		t.Errorf("edges of the service map (-metrics +map):\n%s", diff)
	}
}

func zipkinSpans(t testing.TB, path string) []plait.Span {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := zipkin.DecodeJSON(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.Spans
}

func TestEveryExemplarThatIsServedIsFoundByItsSeries(t *testing.T) {
	t.Parallel()
	t.Run("trainticket", func(t *testing.T) {
		t.Parallel()
		var spans []plait.Span
		eachLine(t, filepath.Join(excerpt, "traces.jsonl.gz"), func(line []byte) error {
			b, err := otlp.DecodeTracesJSON(slices.Clone(line))
			if err == nil {
				spans = append(spans, b.Spans...)
			}
			return err
		})
		m := measure(t, exemplars.Config{}, spans)
		m.checkServed(t, 40)
		m.checkMap(t)
	})
	files, err := filepath.Glob("../wire/zipkin/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			m := measure(t, exemplars.Config{}, zipkinSpans(t, path))
			m.checkServed(t, 2)
			m.checkMap(t)
		})
	}
	t.Run("every kind of edge", func(t *testing.T) {
		t.Parallel()
		m := measure(t, exemplars.Config{}, edgesOfAllKinds())
		m.checkServed(t, 2)
		m.checkMap(t)
	})
	t.Run("a side that came too late", func(t *testing.T) {
		t.Parallel()
		late := sideOf(7, 2, 1, "shop", plait.SpanKindServer)
		late.Status = plait.StatusError
		client := sideOf(7, 1, 0, "web", plait.SpanKindClient, "server.address", "shop.local")
		client.Status = plait.StatusError
		m := measure(t, exemplars.Config{}, []plait.Span{client}, []plait.Span{late})
		m.checkServed(t, 2)
	})
	t.Run("folded series", func(t *testing.T) {
		t.Parallel()
		var spans []plait.Span
		for n := range byte(20) {
			one := sideOf(n, 1, 0, fmt.Sprint("service ", n), plait.SpanKindServer)
			one.Name = fmt.Sprint("GET /", n)
			spans = append(spans, one)
		}
		measure(t, exemplars.Config{MaxSeries: 4}, spans).checkServed(t, 1)
	})
}

func writeOnce(t testing.TB, g *exemplars.Generator) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it writes once more as it ends
	if err := g.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// sideOf is a side of a call in trace n, with attributes by turns key and value.
func sideOf(n, id, parent byte, service string, kind plait.SpanKind, attributes ...string) plait.Span {
	s := shopSpan(service, n, time.Duration(id)*time.Millisecond, time.Duration(100-id)*time.Millisecond)
	s.SpanID, s.Kind = plait.SpanID{7: id}, kind
	if parent != 0 {
		s.ParentSpanID = plait.SpanID{7: parent}
	}
	for i := 0; i < len(attributes); i += 2 {
		s.Attributes = append(s.Attributes, plait.Attribute{Key: attributes[i], Value: plait.StringValue(attributes[i+1])})
	}
	return s
}

// edgesOfAllKinds are calls of every kind, among them ones of a service and a database, and
// of a service and a peer, with the same name; and one from outside that is rare among many.
func edgesOfAllKinds() []plait.Span {
	const server, client, producer, consumer = plait.SpanKindServer, plait.SpanKindClient, plait.SpanKindProducer, plait.SpanKindConsumer
	failed := func(s plait.Span) plait.Span { s.Status = plait.StatusError; return s }
	linked := sideOf(2, 1, 0, "audit", consumer)
	linked.Links = []plait.Link{{TraceID: plait.TraceID{1, 15: 1}, SpanID: plait.SpanID{7: 10}}}
	all := []plait.Span{
		sideOf(1, 1, 0, "web", server),
		failed(sideOf(1, 2, 1, "web", client, "server.address", "orders.local")),
		sideOf(1, 3, 2, "orders", server),
		sideOf(1, 4, 3, "orders", client, "db.system", "mysql", "db.name", "orders"),
		failed(sideOf(1, 5, 3, "orders", client, "peer.service", "legacy")),
		sideOf(1, 6, 3, "orders", client, "db.system", "redis"),
		sideOf(1, 7, 3, "orders", producer, "messaging.system", "kafka"),
		sideOf(1, 8, 3, "orders", producer, "messaging.system", "kafka"),
		failed(sideOf(1, 9, 8, "mail", consumer)),
		sideOf(1, 10, 3, "orders", producer, "messaging.system", "kafka"),
		linked,
		sideOf(1, 11, 3, "orders", client),
		sideOf(1, 12, 11, "orders", server), // within a service
		sideOf(1, 13, 3, "orders", client, "server.address", "web"),
		sideOf(3, 1, 0, "legacy", server),
		sideOf(3, 2, 1, "legacy", client),
		sideOf(3, 3, 2, "orders", server),
	}
	for n := byte(4); n < 250; n++ {
		one := sideOf(n, 2, 1, "orders", server)
		one.EndNanos += int64(time.Second) // slower than what is rare
		all = append(all, sideOf(n, 1, 0, "web", client), one)
	}
	return all
}

func TestEdgesAreToldApartByTheirConnection(t *testing.T) {
	t.Parallel()
	m := measure(t, exemplars.Config{}, edgesOfAllKinds())
	for _, c := range []struct {
		selector string
		want     []string // edges
	}{
		{`traces_service_graph_request_total{connection_type="nonsense"}`, nil},
		{`traces_service_graph_request_total{connection_type=~"database"}`, []string{"orders database orders"}},
		{`traces_service_graph_request_total{connection_type="database"}`, []string{"orders database orders"}},
		{`traces_service_graph_request_total{connection_type="database",server="redis"}`, []string{"orders database redis"}},
		{`traces_service_graph_request_total{server="orders",client="orders",connection_type!=""}`, []string{"orders database orders"}},
		{`traces_service_graph_request_client_seconds_bucket{server="redis"}`, []string{"orders database redis"}},
		{`traces_service_graph_request_total{connection_type="virtual_node",client!="user"}`, []string{"orders virtual_node legacy"}},
		{`traces_service_graph_request_total{connection_type!~"|database|virtual_node"}`, []string{"orders messaging_system audit", "orders messaging_system mail"}},
		{`traces_service_graph_request_total{server="kafka"}`, []string{"orders messaging_system kafka"}},
		{`traces_service_graph_request_client_seconds_bucket{server="audit"}`, []string{"orders messaging_system audit"}},
		{`traces_service_graph_request_failed_total{connection_type="virtual_node"}`, []string{"orders virtual_node legacy"}},
		{`traces_service_graph_request_failed_total{connection_type=""}`, []string{"web  orders"}},
		{`traces_service_graph_request_failed_total{connection_type="database"}`, nil},
		{`traces_service_graph_request_server_seconds_sum{client="legacy"}`, []string{"legacy  orders"}},
		{`traces_service_graph_request_server_seconds{server="legacy"}`, []string{"orders virtual_node legacy", "user virtual_node legacy"}},
	} {
		var got []string
		for _, series := range m.ask(t, c.selector, 20) {
			got = append(got, series["client"]+" "+series["connection_type"]+" "+series["server"])
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.selector, diff)
		}
	}
}

func TestBucketsAreToldApart(t *testing.T) {
	t.Parallel()
	s := shopSpan("cart", 1, 0, 100*time.Millisecond)
	m := measure(t, exemplars.Config{}, []plait.Span{s, shopSpan("cart", 2, 0, time.Minute)})
	for _, c := range []struct {
		selector string
		want     []string // buckets
	}{
		{`traces_spanmetrics_latency_bucket`, []string{"+Inf", "0.128"}},
		{`traces_spanmetrics_latency_bucket{le="0.5"}`, []string{"0.5"}},
		{`traces_spanmetrics_latency_bucket{le!="0.128"}`, []string{"+Inf", "0.256"}},
		{`traces_spanmetrics_latency_bucket{le=~"0[.]064"}`, nil},
		{`traces_spanmetrics_latency_bucket{le=~"0[.].*"}`, []string{"0.128"}},
		{`traces_service_graph_request_server_seconds_bucket{le!~"0.*"}`, []string{"+Inf", "1.024"}},
		{`traces_spanmetrics_latency_count`, []string{"", ""}},
	} {
		var got []string
		for _, series := range m.ask(t, c.selector, 20) {
			got = append(got, series["le"])
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.selector, diff)
		}
	}
}
