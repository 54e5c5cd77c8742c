package ingest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

// remoteWriteV1 is a request of one series for each list of labels.
func remoteWriteV1(t *testing.T, series ...[]prompb.Label) []byte {
	t.Helper()
	req := &prompb.WriteRequest{}
	for _, ls := range series {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{
			Labels: ls, Samples: []prompb.Sample{{Timestamp: time.Now().UnixMilli(), Value: 1}},
		})
	}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, b)
}

func remoteWriteV2(t *testing.T) []byte {
	t.Helper()
	req := &writev2.Request{Symbols: []string{"", "__name__", "up"}, Timeseries: []writev2.TimeSeries{{
		LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Timestamp: time.Now().UnixMilli(), Value: 1}},
	}}}
	b, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, b)
}

func TestRemoteWriteAnswers(t *testing.T) {
	t.Parallel()
	up := []prompb.Label{{Name: "__name__", Value: "up"}}
	nameless := []prompb.Label{{Name: "job", Value: "a"}}
	ts := start(t)
	huge := snappy.Encode(nil, make([]byte, 1<<20))
	copy(huge, "\xff\xff\xff\x7f") // says that it decompresses to 256 MiB and more
	for _, c := range []struct {
		name    string
		body    []byte
		headers []string
		code    int
		text    string
		written string
	}{
		{"version 1", remoteWriteV1(t, up), nil, http.StatusNoContent, "", ""},
		{"version 2", remoteWriteV2(t), []string{"Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding: snappy"}, http.StatusNoContent, "", "1"},
		{"a bad series among good ones", remoteWriteV1(t, up, nameless), nil, http.StatusBadRequest, "has no name", ""},
		{"truncated snappy", remoteWriteV1(t, up)[:10], nil, http.StatusBadRequest, "snappy", ""},
		{"no snappy", []byte("hello"), nil, http.StatusBadRequest, "snappy", ""},
		{"a bomb", huge, nil, http.StatusRequestEntityTooLarge, "the limit is", ""},
		{"no remote write", nil, []string{"Content-Type: text/plain"}, http.StatusUnsupportedMediaType, "send application/x-protobuf", ""},
		{"gzip", nil, []string{"Content-Encoding: gzip"}, http.StatusUnsupportedMediaType, "compressed by snappy", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ts.protobuf(t, "/api/v1/write", c.body, c.headers...)
			if got.code != c.code || !strings.Contains(got.body, c.text) {
				t.Errorf("%d %s", got.code, got.body)
			}
			if written := got.header.Get("X-Prometheus-Remote-Write-Samples-Written"); written != c.written {
				t.Errorf("%q samples were said to be written, want %q", written, c.written)
			}
		})
	}
	found, err := ts.store.Series(t.Context(), []plait.Matcher{{Name: "__name__", Op: plait.MatchEqual, Value: "up"}}, plait.TimeRange{}, 10)
	if err != nil || len(found) != 1 {
		t.Errorf("%v is stored, %v", found, err)
	}
}

func TestTooManyNewSeriesAreRefusedAndTheOthersStored(t *testing.T) {
	t.Parallel()
	ts := start(t)
	var series [][]prompb.Label
	for i := range 60_000 {
		series = append(series, []prompb.Label{{Name: "__name__", Value: "many"}, {Name: "id", Value: fmt.Sprint(i)}})
	}
	got := ts.protobuf(t, "/api/v1/write", remoteWriteV1(t, series...))
	if got.code != http.StatusBadRequest || !strings.Contains(got.body, "more than 50000 series that were not seen before") {
		t.Errorf("%d %s", got.code, got.body)
	}
}

func TestRemoteWriteIsWeighedByWhatItHolds(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(_ *Config, d *Deps) { d.Writer = nowhere{} })
	var usual [][]prompb.Label
	for i := range 60_000 { // 14 MB, near the limit of a body
		usual = append(usual, []prompb.Label{
			{Name: "__name__", Value: "http_server_request_duration_seconds_bucket"}, {Name: "http_request_method", Value: "GET"},
			{Name: "http_response_status_code", Value: "200"}, {Name: "http_route", Value: "/api/v1/cart"},
			{Name: "instance", Value: fmt.Sprint("10.0.0.1:", i)}, {Name: "job", Value: "shop/cart"}, {Name: "le", Value: "0.25"},
		})
	}
	if got := ts.protobuf(t, "/api/v1/write", remoteWriteV1(t, usual...)); got.code != http.StatusNoContent {
		t.Errorf("usual series: %d %s", got.code, got.body)
	}
	for name, headers := range map[string][]string{
		"\x0a\x00": nil,                                                                           // an empty series of version 1
		"\x2a\x00": {"Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request"}, // of version 2
		"\x22\x00": {"Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request"}, // an empty symbol
	} {
		got := ts.protobuf(t, "/api/v1/write", snappy.Encode(nil, []byte(strings.Repeat(name, 7<<20))), headers...)
		if got.code != http.StatusRequestEntityTooLarge || !strings.Contains(got.body, "split it") {
			t.Errorf("%q: %d %s", name, got.code, got.body)
		}
	}
}

// refusing is a Writer that stores all but some of the metrics.
type refusing struct {
	Writer
	plait.Refusal
}

func (w refusing) WriteMetrics(context.Context, *plait.Metrics) (plait.Receipt, error) {
	return plait.Receipt{Refused: []plait.Refusal{w.Refusal}}, nil
}

func TestRemoteWriteCountsWhatTheStoreRefused(t *testing.T) {
	t.Parallel()
	ts := serve(t, func(_ *Config, d *Deps) {
		d.Writer = refusing{Refusal: plait.Refusal{Count: 3, Histograms: 2, Exemplars: 1, Reason: "too many series"}}
	})
	now := time.Now().UnixMilli()
	series := writev2.TimeSeries{
		LabelsRefs: []uint32{1, 2},
		Samples:    []writev2.Sample{{Timestamp: now, Value: 1}, {Timestamp: now + 1, Value: 2}},
		Exemplars:  []writev2.Exemplar{{Timestamp: now, Value: 1}, {Timestamp: now, Value: 2}, {Timestamp: now, Value: 3}},
	}
	nativeHistogram := &histogram.Histogram{Count: 1, ZeroCount: 1}
	for i := range int64(4) {
		series.Histograms = append(series.Histograms, writev2.FromIntHistogram(0, now+2+i, nativeHistogram))
	}
	req := &writev2.Request{Symbols: []string{"", "__name__", "up"}, Timeseries: []writev2.TimeSeries{series}}
	body, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got := ts.protobuf(t, "/api/v1/write", snappy.Encode(nil, body), "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request")
	if got.code != http.StatusBadRequest || !strings.Contains(got.body, "too many series") {
		t.Errorf("%d %s", got.code, got.body)
	}
	for name, want := range map[string]string{"Samples": "1", "Histograms": "2", "Exemplars": "2"} {
		if written := got.header.Get("X-Prometheus-Remote-Write-" + name + "-Written"); written != want {
			t.Errorf("%s %s were said to be written, want %s", written, name, want)
		}
	}
}
