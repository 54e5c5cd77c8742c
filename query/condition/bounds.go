package condition

import "math"

// Bounds returns between which numbers, both included, the value of a field that has one number lies in all
// rows that fit: the time that has to be read, or the least duration for an index. They are the whole range
// of int64 where the condition says nothing, and least is more than most where it can fit nothing. What
// stands in HasSpan is said of other rows and not looked at. A simplified condition tells more.
func Bounds(n Node, f Field) (least, most int64) {
	least, most = math.MinInt64, math.MaxInt64
	switch n := n.(type) {
	case Const:
		if !n {
			return most, least
		}
	case Leaf:
		if n.Field == f && f.single() && n.Value.numeric() {
			return n.bounds()
		}
	case And:
		for _, each := range n {
			from, to := Bounds(each, f)
			least, most = max(least, from), min(most, to)
		}
	case Or:
		least, most = most, least
		for _, each := range n {
			if from, to := Bounds(each, f); from <= to {
				least, most = min(least, from), max(most, to)
			}
		}
	}
	return least, most
}

// bounds are those of a comparison with a number. A fraction is between two of them.
func (l Leaf) bounds() (least, most int64) {
	below, above, whole := l.Value.Int64(), l.Value.Int64(), true
	if l.Value.typ == TypeFloat {
		if l.Value.isNaN() {
			return math.MaxInt64, math.MinInt64
		}
		f := l.Value.Float64()
		below, above = clamped(math.Floor(f)), clamped(math.Ceil(f))
		whole = f == math.Trunc(f) && f >= -1<<63 && f < 1<<63
	}
	switch l.Op {
	case OpEqual:
		return below, above
	case OpLess, OpLessOrEqual:
		if l.Op == OpLess && whole && below > math.MinInt64 {
			below--
		}
		return math.MinInt64, below
	case OpGreater, OpGreaterOrEqual:
		if l.Op == OpGreater && whole && above < math.MaxInt64 {
			above++
		}
		return above, math.MaxInt64
	}
	return math.MinInt64, math.MaxInt64
}

// clamped is the integer that a double is, or the end of the range beyond which it lies.
func clamped(f float64) int64 {
	switch {
	case f >= 1<<63:
		return math.MaxInt64
	case f < -1<<63:
		return math.MinInt64
	}
	return int64(f)
}
