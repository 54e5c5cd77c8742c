package forward

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/logql/entry"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/storetest/shop"
)

// essentials are what every protocol has of log records, in order.
func essentials(t *testing.T, s *store.Store) (all []string) {
	t.Helper()
	q := query.Logs{Range: plait.TimeRange{From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(time.Hour)}, Page: query.Page{Limit: 5000}}
	list, next, err := s.Logs(t.Context(), q)
	if err != nil || next != "" {
		t.Fatalf("more than a page, or %v", err)
	}
	for i := range list {
		r := &list[i]
		all = append(all, fmt.Sprintln(r.TimeNanos, r.Resource.Service(), r.Severity, r.TraceID, r.SpanID, r.Body.Text()))
	}
	slices.Sort(all)
	return all
}

func TestLogRecordsArriveByLokiPush(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newDoors(t)
	target := targetAt(t, "loki", "loki", newCutter(t, other.http, 2).listener.Addr().String())
	target.ExternalLabels = map[string]string{"origin": "plait"}
	target.BatchSize = 16 << 10
	g.start(target)
	var w written
	w.write(g, shop.NewGenerator(3, time.Now()), 8)
	g.settleAll()
	want, got := essentials(t, g.store), essentials(t, other.store)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != len(w.logs) {
		t.Errorf("of %d (-want +got):\n%s", len(w.logs), diff)
	}
	list, _, err := other.store.Logs(t.Context(), query.Logs{Condition: query.LogAttribute("origin", "plait"),
		Range: plait.TimeRange{From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(time.Hour)}, Page: query.Page{Limit: 5000}})
	if err != nil || len(list) != len(w.logs) {
		t.Errorf("%d of %d records have the target's own label: %v", len(list), len(w.logs), err)
	}
}

// --loki-labels says what is a label in LogQL; a Loki gets the same streams.
func TestLokiGetsTheLabelsOfTheSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attributes []string // nil: nothing is set
		want       string
	}{
		"none set":     {nil, "k8s_pod_name,service_name"},
		"a custom one": {[]string{"team"}, "service_name,team"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, other := newGateway(t), newDoors(t)
			if c.attributes != nil {
				var err error
				if g.mapping, err = entry.NewMapping(c.attributes); err != nil {
					t.Fatal(err)
				}
			}
			g.start(targetAt(t, "loki", "loki", other.http))
			record := plait.LogRecord{TimeNanos: time.Now().UnixNano(), Body: plait.StringValue("one"), Scope: &plait.Scope{},
				Resource: &plait.Resource{Attributes: plait.Attributes{shop.Text("service.name", "cart"), shop.Text("k8s.pod.name", "cart-1"), shop.Text("team", "blue")}}}
			if _, err := g.store.WriteLogs(t.Context(), &plait.Logs{Records: []plait.LogRecord{record}}); err != nil {
				t.Fatal(err)
			}
			g.settleAll()
			list, _, err := other.store.Logs(t.Context(), query.Logs{Range: plait.TimeRange{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}, Page: query.Page{Limit: 9}})
			if err != nil || len(list) != 1 {
				t.Fatalf("%d records: %v", len(list), err)
			}
			labels, _ := list[0].Resource.Attributes.Get("loki.resource.labels") // where the way in notes them
			if got := labels.Text(); got != c.want {
				t.Errorf("labels of the stream: %s, want %s", got, c.want)
			}
		})
	}
}

func TestSpansArriveByZipkin(t *testing.T) {
	t.Parallel()
	g, other := newGateway(t), newDoors(t)
	g.start(targetAt(t, "zipkin", "zipkin", newCutter(t, other.http, 2).listener.Addr().String()))
	var w written
	w.write(g, shop.NewGenerator(4, time.Now()), 8)
	g.settleAll()
	text := func(s *plait.Span) string {
		return fmt.Sprintln(s.TraceID, s.SpanID, s.ParentSpanID, s.Name, s.Kind, s.StartNanos/1000, s.Resource.Service(), s.Status == plait.StatusError)
	}
	ids := map[plait.TraceID][]string{}
	for i := range w.spans {
		s := &w.spans[i]
		ids[s.TraceID] = append(ids[s.TraceID], text(s))
	}
	for id, want := range ids {
		trace, err := other.store.Trace(t.Context(), id, 10_000)
		if err != nil {
			t.Fatalf("trace %s: %v", id, err)
		}
		var got []string
		for i := range trace.Spans {
			got = append(got, text(&trace.Spans[i]))
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("trace %s (-want +got):\n%s", id, diff)
		}
	}
}

func TestSeriesArriveByRemoteWrite(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"", remoteWriteV2, remoteWriteV1} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			seriesArrive(t, message)
		})
	}
}

func seriesArrive(t *testing.T, message string) {
	t.Helper()
	g, other := newGateway(t), newDoors(t)
	target := targetAt(t, "prometheus", "prometheus_remote_write", newCutter(t, other.http, 2).listener.Addr().String())
	target.BatchSize, target.ProtobufMessage = 1<<10, message
	g.start(target)
	now := time.Now().Truncate(time.Second)
	for i := range 6 {
		at := now.Add(time.Duration(i-6) * time.Second)
		m := &plait.Metrics{Series: []plait.SeriesData{nativeHistogram(t, at)}, Metadata: []plait.MetricMetadata{
			{Metric: "work_total", Type: plait.MetricCounter, Help: "What was done.", Unit: "jobs"},
			{Metric: "work_seconds", Type: plait.MetricHistogram, Help: "How long it took.", Unit: "seconds"}}}
		for j := range 40 {
			m.Series = append(m.Series, plait.SeriesData{
				Labels:    plait.Labels{{Name: plait.NameLabel, Value: "work_total"}, {Name: "job", Value: fmt.Sprint("job-", j)}},
				Samples:   []plait.Sample{{TimeMillis: at.UnixMilli(), Value: float64(i * j)}},
				Exemplars: []plait.Exemplar{{TimeNanos: at.UnixNano(), Value: float64(j), TraceID: plait.TraceID{1, byte(i), byte(j)}, SpanID: plait.SpanID{3}}},
			})
		}
		if _, err := g.store.WriteMetrics(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	g.settleAll()
	for what, sql := range map[string]string{
		"240 samples":         "SELECT metric || labels::text || time || value FROM plait.samples WHERE value IS NOT NULL ORDER BY 1",
		"246 exemplars":       "SELECT metric || labels::text || time || value || trace_id || span_id FROM plait.exemplars ORDER BY 1",
		"6 native histograms": histogramsSQL,
		"2 families":          "SELECT concat_ws(' ', metric, type, help, unit) FROM plait_store.metric_metadata ORDER BY 1",
	} {
		want, got := texts(t, g.url, sql), texts(t, other.url, sql)
		if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(what, fmt.Sprint(len(want), " ")) {
			t.Errorf("%d, not %s (-want +got):\n%s", len(want), what, diff)
		}
	}
}

func TestSeriesArriveByOTLP(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"otlp_http", "otlp_grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			g, other := newGateway(t), newDoors(t)
			target := targetAt(t, "other", protocol, newCutter(t, other.at(protocol), 2).listener.Addr().String())
			target.BatchSize = 4 << 10
			g.start(target)
			now := time.Now().Truncate(time.Second)
			for i := range 6 {
				if _, err := g.store.WriteMetrics(t.Context(), everyType(t, now.Add(time.Duration(i-6)*time.Second), i)); err != nil {
					t.Fatal(err)
				}
			}
			g.settleAll()
			for what, sql := range map[string]string{
				"66 samples":          "SELECT metric || labels::text || time || value FROM plait.samples WHERE value IS NOT NULL AND metric <> 'target_info' ORDER BY 1",
				"1 resource":          "SELECT DISTINCT labels::text FROM plait.samples WHERE metric = 'target_info'",
				"12 exemplars":        "SELECT metric || labels::text || time || value || trace_id || span_id FROM plait.exemplars ORDER BY 1",
				"6 native histograms": "SELECT metric || labels::text || time FROM plait.samples WHERE histogram IS NOT NULL ORDER BY 1",
				"5 families":          "SELECT concat_ws(' ', metric, type, help, unit) FROM plait_store.metric_metadata WHERE metric <> 'target_info' ORDER BY 1",
			} {
				want, got := texts(t, g.url, sql), texts(t, other.url, sql)
				if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(what, fmt.Sprint(len(want), " ")) {
					t.Errorf("%d, not %s (-want +got):\n%s", len(want), what, diff)
				}
			}
		})
	}
}

// everyType is a request with a counter, a gauge, a classic histogram, a summary, a native histogram and a resource's attributes.
func everyType(t *testing.T, at time.Time, i int) *plait.Metrics {
	t.Helper()
	m := &plait.Metrics{Series: []plait.SeriesData{nativeHistogram(t, at)}, Metadata: []plait.MetricMetadata{
		{Metric: "done_total", Type: plait.MetricCounter, Help: "What was done."},
		{Metric: "latency_seconds", Type: plait.MetricHistogram, Help: "How long it took.", Unit: "seconds"},
		{Metric: "size_bytes", Type: plait.MetricSummary, Help: "How large it was.", Unit: "bytes"},
		{Metric: "work_seconds", Type: plait.MetricHistogram, Help: "How long work took.", Unit: "seconds"},
		{Metric: "depth", Type: plait.MetricGauge, Help: "How much waits."},
	}}
	add := func(value float64, name string, pairs ...string) *plait.SeriesData {
		s := plait.SeriesData{Labels: plait.Labels{{Name: plait.NameLabel, Value: name}, {Name: "instance", Value: "a:1"}, {Name: "job", Value: "shop/worker"}},
			Samples: []plait.Sample{{TimeMillis: at.UnixMilli(), Value: value}}}
		for i := 0; i < len(pairs); i += 2 {
			s.Labels = append(s.Labels, plait.Label{Name: pairs[i], Value: pairs[i+1]})
		}
		m.Series = append(m.Series, s)
		return &m.Series[len(m.Series)-1]
	}
	n := float64(i)
	add(n, "done_total").Samples[0].StartMillis = at.Add(-time.Hour).UnixMilli()
	add(1-n/3, "depth")
	add(n, "latency_seconds_bucket", "le", "0.1").Exemplars = []plait.Exemplar{{TimeNanos: at.UnixNano(), Value: 0.05, TraceID: plait.TraceID{1, byte(i)}, SpanID: plait.SpanID{3}}}
	add(2*n, "latency_seconds_bucket", "le", "2.5")
	add(3*n, "latency_seconds_bucket", "le", "+Inf")
	add(3*n, "latency_seconds_count")
	add(n/7, "latency_seconds_sum")
	add(n/9, "size_bytes", "quantile", "0.5")
	add(n/8, "size_bytes", "quantile", "0.99")
	add(n, "size_bytes_count")
	add(n*n, "size_bytes_sum")
	add(1, "target_info", "k8s_pod_name", "worker-1")
	return m
}

// A target that reads version 1.0 only, and does not look at the content type, finds an empty request and takes it.
func TestASuccessThatTellsOfNothingWrittenIsNone(t *testing.T) {
	t.Parallel()
	g, r := newGateway(t), &writeReceiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	target := targetAt(t, "a", "prometheus_remote_write", server.Listener.Addr().String())
	stop := g.start(target)
	if _, err := g.store.WriteMetrics(t.Context(), &plait.Metrics{Series: []plait.SeriesData{nativeHistogram(t, time.Now())}}); err != nil {
		t.Fatal(err)
	}
	s := g.until("a", func(s outbox.Status) bool { return s.Failing > 0 && len(g.waited()) >= 3 })
	if s.Sent != 0 || s.Waiting != 1 || !strings.Contains(s.Failure, "set protobuf_message to prometheus.WriteRequest") {
		t.Errorf("%+v", s)
	}
	stop()
	target.ProtobufMessage = remoteWriteV1
	g.start(target)
	if s := g.settle("a"); s.Sent != 1 || !slices.Equal(r.took(), []string{"work_seconds"}) {
		t.Errorf("%+v, arrived: %q", s, r.took())
	}
}

// writeReceiver takes version 1.0 of remote write, and whatever it reads as that.
type writeReceiver struct {
	mu    sync.Mutex
	names []string // of series
}

// ServeHTTP takes a request.
func (r *writeReceiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err == nil {
		body, err = snappy.Decode(nil, body)
	}
	var request prompb.WriteRequest
	if err == nil {
		err = request.Unmarshal(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ts := range request.Timeseries {
		r.names = append(r.names, ts.Labels[0].Value)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *writeReceiver) took() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.names)
}
