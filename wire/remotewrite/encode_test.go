package remotewrite

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

func TestWhatIsEncodedIsRead(t *testing.T) {
	t.Parallel()
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
	want := []plait.SeriesData{
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
	known := func(metric string) (plait.MetricMetadata, bool) { return metadata, metric == "requests" }
	body, err := EncodeV2(known, want[:1], []plait.SeriesData{{Labels: plait.Labels{{Name: plait.NameLabel, Value: "empty"}}}}, want[1:])
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewDecoder().Decode(t.Context(), body, V2, new(Memory), nil)
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
		t.Errorf("(-want +got):\n%s", diff)
	}
	metadata.Metric = "requests_total" // which the series says
	if diff := cmp.Diff([]plait.MetricMetadata{metadata}, got.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func nothing(string) (plait.MetricMetadata, bool) { return plait.MetricMetadata{}, false }

func TestABrokenNativeHistogramIsAnError(t *testing.T) {
	t.Parallel()
	_, err := EncodeV2(nothing, []plait.SeriesData{{Histograms: []plait.HistogramSample{{Encoded: []byte{0xff}}}}})
	if err == nil {
		t.Error("it was written")
	}
}
