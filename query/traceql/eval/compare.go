package eval

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
)

// comparison gathers compare(): the values that attributes have in a selection of spans, and in all others.
type comparison struct {
	of       *traceql.Compare
	selected *condition.Spans
	window   Window
	budget   *budget
	sides    [2]map[string]*attributeValues // by the attribute's label, of the baseline and of the selection
}

// attributeValues is what is kept of an attribute.
type attributeValues struct {
	total  []float64 // spans that have it, by sample
	values map[plait.Value]*valueCounts
	// tooMany says that the attribute has more values than are kept: none of them is shown.
	tooMany bool
}

type valueCounts struct {
	counts []float64
	all    float64
}

const (
	baseline  = 0
	selection = 1
	// maxValues bounds the values of an attribute: ids have one for each span, and say nothing when compared.
	maxValues = 10_000
	// maxValueBytes bounds the text of a value that is shown.
	maxValueBytes = 1_024
)

var sideNames = [2]string{"baseline", "selection"}

func newComparison(of *traceql.Compare, m *Metrics, c *compiler) (*comparison, error) {
	selected, err := c.condition(of.Selection)
	if err != nil {
		return nil, err
	}
	return &comparison{of: of, selected: selected, window: m.window, budget: m.budget,
		sides: [2]map[string]*attributeValues{{}, {}}}, nil
}

// add counts a span. What tells single spans apart (ids, times, durations) is not compared.
func (c *comparison) add(v *condition.SpanView, at int) error {
	side, start := baseline, v.Span.StartNanos
	bounded := c.of.StartNanos != 0 || c.of.EndNanos != 0
	if c.selected.Match(v) && (!bounded || start >= c.of.StartNanos && start <= c.of.EndNanos) {
		side = selection
	}
	var err error
	count := func(label string, value plait.Value) {
		if err == nil {
			err = c.count(side, label, value, at)
		}
	}
	s := v.Span
	count("name", plait.StringValue(s.Name))
	count("kind", plait.StringValue(s.Kind.String()))
	count("status", plait.StringValue(s.Status.String()))
	if s.StatusMessage != "" {
		count("statusMessage", plait.StringValue(s.StatusMessage))
	}
	if v.Trace != nil {
		count("rootName", plait.StringValue(v.Trace.RootName))
		count("rootServiceName", plait.StringValue(v.Trace.RootService))
	}
	attributes := func(scope traceql.Scope, of plait.Attributes) {
		for i, a := range of {
			if last, _ := of.Get(a.Key); i > 0 && last != a.Value {
				continue // the last of a key counts
			}
			count(traceql.Field{Scope: scope, Name: a.Key}.String(), a.Value)
		}
	}
	attributes(traceql.ScopeSpan, s.Attributes)
	if s.Resource != nil {
		attributes(traceql.ScopeResource, s.Resource.Attributes)
	}
	attributes(traceql.ScopeScope, scopeOf(s).Attributes)
	return err
}

// count counts one value. Arrays, maps and bytes are no labels, and are left out.
func (c *comparison) count(side int, label string, value plait.Value, at int) error {
	switch value.Kind() {
	case plait.KindString:
		if len(value.Str()) > maxValueBytes {
			return nil
		}
	case plait.KindInt, plait.KindDouble, plait.KindBool:
	default:
		return nil
	}
	a, err := c.attribute(side, label)
	if err != nil {
		return err
	}
	a.total[at]++
	counts, err := c.valueOf(a, value)
	if err != nil || counts == nil {
		return err
	}
	counts.counts[at]++
	counts.all++
	return nil
}

func (c *comparison) attribute(side int, label string) (*attributeValues, error) {
	a := c.sides[side][label]
	if a == nil {
		a = &attributeValues{total: make([]float64, c.window.Samples), values: map[plait.Value]*valueCounts{}}
		c.sides[side][strings.Clone(label)] = a
		return a, c.budget.take(lineBytes + int64(len(label)) + int64(8*c.window.Samples))
	}
	return a, nil
}

// valueOf is nil where the attribute has too many values.
func (c *comparison) valueOf(a *attributeValues, value plait.Value) (*valueCounts, error) {
	counts := a.values[value]
	if counts != nil || a.tooMany {
		return counts, nil
	}
	bytes := lineBytes + int64(len(value.Str())) + int64(8*c.window.Samples)
	if len(a.values) >= maxValues {
		a.tooMany = true
		c.budget.bytes -= bytes * int64(len(a.values)) // about
		a.values = nil
		return nil, nil
	}
	if value.Kind() == plait.KindString {
		value = plait.StringValue(strings.Clone(value.Str()))
	}
	counts = &valueCounts{counts: make([]float64, c.window.Samples)}
	a.values[value] = counts
	return counts, c.budget.take(bytes)
}

func (c *comparison) merge(other *comparison) error {
	for side := range other.sides {
		for label, theirs := range other.sides[side] {
			ours, err := c.attribute(side, label)
			if err != nil {
				return err
			}
			addUp(ours.total, theirs.total)
			if theirs.tooMany {
				ours.tooMany, ours.values = true, nil
			}
			for value, their := range theirs.values {
				counts, err := c.valueOf(ours, value)
				if err != nil {
					return err
				}
				if counts != nil {
					addUp(counts.counts, their.counts)
					counts.all += their.all
				}
			}
		}
	}
	return nil
}

func addUp(to, from []float64) {
	for i := range to {
		to[i] += from[i]
	}
}

// answer makes the series: of each attribute its most frequent values of either side, and its totals.
func (c *comparison) answer() (all []Series) {
	for side := range c.sides {
		labels := make([]string, 0, len(c.sides[side]))
		for label := range c.sides[side] {
			labels = append(labels, label)
		}
		slices.Sort(labels)
		for _, label := range labels {
			a := c.sides[side][label]
			if a.tooMany {
				all = append(all, Series{Values: slices.Clone(a.total), Labels: plait.Attributes{
					{Key: "__meta_type", Value: plait.StringValue(sideNames[side])},
					{Key: "__meta_error", Value: plait.StringValue("__too_many_values__")},
					{Key: label, Value: missing},
				}})
			}
			for _, value := range a.most(c.of.Top) {
				all = append(all, meta(sideNames[side], label, value, a.values[value].counts))
			}
			all = append(all, meta(sideNames[side]+"_total", label, missing, a.total))
		}
	}
	return all
}

func meta(kind, label string, value plait.Value, counts []float64) Series {
	return Series{Values: slices.Clone(counts), Labels: plait.Attributes{
		{Key: "__meta_type", Value: plait.StringValue(kind)}, {Key: label, Value: value},
	}}
}

// most are the most frequent values.
func (a *attributeValues) most(n int) []plait.Value {
	values := make([]plait.Value, 0, len(a.values))
	for value := range a.values {
		values = append(values, value)
	}
	slices.SortFunc(values, func(x, y plait.Value) int {
		return cmp.Or(cmp.Compare(a.values[y].all, a.values[x].all), cmp.Compare(x.Text(), y.Text()), cmp.Compare(x.Kind(), y.Kind()))
	})
	return values[:min(n, len(values))]
}
