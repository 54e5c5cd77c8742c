package terms

import (
	"math"
	"math/rand/v2"
	"testing"
)

// seedHead is the head of a commit with all that a head may have.
func seedHead() []byte {
	r := rand.New(rand.NewPCG(1, 1))
	b := NewBlock(testHasher)
	for n := range 40 {
		b.Row(traceID(n/2), int64(n))
		for range 4 {
			b.ID(Class, int64(r.IntN(30)))
		}
		b.Duration(int64(r.IntN(3)), r.Int64N(1e6))
		b.FreeText("a few words")
	}
	return b.AppendTo(nil)
}

// fuzzPlan has a leaf of each kind.
func fuzzPlan() *Plan {
	return OneOf(
		All(testHasher.AnyID(Class, 1, 2, 3), testHasher.AnyID(Class, 4, 5, 6, 7)),
		testHasher.SlowerThan(1000, 0, 1, 2),
		NewNeedle("ew wor").Plan(testHasher, func(func(Term, string) bool) {}),
	)
}

// searchAll goes through all that a search finds in what may be damaged, which is refused or makes no sense.
func searchAll(t *testing.T, heads []*Head, segments []Stored, source Source) {
	for _, ascending := range []bool{false, true} {
		s := NewSearch(testHasher, Query{Plan: fuzzPlan(), Ascending: ascending, From: math.MinInt64, To: math.MaxInt64}, given(heads), segments, source)
		if _, err := s.Next(t.Context(), 1000); err != nil {
			return
		}
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add(seedHead())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := ParseHead(body)
		if err != nil {
			return
		}
		searchAll(t, []*Head{h}, nil, &memory{})
		b := NewBuilder(testHasher, ByStart)
		b.AddHead(h)
		g, err := b.Build(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseDirectory(g.Directory); err != nil {
			t.Fatalf("the directory of a segment that was built: %v", err)
		}
	})
}

func FuzzSegment(f *testing.F) {
	h, err := ParseHead(seedHead())
	if err != nil {
		f.Fatal(err)
	}
	for _, last := range []bool{false, true} {
		b := NewBuilder(testHasher, ByStart)
		b.AddHead(h)
		g, err := b.Build(f.Context(), last)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(g.Directory, g.Body)
	}
	f.Fuzz(func(t *testing.T, directory, body []byte) {
		d, err := ParseDirectory(directory)
		if err != nil {
			return
		}
		source := &memory{bodies: map[int64][]byte{1: body}}
		searchAll(t, nil, []Stored{{1, d}}, source)
		b := NewBuilder(testHasher, d.order)
		b.AddHead(h)
		if b.AddSegment(t.Context(), 1, d, source) != nil {
			return
		}
		g, err := b.Build(t.Context(), false)
		if err != nil {
			return
		}
		if _, err := ParseDirectory(g.Directory); err != nil {
			t.Fatalf("the directory of a segment that was merged: %v", err)
		}
	})
}

func TestDamagedBytesGiveAnErrorOrSomeAnswer(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 2))
	head := seedHead()
	h, err := ParseHead(head)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(testHasher, ByStart)
	b.AddHead(h)
	g, err := b.Build(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(of []byte) []byte {
		b := append([]byte{}, of...)
		for range r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		return b[:len(b)-r.IntN(2)*r.IntN(len(b))]
	}
	for range 20_000 {
		if h, err := ParseHead(damage(head)); err == nil {
			searchAll(t, []*Head{h}, nil, &memory{})
			NewBuilder(testHasher, ByStart).AddHead(h)
		}
		d, err := ParseDirectory(damage(g.Directory))
		if err != nil {
			continue
		}
		source := &memory{bodies: map[int64][]byte{1: damage(g.Body)}}
		searchAll(t, nil, []Stored{{1, d}}, source)
		b := NewBuilder(testHasher, ByStart)
		if b.AddSegment(t.Context(), 1, d, source) == nil {
			if g, err := b.Build(t.Context(), false); err == nil {
				if _, err := ParseDirectory(g.Directory); err != nil {
					t.Fatalf("the directory of a segment that was merged: %v", err)
				}
			}
		}
	}
}
