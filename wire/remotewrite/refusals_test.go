package remotewrite_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/remotewrite"
)

func TestBadSeriesAreRefusedAlone(t *testing.T) {
	t.Parallel()
	point := []prompb.Sample{{Timestamp: millis, Value: 1}}
	broken := native.Copy()
	broken.PositiveBuckets = broken.PositiveBuckets[:1]
	for want, bad := range map[string]prompb.TimeSeries{
		"has no name":          {Labels: labelsV1("job", "a"), Samples: point},
		"occurs twice":         {Labels: labelsV1("__name__", "up", "job", "a", "job", "b"), Samples: point},
		"a label has no name":  {Labels: labelsV1("__name__", "up", "", "b"), Samples: point},
		"is not UTF-8":         {Labels: labelsV1("__name__", "up", "a", "\xff"), Samples: point},
		"without NUL":          {Labels: labelsV1("__name__", "up", "a\x00", "b"), Samples: point},
		"bytes, more than":     {Labels: labelsV1("__name__", "up", "a", strings.Repeat("x", 20_000)), Samples: point},
		"time -1 ms":           {Labels: labelsV1("__name__", "up"), Samples: []prompb.Sample{{Timestamp: -1}}},
		"ms is out of range":   {Labels: labelsV1("__name__", "up"), Samples: []prompb.Sample{{Timestamp: math.MaxInt64}}},
		"native histogram":     {Labels: labelsV1("__name__", "up"), Histograms: []prompb.Histogram{prompb.FromIntHistogram(millis, broken)}},
		"has 3000 bytes":       {Labels: labelsV1("__name__", strings.Repeat("n", 3000)), Samples: point},
		"has 2000 bytes":       {Labels: labelsV1("__name__", "up", strings.Repeat("l", 2000), "v"), Samples: point},
		"exemplar label \"a\"": {Labels: labelsV1("__name__", "up"), Exemplars: []prompb.Exemplar{{Labels: labelsV1("a", "\xff")}}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			req := requestV1()
			req.Timeseries = append(req.Timeseries, bad)
			m, err := remotewrite.Decode(encode(t, req), remotewrite.V1)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Refused) != 1 || m.Refused[0].Count != 1 || !strings.Contains(m.Refused[0].Reason, want) {
				t.Errorf("refused: %+v", m.Refused)
			}
			if samples, histograms, exemplars := m.Counts(); samples != 2 || histograms != 2 || exemplars != 2 {
				t.Errorf("%d samples, %d histograms and %d exemplars are left", samples, histograms, exemplars)
			}
		})
	}
}

func TestTwoValuesAtOneTimeAreTold(t *testing.T) {
	t.Parallel()
	sample := func(value float64) prompb.TimeSeries {
		return prompb.TimeSeries{Labels: labelsV1("__name__", "up"), Samples: []prompb.Sample{{Timestamp: millis, Value: value}}}
	}
	d := remotewrite.NewDecoder()
	for round := range 2 { // unknown, and known
		m, err := d.Decode(t.Context(), encode(t, &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{sample(1), sample(2), sample(1)}}), remotewrite.V1, new(remotewrite.Memory), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Refused) != 1 || m.Refused[0].Count != 1 || !strings.Contains(m.Refused[0].Reason, "up{} has two values") || m.Series[0].Samples[0].Value != 1 {
			t.Errorf("round %d: %+v", round, m)
		}
	}
}

func TestHistogramThatIsTooLargeIsRefusedAlone(t *testing.T) {
	t.Parallel()
	large := func(spans, buckets, bounds int) prompb.Histogram {
		return prompb.Histogram{Timestamp: millis, PositiveSpans: make([]prompb.BucketSpan, spans), PositiveDeltas: make([]int64, buckets), CustomValues: make([]float64, bounds)}
	}
	far := native.Copy()
	far.PositiveSpans = []histogram.Span{{Length: 1}, {Offset: math.MaxInt32, Length: 1}}
	for want, bad := range map[string]prompb.Histogram{
		"10001 buckets":          large(1, 10_001, 0),
		"10001 spans of buckets": large(10_001, 0, 0),
		"10001 custom bounds":    large(0, 0, 10_001),
		"no number is beyond":    prompb.FromIntHistogram(millis, far),
	} {
		req := requestV1()
		req.Timeseries[1].Histograms = append([]prompb.Histogram{bad}, req.Timeseries[1].Histograms...)
		m, err := remotewrite.NewDecoder().Decode(t.Context(), encode(t, req), remotewrite.V1, new(remotewrite.Memory), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Refused) != 1 || m.Refused[0].Count != 1 || !strings.Contains(m.Refused[0].Reason, want) {
			t.Errorf("%s: %+v", want, m.Refused)
		}
		if samples, histograms, _ := m.Counts(); samples != 2 || histograms != 2 {
			t.Errorf("%s: %d samples and %d histograms are left", want, samples, histograms)
		}
	}
}

func TestLabelsBehindASampleNameNoOtherSeries(t *testing.T) {
	t.Parallel()
	labels := func(pairs ...string) string {
		ts := prompb.TimeSeries{Labels: labelsV1(pairs...)}
		return string(encode(t, &ts))
	}
	sample := string(encode(t, &prompb.TimeSeries{Samples: []prompb.Sample{{Timestamp: millis, Value: 1}}}))
	request := func(series string) []byte {
		return append([]byte{1<<3 | protobuf.Bytes, byte(len(series))}, series...)
	}
	bodies := []struct {
		body []byte
		pod  string
	}{
		{request(labels("__name__", "up") + sample + labels("pod", "a")), "a"},
		{request(labels("__name__", "up") + sample), ""},
	}
	d := remotewrite.NewDecoder()
	for range 3 { // a name is remembered when it comes again
		for _, c := range bodies {
			m, err := d.Decode(t.Context(), c.body, remotewrite.V1, new(remotewrite.Memory), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Series) != 1 || m.Series[0].Labels.Get("pod") != c.pod || len(m.Series[0].Samples) != 1 {
				t.Errorf("got %+v, want one sample of pod %q", m.Series, c.pod)
			}
		}
	}
}

func TestLongTextsOfMetadataAreCut(t *testing.T) {
	t.Parallel()
	req := requestV1()
	req.Metadata[0].Help, req.Metadata[0].Unit = strings.Repeat("é", 5000), strings.Repeat("u", 5000)
	req.Metadata = append(req.Metadata, prompb.MetricMetadata{MetricFamilyName: strings.Repeat("n", 3000)})
	m, err := remotewrite.NewDecoder().Decode(t.Context(), encode(t, req), remotewrite.V1, new(remotewrite.Memory), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Metadata) != 1 || len(m.Metadata[0].Help) != 4096 || len(m.Metadata[0].Unit) != 256 {
		t.Errorf("metadata %.200v", m.Metadata)
	}
	if len(m.Refused) != 1 || m.Refused[0].Count != 0 || !strings.Contains(m.Refused[0].Reason, "has 3000 bytes") {
		t.Errorf("refused %+v", m.Refused)
	}
}

func TestSymbolsThatAreNotThereAreRefused(t *testing.T) {
	t.Parallel()
	req := requestV2()
	req.Timeseries[1].LabelsRefs[1] = 1000
	m, err := remotewrite.Decode(encode(t, req), remotewrite.V2)
	if err != nil || len(m.Refused) != 1 || m.Refused[0].Count != 2 || len(m.Series) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := remotewrite.Decode(encode(t, &writev2.Request{Symbols: []string{"a"}}), remotewrite.V2); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestTruncatedRequestIsInvalid(t *testing.T) {
	t.Parallel()
	for version, body := range map[remotewrite.Version][]byte{
		remotewrite.V1: encode(t, requestV1()), remotewrite.V2: encode(t, requestV2()),
	} {
		if _, err := remotewrite.Decode(body[:len(body)-1], version); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("version %d: %v", version, err)
		}
	}
}
