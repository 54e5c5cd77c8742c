package otlp

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/plaithq/plait/wire/protobuf"
	"github.com/plaithq/plait/wire/series"
)

// Tags of data points.
const (
	pointStart protobuf.Tag = 2<<3 | protobuf.Fixed64
	pointTime  protobuf.Tag = 3<<3 | protobuf.Fixed64

	numberDouble     protobuf.Tag = 4<<3 | protobuf.Fixed64
	numberExemplars  protobuf.Tag = 5<<3 | protobuf.Bytes
	numberInt        protobuf.Tag = 6<<3 | protobuf.Fixed64
	numberAttributes protobuf.Tag = 7<<3 | protobuf.Bytes
	numberFlags      protobuf.Tag = 8<<3 | protobuf.Varint

	histogramCount      protobuf.Tag = 4<<3 | protobuf.Fixed64
	histogramSum        protobuf.Tag = 5<<3 | protobuf.Fixed64
	histogramBuckets    protobuf.Tag = 6<<3 | protobuf.Bytes // packed fixed64
	histogramBounds     protobuf.Tag = 7<<3 | protobuf.Bytes // packed doubles
	histogramExemplars  protobuf.Tag = 8<<3 | protobuf.Bytes
	histogramAttributes protobuf.Tag = 9<<3 | protobuf.Bytes
	histogramFlags      protobuf.Tag = 10<<3 | protobuf.Varint
	histogramBucket     protobuf.Tag = 6<<3 | protobuf.Fixed64 // not packed, which hardly anybody sends
	histogramBound      protobuf.Tag = 7<<3 | protobuf.Fixed64

	exponentialAttributes protobuf.Tag = 1<<3 | protobuf.Bytes
	exponentialScale      protobuf.Tag = 6<<3 | protobuf.Varint
	exponentialZeroCount  protobuf.Tag = 7<<3 | protobuf.Fixed64
	exponentialPositive   protobuf.Tag = 8<<3 | protobuf.Bytes
	exponentialNegative   protobuf.Tag = 9<<3 | protobuf.Bytes
	exponentialExemplars  protobuf.Tag = 11<<3 | protobuf.Bytes

	summaryQuantiles protobuf.Tag = 6<<3 | protobuf.Bytes
	quantileQuantile protobuf.Tag = 1<<3 | protobuf.Fixed64
	quantileValue    protobuf.Tag = 2<<3 | protobuf.Fixed64
)

// noRecordedValue is the flag of a data point that ends its series.
const noRecordedValue = 1

// point is a data point of any kind.
type point struct {
	start, time uint64
	value       float64
	sum         float64
	hasSum      bool
	count       uint64
	flags       uint64
	counts      packed // of buckets
	bounds      packed // of buckets; of a summary the quantiles
	quantiles   packed // values, as many as there are bounds
	scale       int32
	zeroCount   uint64
	positive    nativeBuckets
	negative    nativeBuckets

	attributes series.Key // hashed
	list       attributeRun
	exemplars  []rawExemplar
}

// attributeRun is the attributes of a point, or of a resource, as they lie in the body.
type attributeRun struct {
	fields protobuf.Fields
	tag    protobuf.Tag
}

// read takes the fields of a data point.
func (p *point) read(f protobuf.Fields, kind protobuf.Tag, ledger *series.Ledger) error {
	*p = point{exemplars: p.exemplars[:0], list: attributeRun{f, attributeTag(kind)}}
	for f.Next() {
		switch {
		case f.Tag == pointStart:
			p.start = f.Num
			continue
		case f.Tag == pointTime:
			p.time = f.Num
			continue
		case f.Tag == p.list.tag:
			p.attributes = p.attributes.With(f.Text())
			continue
		case f.Tag == exemplarTag(kind):
			if err := ledger.Take(exemplarBytes); err != nil {
				return err
			}
			if err := p.exemplar(f.Message()); err != nil {
				return inItem(err, "exemplars", len(p.exemplars)-1)
			}
			continue
		}
		switch kind {
		case metricHistogram:
			p.histogramField(&f)
		case metricExponential:
			p.exponentialField(&f)
		case metricSummary:
			p.summaryField(&f)
		default:
			p.numberField(&f)
		}
	}
	return f.Err
}

func attributeTag(kind protobuf.Tag) protobuf.Tag {
	switch kind {
	case metricHistogram:
		return histogramAttributes
	case metricExponential:
		return exponentialAttributes
	}
	return numberAttributes // and those of summaries
}

// exemplarTag is 0, which is no protobuf.Tag, for summaries.
func exemplarTag(kind protobuf.Tag) protobuf.Tag {
	switch kind {
	case metricHistogram:
		return histogramExemplars
	case metricExponential:
		return exponentialExemplars
	case metricSummary:
		return 0
	}
	return numberExemplars
}

func (p *point) numberField(f *protobuf.Fields) {
	switch f.Tag {
	case numberDouble:
		p.value = math.Float64frombits(f.Num)
	case numberInt:
		p.value = float64(int64(f.Num))
	case numberFlags:
		p.flags = f.Num
	}
}

func (p *point) histogramField(f *protobuf.Fields) {
	switch f.Tag {
	case histogramCount:
		p.count = f.Num
	case histogramSum:
		p.sum, p.hasSum = math.Float64frombits(f.Num), true
	case histogramBuckets:
		p.counts.add(f.Text())
	case histogramBounds:
		p.bounds.add(f.Text())
	case histogramBucket:
		p.counts.addNumber(f.Num)
	case histogramBound:
		p.bounds.addNumber(f.Num)
	case histogramFlags:
		p.flags = f.Num
	}
}

func (p *point) exponentialField(f *protobuf.Fields) {
	switch f.Tag {
	case histogramCount:
		p.count = f.Num
	case histogramSum:
		p.sum, p.hasSum = math.Float64frombits(f.Num), true
	case exponentialScale:
		p.scale = zigzag(f.Num)
	case exponentialZeroCount:
		p.zeroCount = f.Num
	case exponentialPositive:
		p.positive.read(f.Message())
	case exponentialNegative:
		p.negative.read(f.Message())
	case histogramFlags:
		p.flags = f.Num
	}
	if f.Err == nil {
		f.Err = p.positive.err
	}
	if f.Err == nil {
		f.Err = p.negative.err
	}
}

func (p *point) summaryField(f *protobuf.Fields) {
	switch f.Tag {
	case histogramCount:
		p.count = f.Num
	case histogramSum:
		p.sum = math.Float64frombits(f.Num)
	case numberFlags:
		p.flags = f.Num
	case summaryQuantiles:
		var quantile, value uint64
		q := f.Message()
		for q.Next() {
			switch q.Tag {
			case quantileQuantile:
				quantile = q.Num
			case quantileValue:
				value = q.Num
			}
		}
		f.Err = q.Err
		if p.bounds.len() <= series.MaxBuckets { // one more than is allowed shows that there are too many
			p.bounds.addNumber(quantile)
			p.quantiles.addNumber(value)
		}
	}
}

func zigzag(n uint64) int32 { return int32(uint32(n)>>1) ^ -int32(n&1) }

// fault says why a point cannot be stored, if it cannot.
func (p *point) fault(kind protobuf.Tag) string {
	if fault := pointTimeFault(p.time); fault != "" {
		return fault
	}
	switch kind {
	case metricHistogram:
		return p.bucketFault()
	case metricExponential:
		return p.exponentialFault()
	case metricSummary:
		if n := p.bounds.len(); n > series.MaxBuckets {
			return fmt.Sprintf("the data point has more than %d quantiles", series.MaxBuckets)
		}
	}
	return ""
}

// pointTimeFault says what is wrong with the time of a data point in nanoseconds, if anything.
// Samples have milliseconds, and that of 1970 stands for no time.
func pointTimeFault(nanos uint64) string {
	switch {
	case nanos < 1e6:
		return "the data point has no time"
	case nanos > math.MaxInt64:
		return fmt.Sprintf("the data point's time, %d ns, is after the year 2262", nanos)
	}
	return ""
}

func (p *point) bucketFault() string {
	switch counts, bounds := p.counts.len(), p.bounds.len(); {
	case p.counts.odd() || p.bounds.odd():
		return "the data point's buckets are cut off"
	case max(counts-1, bounds) > series.MaxBuckets:
		return fmt.Sprintf("the data point has more than %d buckets", series.MaxBuckets)
	case counts != 0 && counts != bounds+1:
		return fmt.Sprintf("%d bucket counts do not fit %d bounds", counts, bounds)
	}
	for i := 1; i < p.bounds.len(); i++ {
		if !(p.bounds.double(i-1) < p.bounds.double(i)) {
			return fmt.Sprintf("the bounds of the data point's buckets, %v and %v, are not in order", p.bounds.double(i-1), p.bounds.double(i))
		}
	}
	return ""
}

// key is the key of the point's names: that of its metric with what the point adds.
func (p *point) key(metric series.Key) series.Key {
	k := metric.WithKey(p.attributes)
	if p.bounds.text != "" {
		k = k.With(p.bounds.text)
	}
	if p.hasSum {
		k = k.WithNumber(1)
	}
	return k.WithNumber(uint64(p.counts.len()))
}

// buckets is the number of buckets below +Inf, which some senders give as a bound too.
func (p *point) buckets() int {
	n := min(p.counts.len(), p.bounds.len())
	if n > 0 && math.IsInf(p.bounds.double(n-1), 1) {
		n--
	}
	return n
}

// orStale is the value, or the marker of a series' end.
func (p *point) orStale(v float64) float64 {
	if p.flags&noRecordedValue != 0 {
		return staleNaN
	}
	return v
}

// packed is numbers of eight bytes each, which lie in the body unless they came in parts.
type packed struct {
	text string
	own  []byte // of which text is the content
}

func (p *packed) add(part string) {
	if p.text == "" {
		p.text = part
		return
	}
	if p.own == nil {
		p.own = []byte(p.text)
	}
	p.own = append(p.own, part...)
	p.text = view(p.own)
}

func (p *packed) addNumber(n uint64) {
	if p.own == nil {
		p.own = append(make([]byte, 0, len(p.text)+64), p.text...)
	}
	p.own = binary.LittleEndian.AppendUint64(p.own, n)
	p.text = view(p.own)
}

func (p *packed) len() int  { return len(p.text) / 8 }
func (p *packed) odd() bool { return len(p.text)%8 != 0 }

func (p *packed) number(i int) uint64 {
	return protobuf.Uint64(p.text[8*i:])
}

func (p *packed) double(i int) float64 { return math.Float64frombits(p.number(i)) }
