package eval

import (
	"cmp"
	"math"
	"slices"
)

// sketch counts values by their logarithm, so that quantiles are known to half a percent, in memory that does not
// grow with the number of values. Two are merged by adding up their counts.
type sketch struct{ places []counted } // in order

// counted is how many values have a place. So many as do not fit count as the greatest number.
type counted struct {
	place int32
	n     uint32
}

const (
	// growth is how much higher each place is than the one before.
	growth = 1.01
	// offset keeps the places of positive values above 0 and those of negative ones below: the order of the places is
	// that of the values. ln(5e-324) / ln(1.01) is -74,800.
	offset = 1 << 17
	// sketchBytes is what a sketch takes without places, and placeBytes what a place takes: slices grow to twice what they had.
	sketchBytes = 24
	placeBytes  = 2 * 8
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

// add counts a value so many times, and says whether that took another place.
func (s *sketch) add(value float64, times uint64) (grown bool) {
	return s.addAt(placeOf(value), times)
}

func (s *sketch) addAt(place int32, times uint64) (grown bool) {
	i, ok := slices.BinarySearchFunc(s.places, place, func(c counted, place int32) int { return cmp.Compare(c.place, place) })
	if !ok {
		s.places = slices.Insert(s.places, i, counted{place: place})
	}
	n := &s.places[i].n
	*n += uint32(min(times, uint64(math.MaxUint32-*n)))
	return !ok
}

// merge adds another's counts, and returns how many places that took.
func (s *sketch) merge(other *sketch) (grown int) {
	for _, c := range other.places {
		if s.addAt(c.place, uint64(c.n)) {
			grown++
		}
	}
	return grown
}

// quantiles returns the values that so large parts of all values do not exceed.
func (s *sketch) quantiles(parts []float64, within cell) []float64 {
	values := make([]float64, len(parts))
	for i, part := range parts {
		rank := max(1, math.Ceil(part*within.count))
		values[i] = within.top
		sum := 0.0
		for _, c := range s.places {
			if sum += float64(c.n); sum >= rank {
				values[i] = min(max(valueAt(c.place), within.least), within.top)
				break
			}
		}
	}
	return values
}
