package attack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"
)

// hoards are requests that are well-formed, acknowledged or refused, and leave as much in memory as they
// can. Each makes its n-th request.
var hoards = []struct {
	name     string
	requests int
	refused  bool
	make     func(a *attacker, n int) request
}{
	{"metadata with help texts of 4 kB, 15 MB a request", 20, false, func(a *attacker, n int) request {
		w := &prompb.WriteRequest{}
		for i := range 3700 {
			w.Metadata = append(w.Metadata, prompb.MetricMetadata{MetricFamilyName: fmt.Sprintf("hoard_%d_%d", n, i), Help: strings.Repeat("x", 4<<10)})
		}
		return a.write(w)
	}},
	{"series with labels of 15 kB", 20, false, func(a *attacker, n int) request {
		w := &prompb.WriteRequest{}
		for i := range 900 {
			w.Timeseries = append(w.Timeseries, series("hoard_labels", fmt.Sprintf("%s %d %d", strings.Repeat("x", 15<<10), n, i)))
		}
		return a.write(w)
	}},
	{"native histograms of 160 buckets", 15, false, func(a *attacker, n int) request {
		w := &prompb.WriteRequest{}
		for i := range 1000 {
			s := series("hoard_native", fmt.Sprint(i))
			for j := range 10 {
				s.Histograms = append(s.Histograms, native(160, time.Now().UnixMilli()-int64(n*10+j)*1000))
			}
			s.Samples = nil
			w.Timeseries = append(w.Timeseries, s)
		}
		return a.write(w)
	}},
	{"native histograms of 10,000 buckets", 15, false, func(a *attacker, n int) request {
		w := &prompb.WriteRequest{}
		for i := range 130 {
			s := series("hoard_wide", fmt.Sprint(i))
			s.Histograms, s.Samples = []prompb.Histogram{native(10_000, time.Now().UnixMilli()-int64(n)*1000)}, nil
			w.Timeseries = append(w.Timeseries, s)
		}
		return a.write(w)
	}},
	{"a native histogram of 1.5 M buckets", 10, true, func(a *attacker, n int) request {
		s := series("hoard_widest", fmt.Sprint(n))
		s.Histograms, s.Samples = []prompb.Histogram{native(1_500_000, time.Now().UnixMilli())}, nil
		return a.write(&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{s}})
	}},
	{"a classic histogram of 500,000 buckets", 8, true, func(a *attacker, n int) request {
		p := &metricspb.HistogramDataPoint{TimeUnixNano: uint64(time.Now().UnixNano()), Count: 500_001, BucketCounts: make([]uint64, 500_001)}
		for i := range 500_000 {
			p.ExplicitBounds = append(p.ExplicitBounds, float64(i))
		}
		m := &metricspb.Metric{Name: fmt.Sprint("hoard", n), Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{
			AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE, DataPoints: []*metricspb.HistogramDataPoint{p}}}}
		body, err := proto.Marshal(&colmetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
			Resource:     &resourcepb.Resource{Attributes: []*commonpb.KeyValue{}},
			ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{m}}}}}})
		check(a.t, err)
		return request{path: "/v1/metrics", body: body}
	}},
}

// questions ask for as much as they can of what hoards have left.
var questions = []string{
	"query?query=" + url.QueryEscape(`{__name__=~"hoard.*"}`),
	"query?query=" + url.QueryEscape(`timestamp({__name__=~"hoard.*"})`),
	"query?query=" + url.QueryEscape(`{__name__=~"hoard.*"}[1h]`),
	"query?query=" + url.QueryEscape(`sum(rate(hoard_native[5m])) + sum(rate(hoard_wide[5m])) + sum(hoard_wide) + count(hoard_labels)`),
	"query_range?query=hoard_native&step=1&start=%d&end=%d",
	"query_range?query=" + url.QueryEscape("last_over_time(hoard_wide[5m])") + "&step=1&start=%d&end=%d",
	"query?query=" + url.QueryEscape("max_over_time(vector(1)[2900000s:1s])"),
	"series?match[]=hoard_labels",
	"label/path/values",
	"metadata",
}

func TestHoardsAndQuestionsStayBounded(t *testing.T) {
	g := startGateway(t, buildPlait(t))
	bounded := func(t *testing.T) {
		t.Helper()
		g.hears(t)
		peak, postgres := g.memory(t)
		t.Logf("gateway at most %d MiB, Postgres %d MiB", peak>>20, postgres>>20)
		if peak+postgres > most {
			t.Errorf("gateway and database have %d MiB, want at most %d", (peak+postgres)>>20, int64(most)>>20)
		}
	}
	for _, c := range hoards {
		t.Run(c.name, func(t *testing.T) {
			g.forgetPeak(t)
			a := &attacker{t: t, g: g}
			for n := range c.requests {
				a.send(c.make(a, n), c.refused)
			}
			bounded(t)
		})
	}
	t.Run("questions about all of it, at once", func(t *testing.T) {
		g.forgetPeak(t)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		now := time.Now().Unix()
		var asking sync.WaitGroup
		for range 4 {
			for _, q := range questions {
				if strings.Contains(q, "%d") {
					q = fmt.Sprintf(strings.ReplaceAll(strings.ReplaceAll(q, "%", "%%"), "%%d", "%d"), now-600, now)
				}
				asking.Go(func() { g.ask(ctx, t, "/prometheus/api/v1/"+q) })
			}
		}
		asking.Wait()
		bounded(t)
	})
}

// ask reads an answer, of whatever status.
func (g *gateway) ask(ctx context.Context, t *testing.T, path string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.api+path, nil)
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return // took too long
	}
	defer resp.Body.Close()
	n, _ := io.Copy(io.Discard, resp.Body)
	t.Logf("%d, %d kB: %.160s", resp.StatusCode, n>>10, path)
}

// request is one of a hoard.
type request struct {
	path     string
	encoding string
	body     []byte
}

func (a *attacker) write(w *prompb.WriteRequest) request {
	b, err := w.Marshal()
	check(a.t, err)
	return request{"/api/v1/write", "snappy", snappy.Encode(nil, b)}
}

// send sends a request until it is answered for good.
func (a *attacker) send(r request, refused bool) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	retry(a.t, 2*time.Minute, "the request is acknowledged or refused", func() error {
		req, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, "http://"+a.g.ingest+r.path, bytes.NewReader(r.body))
		check(a.t, err)
		req.Header.Set("Content-Type", "application/x-protobuf")
		if r.encoding != "" {
			req.Header.Set("Content-Encoding", r.encoding)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
			return fmt.Errorf("answered %s", resp.Status)
		}
		text, err := io.ReadAll(resp.Body)
		if err == nil && !refused && (resp.StatusCode >= 300 || len(text) > 2) {
			a.t.Errorf("answered %s %.300s", resp.Status, text)
		}
		return err
	})
}

func series(name, path string) prompb.TimeSeries {
	return prompb.TimeSeries{
		Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "path", Value: path}},
		Samples: []prompb.Sample{{Timestamp: time.Now().UnixMilli(), Value: 1}},
	}
}

// native has so many buckets, of counts that do not compress.
func native(buckets int, at int64) prompb.Histogram {
	h := prompb.Histogram{Timestamp: at, PositiveSpans: []prompb.BucketSpan{{Length: uint32(buckets)}}}
	total := 0.0
	for range buckets {
		count := rand.Float64()
		h.PositiveCounts = append(h.PositiveCounts, count)
		total += count
	}
	h.Count = &prompb.Histogram_CountFloat{CountFloat: total}
	h.ZeroCount = &prompb.Histogram_ZeroCountFloat{}
	return h
}
