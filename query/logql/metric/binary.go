package metric

import (
	"math"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
)

func (ev *evaluation) binary(b logql.Binary) (Result, error) {
	left, err := ev.expression(b.Left)
	if err != nil {
		return Result{}, err
	}
	right, err := ev.expression(b.Right)
	if err != nil {
		return Result{}, err
	}
	switch {
	case b.Op.Combines():
		return ev.combine(b, left, right), nil
	case left.Scalar || right.Scalar:
		return ev.withScalar(b, left, right), nil
	}
	return ev.match(b, left, right)
}

// operate computes one value; a comparison that does not hold has none, unless it gives 1 or 0.
func operate(b logql.Binary, truth bool, x, y, kept float64) (float64, bool) {
	switch b.Op {
	case logql.OpAdd:
		return x + y, true
	case logql.OpSubtract:
		return x - y, true
	case logql.OpMultiply:
		return x * y, true
	case logql.OpDivide:
		return x / y, true
	case logql.OpModulo:
		return math.Mod(x, y), true
	case logql.OpPower:
		return math.Pow(x, y), true
	}
	holds := map[logql.CompareOp]bool{logql.Equal: x == y, logql.NotEqual: x != y, logql.Less: x < y, logql.LessOrEqual: x <= y,
		logql.Greater: x > y, logql.GreaterOrEqual: x >= y}[logql.CompareOp(b.Op)]
	if !truth {
		return kept, holds
	}
	if holds {
		return 1, true
	}
	return 0, true
}

func (ev *evaluation) withScalar(b logql.Binary, left, right Result) Result {
	r := Result{Scalar: left.Scalar && right.Scalar}
	of := left.Series
	if left.Scalar {
		of = right.Series
	}
	for _, s := range of {
		out := ev.series(s.Labels)
		for i, has := range s.Has {
			if !has {
				continue
			}
			x, y := s.Values[i], right.Series[0].Values[i]
			if left.Scalar {
				x, y = left.Series[0].Values[i], s.Values[i]
			}
			out.Values[i], out.Has[i] = operate(b, b.Bool || r.Scalar, x, y, s.Values[i])
		}
		r.Series = appendThere(r.Series, out)
	}
	return r
}

func appendThere(all []Series, s *Series) []Series {
	if slices.Contains(s.Has, true) {
		return append(all, *s)
	}
	return all
}

// matched are the labels by which series of two sides belong together.
func matched(m *logql.Matching, l plait.Labels) plait.Labels {
	if m == nil {
		return l
	}
	return groupedLabels(l, &logql.Grouping{Without: !m.On, Labels: m.Labels})
}

func (ev *evaluation) combine(b logql.Binary, left, right Result) Result {
	// has are the steps at which some series of a side has a value, by what it is matched by.
	has := func(of []Series) map[string][]bool {
		m := map[string][]bool{}
		for _, s := range of {
			key := keyOf(matched(b.Matching, s.Labels))
			if m[key] == nil {
				m[key] = make([]bool, ev.steps)
			}
			for i, h := range s.Has {
				m[key][i] = m[key][i] || h
			}
		}
		return m
	}
	var r Result
	filter := func(of []Series, other map[string][]bool, want bool) {
		for _, s := range of {
			there := other[keyOf(matched(b.Matching, s.Labels))]
			out := &Series{Labels: s.Labels, Values: s.Values, Has: make([]bool, ev.steps)}
			for i, h := range s.Has {
				out.Has[i] = h && (there != nil && there[i]) == want
			}
			r.Series = appendThere(r.Series, out)
		}
	}
	switch b.Op {
	case logql.OpAnd:
		filter(left.Series, has(right.Series), true)
	case logql.OpUnless:
		filter(left.Series, has(right.Series), false)
	default:
		r.Series = slices.Clone(left.Series)
		filter(right.Series, has(left.Series), false)
		r.Series = ev.joined(r.Series)
	}
	return r
}

// joined puts series of the same labels together, which have values at different steps.
func (ev *evaluation) joined(all []Series) []Series {
	at := map[string]int{}
	var out []Series
	for _, s := range all {
		key := keyOf(s.Labels)
		i, twice := at[key]
		if !twice {
			at[key] = len(out)
			out = append(out, Series{s.Labels, slices.Clone(s.Values), slices.Clone(s.Has)})
			continue
		}
		for step, h := range s.Has {
			if h && !out[i].Has[step] {
				out[i].Values[step], out[i].Has[step] = s.Values[step], true
			}
		}
	}
	return out
}

// match computes with the pairs of series that belong together, step by step.
func (ev *evaluation) match(b logql.Binary, left, right Result) (Result, error) {
	many, one, swapped := left.Series, right.Series, false
	grouping := b.Matching != nil && b.Matching.Many != logql.NoSide
	if grouping && b.Matching.Many == logql.RightSide {
		many, one, swapped = right.Series, left.Series, true
	}
	ones := map[string][]Series{}
	for _, s := range one {
		key := keyOf(matched(b.Matching, s.Labels))
		ones[key] = append(ones[key], s)
	}
	results := map[string]*Series{}
	var order []*Series
	for _, m := range many {
		key := keyOf(matched(b.Matching, m.Labels))
		for _, o := range ones[key] {
			labels := ev.resultLabels(b, m.Labels, o.Labels, grouping)
			out := results[keyOf(labels)]
			if out == nil {
				out = ev.series(labels)
				results[keyOf(labels)] = out
				order = append(order, out)
				if err := ev.room(len(order)); err != nil {
					return Result{}, err
				}
			}
			for i := range out.Has {
				if !m.Has[i] || !o.Has[i] {
					continue
				}
				if out.Has[i] {
					return Result{}, plait.Errorf(plait.ErrInvalid, "several series match one in %s: name labels that tell them apart by on (…), or use group_left or group_right", b.Op)
				}
				x, y := m.Values[i], o.Values[i]
				if swapped {
					x, y = y, x
				}
				out.Values[i], out.Has[i] = operate(b, b.Bool, x, y, x)
			}
		}
	}
	var r Result
	for _, s := range order {
		r.Series = appendThere(r.Series, s)
	}
	return r, nil
}

func (ev *evaluation) resultLabels(b logql.Binary, many, one plait.Labels, grouping bool) plait.Labels {
	if !grouping {
		if b.Op.Compares() && !b.Bool {
			return many
		}
		return matched(b.Matching, many)
	}
	for _, name := range b.Matching.Include {
		many = with(many, name, one.Get(name))
	}
	return many
}
