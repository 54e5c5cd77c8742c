package spanmetrics

import (
	"math"
	"strconv"
	"strings"
)

// LatencyBuckets are the upper bounds in seconds of the classic buckets in which span-derived
// histograms count, ascending, without the last one's, which is infinite: 2 ms to 16 s, each twice
// the one before.
func LatencyBuckets() []float64 {
	bounds := make([]float64, 14)
	for i := range bounds {
		bounds[i] = math.Ldexp(0.002, i)
	}
	return bounds
}

// BucketLabel writes a bucket's bound as the label le has it in OpenMetrics, so that a series that is
// scraped and one that was written here have the same labels.
func BucketLabel(bound float64) string {
	if math.IsInf(bound, 1) {
		return "+Inf"
	}
	s := strconv.FormatFloat(bound, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
