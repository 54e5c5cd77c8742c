package metric

import (
	"math"
	"regexp"
	"slices"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
)

func (ev *evaluation) aggregation(a logql.Aggregation) (Result, error) {
	group := a.Grouping
	if group == nil {
		group = &logql.Grouping{}
	}
	if r, ok := a.Of.(logql.Range); ok && a.Op == logql.Sum && additive(r.Op) {
		return ev.grouped(r, group) // the sum of sums: no series in between, of which there may be many
	}
	of, err := ev.expression(a.Of)
	if err != nil {
		return Result{}, err
	}
	switch a.Op {
	case logql.Sort, logql.SortDesc:
		return Result{Series: ranked(of.Series, a.Op == logql.SortDesc)}, nil
	case logql.TopK, logql.BottomK:
		return ev.best(a, group, of), nil
	}
	type member struct {
		out    *Series
		totals []total
	}
	groups := map[string]*member{}
	var order []*member
	for _, s := range of.Series {
		labels := groupedLabels(s.Labels, group)
		g := groups[keyOf(labels)]
		if g == nil {
			g = &member{ev.series(labels), make([]total, ev.steps)}
			groups[keyOf(labels)] = g
			order = append(order, g)
		}
		for i, has := range s.Has {
			if has {
				g.totals[i].add(0, s.Values[i], false)
			}
		}
	}
	var r Result
	for _, g := range order {
		for i := range g.totals {
			if t := &g.totals[i]; t.count > 0 {
				g.out.Values[i], g.out.Has[i] = aggregated(a.Op, t), true
			}
		}
		r.Series = append(r.Series, *g.out)
	}
	return r, nil
}

// additive says whether the sum of series is the value of all their entries together.
func additive(op logql.RangeOp) bool {
	switch op {
	case logql.Rate, logql.CountOverTime, logql.BytesRate, logql.BytesOverTime, logql.SumOverTime:
		return true
	}
	return false
}

func groupedLabels(all plait.Labels, g *logql.Grouping) plait.Labels {
	var kept plait.Labels
	for _, l := range all {
		if grouped(g, l.Name) {
			kept = append(kept, l)
		}
	}
	return kept
}

func aggregated(op logql.VectorOp, t *total) float64 {
	switch op {
	case logql.Avg:
		return t.sum / t.count
	case logql.Min:
		return t.least
	case logql.Max:
		return t.most
	case logql.Count:
		return t.count
	case logql.Stddev:
		return math.Sqrt(t.squares / t.count)
	case logql.Stdvar:
		return t.squares / t.count
	}
	return t.sum
}

// ranked orders series by their last value.
func ranked(all []Series, descending bool) []Series {
	last := func(s *Series) float64 { return s.Values[len(s.Values)-1] }
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Series) int { return compare(last(&a), last(&b), descending) })
	return all
}

func compare(a, b float64, descending bool) int {
	switch {
	case a == b:
		return 0
	case (a < b) != descending:
		return -1
	}
	return 1
}

// best chooses the k greatest or least of each group, anew at each step.
func (ev *evaluation) best(a logql.Aggregation, group *logql.Grouping, of Result) Result {
	descending := a.Op == logql.TopK
	groups := map[string][]int{}
	for i, s := range of.Series {
		key := keyOf(groupedLabels(s.Labels, group))
		groups[key] = append(groups[key], i)
	}
	out := make([]Series, len(of.Series))
	for i, s := range of.Series {
		out[i] = *ev.series(s.Labels)
	}
	for step := range ev.steps {
		for _, members := range groups {
			there := slices.DeleteFunc(slices.Clone(members), func(i int) bool { return !of.Series[i].Has[step] })
			slices.SortStableFunc(there, func(x, y int) int { return compare(of.Series[x].Values[step], of.Series[y].Values[step], descending) })
			for _, i := range there[:min(a.K, len(there))] {
				out[i].Values[step], out[i].Has[step] = of.Series[i].Values[step], true
			}
		}
	}
	out = slices.DeleteFunc(out, func(s Series) bool { return !slices.Contains(s.Has, true) })
	return Result{Series: ranked(out, descending)}
}

func (ev *evaluation) labelReplace(l logql.LabelReplace) (Result, error) {
	of, err := ev.expression(l.Of)
	if err != nil {
		return Result{}, err
	}
	re, err := regexp.Compile("^(?s:" + l.Regexp + ")$")
	if err != nil {
		return Result{}, plait.Errorf(plait.ErrInvalid, "label_replace: %w", err)
	}
	seen := map[string]bool{}
	for i, s := range of.Series {
		value := s.Labels.Get(l.Source)
		if at := re.FindStringSubmatchIndex(value); at != nil {
			of.Series[i].Labels = with(s.Labels, l.Destination, string(re.ExpandString(nil, l.Replacement, value, at)))
		}
		key := keyOf(of.Series[i].Labels)
		if seen[key] {
			return Result{}, plait.Errorf(plait.ErrInvalid, "label_replace gives two series the same labels")
		}
		seen[key] = true
	}
	return Result{Series: of.Series}, nil
}

// with is labels with one of another value, without it if the value is empty.
func with(all plait.Labels, name, value string) plait.Labels {
	all = slices.DeleteFunc(slices.Clone(all), func(l plait.Label) bool { return l.Name == name })
	if value != "" {
		all = append(all, plait.Label{Name: name, Value: value})
	}
	return sorted(all)
}
