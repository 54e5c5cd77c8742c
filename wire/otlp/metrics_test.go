package otlp

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plaithq/plait"
)

func TestMetricDecoderReadsWhatTheConverterMakes(t *testing.T) {
	t.Parallel()
	for _, set := range []MetricSettings{
		{},
		{PromoteAllResourceAttributes: true, PromoteScope: true},
		{PromoteResourceAttributes: []string{"host.name"}, KeepUTF8: true},
	} {
		d := NewMetricDecoder(set)
		for round := range 3 { // the first meets unknown names only, the others known ones
			body := marshalMetrics(t, everyKind(float64(7+round)))
			want, err := referenceMetrics(body, set)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Decode(t.Context(), body, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(flat(want), flat(got)); diff != "" {
				t.Errorf("%+v, round %d: %s", set, round, diff)
			}
		}
	}
}

func TestMetricDecoderNamesSeriesByTheirLabels(t *testing.T) {
	t.Parallel()
	d := NewMetricDecoder(MetricSettings{})
	for range 2 {
		m, err := d.Decode(t.Context(), marshalMetrics(t, everyKind(1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Series {
			if s.ID != 0 && s.ID != s.Labels.ID() {
				t.Errorf("%v is called %d", s.Labels, s.ID)
			}
		}
	}
}

func TestEveryKindOfMetric(t *testing.T) {
	t.Parallel()
	m, err := NewMetricDecoder(MetricSettings{}).Decode(t.Context(), marshalMetrics(t, everyKind(7)), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(flat(m), "\n")
	for _, want := range []string{
		`__name__="queue_depth_ratio",instance="1",job="cart", 1795262400123 0 401c000000000000`,
		`__name__="queue_ended",instance="1",job="cart", 1795262400123 0 7ff0000000000002`,
		`__name__="requests_total",http_route="/a",http_status="200",instance="1",job="cart", 1795262400123 1795262340123 401c000000000000`,
		`__name__="latency_seconds_bucket",http_route="/0",instance="1",job="cart",le="+Inf", 1795262400123 0 402a000000000000`,
		`__name__="latency_seconds_bucket",http_route="/0",instance="1",job="cart",le="0.5", exemplar 1795262400118000000 3fe0000000000000 01000000000000000000000000000002 0300000000000004 []`,
		`__name__="old_seconds",instance="1",job="cart",quantile="0.99", 1795262400123`,
		`__name__="sizes_bytes",instance="1",job="cart", 1795262400123`,
		`__name__="target_info",cloud_region="eu",host_name="h",instance="1",job="cart", 1795262400123 0 3ff0000000000000`,
		`metadata {Metric:requests_total Type:counter Help:What requests is. Unit:}`,
		`metadata {Metric:deltas_bytes_total Type:unknown Help:What deltas is. Unit:bytes}`,
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(lines)
	}
}

func TestBadMetricIsRefusedAlone(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(pmetric.Metrics){
		"no temporality": func(md pmetric.Metrics) {
			metricCalled(md, "requests").Sum().SetAggregationTemporality(pmetric.AggregationTemporalityUnspecified)
		},
		"buckets and bounds that do not fit": func(md pmetric.Metrics) {
			metricCalled(md, "latency").Histogram().DataPoints().At(0).BucketCounts().FromRaw([]uint64{1, 2})
		},
		"no name": func(md pmetric.Metrics) { metricCalled(md, "requests").SetName("") },
		"no time": func(md pmetric.Metrics) { metricCalled(md, "requests").Sum().DataPoints().At(0).SetTimestamp(0) },
		"absurd time": func(md pmetric.Metrics) {
			metricCalled(md, "requests").Sum().DataPoints().At(0).SetTimestamp(math.MaxUint64)
		},
		"a year ago": func(md pmetric.Metrics) {
			metricCalled(md, "requests").Sum().DataPoints().At(0).SetTimestamp(pcommon.Timestamp(time.Hour))
		},
		"invalid UTF-8": func(md pmetric.Metrics) {
			metricCalled(md, "requests").Sum().DataPoints().At(0).Attributes().PutStr("a", "\xff")
		},
		"NUL": func(md pmetric.Metrics) {
			metricCalled(md, "requests").Sum().DataPoints().At(0).Attributes().PutStr("a", "\x00")
		},
		"exponential mess": func(md pmetric.Metrics) {
			metricCalled(md, "sizes").ExponentialHistogram().DataPoints().At(0).SetScale(-100)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			md := everyKind(7)
			spoil(md)
			got, err := NewMetricDecoder(MetricSettings{}).Decode(t.Context(), marshalMetrics(t, md), nil)
			if err != nil {
				t.Fatal(err)
			}
			if refused := len(got.Refused); refused != 1 && name != "a year ago" {
				t.Errorf("refused %v", got.Refused)
			}
			for _, r := range got.Refused {
				if !strings.HasPrefix(r.Reason, "metric ") {
					t.Errorf("the reason does not say where: %s", r.Reason)
				}
			}
			if len(got.Series) < 10 || !hasTargetInfo(got) {
				t.Errorf("only %d series are left", len(got.Series))
			}
		})
	}
}

func hasTargetInfo(m *plait.Metrics) bool {
	return slices.ContainsFunc(m.Series, func(s plait.SeriesData) bool { return s.Labels.Get("__name__") == targetInfo })
}

func metricCalled(md pmetric.Metrics, name string) pmetric.Metric {
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Name() == name {
			return m
		}
	}
	panic("no metric " + name)
}

func TestMetricsOfWrongShapeAreInvalid(t *testing.T) {
	t.Parallel()
	body := marshalMetrics(t, everyKind(7))
	if _, err := NewMetricDecoder(MetricSettings{}).Decode(t.Context(), body[:len(body)-3], nil); err == nil {
		t.Error("a truncated request was read")
	}
	if _, err := NewMetricDecoder(MetricSettings{}).DecodeJSON(t.Context(), []byte(`{"resourceMetrics":`), nil); err == nil {
		t.Error("truncated JSON was read")
	}
}

// FuzzMetricDecoder compares with what Prometheus's converter makes of the same request, unless one
// of them refuses something: it knows fewer limits.
func FuzzMetricDecoder(f *testing.F) {
	f.Add(marshalMetrics(f, everyKind(7)))
	f.Add([]byte{})
	f.Add([]byte("\x0a\x02\x0a\x00"))
	f.Add(marshalMetrics(f, one(func(m pmetric.Metric) {
		v := cumulativeSum(m, 2).Attributes().PutEmpty("deep")
		for range maxDepth + 2 {
			v = v.SetEmptyMap().PutEmpty("k")
		}
	})))
	f.Add(marshalMetrics(f, one(func(m pmetric.Metric) {
		h := m.SetEmptyExponentialHistogram()
		h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		p := h.DataPoints().AppendEmpty()
		stamp(p)
		p.SetScale(30)
		p.Negative().SetOffset(math.MinInt32)
		p.Negative().BucketCounts().FromRaw([]uint64{0, 1, 0, 0, 0, 2})
	})))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := NewMetricDecoder(MetricSettings{})
		for range 2 {
			got, err := d.Decode(t.Context(), body, nil)
			if err != nil {
				if !errors.Is(err, plait.ErrInvalid) {
					t.Fatalf("error without a kind: %v", err)
				}
				return
			}
			want, err := referenceMetrics(body, MetricSettings{})
			if err != nil || len(want.Refused) > 0 || len(got.Refused) > 0 || len(got.Repaired) > 0 {
				return
			}
			if diff := gocmp.Diff(samplesOf(want), samplesOf(got)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// FuzzMetricJSON holds that only JSON is accepted, and that what is read of it is no more than what can be stored.
func FuzzMetricJSON(f *testing.F) {
	text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(everyKind(7))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"resource_metrics":[{"scope_metrics":[{"metrics":[{"name":"a","sum":{"aggregation_temporality":"delta","data_points":[{"as_int":1e3,"time_unix_nano":"1795600800000000000"}]}}]}]}],"x":[[[{"y":[]}]]]}`))
	f.Add([]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":1},{}]},"stringValue":"x"}}]}]}}]}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := NewMetricDecoder(MetricSettings{}).DecodeJSON(t.Context(), body, nil)
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is no JSON: %q", body)
		}
		for _, s := range m.Series {
			if s.ID == 0 || s.Labels.Get("__name__") == "" || len(s.Samples)+len(s.Histograms) != 1 {
				t.Fatalf("series %+v", s)
			}
		}
	})
}

// samplesOf leaves out what is worded differently.
func samplesOf(m *plait.Metrics) []string {
	return slices.DeleteFunc(flat(m), func(line string) bool {
		return strings.HasPrefix(line, "metadata ") || strings.HasPrefix(line, "refused ") || strings.HasPrefix(line, `__name__="target_info"`)
	})
}

func BenchmarkMetricDecoder(b *testing.B) {
	md := pmetric.NewMetrics()
	for i := range 9 {
		kinds := everyKind(float64(i))
		kinds.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().RemoveIf(func(m pmetric.Metric) bool {
			return m.Type() == pmetric.MetricTypeExponentialHistogram || m.Type() == pmetric.MetricTypeSummary
		})
		kinds.ResourceMetrics().MoveAndAppendTo(md.ResourceMetrics())
		md.ResourceMetrics().At(i).Resource().Attributes().PutInt("service.instance.id", int64(i))
	}
	body := marshalMetrics(b, md)
	d := NewMetricDecoder(MetricSettings{})
	samples := 0
	b.ReportAllocs()
	for b.Loop() {
		m, err := d.Decode(b.Context(), body, nil)
		if err != nil {
			b.Fatal(err)
		}
		n, h, _ := m.Counts()
		samples += n + h
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(samples, 1)), "ns/sample")

}
