package counts

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/plaithq/plait"
)

func anIncrement(r *rand.Rand) *plait.Increment {
	inc := &plait.Increment{Step: int64(r.IntN(20)) - 3, Count: int64(r.IntN(3))}
	name := "calls_total"
	if r.IntN(2) == 0 {
		name = "latency"
		inc.Count, inc.Sum = 1, float64(r.IntN(100))
		inc.Bounded = []plait.BoundCount{{Upper: []float64{0.002, 4, math.Inf(1)}[r.IntN(3)], Count: 1}}
		if inc.Sum > 0 {
			inc.Exponential = []plait.ExponentialCount{{Index: r.IntN(9) - 4, Count: 1}}
		} else {
			inc.Zero = 1
		}
	}
	inc.Labels = plait.Labels{{Name: plait.NameLabel, Value: name}, {Name: "service", Value: fmt.Sprint("service ", r.IntN(4))}}
	return inc
}

// incrementsOf are the cells by what tells them apart.
func incrementsOf(n *Increments) map[string]plait.Increment {
	cells := map[string]plait.Increment{}
	for key, c := range n.cells {
		cells[fmt.Sprint(key.step, " ", LabelText(n.labels[key.family]))] = *c
	}
	return cells
}

func TestMergedIncrementsAreThoseOfAllRequests(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	all, merged, request := NewIncrements(), NewIncrements(), NewIncrements()
	for range 30 {
		request.Reset()
		for range r.IntN(200) {
			inc := anIncrement(r)
			all.Include(inc)
			request.Include(inc)
		}
		if err := merged.Merge(request.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(incrementsOf(all), incrementsOf(merged)) {
		t.Error("merged increments differ from those that were added up at once")
	}
	last := int64(math.MinInt64)
	if err := ReadIncrements(merged.AppendTo(nil), nil, func(_ int, inc *plait.Increment) bool {
		if inc.Step < last {
			t.Errorf("step %d comes after %d", inc.Step, last)
		}
		last = inc.Step
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

func TestFamiliesThatAreNotChosenAreNotRead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 2))
	n := NewIncrements()
	for range 200 {
		n.Include(anIncrement(r))
	}
	seen, want := 0, 0
	for key := range n.cells {
		if n.labels[key.family].Get("service") == "service 1" {
			want++
		}
	}
	err := ReadIncrements(n.AppendTo(nil), func(labels plait.Labels) int {
		if labels.Get("service") == "service 1" {
			return 7
		}
		return -1
	}, func(family int, inc *plait.Increment) bool {
		if seen++; family != 7 || inc.Labels.Get("service") != "service 1" {
			t.Errorf("family %d of %v", family, inc.Labels)
		}
		return true
	})
	if err != nil || seen != want || want == 0 {
		t.Errorf("%d cells are read, want %d: %v", seen, want, err)
	}
}

func TestDamagedIncrementsChangeNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 2))
	n := NewIncrements()
	for range 100 {
		n.Include(anIncrement(r))
	}
	body := n.AppendTo(nil)
	for i := range body {
		if n := NewIncrements(); n.Merge(body[:i]) == nil || n.Len() > 0 {
			t.Fatalf("the first %d of %d bytes are read", i, len(body))
		}
	}
}

func FuzzIncrements(f *testing.F) {
	n := NewIncrements()
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		n.Include(anIncrement(r))
	}
	f.Add(n.AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := NewIncrements()
		if n.Merge(b) != nil {
			return
		}
		again := NewIncrements()
		if err := again.Merge(n.AppendTo(nil)); err != nil || !bytes.Equal(n.AppendTo(nil), again.AppendTo(nil)) {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}
