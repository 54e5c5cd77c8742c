package terms

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestUnitOfTooManyTermsIsInEveryAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, ByStart)
	b := NewBlock(testHasher)
	for unit := range 3 {
		b.Row(traceID(unit), 5)
		b.ID(Class, 1)
	}
	for n := range maxUnitTerms + 10 {
		b.ID(Operation, int64(n))
	}
	body := b.AppendTo(nil)
	if len(body) > 5*maxUnitTerms {
		t.Errorf("the head takes %d bytes", len(body))
	}
	h, err := ParseHead(body)
	if err != nil {
		t.Fatal(err)
	}
	w.heads = append(w.heads, h)
	for range 3 {
		for _, p := range []*Plan{Nothing(), testHasher.AnyID(Severity, 9), testHasher.SlowerThan(5, 7), All(testHasher.AnyID(Class, 1), testHasher.AnyID(Severity, 9))} {
			found := w.search(Query{Plan: p, From: math.MinInt64, To: math.MaxInt64})
			if len(found) != 1 || found[0].ID != traceID(2) {
				t.Errorf("found %v", found)
			}
		}
		w.merge(len(w.heads), len(w.segments), false)
	}
}

func TestBlockKeepsTheLongestDurationOfAnOperationInAUnit(t *testing.T) {
	t.Parallel()
	b := NewBlock(testHasher)
	for unit := range 2 {
		b.Row(traceID(unit), 1)
		for _, nanos := range []int64{100, 1_000_000, 3} {
			b.Duration(1, nanos*int64(1+unit))
			b.Duration(2, 7)
		}
	}
	h, err := ParseHead(b.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []duration{{0, bucketOf(1_000_000)}, {1, bucketOf(7)}, {0, bucketOf(2_000_000)}, {1, bucketOf(7)}}
	if !slices.Equal(h.durations, want) {
		t.Errorf("durations are %v, want %v", h.durations, want)
	}
}

func TestBucketsGrowWithDurations(t *testing.T) {
	t.Parallel()
	last := uint8(0)
	for _, nanos := range []int64{math.MinInt64, -1, 0, 1, 2, 3, 4, 5, 7, 8, 1000, 1250, 1_000_000, math.MaxInt64} {
		b := bucketOf(nanos)
		if b < last {
			t.Errorf("%d ns are in bucket %d, less in %d", nanos, b, last)
		}
		last = b
	}
	if bucketOf(1000) == bucketOf(1500) {
		t.Error("half as much again is in the same bucket")
	}
}

func TestBlockIsTheSameAfterReset(t *testing.T) {
	t.Parallel()
	b := NewBlock(testHasher)
	fill := func() []byte {
		b.Reset()
		for n := range 50 {
			b.Row(traceID(n/5), int64(n))
			b.ID(Class, int64(n%7))
			b.Duration(int64(n%3), int64(n))
			b.FreeText(fmt.Sprint("one of many words", n))
		}
		return b.AppendTo(nil)
	}
	first := fill()
	if !bytes.Equal(first, fill()) {
		t.Error("a block that is used again makes another head")
	}
	if from, to := b.Range(); from != 0 || to != 49 || b.Rows() != 50 {
		t.Errorf("the block has %d rows from %d to %d", b.Rows(), from, to)
	}
}

func TestTimesFarApartStayWithinTheirUnits(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{ByStart, ByEnd} {
		w := newWorld(t, 2, order)
		for _, micros := range []int64{math.MinInt64 / 1000, -1, 0, 1, 1_700_000_000_000_000, math.MaxInt64 / 1000} {
			b := NewBlock(testHasher)
			for n := range 20 {
				r := row{id: traceID(len(w.rows)), micros: micros + int64(n), terms: []Term{testHasher.ID(Class, int64(n))}}
				b.Row(r.id, r.micros)
				b.Add(r.terms[0])
				w.rows = append(w.rows, r)
			}
			h, err := ParseHead(b.AppendTo(nil))
			if err != nil {
				t.Fatal(err)
			}
			w.heads = append(w.heads, h)
		}
		for range 3 {
			for _, from := range []int64{math.MinInt64, -5, 0, 1_700_000_000_000_000} {
				for _, to := range []int64{0, 1, 1_700_000_000_000_010, math.MaxInt64} {
					for _, ascending := range []bool{false, true} {
						w.check(Query{Plan: testHasher.AnyID(Class, 1, 3, 19), Order: order, Ascending: ascending, From: from, To: to})
					}
				}
			}
			w.merge(len(w.heads)/2, len(w.segments), false)
		}
	}
}
