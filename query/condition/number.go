package condition

import (
	"cmp"
	"math"

	"github.com/plaithq/plait"
)

// compareNumber compares an integer or double with a number, to the last digit of both. It is not ok
// where one is NaN or the value is no number.
func compareNumber(v plait.Value, with Value) (order int, ok bool) {
	switch v.Kind() {
	case plait.KindInt:
		if with.typ == TypeFloat {
			return compareMixed(v.Int(), with.Float64())
		}
		return cmp.Compare(v.Int(), with.Int64()), true
	case plait.KindDouble:
		if with.typ == TypeFloat {
			f, g := v.Double(), with.Float64()
			return cmp.Compare(f, g), !math.IsNaN(f) && !math.IsNaN(g)
		}
		order, ok = compareMixed(with.Int64(), v.Double())
		return -order, ok
	}
	return 0, false
}

// compareMixed compares an integer with a double as the numbers that they are, without rounding one.
func compareMixed(i int64, f float64) (order int, ok bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := math.Trunc(f)
	if order := cmp.Compare(i, int64(whole)); order != 0 {
		return order, true
	}
	return cmp.Compare(whole, f), true
}
