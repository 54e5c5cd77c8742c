package prometheus_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/api/prometheus"
	"github.com/plaithq/plait/correlate/spikes"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
)

// matrix is an answer of query_range.
type matrix struct {
	Data struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
}

func findingSpikes(st *store.Store) func(*prometheus.Config) {
	return func(c *prometheus.Config) {
		c.Spikes = func(ctx context.Context, q spikes.Question) (*spikes.Answer, error) { return spikes.Find(ctx, st, q) }
	}
}

// writeSpikes writes an hour of spans of three services, one every second of each. From the minute 40 to 50 those of cart are slow, from
// 20 to 30 those of mail fail, and those of tax for 20 seconds of the minute 52.
func writeSpikes(t *testing.T, st *store.Store, from time.Time) {
	t.Helper()
	traces := &plait.Traces{}
	for i, name := range []string{"cart", "mail", "tax"} {
		resource := &plait.Resource{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue(name)}}}
		for second := range 3600 {
			start, took, minute := from.Add(time.Duration(second)*time.Second), 10*time.Millisecond, second/60
			if name == "cart" && minute >= 40 && minute < 50 {
				took = 400 * time.Millisecond
			}
			s := plait.Span{Name: "GET /" + name, Kind: plait.SpanKindServer, Resource: resource, Scope: &plait.Scope{},
				StartNanos: start.UnixNano(), EndNanos: start.Add(took).UnixNano()}
			if name == "mail" && minute >= 20 && minute < 30 || name == "tax" && second >= 3130 && second < 3150 {
				s.Status = plait.StatusError
			}
			binary.BigEndian.PutUint64(s.TraceID[8:], uint64(i*3600+second+1))
			s.SpanID[7] = 1
			traces.Spans = append(traces.Spans, s)
		}
	}
	if _, err := st.WriteTraces(t.Context(), traces); err != nil {
		t.Fatal(err)
	}
}

func TestSpikesAreSeriesForAsLongAsTheyLast(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	from := time.Now().Truncate(time.Hour).Add(-3 * time.Hour)
	writeSpikes(t, st, from)
	server := serve(t, st, findingSpikes(st))
	ask := func(query string, step int) (got matrix) {
		t.Helper()
		status, body := get(t, server, fmt.Sprintf("/prometheus/api/v1/query_range?query=%s&start=%d&end=%d&step=%d", url.QueryEscape(query), from.Unix(), from.Add(time.Hour).Unix(), step))
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, status, body)
		}
		return got
	}
	minutes := func(values [][2]any) (all []int) {
		for _, v := range values {
			all = append(all, int(time.Unix(int64(v[0].(float64)), 0).Sub(from)/time.Minute))
		}
		return all
	}
	upTo := func(first, end int) (all []int) {
		for m := first; m < end; m++ {
			all = append(all, m)
		}
		return all
	}
	millis := func(minute int) string {
		return strconv.FormatInt(from.Add(time.Duration(minute)*time.Minute).UnixMilli(), 10)
	}

	if n := len(ask(`plait_spikes{service="tax"}`, 600).Data.Result); n != 1 {
		t.Errorf("%d series of a spike that is shorter than a step", n)
	}
	got := ask(`plait_spikes{service!="tax"}`, 60).Data.Result
	if len(got) != 2 {
		t.Fatalf("%d series: %v", len(got), got)
	}
	slices.SortFunc(got, func(a, b struct {
		Metric map[string]string
		Values [][2]any
	}) int {
		return len(a.Metric["kind"]) - len(b.Metric["kind"])
	})
	for i, want := range []struct {
		metric     map[string]string
		first, end int
	}{
		{map[string]string{
			"__name__": "plait_spikes", "kind": "errors", "service": "mail", "span_name": "GET /mail", "span_kind": "SPAN_KIND_SERVER",
			"says": "600 of 600 failed, usually 0 %", "since": millis(20), "until": millis(30), "slower_ms": "10",
		}, 20, 30},
		{map[string]string{
			"__name__": "plait_spikes", "kind": "latency", "service": "cart", "span_name": "GET /cart", "span_kind": "SPAN_KIND_SERVER",
			"says": "p95 400ms, usually 10ms", "since": millis(40), "until": millis(50), "slower_ms": "20",
		}, 40, 50},
	} {
		if diff := cmp.Diff(want.metric, got[i].Metric); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(upTo(want.first, want.end), minutes(got[i].Values)); diff != "" {
			t.Errorf("minutes of %s (-want +got):\n%s", want.metric["kind"], diff)
		}
	}
	for query, want := range map[string]int{
		`plait_spikes{service="cart"}`: 1, `plait_spikes{service=~"m.+"}`: 1, `plait_spikes{kind="errors",service="cart"}`: 0,
		`count(plait_spikes) > 0`: 1, `max by (kind) (plait_spikes)`: 2, `count by (service) (plait_spikes)`: 3, `plait_spikes{service="nobody"}`: 0,
	} {
		if n := len(ask(query, 60).Data.Result); n != want {
			t.Errorf("%s: %d series, want %d", query, n, want)
		}
	}
}

func TestWithoutSpikesTheirSeriesIsLikeAnyOther(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	writeSpikes(t, st, time.Now().Truncate(time.Hour).Add(-3*time.Hour))
	status, body := get(t, serve(t, st), "/prometheus/api/v1/query?query=plait_spikes")
	if want := `{"status":"success","data":{"resultType":"vector","result":[]}}`; status != http.StatusOK || body != want {
		t.Errorf("%d %s", status, body)
	}
}

func TestASearchForSpikesThatFailsIsToBeRepeated(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	server := serve(t, st, func(c *prometheus.Config) {
		c.Spikes = func(context.Context, spikes.Question) (*spikes.Answer, error) {
			return nil, plait.Errorf(plait.ErrUnavailable, "the database is away")
		}
	})
	if status, body := get(t, server, "/prometheus/api/v1/query?query=plait_spikes"); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
}
