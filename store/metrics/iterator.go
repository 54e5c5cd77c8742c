package metrics

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// millis is a time in milliseconds since the Unix epoch. As an alias it also tells vet that
// Seek below is not meant to be io.Seeker's.
type millis = int64

// iterator implements chunkenc.Iterator over the floats and histograms of a series. Both are
// in order; the few series that have both are merged as they are read.
type iterator struct {
	samples
	f, h int // the next ones
	kind chunkenc.ValueType
	t    int64
	st   int64
	v    float64
	hist writev2.Histogram
	hint histogram.CounterResetHint
	last decoded
	err  error
}

// decoded is a histogram that was compared with its successor, by its place.
type decoded struct {
	at   int
	hist *histogram.FloatHistogram
}

// reset begins with the histogram at first; what is before serves to tell whether counts were reset.
func (it *iterator) reset(s samples, first int) { *it = iterator{samples: s, h: first} }

// Next implements chunkenc.Iterator.
func (it *iterator) Next() chunkenc.ValueType {
	switch {
	case it.err != nil:
		it.kind = chunkenc.ValNone
	case it.f < len(it.floats) && (it.h >= len(it.histograms) || it.floats[it.f].t <= it.histograms[it.h].t):
		it.float(it.floats[it.f])
	case it.h < len(it.histograms):
		it.histogram(it.histograms[it.h])
	default:
		it.kind = chunkenc.ValNone
	}
	return it.kind
}

func (it *iterator) float(s floatSample) {
	it.kind, it.t, it.st, it.v = chunkenc.ValFloat, s.t, s.st, s.v
	it.f++
	if it.h < len(it.histograms) && it.histograms[it.h].t == s.t {
		it.h++ // one time, two samples: the float counts
	}
}

func (it *iterator) histogram(s histogramSample) {
	it.h++
	it.t, it.st = s.t, s.st
	it.hist = writev2.Histogram{}
	if err := it.hist.Unmarshal(s.encoded); err != nil {
		it.err = fmt.Errorf("decode native histogram: %w", err)
		it.kind = chunkenc.ValNone
		return
	}
	it.kind = chunkenc.ValHistogram
	if it.hist.IsFloatHistogram() {
		it.kind = chunkenc.ValFloatHistogram
	}
	it.hint = it.compare(it.h - 1)
}

// compare tells what is known about a reset of the counts since the histogram before. As in
// Prometheus, "not reset" is a promise on which PromQL relies, and where there was a reset the
// answer is "unknown": PromQL then compares by itself.
func (it *iterator) compare(at int) histogram.CounterResetHint {
	hint := histogram.CounterResetHint(it.hist.ResetHint)
	if hint == histogram.GaugeType || value.IsStaleNaN(it.hist.Sum) {
		return hint
	}
	before, err := it.before(at)
	this := it.hist.ToFloatHistogram()
	it.last = decoded{at: at, hist: this}
	if err != nil {
		it.err = err
	}
	if before == nil || before.CounterResetHint == histogram.GaugeType || value.IsStaleNaN(before.Sum) || this.DetectReset(before) {
		return histogram.UnknownCounterReset
	}
	return histogram.NotCounterReset
}

// before returns the histogram that precedes the one at a place, nil when there is none or a
// float lies between.
func (it *iterator) before(at int) (*histogram.FloatHistogram, error) {
	if at == 0 || it.f > 0 && it.floats[it.f-1].t > it.histograms[at-1].t {
		return nil, nil
	}
	if it.last.hist != nil && it.last.at == at-1 {
		return it.last.hist, nil
	}
	var h writev2.Histogram
	if err := h.Unmarshal(it.histograms[at-1].encoded); err != nil {
		return nil, fmt.Errorf("decode native histogram: %w", err)
	}
	return h.ToFloatHistogram(), nil
}

// Seek implements chunkenc.Iterator.
func (it *iterator) Seek(t millis) chunkenc.ValueType {
	if it.kind != chunkenc.ValNone && it.t >= t {
		return it.kind
	}
	f, _ := slices.BinarySearchFunc(it.floats[it.f:], t, func(s floatSample, t int64) int { return before(s.t, t) })
	h, _ := slices.BinarySearchFunc(it.histograms[it.h:], t, func(s histogramSample, t int64) int { return before(s.t, t) })
	it.f += f
	it.h += h
	return it.Next()
}

// before orders for a search of the first time that is not before t.
func before(at, t int64) int {
	if at < t {
		return -1
	}
	return 1
}

// At implements chunkenc.Iterator.
func (it *iterator) At() (int64, float64) { return it.t, it.v }

// AtHistogram implements chunkenc.Iterator. The histogram is the caller's: PromQL writes into it.
func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	h := it.hist.ToIntHistogram()
	h.CounterResetHint = it.hint
	return it.t, h.Copy()
}

// AtFloatHistogram implements chunkenc.Iterator. The histogram is the caller's.
func (it *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	h := it.hist.ToFloatHistogram()
	h.CounterResetHint = it.hint
	return it.t, h.Copy()
}

// AtT implements chunkenc.Iterator.
func (it *iterator) AtT() int64 { return it.t }

// AtST implements chunkenc.Iterator.
func (it *iterator) AtST() int64 { return it.st }

// Err implements chunkenc.Iterator.
func (it *iterator) Err() error { return it.err }
