package remotewrite

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

// encodable are series with all that remote write has, and what tells of their metric.
func encodable(t *testing.T) ([]plait.SeriesData, plait.MetricMetadata, plait.Describe) {
	t.Helper()
	native := writev2.Histogram{
		Count: &writev2.Histogram_CountInt{CountInt: 5}, Sum: 12.5, Schema: 2, ZeroThreshold: 0.001,
		ZeroCount:     &writev2.Histogram_ZeroCountInt{ZeroCountInt: 1},
		PositiveSpans: []writev2.BucketSpan{{Offset: 1, Length: 2}}, PositiveDeltas: []int64{3, -2},
		Timestamp: 3000, StartTimestamp: 100,
	}
	encoded, err := native.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	series := []plait.SeriesData{
		{
			Labels:  plait.Labels{{Name: plait.NameLabel, Value: "requests_total"}, {Name: "job", Value: "shop"}},
			Samples: []plait.Sample{{TimeMillis: 1000, Value: 1.5, StartMillis: 10}, {TimeMillis: 2000, Value: 2.5, StartMillis: 10}},
			Exemplars: []plait.Exemplar{{TimeNanos: 1_500_000_000, Value: 0.25, TraceID: plait.TraceID{1}, SpanID: plait.SpanID{2},
				Labels: plait.Labels{{Name: "user", Value: "u"}}}},
		},
		{
			Labels:     plait.Labels{{Name: plait.NameLabel, Value: "seconds"}},
			Histograms: []plait.HistogramSample{{TimeMillis: 3000, StartMillis: 100, Encoded: encoded}},
		},
	}
	metadata := plait.MetricMetadata{Metric: "requests", Type: plait.MetricCounter, Help: "How many.", Unit: "requests"}
	return series, metadata, func(metric string) (plait.MetricMetadata, bool) { return metadata, metric == "requests" }
}

func TestWhatIsEncodedIsRead(t *testing.T) {
	t.Parallel()
	want, metadata, known := encodable(t)
	empty := []plait.SeriesData{{Labels: plait.Labels{{Name: plait.NameLabel, Value: "empty"}}}}
	body, err := EncodeV2(known, want[:1], empty, want[1:])
	if err != nil {
		t.Fatal(err)
	}
	told := metadata
	told.Metric = "requests_total" // which the series says
	check(t, V2, body, want, told)

	for i := range want { // version 1.0 has no place for that
		for j := range want[i].Samples {
			want[i].Samples[j].StartMillis = 0
		}
		for j := range want[i].Histograms {
			want[i].Histograms[j].StartMillis = 0
		}
	}
	if body, err = EncodeV1(known, slices.Concat(want[:1], empty, want[1:])); err != nil {
		t.Fatal(err)
	}
	check(t, V1, body, want, metadata)
}

func check(t *testing.T, v Version, body []byte, want []plait.SeriesData, told plait.MetricMetadata) {
	t.Helper()
	got, err := NewDecoder().Decode(t.Context(), body, v, new(Memory), nil)
	if err != nil || len(got.Refused) > 0 {
		t.Fatalf("%v, refused: %+v", err, got.Refused)
	}
	messages := cmp.Transformer("message", func(encoded []byte) string {
		var h writev2.Histogram
		if err := h.Unmarshal(encoded); err != nil {
			return err.Error()
		}
		h.Timestamp, h.StartTimestamp = 0, 0 // stand beside it
		return h.String()
	})
	if diff := cmp.Diff(want, got.Series, messages, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(plait.SeriesData{}, "ID")); diff != "" {
		t.Errorf("version %d (-want +got):\n%s", v, diff)
	}
	if diff := cmp.Diff([]plait.MetricMetadata{told}, got.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func nothing(string) (plait.MetricMetadata, bool) { return plait.MetricMetadata{}, false }

func TestABrokenNativeHistogramIsAnError(t *testing.T) {
	t.Parallel()
	broken := []plait.SeriesData{{Histograms: []plait.HistogramSample{{Encoded: []byte{0xff}}}}}
	if _, err := EncodeV2(nothing, broken); err == nil {
		t.Error("version 2.0: it was written")
	}
	if _, err := EncodeV1(nothing, broken); err == nil {
		t.Error("version 1.0: it was written")
	}
}
