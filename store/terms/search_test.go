package terms

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plaithq/plait"
)

func TestSearchFindsEveryRowThatFits(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{ByStart, ByEnd} {
		for _, ascending := range []bool{false, true} {
			t.Run(fmt.Sprintf("order %d, ascending %t", order, ascending), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, uint64(order)+5, order)
				check := func(n int) {
					t.Helper()
					end := int64(len(w.rows)) * 1000
					for range n {
						q := Query{Plan: w.plan(3), Order: order, Ascending: ascending, From: math.MinInt64, To: math.MaxInt64}
						if w.random.IntN(2) == 0 {
							q.From = w.random.Int64N(end)
							q.To = q.From + w.random.Int64N(end)
						}
						w.check(q)
					}
				}
				for range 12 {
					w.commit(60)
				}
				check(50)
				w.merge(4, 0, false)
				check(50)
				w.merge(3, 0, false)
				w.merge(4, 0, false)
				check(50)
				w.merge(0, 2, false)
				check(50)
				for range 5 {
					w.commit(40)
				}
				w.merge(4, 1, true)
				check(50)
				w.merge(1, 2, true)
				check(50)
			})
		}
	}
}

func TestSearchForOneTermFindsItsUnitsAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, ByStart)
	for range 20 {
		w.commit(50)
	}
	w.merge(8, 0, false)
	w.merge(8, 0, false)
	w.merge(0, 2, false)
	for n := range 500 {
		q := Query{Plan: testHasher.AnyID(Class, int64(n)), To: math.MaxInt64, From: math.MinInt64}
		want := map[plait.TraceID]struct{}{}
		for _, r := range w.rows {
			if r.fits(q.Plan) {
				want[r.id] = struct{}{}
			}
		}
		if found := w.search(q); len(found) != len(want) {
			t.Fatalf("%d units found, %d have the term", len(found), len(want))
		}
	}
}

func TestMergedSegmentsAreWhatOneSegmentOfTheirHeadsIs(t *testing.T) {
	t.Parallel()
	build := func(merges func(w *world)) *world {
		w := newWorld(t, 9, ByStart)
		for range 9 {
			w.commit(50)
		}
		merges(w)
		return w
	}
	one := build(func(w *world) { w.merge(9, 0, false) })
	many := build(func(w *world) {
		w.merge(3, 0, false)
		w.merge(3, 0, false)
		w.merge(3, 3-1, false)
	})
	for range 200 {
		q := Query{Plan: one.plan(3), From: math.MinInt64, To: math.MaxInt64}
		want, got := one.search(q), many.search(q)
		same := slices.EqualFunc(want, got, func(a, b Unit) bool { return a.ID == b.ID && abs(a.From-b.From) <= 4 && abs(a.To-b.To) <= 4 })
		if !same && !usesDurations(q.Plan) {
			t.Fatalf("one segment has %v\n merged ones have %v", want, got)
		}
	}
}

func TestSearchFindsEveryDurationAlsoThoseThatSegmentsLeaveOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, ByStart)
	w.operations = 2
	for range 12 {
		w.commit(120)
	}
	for step := range 4 {
		for _, nanos := range []int64{0, 1000, 100_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000, 100_000_000} {
			w.check(Query{Plan: testHasher.SlowerThan(nanos, 0), From: math.MinInt64, To: math.MaxInt64})
			w.check(Query{Plan: testHasher.SlowerThan(nanos, 0, 1), From: math.MinInt64, To: math.MaxInt64})
		}
		w.merge(3, step/2, false)
	}
	w.merge(0, len(w.segments), false)
	long := testHasher.SlowerThan(6_000_000, 0)
	units := map[plait.TraceID]struct{}{}
	for _, r := range w.rows {
		if r.fits(long) {
			units[r.id] = struct{}{}
		}
	}
	if found := w.search(Query{Plan: long, From: math.MinInt64, To: math.MaxInt64}); len(found) != len(units) || len(units) == 0 {
		t.Errorf("%d units are found for a long duration, %d have it", len(found), len(units))
	}
	for _, c := range []struct {
		nanos int64
		least float64 // of the units
		most  float64
	}{{6_000_000, 0, 0.05}, {1000, 0.3, 1}} {
		s := NewSearch(testHasher, Query{Plan: testHasher.SlowerThan(c.nanos, 0), From: math.MinInt64, To: math.MaxInt64}, nil, w.segments, w.source)
		e, err := s.Estimate(t.Context())
		if share := float64(e.Fitting) / float64(e.Units); err != nil || share < c.least || share > c.most {
			t.Errorf("of %d units, %d are estimated to be slower than %d ns", e.Units, e.Fitting, c.nanos)
		}
	}
}

func TestMergedSegmentKnowsOfDurationsThatItsPartsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4, ByStart)
	commit := func(units int, nanos func(n int) int64) {
		b := NewBlock(testHasher)
		for n := range units {
			r := row{id: traceID(len(w.rows)), micros: int64(len(w.rows)), operation: 1, nanos: nanos(n), terms: []Term{testHasher.ID(Operation, 1)}}
			b.Row(r.id, r.micros)
			b.Add(r.terms[0])
			b.Duration(r.operation, r.nanos)
			w.rows = append(w.rows, r)
		}
		h, err := ParseHead(b.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		w.heads = append(w.heads, h)
		w.merge(1, 0, false)
	}
	commit(1000, func(n int) int64 { return int64(n+1) * 1_000_000 })
	commit(60, func(int) int64 { return 2_000_000 })
	w.merge(0, 2, false)
	for _, nanos := range []int64{3_000_000, 500_000_000, 990_000_000} {
		w.check(Query{Plan: testHasher.SlowerThan(nanos, 1), From: math.MinInt64, To: math.MaxInt64})
	}
}

func TestIntersectionHasWhatAllSetsHave(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		want := map[int]int{}
		sets := make(intersection, 1+r.IntN(5))
		for i := range sets {
			var units []uint32
			for u := range 200 {
				if r.IntN(3) > 0 {
					units = append(units, uint32(u))
					want[u]++
				}
			}
			sets[i] = newKnownUnits(units)
		}
		for n := 199; n >= 0; n-- {
			u, err := sets.seek(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			for ; n > u; n-- {
				if want[n] == len(sets) {
					t.Fatalf("%d is in all %d sets, and %d is found", n, len(sets), u)
				}
			}
			if u >= 0 && want[u] != len(sets) {
				t.Fatalf("%d is in %d of %d sets", u, want[u], len(sets))
			}
		}
	}
}

func usesDurations(p *Plan) (uses bool) {
	p.leaves(func(l *Plan) { uses = uses || l.kind == slowerThan })
	return uses
}

func abs(n int64) int64 { return max(n, -n) }

func TestTogetherFindsTracesWhoseSpansCameApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 11, ByStart)
	for range 12 {
		w.commit(50)
	}
	for step := range 3 {
		for range 100 {
			a, b := w.plan(1), w.plan(1)
			found := w.search(Query{Plan: Together(a, b), From: math.MinInt64, To: math.MaxInt64})
			for _, r := range w.rows {
				if r.fits(a) && slices.ContainsFunc(w.rows, func(o row) bool { return o.id == r.id && o.fits(b) }) &&
					!slices.ContainsFunc(found, func(u Unit) bool { return u.ID == r.id }) {
					t.Fatalf("trace %s has both and is not found", r.id)
				}
			}
		}
		w.merge(4, step/2, false)
	}
}

func TestSearchReadsNewestSegmentsOnlyForAFewUnits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 13, ByStart)
	for range 40 {
		w.commit(30)
		w.merge(1, 0, false)
	}
	slices.SortFunc(w.segments, func(a, b Stored) int { return cmp.Compare(a.ID, b.ID) })
	search := NewSearch(testHasher, Query{Plan: testHasher.AnyID(Operation, 1), From: math.MinInt64, To: math.MaxInt64}, nil, w.segments, w.source)
	if _, err := search.Next(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	if left := len(search.unopened); left < 25 {
		t.Errorf("%d of 40 segments are left unread, want most", left)
	}
	e, err := search.Estimate(t.Context())
	if err != nil || e.Fitting == 0 || e.Fitting >= e.Units {
		t.Errorf("the estimate is %+v, %v", e, err)
	}
}

func TestSearchForManyCommonTermsHoldsFewSegmentsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 17, ByStart)
	const terms = 3000
	all := make([]Term, terms)
	for i := range all {
		all[i] = testHasher.ID(Class, int64(i))
	}
	for segment := range 12 {
		b := NewBlock(testHasher)
		for unit := range 20 {
			b.Row(traceID(20*segment+unit), int64(1000*segment+unit))
			for _, t := range all {
				b.Add(t)
			}
		}
		h, err := ParseHead(b.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		w.heads = append(w.heads, h)
		w.merge(1, 0, false)
	}
	s := NewSearch(testHasher, Query{Plan: Any(all...), From: math.MinInt64, To: math.MaxInt64}, nil, w.segments, w.source)
	found := 0
	for range 12 {
		units, err := s.Next(t.Context(), 20)
		if err != nil {
			t.Fatal(err)
		}
		found += len(units)
		if lists := len(s.opened) * terms; lists*firstChunk > 2*listBytes {
			t.Errorf("%d segments are open, with %d lists", len(s.opened), lists)
		}
	}
	if found != 12*20 {
		t.Errorf("%d units are found, want %d", found, 12*20)
	}
}

func TestASegmentOfSomeUnitsFindsTheirRowsAlone(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{ByStart, ByEnd} {
		w := newWorld(t, 5, order)
		for range 8 {
			w.commit(40)
		}
		w.merge(4, 0, false)
		only := map[plait.TraceID]struct{}{}
		for i := range w.rows {
			if w.rows[i].id[15]%4 == 0 {
				only[w.rows[i].id] = struct{}{}
			}
		}
		w.mergeOnly(only, len(w.heads), len(w.segments), false)
		w.rows = slices.DeleteFunc(w.rows, func(r row) bool { _, ok := only[r.id]; return !ok })
		for range 200 {
			w.check(Query{Plan: w.plan(2), Order: order, From: math.MinInt64, To: math.MaxInt64})
		}
		for _, u := range w.search(Query{Plan: Everything(), Order: order, From: math.MinInt64, To: math.MaxInt64}) {
			if _, ok := only[u.ID]; !ok {
				t.Fatalf("unit %s is in the segment", u.ID)
			}
		}
	}
}
