package terms

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plaithq/plait"
)

// row is what a test knows of a row.
type row struct {
	id        plait.TraceID
	micros    int64
	terms     []Term
	operation int64
	nanos     int64
}

// world is telemetry in an index, and beside it as plain rows.
type world struct {
	t        testing.TB
	random   *rand.Rand
	order    Order
	rows     []row
	heads    []*Head
	segments []Stored
	source   *memory
	ids      int64

	operations int // how many there are
}

func newWorld(t testing.TB, seed uint64, order Order) *world {
	return &world{t: t, random: rand.New(rand.NewPCG(seed, 7)), order: order, operations: 20, source: &memory{bodies: map[int64][]byte{}}}
}

func traceID(n int) (id plait.TraceID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// term makes one of a few common or of many rare terms.
func (w *world) term() Term {
	if w.random.IntN(3) == 0 {
		return testHasher.ID(Operation, int64(w.random.IntN(5)))
	}
	return testHasher.ID(Class, int64(w.random.IntN(3000)))
}

// commit makes a head of rows, some of traces that others have rows of.
func (w *world) commit(traces int) {
	b := NewBlock(testHasher)
	now := int64(len(w.rows)) * 1000
	for range traces {
		id := traceID(w.random.IntN(len(w.rows)/3 + 10))
		for range 1 + w.random.IntN(4) {
			r := row{id: id, micros: now + int64(w.random.IntN(1_000_000)), operation: int64(w.random.IntN(w.operations)), nanos: int64(w.random.ExpFloat64() * 1e6)}
			if w.random.IntN(50) == 0 {
				r.micros -= int64(w.random.IntN(100_000_000))
			}
			b.Row(id, r.micros)
			r.terms = append(r.terms, testHasher.ID(Operation, r.operation))
			for range w.random.IntN(5) {
				r.terms = append(r.terms, w.term())
			}
			for _, t := range r.terms {
				b.Add(t)
			}
			b.Duration(r.operation, r.nanos)
			w.rows = append(w.rows, r)
		}
	}
	h, err := ParseHead(b.AppendTo(nil))
	if err != nil {
		w.t.Fatal(err)
	}
	w.heads = append(w.heads, h)
}

// merge makes a segment of so many heads and segments.
func (w *world) merge(heads, segments int, last bool) {
	w.t.Helper()
	w.mergeOnly(nil, heads, segments, last)
}

// mergeOnly makes it of some units alone, or of all.
func (w *world) mergeOnly(only map[plait.TraceID]struct{}, heads, segments int, last bool) {
	w.t.Helper()
	b := NewBuilder(testHasher, w.order)
	if only != nil {
		b.Only(func(id plait.TraceID) bool { _, ok := only[id]; return ok })
	}
	for _, h := range w.heads[:heads] {
		b.AddHead(h)
	}
	for _, s := range w.segments[:segments] {
		if err := b.AddSegment(w.t.Context(), s.ID, s.Directory, w.source); err != nil {
			w.t.Fatal(err)
		}
	}
	g, err := b.Build(w.t.Context(), last)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ids++
	w.source.bodies[w.ids] = g.Body
	d, err := ParseDirectory(g.Directory)
	if err != nil {
		w.t.Fatal(err)
	}
	w.heads = slices.Clone(w.heads[heads:])
	w.segments = append(slices.Clone(w.segments[segments:]), Stored{w.ids, d})
}

// fits says whether a row fits a plan of terms and durations.
func (r *row) fits(p *Plan) bool {
	switch p.kind {
	case everything:
		return true
	case anyTerm:
		return slices.ContainsFunc(p.terms, func(t Term) bool { return slices.Contains(r.terms, t) })
	case slowerThan:
		return p.asksForDurations(testHasher.ID(OperationDurations, r.operation)) && bucketOf(r.nanos) >= p.bucket
	case allOf:
		return !slices.ContainsFunc(p.children, func(c *Plan) bool { return !r.fits(c) })
	case anyOf:
		return slices.ContainsFunc(p.children, r.fits)
	}
	return false
}

// plan makes a plan of some depth.
func (w *world) plan(depth int) *Plan {
	switch n := w.random.IntN(7); {
	case n < 2 && depth > 0:
		return All(w.plan(depth-1), w.plan(depth-1))
	case n < 4 && depth > 0:
		return OneOf(w.plan(depth-1), w.plan(depth-1))
	case n == 4:
		return testHasher.SlowerThan(int64(w.random.ExpFloat64()*2e6), int64(w.random.IntN(20)), int64(w.random.IntN(20)))
	}
	terms := make([]Term, 1+w.random.IntN(1+w.random.IntN(100)))
	for i := range terms {
		terms[i] = w.term()
	}
	return Any(terms...)
}

// search returns all units in pages.
func (w *world) search(q Query) []Unit {
	w.t.Helper()
	s := NewSearch(testHasher, q, given(w.heads), w.segments, w.source)
	var all []Unit
	for n := 1; ; n = 1 + w.random.IntN(40) {
		units, err := s.Next(w.t.Context(), n)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, units...)
		if len(units) < n {
			return all
		}
	}
}

// check searches for a plan and compares with the rows.
func (w *world) check(q Query) {
	w.t.Helper()
	found := map[plait.TraceID]Unit{}
	s := Search{query: q}
	var last *Unit
	for _, u := range w.search(q) {
		if _, ok := found[u.ID]; ok {
			w.t.Fatalf("unit %s comes twice", u.ID)
		}
		if last != nil && s.compare(s.key(last), s.key(&u)) > 0 {
			w.t.Fatalf("unit at %d comes before one at %d", s.key(last), s.key(&u))
		}
		found[u.ID], last = u, &u
	}
	for i := range w.rows {
		r := &w.rows[i]
		if r.micros < q.From || r.micros >= q.To || !r.fits(q.Plan) {
			continue
		}
		u, ok := found[r.id]
		if !ok {
			w.t.Fatalf("a row of unit %s at %d fits, and the unit is not found", r.id, r.micros)
		}
		if key := s.key(&u); q.Ascending && key > r.micros || !q.Ascending && q.Order == ByEnd && key < r.micros {
			w.t.Fatalf("unit %s comes at %d, too late for its row at %d", r.id, key, r.micros)
		}
	}
}

// given hands over heads that are in memory.
func given(heads []*Head) Heads {
	return func(_ context.Context, use func(*Head)) error {
		for _, h := range heads {
			use(h)
		}
		return nil
	}
}
