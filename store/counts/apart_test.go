package counts

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// anApart makes a record that is told apart.
func anApart(r *rand.Rand) (LogKey, bool, []byte) {
	key, _ := aLog(r)
	return key, r.IntN(2) == 0, []byte([]string{"", "", `"info"`, "5", fmt.Sprint(r.IntN(9))}[r.IntN(5)])
}

func TestWhatIsToldApartIsMergedAsItWasCounted(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	all, merged, commit := NewApart(), NewApart(), NewApart()
	for range 50 {
		commit.Reset()
		for range r.IntN(200) {
			key, sharp, level := anApart(r)
			all.Add(key, sharp, level)
			commit.Add(key, sharp, level)
		}
		if err := merged.Merge(commit.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(all.cells, merged.cells) || !bytes.Equal(all.Bytes(), merged.Bytes()) {
		t.Error("what is merged differs from what is counted at once")
	}
	last := int64(-100)
	if err := ReadApart(all.Bytes(), func(c *ApartCell) bool {
		if c.Minute < last || c.Count != all.cells[c.ApartKey] {
			t.Errorf("%+v is read after minute %d", c, last)
		}
		last = c.Minute
		return true
	}); err != nil {
		t.Error(err)
	}
}

func TestNothingIsToldApartWhereSomethingIsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*Apart){
		"a merge with what an older gateway counted": func(a *Apart) { _ = a.Merge(nil) },
		"a long level": func(a *Apart) { a.Add(LogKey{}, false, bytes.Repeat([]byte("1"), MaxLevelBytes+1)) },
		"many levels": func(a *Apart) {
			for i := range maxLevels + 1 {
				a.Add(LogKey{}, false, fmt.Append(nil, i))
			}
		},
	} {
		a := NewApart()
		a.Add(LogKey{}, true, nil)
		if a.Bytes() == nil {
			t.Error("nothing is lost yet")
		}
		if lose(a); a.Bytes() != nil {
			t.Errorf("%s loses nothing", name)
		}
		sum := NewApart()
		if err := sum.Merge(a.Bytes()); err != nil || sum.Bytes() != nil {
			t.Errorf("%s: what is lost is found by a merge, %v", name, err)
		}
		if sum.Reset(); sum.Bytes() == nil {
			t.Error("what is counted anew is lost")
		}
	}
}

func TestDamagedCellsAreNotToldApart(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 2))
	a := NewApart()
	for range 200 {
		a.Add(anApart(r))
	}
	whole := a.Bytes()
	for i := range whole {
		if err := NewApart().Merge(whole[:i:i]); err == nil {
			t.Fatalf("the first %d of %d bytes are read", i, len(whole))
		}
	}
}

func FuzzApart(f *testing.F) {
	a := NewApart()
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		a.Add(anApart(r))
	}
	f.Add(a.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		a := NewApart()
		if a.Merge(b) != nil || a.lost {
			return
		}
		again := NewApart()
		if err := again.Merge(a.Bytes()); err != nil || !reflect.DeepEqual(a.cells, again.cells) {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}
