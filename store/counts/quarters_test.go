package counts

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
)

// aQuarter makes a record of few or of many different keys.
func aQuarter(r *rand.Rand) (QuarterKey, []byte, int) {
	key, size := aLog(r)
	level := []byte([]string{"", "", `"info"`, "5", fmt.Sprint(r.IntN(9))}[r.IntN(5)])
	return QuarterKey{Quarter: key.Minute, Resource: key.Resource, Class: key.Class, Severity: key.Severity, Sharp: r.IntN(2) == 0}, level, size
}

// cellsByKey are the cells as they are read.
func cellsByKey(t *testing.T, b []byte) map[QuarterKey]QuarterCell {
	t.Helper()
	cells, last := map[QuarterKey]QuarterCell{}, int64(math.MinInt64)
	if err := ReadQuarters(b, func(c *QuarterCell) bool {
		if _, met := cells[c.QuarterKey]; met || c.Quarter < last {
			t.Errorf("%+v is read after quarter %d", c, last)
		}
		last, cells[c.QuarterKey] = c.Quarter, *c
		return true
	}); err != nil {
		t.Error(err)
	}
	return cells
}

func TestMergedQuartersAreThoseOfAllRecords(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	all, merged, commit := NewQuarters(), NewQuarters(), NewQuarters()
	want := map[QuarterKey]QuarterCell{}
	for range 50 {
		commit.Reset()
		for range r.IntN(200) {
			key, level, size := aQuarter(r)
			all.Add(key, level, size)
			commit.Add(key, level, size)
			key.Level = string(level)
			sum := want[key]
			want[key] = QuarterCell{key, sum.Count + 1, sum.Bytes + int64(size)}
		}
		if err := merged.Merge(commit.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if got := cellsByKey(t, all.Bytes()); !maps.Equal(got, want) {
		t.Errorf("%d cells are not what was counted in %d", len(got), len(want))
	}
	if got := cellsByKey(t, merged.Bytes()); !maps.Equal(got, want) || merged.Len() != len(want) {
		t.Errorf("%d cells are not what was counted in %d and merged", len(got), len(want))
	}
	if !bytes.Equal(all.Bytes(), merged.Bytes()) {
		t.Error("the same cells are written in two ways")
	}
}

func TestSumsOfQuartersEndAtTheGreatestNumber(t *testing.T) {
	t.Parallel()
	q := NewQuarters()
	q.Include(&QuarterCell{QuarterKey{}, math.MaxInt64, math.MaxInt64 - 1})
	q.Add(QuarterKey{}, nil, 5)
	if c := cellsByKey(t, q.Bytes())[QuarterKey{}]; c.Count != math.MaxInt64 || c.Bytes != math.MaxInt64 {
		t.Errorf("the sums are %+v", c)
	}
}

func TestNothingIsKnownOfQuartersWhereSomethingIsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*Quarters){
		"a merge with what an older gateway counted": func(q *Quarters) { _ = q.Merge(nil) },
		"a record that nobody looked at":             (*Quarters).Lose,
		"a long level":                               func(q *Quarters) { q.Add(QuarterKey{}, bytes.Repeat([]byte("1"), MaxLevelBytes+1), 0) },
		"many levels": func(q *Quarters) {
			for i := range maxLevels + 1 {
				q.Add(QuarterKey{}, fmt.Append(nil, i), 0)
			}
		},
	} {
		q := NewQuarters()
		q.Add(QuarterKey{}, nil, 0)
		if q.Bytes() == nil {
			t.Error("nothing is lost yet")
		}
		if lose(q); q.Bytes() != nil {
			t.Errorf("%s loses nothing", name)
		}
		sum := NewQuarters()
		if err := sum.Merge(q.Bytes()); err != nil || sum.Bytes() != nil {
			t.Errorf("%s: what is lost is found by a merge, %v", name, err)
		}
		if sum.Reset(); sum.Bytes() == nil {
			t.Error("what is counted anew is lost")
		}
	}
}

func TestAsManyLevelsAsFitAreKnown(t *testing.T) {
	t.Parallel()
	q := NewQuarters()
	for i := range maxLevels {
		q.Add(QuarterKey{}, fmt.Append(nil, i), 0)
	}
	if again := NewQuarters(); again.Merge(q.Bytes()) != nil || len(cellsByKey(t, again.Bytes())) != maxLevels {
		t.Errorf("of %d levels %d are read", maxLevels, again.Len())
	}
}

func TestDamagedQuartersAreNotRead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 2))
	q := NewQuarters()
	for range 200 {
		q.Add(aQuarter(r))
	}
	whole := q.Bytes()
	for i := range whole {
		if err := NewQuarters().Merge(whole[:i:i]); err == nil {
			t.Fatalf("the first %d of %d bytes are read", i, len(whole))
		}
	}
}

func FuzzQuarters(f *testing.F) {
	q := NewQuarters()
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		q.Add(aQuarter(r))
	}
	f.Add(q.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		q := NewQuarters()
		if q.Merge(b) != nil || q.lost {
			return
		}
		again := NewQuarters()
		if err := again.Merge(q.Bytes()); err != nil || !maps.Equal(cellsByKey(t, q.Bytes()), cellsByKey(t, again.Bytes())) {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}
