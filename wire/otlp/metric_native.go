package otlp

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// Exponential histograms become Prometheus's native ones. Both have a bucket for every power of a
// base; OTLP counts buckets from the one above 1 and writes all of them down, Prometheus from the one
// that ends with 1 and only spans of those that are not empty.

// Tags of the buckets of an exponential histogram.
const (
	bucketsOffset protobuf.Tag = 1<<3 | protobuf.Varint
	bucketsCounts protobuf.Tag = 2<<3 | protobuf.Bytes // packed varints
	bucketsCount  protobuf.Tag = 2<<3 | protobuf.Varint
)

// nativeBuckets are the buckets of one sign.
type nativeBuckets struct {
	offset int32
	counts []uint64 // at most one more than MaxNativeBuckets
	err    error
}

func (b *nativeBuckets) read(f protobuf.Fields) {
	for f.Next() {
		switch f.Tag {
		case bucketsOffset:
			b.offset = zigzag(f.Num)
		case bucketsCount:
			b.add(f.Num)
		case bucketsCounts:
			list := f.Message()
			for list.NextNumber() {
				b.add(list.Num)
			}
			f.Err = list.Err
		}
		if f.Err != nil {
			break
		}
	}
	b.err = f.Err
}

func (b *nativeBuckets) add(n uint64) {
	if len(b.counts) <= series.MaxNativeBuckets {
		b.counts = append(b.counts, n)
	}
}

const (
	// minScale is the lowest scale of an exponential histogram that Prometheus has a schema for.
	minScale = -4
	// maxScale is the highest. Buckets of finer ones are joined.
	maxScale = 8
	// zeroThreshold is Prometheus's, where OTLP says none.
	zeroThreshold = 1e-128
)

func (p *point) exponentialFault() string {
	if p.scale < minScale {
		return fmt.Sprintf("the data point's scale is %d, below the lowest of native histograms, %d", p.scale, minScale)
	}
	if max(len(p.positive.counts), len(p.negative.counts)) > series.MaxNativeBuckets {
		return fmt.Sprintf("the data point has more than %d buckets", series.MaxNativeBuckets)
	}
	return ""
}

// native makes a native histogram of an exponential one.
func (p *point) native(temporality uint64) *histogram.Histogram {
	h := &histogram.Histogram{
		Schema: min(p.scale, maxScale), ZeroThreshold: zeroThreshold, ZeroCount: p.zeroCount, Count: p.count, Sum: p.sum,
	}
	if temporality == temporalityDelta {
		h.CounterResetHint = histogram.GaugeType // each stands for itself
	}
	if p.flags&noRecordedValue != 0 {
		h.Sum, h.Count = staleNaN, math.Float64bits(staleNaN)
	}
	down := max(p.scale-maxScale, 0)
	h.PositiveSpans, h.PositiveBuckets = p.positive.spans(down)
	h.NegativeSpans, h.NegativeBuckets = p.negative.spans(down)
	return h
}

// maxGap is how many empty buckets are written down rather than begin a span, which takes as much.
const maxGap = 2

// spans writes the buckets that are not empty, each 2^down of which become one.
func (b *nativeBuckets) spans(down int32) (spans []histogram.Span, deltas []int64) {
	next, last := int64(0), int64(0) // the index behind the last bucket, and its count
	put := func(n int64) {
		spans[len(spans)-1].Length++
		deltas = append(deltas, n-last)
		last = n
		next++
	}
	for i := 0; i < len(b.counts); {
		index := (int64(b.offset) + int64(i)) >> min(down, 62)
		total := int64(0)
		for ; i < len(b.counts) && (int64(b.offset)+int64(i))>>min(down, 62) == index; i++ {
			total += int64(b.counts[i])
		}
		if total == 0 {
			continue
		}
		if gap := index + 1 - next; len(spans) == 0 || gap > maxGap {
			spans = append(spans, histogram.Span{Offset: int32(min(max(gap, math.MinInt32), math.MaxInt32))})
			next = index + 1
		}
		for next <= index {
			put(0)
		}
		put(total)
	}
	return spans, deltas
}
