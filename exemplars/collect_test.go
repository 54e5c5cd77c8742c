package exemplars

import (
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promexemplar "github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/test/openmetrics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shop is a request that passes three services and a database, and one that fails.
func shop() []plait.Span {
	return spans(
		spec{trace: 1, id: 1, service: "gateway", name: "GET /orders", kind: plait.SpanKindServer, took: 90 * time.Millisecond},
		spec{trace: 1, id: 2, parent: 1, service: "gateway", name: "GET", kind: plait.SpanKindClient, took: 80 * time.Millisecond},
		spec{trace: 1, id: 3, parent: 2, service: "orders", name: "GET /orders/{id}", kind: plait.SpanKindServer, took: 70 * time.Millisecond},
		spec{trace: 1, id: 4, parent: 3, service: "orders", name: "SELECT", kind: plait.SpanKindClient, took: 60 * time.Millisecond, attributes: text("db.system", "postgresql")},
		spec{trace: 2, id: 1, service: "gateway", name: "GET /orders", kind: plait.SpanKindServer, took: 3 * time.Second, status: plait.StatusError},
		spec{trace: 2, id: 2, parent: 1, service: "gateway", name: "GET", kind: plait.SpanKindClient, took: 2 * time.Second, status: plait.StatusError},
		spec{trace: 2, id: 3, parent: 2, service: "orders", name: "GET /orders/{id}", kind: plait.SpanKindServer, took: time.Second},
		spec{trace: 3, id: 1, service: "gateway", name: "tick \"quoted\"", took: 0},
	)
}

// scrape serves the generator as the API does and asks it for a format over HTTP.
func scrape(t *testing.T, g *Generator, accept string) (body string, contentType string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(g)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", answer.Status, err, b)
	}
	return string(b), answer.Header.Get("Content-Type")
}

const (
	openMetrics = "application/openmetrics-text; version=1.0.0"
	protobuf    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

func TestOpenMetricsHaveAnExemplarAtEveryBucket(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{Buckets: []float64{0.05, 0.5, 5}})
	g.ObserveSpans(shop())
	got, _ := scrape(t, g, openMetrics)
	const golden = "testdata/openmetrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := openmetrics.Check(got); err != nil {
		t.Error(err)
	}
}

// TestPrometheusParsesTheExemplars reads the text as Prometheus's scraper does.
func TestPrometheusParsesTheExemplars(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{Buckets: []float64{0.05, 0.5, 5}})
	g.ObserveSpans(shop())
	body, contentType := scrape(t, g, openMetrics)
	p, err := textparse.New([]byte(body), contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		e, series := exemplarText(p)
		if e != "" {
			got[series] = e
		}
	}
	const series = `{__name__="traces_spanmetrics_latency_bucket", le="5.0", service="gateway", span_kind="SPAN_KIND_SERVER", span_name="GET /orders", status_code="STATUS_CODE_ERROR"}`
	if want := `{span_id="0000000000000001", trace_id="00000000000000000000000000000002"}`; got[series] != want {
		t.Errorf("exemplar of the failed request: got %q, want %q, among\n%v", got[series], want, got)
	}
}

func exemplarText(p textparse.Parser) (e, series string) {
	var l labels.Labels
	p.Labels(&l)
	var found promexemplar.Exemplar
	if p.Exemplar(&found) && found.HasTs {
		return found.Labels.String(), l.String()
	}
	return "", l.String()
}

func TestProtobufHasClassicAndNativeHistograms(t *testing.T) {
	t.Parallel()
	g, _ := newGenerator(t, Config{})
	g.ObserveSpans(shop())
	body, contentType := scrape(t, g, protobuf)
	d := expfmt.NewDecoder(strings.NewReader(body), expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}}))
	families := map[string]*dto.MetricFamily{}
	for {
		f := &dto.MetricFamily{}
		if err := d.Decode(f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		families[f.GetName()] = f
	}
	for _, name := range []string{"traces_spanmetrics_latency", "traces_service_graph_request_server_seconds", "traces_service_graph_request_client_seconds"} {
		for _, m := range families[name].GetMetric() {
			h := m.GetHistogram()
			if len(h.Bucket) != 15 || len(h.PositiveSpan) == 0 && h.GetZeroCount() == 0 || h.GetSchema() != nativeSchema {
				t.Errorf("%s is not both classic and native: %v", name, h)
			}
			if len(h.Exemplars) == 0 || h.Exemplars[0].Timestamp == nil || h.CreatedTimestamp == nil {
				t.Errorf("%s has no native exemplars, or no creation time: %v", name, h)
			}
		}
		if len(families[name].GetMetric()) == 0 {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestNativeBucketsAreThoseOfPrometheus compares with the library's own histogram.
func TestNativeBucketsAreThoseOfPrometheus(t *testing.T) {
	t.Parallel()
	reference := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "reference", NativeHistogramBucketFactor: 1.1})
	var h histogram
	b := newBounds(nil)
	for _, nanos := range []int64{0, 1, 2, 3, 999, 1000, 7_812_500, 7_812_501, 250_000_000, 500_000_000, 1_000_000_000, 1_090_507_732, 1e15, 1<<63 - 1} {
		reference.Observe(float64(nanos) / 1e9)
		h.observe(&b, &observation{nanos: nanos, seconds: float64(nanos) / 1e9}, 1)
	}
	var m dto.Metric
	if err := reference.Write(&m); err != nil {
		t.Fatal(err)
	}
	want := m.Histogram
	gotSpans, gotDeltas := h.native.spans()
	var wantSpans []span
	for _, s := range want.PositiveSpan {
		wantSpans = append(wantSpans, span{s.GetOffset(), s.GetLength()})
	}
	expand := func(spans []span, deltas []int64) map[int32]int64 {
		buckets, index, count, next := map[int32]int64{}, int32(0), int64(0), 0
		for _, s := range spans {
			index += s.offset
			for range s.length {
				count += deltas[next]
				next++
				if count != 0 {
					buckets[index] = count
				}
				index++
			}
		}
		return buckets
	}
	if want.GetSchema() != nativeSchema || want.GetZeroThreshold() != nativeZero || want.GetZeroCount() != h.native.zero {
		t.Errorf("schema %d, zero threshold %g, zeros %d", want.GetSchema(), want.GetZeroThreshold(), want.GetZeroCount())
	}
	if diff := cmp.Diff(expand(wantSpans, want.PositiveDelta), expand(gotSpans, gotDeltas)); diff != "" {
		t.Errorf("-reference +ours:\n%s", diff)
	}
}
