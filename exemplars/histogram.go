package exemplars

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/plaithq/plait"
)

// bounds are the upper bounds of the classic buckets, in seconds and in nanoseconds.
type bounds struct {
	seconds []float64
	nanos   []int64
}

func newBounds(seconds []float64) bounds {
	b := bounds{seconds: slices.Clone(seconds)}
	for _, s := range seconds {
		b.nanos = append(b.nanos, int64(math.Round(s*1e9)))
	}
	return b
}

// bucket returns the number of the classic bucket of a duration; the last is that of +Inf.
func (b *bounds) bucket(nanos int64) int {
	for i, bound := range b.nanos {
		if nanos <= bound {
			return i
		}
	}
	return len(b.nanos)
}

// histogram counts durations in classic and in native buckets.
type histogram struct {
	count  uint64
	sum    float64 // seconds
	counts []uint64
	native native
	// examples are one a classic bucket; a zero trace id says that there is none.
	examples []exemplar
}

// exemplar is a measurement and the span that it was taken in.
type exemplar struct {
	trace     plait.TraceID
	span      plait.SpanID
	seconds   float64
	atNanos   int64 // when the span ended
	keptNanos int64 // when it was chosen
	written   bool
}

// rotation is how long an exemplar stands against faster ones. Within it the slowest of a bucket
// wins, afterwards the first that comes, so that exemplars are both telling and recent.
const rotation = time.Minute

// offer keeps e in place of x if it tells more.
func (x *exemplar) offer(e *exemplar) {
	if e.seconds > x.seconds || x.trace.IsZero() || e.keptNanos-x.keptNanos >= int64(rotation) {
		*x = *e
	}
}

// observe counts what stands for n spans.
func (h *histogram) observe(b *bounds, o *observation, n int64) {
	if h.counts == nil {
		h.counts = make([]uint64, len(b.nanos)+1)
		h.examples = make([]exemplar, len(b.nanos)+1)
	}
	i := b.bucket(o.nanos)
	h.count += uint64(n)
	h.sum += o.seconds * float64(n)
	h.counts[i] += uint64(n)
	h.native.observe(o.seconds, uint64(n))
	h.examples[i].offer(&o.example)
}

// recent returns the exemplars that were taken after a time, in order of time.
func (h *histogram) recent(after int64) []exemplar { return recentOf(after, h.examples...) }

func recentOf(after int64, examples ...exemplar) []exemplar {
	var out []exemplar
	for _, e := range examples {
		if !e.trace.IsZero() && e.atNanos > after {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b exemplar) int { return cmp.Compare(a.atNanos, b.atNanos) })
	return out
}

// nativeSchema makes each native bucket 2^(1/8), 9 %, wider than the one before. What comes late is counted in the same ones.
const nativeSchema = plait.ExponentialSchema

// nativeZero is the width of the zero bucket, as client libraries have it by default.
const nativeZero = plait.ExponentialZero

// nativeFractions are the bounds of the native buckets between 1/2 and 1, as math.Frexp splits a
// number.
var nativeFractions = func() (f [1 << nativeSchema]float64) {
	for i := range f {
		f[i] = math.Exp2(float64(i)/(1<<nativeSchema)) / 2
	}
	return f
}()

// native counts in exponential buckets. They are kept densely from the lowest to the highest
// that was hit: latencies of one operation lie close together, and the range of durations bounds
// them to some 500.
type native struct {
	zero   uint64
	first  int // index of counts[0]
	counts []uint64
}

func (n *native) observe(seconds float64, times uint64) {
	index, some := nativeIndex(seconds)
	if !some {
		n.zero += times
		return
	}
	*n.slot(index) += times
}

// nativeIndex returns the native bucket of a duration, if that is not none.
func nativeIndex(seconds float64) (index int, some bool) {
	if seconds <= nativeZero {
		return 0, false
	}
	fraction, exponent := math.Frexp(seconds)
	i := 0
	for i < len(nativeFractions) && nativeFractions[i] < fraction {
		i++
	}
	return i + (exponent-1)<<nativeSchema, true
}

// slot returns the count of a bucket.
func (n *native) slot(index int) *uint64 {
	switch {
	case len(n.counts) == 0:
		n.first, n.counts = index, make([]uint64, 1, 16)
	case index < n.first:
		n.counts = slices.Insert(n.counts, 0, make([]uint64, n.first-index)...)
		n.first = index
	case index >= n.first+len(n.counts):
		n.counts = append(n.counts, make([]uint64, index-n.first-len(n.counts)+1)...)
	}
	return &n.counts[index-n.first]
}

// span is a run of native buckets, as Prometheus encodes them: the distance to the run before, and
// how many buckets it has.
type span struct {
	offset int32
	length uint32
}

// spans returns the runs of buckets that hold something, and the difference of each bucket
// to the one before.
func (n *native) spans() (spans []span, deltas []int64) {
	next, last := 0, uint64(0) // index behind the last run; count of the last bucket
	for i, count := range n.counts {
		if count == 0 {
			continue
		}
		index := n.first + i
		if len(spans) == 0 || index > next {
			spans = append(spans, span{offset: int32(index - next)})
		}
		spans[len(spans)-1].length++
		deltas = append(deltas, int64(count-last))
		next, last = index+1, count
	}
	return spans, deltas
}
