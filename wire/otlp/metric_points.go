package otlp

import (
	"cmp"
	"math"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/wire/series"
)

// Tags of data points.
const (
	numberStart      tag = 2<<3 | wireFixed64
	numberTime       tag = 3<<3 | wireFixed64
	numberDouble     tag = 4<<3 | wireFixed64
	numberExemplars  tag = 5<<3 | wireBytes
	numberInt        tag = 6<<3 | wireFixed64
	numberAttributes tag = 7<<3 | wireBytes
	numberFlags      tag = 8<<3 | wireVarint

	histogramStart      tag = 2<<3 | wireFixed64
	histogramTime       tag = 3<<3 | wireFixed64
	histogramCount      tag = 4<<3 | wireFixed64
	histogramSum        tag = 5<<3 | wireFixed64
	histogramBuckets    tag = 6<<3 | wireBytes // packed fixed64
	histogramBounds     tag = 7<<3 | wireBytes // packed doubles
	histogramExemplars  tag = 8<<3 | wireBytes
	histogramAttributes tag = 9<<3 | wireBytes
	histogramFlags      tag = 10<<3 | wireVarint
	histogramBucket     tag = 6<<3 | wireFixed64 // not packed, which nobody sends
	histogramBound      tag = 7<<3 | wireFixed64

	exemplarTime       tag = 2<<3 | wireFixed64
	exemplarDouble     tag = 3<<3 | wireFixed64
	exemplarSpanID     tag = 4<<3 | wireBytes
	exemplarTraceID    tag = 5<<3 | wireBytes
	exemplarInt        tag = 6<<3 | wireFixed64
	exemplarAttributes tag = 7<<3 | wireBytes
)

// noRecordedValue is the flag of a data point that ends its series.
const noRecordedValue = 1

// point is a data point of a gauge, sum or histogram.
type point struct {
	start, time uint64
	value       float64
	sum         float64
	hasSum      bool
	count       uint64
	flags       uint64
	counts      string // raw little-endian fixed64
	bounds      string // the same, doubles
	attributes  series.Key
	exemplars   []plait.Exemplar
	odd         bool // has something that only the converter should read
}

// read takes the fields of a data point. It returns false when it is malformed.
func (p *point) read(f fields, histogram bool) bool {
	*p = point{exemplars: p.exemplars[:0]}
	for f.next() {
		if histogram {
			p.histogramField(&f)
		} else {
			p.numberField(&f)
		}
	}
	if len(p.counts)%8 != 0 || len(p.bounds)%8 != 0 || len(p.counts) > 0 && len(p.counts) != len(p.bounds)+8 {
		p.odd = true
	}
	return f.err == nil
}

func (p *point) numberField(f *fields) {
	switch f.tag {
	case numberStart:
		p.start = f.num
	case numberTime:
		p.time = f.num
	case numberDouble:
		p.value = math.Float64frombits(f.num)
	case numberInt:
		p.value = float64(int64(f.num))
	case numberAttributes:
		p.attributes = p.attributes.With(f.text())
	case numberFlags:
		p.flags = f.num
	case numberExemplars:
		p.exemplar(f.message())
	}
}

func (p *point) histogramField(f *fields) {
	switch f.tag {
	case histogramStart:
		p.start = f.num
	case histogramTime:
		p.time = f.num
	case histogramCount:
		p.count = f.num
	case histogramSum:
		p.sum, p.hasSum = math.Float64frombits(f.num), true
	case histogramBuckets:
		p.odd = p.odd || p.counts != ""
		p.counts = f.text()
	case histogramBounds:
		p.odd = p.odd || p.bounds != ""
		p.bounds = f.text()
	case histogramBucket, histogramBound:
		p.odd = true
	case histogramAttributes:
		p.attributes = p.attributes.With(f.text())
	case histogramFlags:
		p.flags = f.num
	case histogramExemplars:
		p.exemplar(f.message())
	}
}

// exemplar takes one exemplar. Attributes that a view took off the series make the point odd:
// the converter knows how many of them Prometheus allows.
func (p *point) exemplar(f fields) {
	var e plait.Exemplar
	valued := false
	for f.next() {
		switch f.tag {
		case exemplarTime:
			e.TimeNanos = int64(f.num)
		case exemplarDouble:
			e.Value, valued = math.Float64frombits(f.num), true
		case exemplarInt:
			e.Value, valued = float64(int64(f.num)), true
		case exemplarTraceID:
			p.odd = p.odd || f.to-f.from != len(e.TraceID)
			copy(e.TraceID[:], f.text())
		case exemplarSpanID:
			p.odd = p.odd || f.to-f.from != len(e.SpanID)
			copy(e.SpanID[:], f.text())
		case exemplarAttributes:
			p.odd = true
		}
	}
	if f.err != nil || !valued || e.TimeNanos < 0 || math.IsNaN(e.Value) {
		p.odd = true
	}
	p.exemplars = append(p.exemplars, e)
}

// key is the key of the point's names: that of its metric with what the point adds.
func (p *point) key(metric series.Key) series.Key {
	k := metric.WithKey(p.attributes)
	if p.bounds != "" {
		k = k.With(p.bounds)
	}
	if p.hasSum {
		k = k.WithNumber(1)
	}
	return k.WithNumber(uint64(len(p.counts)))
}

// seriesCount is how many series the converter makes of the point.
func (p *point) seriesCount(kind tag) int {
	if kind != metricHistogram {
		return 1
	}
	n := p.buckets() + 2 // and +Inf, and count
	if p.hasSum {
		n++
	}
	return n
}

// buckets is the number of buckets below +Inf.
func (p *point) buckets() int { return min(len(p.counts), len(p.bounds)) / 8 }

func (p *point) bucketCount(i int) uint64 {
	return littleEndian(p.counts[8*i:]) | littleEndian(p.counts[8*i+4:])<<32
}

func (p *point) bound(i int) float64 {
	return math.Float64frombits(littleEndian(p.bounds[8*i:]) | littleEndian(p.bounds[8*i+4:])<<32)
}

// orStale is the value, or the marker of a series' end.
func (p *point) orStale(v float64) float64 {
	if p.flags&noRecordedValue != 0 {
		return staleNaN
	}
	return v
}

func (p *point) sortExemplars() {
	if len(p.exemplars) > 1 {
		slices.SortStableFunc(p.exemplars, func(a, b plait.Exemplar) int { return cmp.Compare(a.Value, b.Value) })
	}
}

// takeExemplars copies some of the exemplars. Like the converter it knows milliseconds only, and
// gives those without a time the time of their sample.
func (p *point) takeExemplars(from, to int, fallbackMillis int64) []plait.Exemplar {
	if from == to {
		return nil
	}
	taken := slices.Clone(p.exemplars[from:to])
	for i := range taken {
		millis := taken[i].TimeNanos / 1_000_000
		if millis == 0 {
			millis = fallbackMillis
		}
		taken[i].TimeNanos = millis * 1_000_000
	}
	return taken
}
