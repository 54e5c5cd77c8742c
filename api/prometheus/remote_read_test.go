package prometheus_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"
	config_util "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// readQuery asks for a metric from base on.
func readQuery(t *testing.T, metric string) *prompb.Query {
	t.Helper()
	q, err := remote.ToQuery(base.UnixMilli(), base.Add(time.Hour).UnixMilli(),
		[]*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", metric)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestPrometheusReadsRemotely reads with Prometheus's own client.
func TestPrometheusReadsRemotely(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	fill(t, st)
	server := serve(t, st)
	const series = `{__name__="requests_total", service="cart"}`
	want := []string{series + " 0 0", series + " 60 4", series + " 120 8", series + " 180 12", series + " 240 16"}
	for name, accepted := range map[string][]prompb.ReadRequest_ResponseType{
		"streamed chunks": {prompb.ReadRequest_STREAMED_XOR_CHUNKS, prompb.ReadRequest_SAMPLES},
		"samples":         {prompb.ReadRequest_SAMPLES},
	} {
		if diff := cmp.Diff(want, readRemotely(t, server, accepted, readQuery(t, "requests_total"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// readRemotely lists the samples of a query: labels, seconds since base, value.
func readRemotely(t *testing.T, server *httptest.Server, accepted []prompb.ReadRequest_ResponseType, query *prompb.Query) (got []string) {
	t.Helper()
	address, err := url.Parse(server.URL + "/prometheus/api/v1/read")
	if err != nil {
		t.Fatal(err)
	}
	client, err := remote.NewReadClient("test", &remote.ClientConfig{
		URL: &config_util.URL{URL: address}, Timeout: model.Duration(time.Minute), ChunkedReadLimit: config.DefaultChunkedReadLimit, AcceptedResponseTypes: accepted,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.(*remote.Client).Client.CloseIdleConnections()
	set, err := client.Read(t.Context(), query, true)
	if err != nil {
		t.Fatal(err)
	}
	for set.Next() {
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			at, v := it.At()
			got = append(got, fmt.Sprintf("%s %d %g", set.At().Labels(), (at-base.UnixMilli())/1000, v))
		}
		if it.Err() != nil {
			t.Error(it.Err())
		}
	}
	if set.Err() != nil {
		t.Error(set.Err())
	}
	return got
}

// remoteRead posts a request of the first protocol.
func remoteRead(t *testing.T, server *httptest.Server, request *prompb.ReadRequest) (status int, body []byte) {
	t.Helper()
	b, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return postRead(t, server, snappy.Encode(nil, b))
}

func postRead(t *testing.T, server *httptest.Server, b []byte) (status int, body []byte) {
	t.Helper()
	answer, err := server.Client().Post(server.URL+"/prometheus/api/v1/read", "application/x-protobuf", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

func TestRemoteReadAnswersEachQuery(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	fill(t, st)
	status, body := remoteRead(t, serve(t, st), &prompb.ReadRequest{Queries: []*prompb.Query{readQuery(t, "requests_total"), readQuery(t, "nothing")}})
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	plain, err := snappy.Decode(nil, body)
	if err != nil {
		t.Fatal(err)
	}
	var got prompb.ReadResponse
	if err := got.Unmarshal(plain); err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != 2 || len(got.Results[0].Timeseries) != 1 || len(got.Results[0].Timeseries[0].Samples) != 5 || len(got.Results[1].Timeseries) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestRemoteReadIsBounded(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	long := strings.Repeat("x", 10_000)
	var m plait.Metrics
	for i := range 1_000 {
		m.Series = append(m.Series, plait.SeriesData{
			Labels:  plait.Labels{{Name: "__name__", Value: "long"}, {Name: "name", Value: fmt.Sprint(long, i)}},
			Samples: []plait.Sample{{TimeMillis: base.UnixMilli(), Value: 1}},
		})
	}
	if _, err := st.WriteMetrics(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	server := serve(t, st)
	if status, body := remoteRead(t, server, &prompb.ReadRequest{Queries: []*prompb.Query{readQuery(t, "long")}}); status != http.StatusBadRequest || !bytes.Contains(body, []byte("ask for less")) {
		t.Errorf("10 MB of labels: %d %.100s", status, body)
	}
	for name, body := range map[string][]byte{
		"no snappy":             []byte("\xff\xff\xff\xff\xff\xff\xff"),
		"larger than a request": make([]byte, 2<<20),
		"a bomb":                snappy.Encode(nil, make([]byte, 8<<20)),
		"no message":            snappy.Encode(nil, []byte("nonsense")),
	} {
		if status, answer := postRead(t, server, body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %.100s", name, status, answer)
		}
	}
}

func TestMetadataIsCompressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	st := storetest.New(t)
	fill(t, st)
	server := serve(t, st)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/prometheus/api/v1/metadata", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	plain, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err, answer.Header)
	}
	var got struct{ Data map[string]any }
	if err := json.NewDecoder(plain).Decode(&got); err != nil || got.Data["requests_total"] == nil {
		t.Errorf("%v, %v", got, err)
	}
}
