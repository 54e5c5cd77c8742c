package prometheus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/prometheus"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// base is the time of the first sample.
var base = time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)

// traceID is of the trace that is stored, missing of one that is not.
var (
	traceID = plait.TraceID{0x4b, 0xf9, 0x2f, 0x35, 15: 0x36}
	missing = plait.TraceID{0xde, 0xad, 15: 0xef}
	spanID  = plait.SpanID{0, 0xf0, 0x67, 7: 0xb7}
)

func TestEmptyDatabaseAnswersEverything(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	for _, path := range []string{
		"query?query=1%2B1&time=4",
		"query?query=up",
		"query_range?query=up&start=1700000000&end=1700003600&step=15",
		"query_exemplars?query=test&start=1700000000000&end=1700003600000",
		"labels",
		"label/service/values",
		"series?match[]=%7B__name__!%3D%22%22%7D&limit=1",
		"metadata?limit=40000",
		"rules",
		"alerts",
		"status/buildinfo",
		"status/tsdb",
		"format_query?query=up",
		"targets",
	} {
		status, body := get(t, server, "/prometheus/api/v1/"+path)
		if status != http.StatusOK || !strings.HasPrefix(body, `{"status":"success","data":`) || strings.HasPrefix(body, `{"status":"success","data":null`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	fill(t, st)
	server := serve(t, st)
	at := base.Add(2 * time.Minute).Unix()
	for _, c := range []struct {
		name, path, want string
	}{
		{"instant", fmt.Sprintf("query?query=requests_total&time=%d", at), fmt.Sprintf(
			`{"resultType":"vector","result":[{"metric":{"__name__":"requests_total","service":"cart"},"value":[%d,"8"]}]}`, at)},
		{"every series matches an unknown label that is empty", fmt.Sprintf(`query?query=sum(requests_total{__ignore_usage__=""})&time=%d`, at), fmt.Sprintf(
			`{"resultType":"vector","result":[{"metric":{},"value":[%d,"8"]}]}`, at)},
		{"upper case OR, durations of two units", fmt.Sprintf(`query?query=rate(requests_total[2m0s])%%20OR%%20vector(1)&time=%d`, at), fmt.Sprintf(
			`{"resultType":"vector","result":[{"metric":{"service":"cart"},"value":[%d,"0.06666666666666667"]},{"metric":{},"value":[%d,"1"]}]}`, at, at)},
		{"label values", "label/service/values", `["cart"]`},
		{"label values of an escaped name", "label/U__http_2e_route/values", `["/cart"]`},
		{"label values of a name with a slash", "label/app%2Ftier/values", `["front"]`},
		{"names of metrics", "label/__name__/values", `["latency_bucket","latency_count","requests_total","slashed"]`},
		{"labels of a selector", `labels?match[]=requests_total`, `["__name__","service"]`},
		{"metadata", "metadata?metric=requests_total", `{"requests_total":[{"type":"counter","help":"Requests.","unit":""}]}`},
		{"series", `series?match[]=latency_count`, `[{"__name__":"latency_count","http.route":"/cart","service":"cart"}]`},
		{"exemplars of a panel's expression", "query_exemplars?query=" + url.QueryEscape(`histogram_quantile(0.95, sum by (le) (rate(latency_bucket[1m])))`) + rangeMillis(), exemplarAnswer()},
		{"exemplars of the count", "query_exemplars?query=" + url.QueryEscape(`rate(latency_count[1m])`) + rangeMillis(), exemplarAnswer()},
		{"exemplars of an expression without series", "query_exemplars?query=1" + rangeMillis(), `[]`},
		{"double slash", fmt.Sprintf("../../../prometheus//api/v1/query?query=1&time=%d", at), fmt.Sprintf(`{"resultType":"scalar","result":[%d,"1"]}`, at)},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/prometheus/api/v1/" + c.path
			if rest, ok := strings.CutPrefix(c.path, "../../.."); ok {
				path = rest
			}
			status, body := get(t, server, path)
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			var got struct{ Data json.RawMessage }
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got.Data)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrorsAreThoseOfPrometheus(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	for path, want := range map[string]int{
		"query?query=sum(":                   http.StatusBadRequest,
		"query_exemplars?query=sum(":         http.StatusBadRequest,
		"query_range?query=up&start=1&end=0": http.StatusBadRequest,
		"query?query=" + url.QueryEscape(`label_replace(up, "~", "", "", "")`): http.StatusOK,
		"write": http.StatusMethodNotAllowed,
	} {
		if status, body := get(t, server, "/prometheus/api/v1/"+path); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
}

// TestCancelledQueryLeavesNothingRunning relies on storetest.Main, which looks for goroutines.
func TestCancelledQueryLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	server := serve(t, storetest.New(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/prometheus/api/v1/query?query=up", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Client().Do(req); err == nil {
		t.Error("a cancelled request was answered")
	}
}

func rangeMillis() string {
	return fmt.Sprintf("&start=%d&end=%d", base.UnixMilli(), base.Add(time.Hour).UnixMilli())
}

func exemplarAnswer() string {
	return fmt.Sprintf(`[{"seriesLabels":{"__name__":"latency_bucket","http.route":"/cart","le":"0.5","service":"cart"},`+
		`"exemplars":[{"labels":{"span_id":"00f06700000000b7","trace_id":"4bf92f35000000000000000000000036"},"value":"0.412","timestamp":%d.345}]}]`,
		base.Add(time.Minute).Unix())
}

// fill writes a counter of 0, 4, 8... every minute, and a bucket with an exemplar of the trace
// that is stored and one of a trace that is not.
func fill(t *testing.T, st *store.Store) {
	t.Helper()
	resource, scope := &plait.Resource{}, &plait.Scope{}
	if _, err := st.WriteTraces(t.Context(), &plait.Traces{Spans: []plait.Span{{
		TraceID: traceID, SpanID: spanID, Name: "GET /cart", Resource: resource, Scope: scope,
		StartNanos: base.UnixNano(), EndNanos: base.Add(time.Second).UnixNano(),
	}}}); err != nil {
		t.Fatal(err)
	}
	counter := plait.SeriesData{Labels: plait.Labels{{Name: "__name__", Value: "requests_total"}, {Name: "service", Value: "cart"}}}
	for i := range int64(5) {
		counter.Samples = append(counter.Samples, plait.Sample{TimeMillis: base.UnixMilli() + i*60_000, Value: float64(4 * i)})
	}
	histogram := func(name, le string) plait.Labels {
		ls := plait.Labels{{Name: "__name__", Value: name}, {Name: "http.route", Value: "/cart"}}
		if le != "" {
			ls = append(ls, plait.Label{Name: "le", Value: le})
		}
		return append(ls, plait.Label{Name: "service", Value: "cart"})
	}
	exemplar := plait.Exemplar{
		TimeNanos: base.Add(time.Minute + 345*time.Millisecond).UnixNano(), Value: 0.412, TraceID: traceID, SpanID: spanID,
	}
	dangling := exemplar
	dangling.TraceID = missing
	samples := []plait.Sample{{TimeMillis: base.UnixMilli(), Value: 1}}
	if _, err := st.WriteMetrics(t.Context(), &plait.Metrics{
		Series: []plait.SeriesData{
			counter,
			{Labels: histogram("latency_bucket", "0.5"), Samples: samples, Exemplars: []plait.Exemplar{exemplar, dangling}},
			{Labels: histogram("latency_count", ""), Samples: samples},
			{Labels: plait.Labels{{Name: "__name__", Value: "slashed"}, {Name: "app/tier", Value: "front"}}, Samples: samples},
		},
		Metadata: []plait.MetricMetadata{{Metric: "requests_total", Type: plait.MetricCounter, Help: "Requests."}},
	}); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, st *store.Store, changes ...func(*prometheus.Config)) *httptest.Server {
	t.Helper()
	c := prometheus.Config{Storage: st.Metrics(), Ready: st.Ping, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, change := range changes {
		change(&c)
	}
	server := httptest.NewServer(prometheus.NewHandler(c))
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, server *httptest.Server, path string) (int, string) {
	t.Helper()
	resp, err := server.Client().Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
