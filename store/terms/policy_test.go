package terms

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSegmentsBecomeFewAndEachByteIsMergedAFewTimes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ millions, most int }{{10, 9}, {50, 22}} {
		var segments []Size
		written, whole, largest := 0, 0, 0
		merge := func(closed bool) {
			for {
				ids, _ := ChooseMerge(segments, closed)
				if len(ids) == 0 {
					return
				}
				merged := Size{ID: int64(whole + written)}
				segments = slices.DeleteFunc(segments, func(s Size) bool {
					if !slices.Contains(ids, s.ID) {
						return false
					}
					merged.Bytes, merged.Units = merged.Bytes+s.Bytes, merged.Units+s.Units
					return true
				})
				written += merged.Bytes
				largest = max(largest, merged.Bytes)
				segments = append(segments, merged)
			}
		}
		most := 0
		for range 4 * c.millions {
			size := 3<<19 + r.IntN(1<<20) // of a segment of 250,000 spans
			segments = append(segments, Size{ID: int64(-whole - 1), Bytes: size, Units: 20_000})
			whole += size
			merge(false)
			most = max(most, len(segments))
		}
		if most > c.most {
			t.Errorf("%d million spans are in up to %d segments, want %d at most", c.millions, most, c.most)
		}
		merge(true)
		if fewest := (whole + largestMerged - 1) / largestMerged; len(segments) > fewest*4/3+1 {
			t.Errorf("a closed day of %d million spans has %d segments, want about %d", c.millions, len(segments), fewest)
		}
		if written > 3*whole || largest > largestMerged {
			t.Errorf("merges wrote %d bytes of %d, segments of up to %d", written, whole, largest)
		}
	}
}

func TestNoMergeTakesTooManyUnits(t *testing.T) {
	t.Parallel()
	var segments []Size
	for id := range int64(20) {
		segments = append(segments, Size{ID: id, Bytes: 1000, Units: mostMergedUnits / 5})
	}
	if ids, _ := ChooseMerge(segments, true); len(ids) != 5 {
		t.Errorf("%d segments with a fifth of all units each are merged", len(ids))
	}
}

func TestRecordsWithoutATraceAreInUnitsOfAResource(t *testing.T) {
	t.Parallel()
	var u Untraced
	u.Begin(7)
	counts := map[[16]byte]int{}
	for n := range 200 {
		counts[u.ID(int64(n/100))]++
	}
	if len(counts) != 4 {
		t.Errorf("200 records of two resources are in %d units", len(counts))
	}
	for id, n := range counts {
		if n > recordsOfUnit {
			t.Errorf("a unit has %d records", n)
		}
		for _, b := range id[:8] {
			if b != 0xff {
				t.Errorf("the id %x is not that of records without a trace", id)
			}
		}
	}
	first := u.ID(5)
	u.Begin(9000)
	if u.ID(5) == first {
		t.Error("two commits share a unit")
	}
}
