package counts

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBucketsJoinWithoutGapsAndEndAtPowersOfTwo(t *testing.T) {
	t.Parallel()
	values := []int64{math.MinInt64, -1, 0, 1, 2, 7, 8, 9, 10, 15, 16, 17, 1000, 1_000_000, math.MaxInt64 - 1, math.MaxInt64}
	for n := range 63 {
		values = append(values, 1<<n-1, 1<<n, 1<<n+1)
	}
	for _, v := range values {
		i := BucketOf(v)
		if i < 0 || i > maxBucket {
			t.Fatalf("%d ns are in bucket %d", v, i)
		}
		if upper := UpperBound(i); v > 0 && (v > upper || float64(upper) > float64(v)*1.126+1) {
			t.Errorf("%d ns are in bucket %d, which ends at %d", v, i, upper)
		}
		if middle := UpperBound(i-1)/2 + UpperBound(i)/2; v > 16 && v < math.MaxInt64/2 && math.Abs(float64(middle-v)) > float64(v)/16+1 {
			t.Errorf("the middle of the bucket of %d ns is %d", v, middle)
		}
		if i > 0 && v > 0 && BucketOf(UpperBound(i)) != i {
			t.Errorf("the bound %d of bucket %d is in bucket %d", UpperBound(i), i, BucketOf(UpperBound(i)))
		}
	}
	for n := range 62 {
		if p := int64(1) << n; UpperBound(BucketOf(p)) != p {
			t.Errorf("no bucket ends at %d", p)
		}
	}
	for i := range maxBucket {
		if UpperBound(i+1) < UpperBound(i) {
			t.Errorf("bucket %d ends before the one below it", i+1)
		}
	}
}

func TestMinuteBeginsBeforeAnyTimeInIt(t *testing.T) {
	t.Parallel()
	for nanos, want := range map[int64]int64{0: 0, 59_999_999_999: 0, 60_000_000_000: 1, -1: -1, -60_000_000_000: -1, -60_000_000_001: -2, math.MinInt64: -153722868} {
		if got := MinuteOf(nanos); got != want {
			t.Errorf("%d ns are in minute %d, want %d", nanos, got, want)
		}
	}
}

// aSpan makes a span of few or of many different keys.
func aSpan(r *rand.Rand) (SpanKey, int64) {
	n := 1 + r.IntN(1+r.IntN(1000))
	return SpanKey{Minute: int64(r.IntN(n)) - 3, Operation: int64(r.IntN(n)) * math.MaxInt32 * -7, Resource: int64(r.IntN(n)), Status: uint8(r.IntN(3)), Root: r.IntN(3) == 0},
		int64(math.Exp(float64(r.IntN(44)))) - 5
}

func aLog(r *rand.Rand) (LogKey, int) {
	n := 1 + r.IntN(1+r.IntN(1000))
	return LogKey{Minute: int64(r.IntN(n)) - 3, Resource: int64(r.IntN(n)), Class: int64(r.IntN(n)) - 9, Severity: int16(r.IntN(26) - 1)}, r.IntN(1000)
}

// cellsOf are cells without the room that they have.
func cellsOf(s *Spans) map[SpanKey]SpanCell {
	cells := map[SpanKey]SpanCell{}
	for key, c := range s.cells {
		cells[key] = c.SpanCell
	}
	return cells
}

func TestMergedCountsAreThoseOfAllRows(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	spans, mergedSpans, logs, mergedLogs := NewSpans(), NewSpans(), NewLogs(), NewLogs()
	commitSpans, commitLogs := NewSpans(), NewLogs()
	for range 50 {
		commitSpans.Reset()
		commitLogs.Reset()
		for range r.IntN(400) {
			spanKey, nanos := aSpan(r)
			spans.Add(spanKey, nanos)
			commitSpans.Add(spanKey, nanos)
			logKey, size := aLog(r)
			logs.Add(logKey, size)
			commitLogs.Add(logKey, size)
		}
		if err := mergedSpans.Merge(commitSpans.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
		if err := mergedLogs.Merge(commitLogs.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(cellsOf(spans), cellsOf(mergedSpans)) {
		t.Error("merged spans differ from those counted at once")
	}
	if !reflect.DeepEqual(logs.cells, mergedLogs.cells) {
		t.Error("merged logs differ from those counted at once")
	}
	if !bytes.Equal(spans.AppendTo(nil), mergedSpans.AppendTo(nil)) {
		t.Error("the same cells are written in two ways")
	}
	last := int64(math.MinInt64)
	count := int64(0)
	if err := ReadSpans(spans.AppendTo(nil), func(c *SpanCell) bool {
		if c.Minute < last {
			t.Errorf("minute %d comes after %d", c.Minute, last)
		}
		sum := int64(0)
		for _, b := range c.Buckets {
			sum += b.Count
		}
		if sum != c.Count {
			t.Errorf("a cell of %d spans has %d in its buckets", c.Count, sum)
		}
		last = c.Minute
		count++
		return true
	}); err != nil || count != int64(spans.Len()) {
		t.Errorf("%d of %d cells are read, %v", count, spans.Len(), err)
	}
}

func TestSumsEndAtTheGreatestNumber(t *testing.T) {
	t.Parallel()
	s := NewSpans()
	for _, nanos := range []int64{math.MaxInt64, 5, math.MinInt64, math.MaxInt64} {
		s.Add(SpanKey{}, nanos)
	}
	if err := s.Merge(s.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	if c := s.cells[SpanKey{}]; c.Count != 8 || c.SumNanos != math.MaxInt64 {
		t.Errorf("eight spans are counted as %d of %d ns", c.Count, c.SumNanos)
	}
}

func TestHostileSpansTakeFewBytesEach(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	s := NewSpans()
	const n = 20_000
	for range n {
		s.Add(SpanKey{Minute: MinuteOf(r.Int64()), Operation: r.Int64(), Resource: r.Int64()}, r.Int64())
	}
	if size := len(s.AppendTo(nil)); size > 48*n {
		t.Errorf("%d spans that have nothing in common take %d bytes", n, size)
	}
}

func TestDamagedCountsChangeNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 2))
	s, l := NewSpans(), NewLogs()
	for range 200 {
		s.Add(aSpan(r))
		l.Add(aLog(r))
	}
	spans, logs := s.AppendTo(nil), l.AppendTo(nil)
	for i := range spans {
		if s := NewSpans(); s.Merge(spans[:i]) == nil || s.Len() > 0 {
			t.Fatalf("the first %d of %d bytes are read", i, len(spans))
		}
	}
	for i := range logs {
		if l := NewLogs(); l.Merge(logs[:i]) == nil || l.Len() > 0 {
			t.Fatalf("the first %d of %d bytes are read", i, len(logs))
		}
	}
}

func FuzzSpans(f *testing.F) {
	s := NewSpans()
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		s.Add(aSpan(r))
	}
	f.Add(s.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewSpans()
		if s.Merge(b) != nil {
			return
		}
		again := NewSpans()
		if err := again.Merge(s.AppendTo(nil)); err != nil || !reflect.DeepEqual(s.cells, again.cells) {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}

func FuzzLogs(f *testing.F) {
	l := NewLogs()
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		l.Add(aLog(r))
	}
	f.Add(l.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := NewLogs()
		if l.Merge(b) != nil {
			return
		}
		again := NewLogs()
		if err := again.Merge(l.AppendTo(nil)); err != nil || !reflect.DeepEqual(l.cells, again.cells) {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}

func BenchmarkSpans(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	keys := make([]SpanKey, 5000)
	for i := range keys {
		keys[i] = SpanKey{Minute: 5, Operation: int64(r.ExpFloat64() * 60), Resource: int64(r.IntN(4)), Root: i%12 == 0}
	}
	s := NewSpans()
	var dst []byte
	for b.Loop() {
		s.Reset()
		for i, k := range keys {
			s.Add(k, int64(1_000_000+i*1000))
		}
		dst = s.AppendTo(dst[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(keys)), "ns/span")
	b.ReportMetric(float64(len(dst))/float64(s.Len()), "bytes/cell")
}

func BenchmarkReadSpans(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	s := NewSpans()
	for range 300_000 {
		key := SpanKey{Minute: int64(r.IntN(20)), Operation: int64(r.ExpFloat64() * 60), Resource: int64(r.IntN(4)), Root: r.IntN(12) == 0}
		s.Add(key, int64(1_000_000*math.Exp(r.NormFloat64())))
	}
	body := s.AppendTo(nil)
	for b.Loop() {
		if err := ReadSpans(body, func(*SpanCell) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.Len()), "ns/cell")
	b.ReportMetric(float64(len(body))/float64(s.Len()), "bytes/cell")
}
