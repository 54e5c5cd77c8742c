package eval

import (
	"math"
	"slices"
)

// sketch counts values by their logarithm, so that quantiles are known to half a percent, in memory that does not
// grow with the number of values. Two are merged by adding up their counts.
type sketch struct{ counts map[int32]uint32 }

const (
	// growth is how much higher each place is than the one before.
	growth = 1.01
	// offset keeps the places of positive values above 0 and those of negative ones below: the order of the places is
	// that of the values. ln(5e-324) / ln(1.01) is -74,800.
	offset = 1 << 17
	// sketchBytes is what a place takes.
	sketchBytes = 24
)

var logOfGrowth = math.Log(growth)

func placeOf(value float64) int32 {
	if value == 0 {
		return 0
	}
	place := int32(math.Ceil(math.Log(math.Abs(value))/logOfGrowth)) + offset
	if value < 0 {
		return -place
	}
	return place
}

// valueAt is the middle of a place.
func valueAt(place int32) float64 {
	switch {
	case place == 0:
		return 0
	case place < 0:
		return -valueAt(-place)
	}
	return math.Exp(float64(place-offset)*logOfGrowth) * 2 / (1 + growth)
}

// add counts a value, and says whether that took another place.
func (s *sketch) add(value float64) (grown bool) {
	if s.counts == nil {
		s.counts = map[int32]uint32{}
	}
	before := len(s.counts)
	s.counts[placeOf(value)]++
	return len(s.counts) > before
}

// merge adds another's counts, and returns how many places that took.
func (s *sketch) merge(other *sketch) (grown int) {
	if s.counts == nil {
		s.counts = map[int32]uint32{}
	}
	before := len(s.counts)
	for place, n := range other.counts {
		s.counts[place] += n
	}
	return len(s.counts) - before
}

// quantiles returns the values that so large parts of all values do not exceed.
func (s *sketch) quantiles(parts []float64, within cell) []float64 {
	values := make([]float64, len(parts))
	places := make([]int32, 0, len(s.counts))
	for place := range s.counts {
		places = append(places, place)
	}
	slices.Sort(places)
	for i, part := range parts {
		rank := max(1, math.Ceil(part*within.count))
		values[i] = within.top
		sum := 0.0
		for _, place := range places {
			if sum += float64(s.counts[place]); sum >= rank {
				values[i] = min(max(valueAt(place), within.least), within.top)
				break
			}
		}
	}
	return values
}
