package remotewrite_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/remotewrite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const millis = 1_795_262_400_123

var native = &histogram.Histogram{Schema: 2, Count: 3, Sum: 2, PositiveSpans: []histogram.Span{{Length: 2}}, PositiveBuckets: []int64{1, 1}}

func labelsV1(pairs ...string) []prompb.Label {
	var ls []prompb.Label
	for i := 0; i < len(pairs); i += 2 {
		ls = append(ls, prompb.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return ls
}

func requestV1() *prompb.WriteRequest {
	return &prompb.WriteRequest{
		Timeseries: []prompb.TimeSeries{
			{
				Labels: labelsV1("__name__", "latency_bucket", "le", "0.5", "v", "NaN", "http.route", "/é"), // not in order
				Samples: []prompb.Sample{
					{Timestamp: millis, Value: 1},
					{Timestamp: millis - 86_400_000, Value: math.Float64frombits(value.StaleNaN)},
				},
				Exemplars: []prompb.Exemplar{
					{Timestamp: millis, Value: 0.4, Labels: labelsV1("traceID", "4bf92f3577b34da6a3ce929d0e0e4736", "spanID", "f067aa0ba902b7", "user", "u")},
					{Value: 0.3, Labels: labelsV1("dd.trace_id", "1234567890123456789")},
				},
			},
			{
				Labels:     labelsV1("__name__", "sizes"),
				Histograms: []prompb.Histogram{prompb.FromIntHistogram(millis, native), prompb.FromFloatHistogram(millis+1, native.ToFloat(nil))},
			},
		},
		Metadata: []prompb.MetricMetadata{{MetricFamilyName: "latency", Type: prompb.MetricMetadata_HISTOGRAM, Help: "How long.", Unit: "s"}},
	}
}

func requestV2() *writev2.Request {
	symbols := writev2.NewSymbolTable()
	refs := func(pairs ...string) (r []uint32) {
		for _, s := range pairs {
			r = append(r, symbols.Symbolize(s))
		}
		return r
	}
	req := &writev2.Request{Timeseries: []writev2.TimeSeries{
		{
			LabelsRefs: refs("__name__", "latency_bucket", "http.route", "/é", "le", "0.5", "v", "NaN"),
			Samples: []writev2.Sample{
				{Timestamp: millis, Value: 1},
				{Timestamp: millis - 86_400_000, Value: math.Float64frombits(value.StaleNaN)},
			},
			Exemplars: []writev2.Exemplar{
				{Timestamp: millis, Value: 0.4, LabelsRefs: refs("spanID", "f067aa0ba902b7", "traceID", "4bf92f3577b34da6a3ce929d0e0e4736", "user", "u")},
				{Value: 0.3, LabelsRefs: refs("dd.trace_id", "1234567890123456789")},
			},
			Metadata: writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_HISTOGRAM, HelpRef: symbols.Symbolize("How long."), UnitRef: symbols.Symbolize("s")},
		},
		{
			LabelsRefs: refs("__name__", "sizes"),
			Histograms: []writev2.Histogram{writev2.FromIntHistogram(0, millis, native), writev2.FromFloatHistogram(0, millis+1, native.ToFloat(nil))},
		},
	}}
	req.Symbols = symbols.Symbols()
	return req
}

type marshaler interface{ Marshal() ([]byte, error) }

func encode(t testing.TB, m marshaler) []byte {
	t.Helper()
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBothVersionsSayTheSame(t *testing.T) {
	t.Parallel()
	one, err := remotewrite.Decode(encode(t, requestV1()), remotewrite.V1)
	if err != nil {
		t.Fatal(err)
	}
	two, err := remotewrite.Decode(encode(t, requestV2()), remotewrite.V2)
	if err != nil {
		t.Fatal(err)
	}
	sameNaN := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
	if diff := cmp.Diff(one, two, sameNaN); diff != "" {
		t.Error(diff)
	}
	if len(one.Refused) != 0 {
		t.Errorf("refused: %v", one.Refused)
	}
	got := one.Series[0]
	if diff := cmp.Diff(plait.Labels{{Name: "__name__", Value: "latency_bucket"}, {Name: "http.route", Value: "/é"}, {Name: "le", Value: "0.5"}, {Name: "v", Value: "NaN"}}, got.Labels); diff != "" {
		t.Error(diff)
	}
	if math.Float64bits(got.Samples[1].Value) != value.StaleNaN {
		t.Error("the staleness marker lost its bits")
	}
	e := got.Exemplars
	if len(e) != 2 || e[0].TraceID.String() != "4bf92f3577b34da6a3ce929d0e0e4736" || e[0].SpanID.String() != "00f067aa0ba902b7" ||
		len(e[0].Labels) != 1 || e[1].TraceID.Low() != 1234567890123456789 || e[1].TimeNanos != (millis-86_400_000)*1_000_000 {
		t.Errorf("exemplars %+v", e)
	}
	if want := []plait.MetricMetadata{{Metric: "latency", Type: plait.MetricHistogram, Help: "How long.", Unit: "s"}}; !cmp.Equal(want, one.Metadata) {
		t.Errorf("metadata %+v", one.Metadata)
	}
}

// parts says what a request holds, sample by sample, whatever the order of its series.
func parts(m *plait.Metrics) []string {
	var lines []string
	for _, s := range m.Series {
		for _, p := range s.Samples {
			lines = append(lines, fmt.Sprintf("%v %d %d %x", s.Labels, p.TimeMillis, p.StartMillis, math.Float64bits(p.Value)))
		}
		for _, h := range s.Histograms {
			lines = append(lines, fmt.Sprintf("%v %d %x", s.Labels, h.TimeMillis, h.Encoded))
		}
		for _, e := range s.Exemplars {
			lines = append(lines, fmt.Sprintf("%v exemplar %v %x", s.Labels, e, math.Float64bits(e.Value)))
		}
	}
	for _, told := range m.Metadata {
		lines = append(lines, fmt.Sprintf("%+v", told))
	}
	for _, r := range m.Refused {
		lines = append(lines, fmt.Sprintf("refused %+v", r))
	}
	slices.Sort(lines)
	return lines
}

func TestDecoderReadsWhatDecodeReads(t *testing.T) {
	t.Parallel()
	req := requestV1()
	for i := range 5 {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{
			Labels: labelsV1("__name__", "up", "i", fmt.Sprint(i%4)), Samples: []prompb.Sample{{Timestamp: millis + int64(i), Value: float64(i)}},
		})
	}
	req.Timeseries = append(req.Timeseries, prompb.TimeSeries{Labels: labelsV1("job", "nameless"), Samples: []prompb.Sample{{Timestamp: millis}}},
		prompb.TimeSeries{Labels: labelsV1("__name__", "up", "i", "0"), Samples: []prompb.Sample{{Timestamp: -1}}})
	body := encode(t, req)
	want, err := remotewrite.Decode(body, remotewrite.V1)
	if err != nil {
		t.Fatal(err)
	}
	d := remotewrite.NewDecoder()
	for range 3 {
		got, err := d.Decode(t.Context(), body, remotewrite.V1, new(remotewrite.Memory), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parts(want), parts(got)); diff != "" {
			t.Error(diff)
		}
		for _, s := range got.Series {
			if s.ID != 0 && s.ID != s.Labels.ID() {
				t.Errorf("%v is called %d", s.Labels, s.ID)
			}
		}
	}
}

// renumber makes the request that a sender would send next: the same with other symbols.
func renumber(req *writev2.Request) {
	req.Symbols = slices.Insert(req.Symbols, 1, "new")
	shift := func(refs []uint32) {
		for i := range refs {
			refs[i]++
		}
	}
	for i := range req.Timeseries {
		ts := &req.Timeseries[i]
		shift(ts.LabelsRefs)
		for e := range ts.Exemplars {
			shift(ts.Exemplars[e].LabelsRefs)
		}
		if ts.Metadata.HelpRef > 0 {
			ts.Metadata.HelpRef++
			ts.Metadata.UnitRef++
		}
	}
}

func TestDecoderReadsVersion2(t *testing.T) {
	t.Parallel()
	req := requestV2()
	refs := func(texts ...string) (refs []uint32) {
		for _, text := range texts {
			at := slices.Index(req.Symbols, text)
			if at < 0 {
				at = len(req.Symbols)
				req.Symbols = append(req.Symbols, text)
			}
			refs = append(refs, uint32(at))
		}
		return refs
	}
	told := writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: refs("Help.")[0], UnitRef: refs("seconds")[0]}
	for i := range 6 {
		ts := writev2.TimeSeries{LabelsRefs: refs("__name__", "busy_total", "i", fmt.Sprint(i%4)), Metadata: told}
		for p := range i {
			ts.Samples = append(ts.Samples, writev2.Sample{Timestamp: millis + int64(p), Value: float64(p), StartTimestamp: int64(i%2) * millis})
		}
		req.Timeseries = append(req.Timeseries, ts)
	}
	req.Timeseries = append(req.Timeseries,
		writev2.TimeSeries{LabelsRefs: refs("__name__", "busy_total", "i", "0"), Samples: []writev2.Sample{{Timestamp: -1}}},
		writev2.TimeSeries{LabelsRefs: refs("__name__", "busy_total", "i"), Samples: []writev2.Sample{{Timestamp: millis}}},
		writev2.TimeSeries{LabelsRefs: []uint32{1000, 1001}, Samples: []writev2.Sample{{Timestamp: millis}}},
		writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: millis}}})
	d, memory := remotewrite.NewDecoder(), new(remotewrite.Memory)
	for round := range 3 {
		if round == 2 {
			renumber(req)
		}
		body := encode(t, req)
		want, err := remotewrite.Decode(body, remotewrite.V2)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Decode(t.Context(), body, remotewrite.V2, memory, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parts(want), parts(got)); diff != "" {
			t.Errorf("round %d: %s", round, diff)
		}
		known := 0
		for _, s := range got.Series {
			if s.ID != 0 {
				known++
			}
		}
		if round > 0 && known < 6 {
			t.Errorf("round %d: %d series were known", round, known)
		}
		memory.Reset()
	}
}

func TestParseContentType(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"":                       "1 true",
		"application/x-protobuf": "1 true",
		"application/x-protobuf;proto=prometheus.WriteRequest":         "1 true",
		"application/x-protobuf; proto=io.prometheus.write.v2.Request": "2 true",
		"application/x-protobuf;proto=io.prometheus.write.v9.Request":  "0 false",
		"application/json": "0 false",
		"x/y/z":            "0 false",
	} {
		version, ok := remotewrite.ParseContentType(contentType)
		if got := fmt.Sprint(int(version), " ", ok); got != want {
			t.Errorf("%q: %s, want %s", contentType, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, requestV1()), true)
	f.Add(encode(f, requestV2()), false)
	f.Fuzz(func(t *testing.T, body []byte, first bool) {
		version := remotewrite.V2
		if first {
			version = remotewrite.V1
		}
		m, err := remotewrite.Decode(body, version)
		fast, memory := remotewrite.NewDecoder(), new(remotewrite.Memory)
		for range 2 {
			memory.Reset()
			got, fastErr := fast.Decode(t.Context(), body, version, memory, nil)
			if (err == nil) != (fastErr == nil) {
				t.Fatalf("error %v, want %v", fastErr, err)
			}
			if err == nil {
				if diff := cmp.Diff(parts(m), parts(got)); diff != "" {
					t.Fatal(diff)
				}
			}
		}
		if err != nil {
			if !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("error of no kind: %v", err)
			}
			return
		}
		for _, s := range m.Series {
			if s.Labels.Get("__name__") == "" {
				t.Errorf("series without a name: %v", s.Labels)
			}
			for i := 1; i < len(s.Labels); i++ {
				if s.Labels[i-1].Name >= s.Labels[i].Name {
					t.Errorf("labels out of order: %v", s.Labels)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	req := &prompb.WriteRequest{}
	for i := range 2000 {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{
			Labels: labelsV1("__name__", "http_server_request_duration_seconds_bucket", "http_request_method", "GET",
				"http_response_status_code", "200", "http_route", "/api/v1/cart", "instance", fmt.Sprint("10.0.0.1:", i), "job", "shop/cart", "le", "0.25"),
			Samples: []prompb.Sample{{Timestamp: millis, Value: float64(i)}},
		})
	}
	body := encode(b, req)
	d := remotewrite.NewDecoder()
	b.ReportAllocs()
	memory := new(remotewrite.Memory)
	for b.Loop() {
		if _, err := d.Decode(b.Context(), body, remotewrite.V1, memory, nil); err != nil {
			b.Fatal(err)
		}
		memory.Reset()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "ns/sample")
}
