package series

import (
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
)

// Limits of one histogram. SDKs make up to 20 classic buckets and 160 native ones unless they are told
// otherwise.
const (
	// MaxBuckets bounds the buckets of a classic histogram and the quantiles of a summary: each is a
	// series with labels of its own.
	MaxBuckets = 2000
	// MaxNativeBuckets bounds the buckets of a native histogram, its spans, and its custom bounds.
	MaxNativeBuckets = 10_000
	// maxBucketIndex is beyond the last bucket that a float64 can be in, at the finest schema.
	maxBucketIndex = 1 << 20
)

// CheckBuckets refuses a native histogram by the numbers of its buckets, spans and custom bounds, before
// anything is made of them.
func CheckBuckets(buckets, spans, bounds int) error {
	for _, c := range []struct {
		count int
		what  string
	}{{buckets, "buckets"}, {spans, "spans of buckets"}, {bounds, "custom bounds"}} {
		if c.count > MaxNativeBuckets {
			return plait.Errorf(plait.ErrInvalid, "a native histogram has %d %s, more than %d", c.count, c.what, MaxNativeBuckets)
		}
	}
	return nil
}

// checkSpans refuses spans that reach buckets in which no number can be.
func checkSpans(spans []histogram.Span) error {
	index := int64(0)
	for _, s := range spans {
		from := index + int64(s.Offset)
		index = from + int64(s.Length)
		if from < -maxBucketIndex || index > maxBucketIndex {
			return plait.Errorf(plait.ErrInvalid, "a native histogram has a bucket of index %d, and no number is beyond %d",
				max(index, -from), maxBucketIndex)
		}
	}
	return nil
}

func checkNative(sum float64, buckets int, positive, negative []histogram.Span, bounds []float64, validate func() error) error {
	if err := CheckBuckets(buckets, len(positive)+len(negative), len(bounds)); err != nil {
		return err
	}
	for _, spans := range [][]histogram.Span{positive, negative} {
		if err := checkSpans(spans); err != nil {
			return err
		}
	}
	if value.IsStaleNaN(sum) {
		return nil // the end of a series, whose buckets are left out
	}
	if err := validate(); err != nil {
		return plait.Errorf(plait.ErrInvalid, "native histogram: %w", err)
	}
	return nil
}

// IntHistogram encodes an integer native histogram.
func IntHistogram(startMillis, timeMillis int64, h *histogram.Histogram) (plait.HistogramSample, error) {
	if err := checkNative(h.Sum, len(h.PositiveBuckets)+len(h.NegativeBuckets), h.PositiveSpans, h.NegativeSpans, h.CustomValues, h.Validate); err != nil {
		return plait.HistogramSample{}, err
	}
	if value.IsStaleNaN(h.Sum) {
		h = &histogram.Histogram{Sum: h.Sum}
	}
	return encode(startMillis, timeMillis, writev2.FromIntHistogram(0, 0, h))
}

// FloatHistogram encodes a float native histogram.
func FloatHistogram(startMillis, timeMillis int64, h *histogram.FloatHistogram) (plait.HistogramSample, error) {
	if err := checkNative(h.Sum, len(h.PositiveBuckets)+len(h.NegativeBuckets), h.PositiveSpans, h.NegativeSpans, h.CustomValues, h.Validate); err != nil {
		return plait.HistogramSample{}, err
	}
	if value.IsStaleNaN(h.Sum) {
		h = &histogram.FloatHistogram{Sum: h.Sum}
	}
	return encode(startMillis, timeMillis, writev2.FromFloatHistogram(0, 0, h))
}

// encode leaves the times out of the message: the sample has them.
func encode(startMillis, timeMillis int64, h writev2.Histogram) (plait.HistogramSample, error) {
	b, err := h.Marshal()
	if err != nil {
		return plait.HistogramSample{}, fmt.Errorf("encode native histogram: %w", err)
	}
	return plait.HistogramSample{TimeMillis: timeMillis, StartMillis: startMillis, Encoded: b}, nil
}
