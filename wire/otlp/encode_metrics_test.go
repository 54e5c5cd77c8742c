package otlp

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// describe is what the metadata of a request tells.
func describe(told []plait.MetricMetadata) plait.Describe {
	return func(metric string) (plait.MetricMetadata, bool) {
		i := slices.IndexFunc(told, func(m plait.MetricMetadata) bool { return m.Metric == metric })
		if i < 0 {
			return plait.MetricMetadata{}, false
		}
		return told[i], true
	}
}

// encodedMetrics encodes series, and decodes them by the Collector's code.
func encodedMetrics(t *testing.T, known plait.Describe, list []plait.SeriesData) ([]byte, pmetric.Metrics) {
	t.Helper()
	body, err := EncodeMetrics(known, list)
	if err != nil {
		t.Fatal(err)
	}
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalProto(body); err != nil {
		t.Fatal(err)
	}
	return body, request.Metrics()
}

func TestSeriesThatAreEncodedAreReadAgain(t *testing.T) {
	t.Parallel()
	for _, set := range []MetricSettings{{}, {PromoteAllResourceAttributes: true, PromoteScope: true}, {PromoteResourceAttributes: []string{"host.name"}}} {
		d := NewMetricDecoder(set)
		want, err := d.Decode(t.Context(), marshalMetrics(t, everyKind(7)), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := encodedMetrics(t, describe(want.Metadata), want.Series)
		got, err := d.Decode(t.Context(), body, nil)
		if err != nil {
			t.Fatal(err)
		}
		// OTLP has no type for what is unknown, and the histogram without a bucket has one in Prometheus.
		typed := strings.NewReplacer("Type:unknown", "Type:gauge")
		if diff := cmp.Diff(linesBy(typed, flat(want)), linesBy(typed, flat(got))); diff != "" {
			t.Errorf("%+v: (-sent +read)\n%s", set, diff)
		}
	}
}

func linesBy(r *strings.Replacer, lines []string) []string {
	for i := range lines {
		lines[i] = r.Replace(lines[i])
	}
	return lines
}

// at is a series with one sample.
func at(millis int64, v float64, labels ...string) plait.SeriesData {
	s := plait.SeriesData{Samples: []plait.Sample{{TimeMillis: millis, Value: v}}}
	for i := 0; i < len(labels); i += 2 {
		s.Labels = append(s.Labels, plait.Label{Name: labels[i], Value: labels[i+1]})
	}
	slices.SortFunc(s.Labels, func(a, b plait.Label) int { return strings.Compare(a.Name, b.Name) })
	return s
}

var histogramTold = describe([]plait.MetricMetadata{{Metric: "latency", Type: plait.MetricHistogram}})

func TestBucketsComeTogether(t *testing.T) {
	t.Parallel()
	_, md := encodedMetrics(t, histogramTold, []plait.SeriesData{
		at(1, 3, plait.NameLabel, "latency_bucket", "le", "0.5", "route", "/a"),
		at(1, 1.5, plait.NameLabel, "latency_sum", "route", "/a"),
		at(1, 1, plait.NameLabel, "latency_bucket", "le", "0.1", "route", "/a"),
		at(1, 4, plait.NameLabel, "latency_bucket", "le", "+Inf", "route", "/a"),
		at(1, 4, plait.NameLabel, "latency_count", "route", "/a"),
	})
	if n := md.DataPointCount(); n != 1 {
		t.Fatalf("%d points", n)
	}
	p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().At(0)
	if got := p.BucketCounts().AsRaw(); !slices.Equal(got, []uint64{1, 2, 1}) {
		t.Errorf("counts: %v", got)
	}
	if got := p.ExplicitBounds().AsRaw(); !slices.Equal(got, []float64{0.1, 0.5}) {
		t.Errorf("bounds: %v", got)
	}
	if p.Count() != 4 || p.Sum() != 1.5 {
		t.Errorf("count %d, sum %v", p.Count(), p.Sum())
	}
	if v, _ := p.Attributes().Get("route"); v.Str() != "/a" || p.Attributes().Len() != 1 {
		t.Errorf("attributes: %v", p.Attributes().AsRaw())
	}
}

func TestWhatIsNoHistogramIsSentAsGauges(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]plait.SeriesData{
		"a fraction":         {at(1, 0.5, plait.NameLabel, "latency_count")},
		"a bucket too large": {at(1, 9, plait.NameLabel, "latency_bucket", "le", "1"), at(1, 4, plait.NameLabel, "latency_count")},
		"no count":           {at(1, 1, plait.NameLabel, "latency_bucket", "le", "1"), at(1, 4, plait.NameLabel, "latency_sum")},
		"not a bound":        {at(1, 1, plait.NameLabel, "latency_bucket", "le", "all")},
		"below zero":         {at(1, -1, plait.NameLabel, "latency_count")},
	} {
		_, md := encodedMetrics(t, histogramTold, list)
		metrics := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
		for i := range metrics.Len() {
			if m := metrics.At(i); m.Type() != pmetric.MetricTypeGauge || m.Gauge().DataPoints().At(0).DoubleValue() != list[i].Samples[0].Value {
				t.Errorf("%s: %s is a %s", name, m.Name(), m.Type())
			}
		}
		if metrics.Len() != len(list) {
			t.Errorf("%s: %d metrics of %d series", name, metrics.Len(), len(list))
		}
	}
}

func TestAResourceIsWhatJobAndInstanceSay(t *testing.T) {
	t.Parallel()
	for job, want := range map[string]map[string]any{
		"cart":      {"service.name": "cart"},
		"shop/cart": {"service.namespace": "shop", "service.name": "cart"},
		"a/b/c":     {"service.name": "a/b/c"},
		"/cart":     {"service.name": "/cart"},
	} {
		_, md := encodedMetrics(t, describe(nil), []plait.SeriesData{at(1, 1, plait.NameLabel, "up", "job", job, "instance", "i:1")})
		want["service.instance.id"] = "i:1"
		if diff := cmp.Diff(want, md.ResourceMetrics().At(0).Resource().Attributes().AsRaw()); diff != "" {
			t.Errorf("%s: %s", job, diff)
		}
	}
}

func TestTargetInfoIsTheResources(t *testing.T) {
	t.Parallel()
	up := at(1, 1, plait.NameLabel, "up", "job", "cart")
	info := at(1, 1, plait.NameLabel, "target_info", "job", "cart", "k8s_pod_name", "a")
	other := at(1, 1, plait.NameLabel, "target_info", "job", "cart", "k8s_pod_name", "b")
	for name, c := range map[string]struct {
		list       []plait.SeriesData
		points     int
		attributes int
	}{
		"with a series":           {[]plait.SeriesData{info, up}, 1, 2},
		"alone":                   {[]plait.SeriesData{info}, 1, 1},
		"two of them":             {[]plait.SeriesData{info, other, up}, 3, 1},
		"with one of another job": {[]plait.SeriesData{info, at(1, 1, plait.NameLabel, "up", "job", "b")}, 2, 1},
	} {
		_, md := encodedMetrics(t, describe(nil), c.list)
		if n := md.DataPointCount(); n != c.points {
			t.Errorf("%s: %d points", name, n)
		}
		if n := md.ResourceMetrics().At(0).Resource().Attributes().Len(); n != c.attributes {
			t.Errorf("%s: %d attributes of the resource", name, n)
		}
	}
}

func TestAnExemplarGoesWithTheNextSample(t *testing.T) {
	t.Parallel()
	s := plait.SeriesData{Labels: plait.Labels{{Name: plait.NameLabel, Value: "requests_total"}}}
	for _, millis := range []int64{30_000, 10_000, 20_000} {
		s.Samples = append(s.Samples, plait.Sample{TimeMillis: millis, Value: 1})
	}
	for _, seconds := range []int64{5, 10, 11, 99} {
		s.Exemplars = append(s.Exemplars, plait.Exemplar{TimeNanos: seconds * 1e9, Value: float64(seconds), TraceID: plait.TraceID{1}, Labels: plait.Labels{{Name: "user", Value: "u"}}})
	}
	_, md := encodedMetrics(t, describe([]plait.MetricMetadata{{Metric: "requests_total", Type: plait.MetricCounter}}), []plait.SeriesData{s})
	points := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints()
	got := map[int64][]float64{}
	for i := range points.Len() {
		p := points.At(i)
		for j := range p.Exemplars().Len() {
			e := p.Exemplars().At(j)
			if v, _ := e.FilteredAttributes().Get("user"); v.Str() != "u" || e.TraceID() != [16]byte{1} {
				t.Errorf("an exemplar has %v, %s", e.FilteredAttributes().AsRaw(), e.TraceID())
			}
			got[int64(p.Timestamp())/1e9] = append(got[int64(p.Timestamp())/1e9], e.DoubleValue())
		}
	}
	if diff := cmp.Diff(map[int64][]float64{10: {5, 10}, 20: {11}, 30: {99}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnitsDoNotRename: a reader that names metrics as Prometheus does finds the names that were sent.
func TestUnitsDoNotRename(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, unit, want string }{
		{"latency_seconds", "seconds", "seconds"},
		{"latency_seconds", "s", "s"},
		{"latency", "s", ""},
		{"memory_usage_bytes", "By", "By"},
		{"depth_ratio", "1", "1"},
		{"depth", "1", ""},
		{"requests", "{request}", "{request}"},
		{"a__b", "", ""},
	} {
		told := describe([]plait.MetricMetadata{{Metric: c.name, Type: plait.MetricGauge, Unit: c.unit}})
		_, md := encodedMetrics(t, told, []plait.SeriesData{at(1, 1, plait.NameLabel, c.name)})
		if got := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Unit(); got != c.want {
			t.Errorf("%s in %q is sent in %q, want %q", c.name, c.unit, got, c.want)
		}
	}
}

func TestNativeHistogramsAreEncoded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		h := randomNative(random)
		sample, err := series.FloatHistogram(500, 1000, h)
		if err != nil {
			t.Fatal(err)
		}
		list := []plait.SeriesData{{Labels: plait.Labels{{Name: plait.NameLabel, Value: "native"}}, Histograms: []plait.HistogramSample{sample}}}
		body, _ := encodedMetrics(t, describe([]plait.MetricMetadata{{Metric: "native", Type: plait.MetricHistogram}}), list)
		got, err := NewMetricDecoder(MetricSettings{}).Decode(t.Context(), body, nil)
		if err != nil || len(got.Refused) > 0 || len(got.Series) != 1 {
			t.Fatalf("%d: %v, %+v, %d series", i, err, got.Refused, len(got.Series))
		}
		h.ZeroThreshold = 1e-128 // which is what readers of OTLP assume
		want, err := series.FloatHistogram(500, 1000, h)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(histogramText(want), histogramText(got.Series[0].Histograms[0])); diff != "" {
			t.Errorf("%d (-sent +read): %s", i, diff)
		}
	}
}

// randomNative is an exponential histogram with gaps, of whole numbers.
func randomNative(r *rand.Rand) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{Schema: int32(r.IntN(13) - 4), ZeroThreshold: 0.001, ZeroCount: float64(r.IntN(3)), Sum: r.NormFloat64()}
	h.Count = h.ZeroCount
	fill := func() (spans []histogram.Span, counts []float64) {
		for i := range r.IntN(4) {
			s := histogram.Span{Offset: int32(r.IntN(9)), Length: uint32(1 + r.IntN(3))}
			if i == 0 {
				s.Offset -= 4
			}
			spans = append(spans, s)
			for range s.Length {
				n := float64(1 + r.IntN(9))
				counts = append(counts, n)
				h.Count += n
			}
		}
		return spans, counts
	}
	h.PositiveSpans, h.PositiveBuckets = fill()
	h.NegativeSpans, h.NegativeBuckets = fill()
	return h
}

func TestBucketsFarApartAreJoined(t *testing.T) {
	t.Parallel()
	h := &histogram.FloatHistogram{
		Schema: 8, Count: 3, Sum: 1,
		PositiveSpans: []histogram.Span{{Offset: -100_000, Length: 1}, {Offset: 200_000, Length: 1}}, PositiveBuckets: []float64{1, 2},
	}
	sample, err := series.FloatHistogram(0, 1000, h)
	if err != nil {
		t.Fatal(err)
	}
	_, md := encodedMetrics(t, describe(nil), []plait.SeriesData{{Labels: plait.Labels{{Name: plait.NameLabel, Value: "native"}}, Histograms: []plait.HistogramSample{sample}}})
	p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).ExponentialHistogram().DataPoints().At(0)
	counts := p.Positive().BucketCounts().AsRaw()
	if n := len(counts); n > series.MaxNativeBuckets || counts[0] != 1 || counts[n-1] != 2 || p.Count() != 3 {
		t.Errorf("scale %d, %d buckets, count %d", p.Scale(), n, p.Count())
	}
}

func TestCustomBucketsAreAHistogram(t *testing.T) {
	t.Parallel()
	h := &histogram.FloatHistogram{
		Schema: histogram.CustomBucketsSchema, Count: 6.2, Sum: 9, CustomValues: []float64{1, 2},
		PositiveSpans: []histogram.Span{{Length: 1}, {Offset: 1, Length: 1}}, PositiveBuckets: []float64{2.2, 4},
	}
	sample, err := series.FloatHistogram(0, 1000, h)
	if err != nil {
		t.Fatal(err)
	}
	_, md := encodedMetrics(t, describe(nil), []plait.SeriesData{{Labels: plait.Labels{{Name: plait.NameLabel, Value: "native"}}, Histograms: []plait.HistogramSample{sample}}})
	p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().At(0)
	if got := p.BucketCounts().AsRaw(); !slices.Equal(got, []uint64{2, 0, 4}) || p.Count() != 6 || p.Sum() != 9 {
		t.Errorf("counts %v, count %d, sum %v", got, p.Count(), p.Sum())
	}
}

func TestABrokenNativeHistogramIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := EncodeMetrics(describe(nil), []plait.SeriesData{{Histograms: []plait.HistogramSample{{Encoded: []byte{0xff}}}}}); err == nil {
		t.Error("it was written")
	}
}

// FuzzEncodeMetrics: whatever values and bounds series have, their samples are all there.
func FuzzEncodeMetrics(f *testing.F) {
	f.Add(1.0, 2.0, 2.0, 0.5, "0.1", int64(1000))
	f.Add(math.NaN(), math.Inf(1), -1.0, math.Float64frombits(0x7ff0000000000002), "+Inf", int64(-5))
	f.Fuzz(func(t *testing.T, a, b, count, sum float64, le string, millis int64) {
		list := []plait.SeriesData{
			at(millis, a, plait.NameLabel, "latency_bucket", "le", "0.5"), at(millis, b, plait.NameLabel, "latency_bucket", "le", le),
			at(millis, count, plait.NameLabel, "latency_count"), at(millis, sum, plait.NameLabel, "latency_sum"), at(millis, a, plait.NameLabel, "other"),
		}
		for _, is := range []plait.MetricType{plait.MetricHistogram, plait.MetricSummary, plait.MetricCounter} {
			_, md := encodedMetrics(t, describe([]plait.MetricMetadata{{Metric: "latency", Type: is}}), list)
			if n := md.DataPointCount(); n < 2 || n > len(list) {
				t.Errorf("%s: %d points of %d series", is, n, len(list))
			}
		}
	})
}

func BenchmarkEncodeMetrics(b *testing.B) {
	m, err := NewMetricDecoder(MetricSettings{}).Decode(b.Context(), marshalMetrics(b, everyKind(7)), nil)
	if err != nil {
		b.Fatal(err)
	}
	var list []plait.SeriesData
	for i := range 100 {
		for _, s := range m.Series {
			s.Labels = append(s.Labels.Clone(), plait.Label{Name: "zone", Value: strconv.Itoa(i)})
			list = append(list, s)
		}
	}
	known := describe(m.Metadata)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeMetrics(known, list); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(list)), "ns/series")
}
