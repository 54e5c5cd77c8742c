package tempo

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

// How many spans there are by service, name, kind and status is counted by the minute, so rate() and count_over_time() by
// these need no look at traces. Where the counts are of so few spans that traces are read quickly, these answer: a span that
// starts in the very nanosecond in which a step begins is in the step before, which microseconds do not tell.

// countedFrom is from how many spans on counts answer.
const countedFrom = 5_000

// countedQuery is a metrics query that counts answer.
type countedQuery struct {
	filter  condition.Node
	perStep float64 // what a span counts
	by      []traceql.Expression
	volume  query.SpanVolume
}

// countedOf says whether counts may answer a query.
func countedOf(m traceql.Metrics, w eval.Window) (c countedQuery, ok bool) {
	q, ok := m.(traceql.MetricsQuery)
	if !ok || len(q.Pipeline) != 1 || len(q.Then) > 0 || w.StepNanos%1000 != 0 || w.FirstNanos%1000 != 0 {
		return c, false
	}
	filter, ok := q.Pipeline[0].(traceql.Filter)
	if !ok {
		return c, false
	}
	switch q.Function.Op {
	case traceql.Rate:
		c.perStep = 1 / time.Duration(w.StepNanos).Seconds()
	case traceql.CountOverTime:
		c.perStep = 1
	default:
		return c, false
	}
	for _, e := range q.By {
		f, ok := e.(traceql.Field)
		if !ok || f.Parent || !setDimension(&c.volume.By, f) {
			return c, false
		}
	}
	var err error
	if c.filter, err = eval.Condition(filter); err != nil {
		return c, false
	}
	c.by = q.By
	c.volume.Condition = c.filter
	c.volume.Steps = query.Steps{
		Range:  plait.TimeRange{From: time.Unix(0, w.FirstNanos-w.StepNanos), To: time.Unix(0, w.SampleNanos(w.Samples-1))},
		Length: time.Duration(w.StepNanos),
		// The one step of an instant query begins where the range does, which is seldom a multiple of its length.
		Aligned: w.FirstNanos%w.StepNanos == 0,
	}
	return c, true
}

// setDimension adds a field to the dimensions, if it is one.
func setDimension(by *query.SpanDimensions, f traceql.Field) bool {
	switch {
	case f == traceql.Field{Scope: traceql.ScopeResource, Name: "service.name"}:
		by.Service = true
	case f.Intrinsic() == traceql.Name:
		by.Name = true
	case f.Intrinsic() == traceql.Kind:
		by.Kind = true
	case f.Intrinsic() == traceql.Status:
		by.Status = true
	default:
		return false
	}
	return true
}

// counted answers a query from counts, or says that they cannot.
func (h *handler) counted(ctx context.Context, parsed *traceql.Query, w eval.Window) (series []eval.Series, ok bool, err error) {
	c, ok := countedOf(parsed.Metrics, w)
	if !ok {
		return nil, false, nil
	}
	found, err := h.Reader.SpanVolume(ctx, c.volume)
	if errors.Is(err, plait.ErrInvalid) || errors.Is(err, plait.ErrTooLarge) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	spans := int64(0)
	for i := range found.Groups {
		g := &found.Groups[i]
		if c.volume.By.Service && g.Service == plait.ServiceUnknown {
			return nil, false, nil // of spans whose resource has no name, or this one
		}
		one := eval.Series{Labels: c.labels(parsed, g), Values: make([]float64, w.Samples)}
		for s := range g.Steps {
			spans += g.Steps[s].Count
			one.Values[g.Steps[s].Index] = float64(g.Steps[s].Count) * c.perStep
		}
		series = append(series, one)
	}
	return series, found.Unnamed == 0 && spans >= h.countedFrom, nil
}

// labels are those of a group, as the query spells them.
func (c *countedQuery) labels(parsed *traceql.Query, g *query.SpanVolumeGroup) (labels plait.Attributes) {
	for _, e := range c.by {
		f, _ := e.(traceql.Field)
		value := g.Service
		switch f.Intrinsic() {
		case traceql.Name:
			value = g.Name
		case traceql.Kind:
			value = g.Kind.String()
		case traceql.Status:
			value = g.Status.String()
		default:
		}
		labels = append(labels, plait.Attribute{Key: e.String(), Value: plait.StringValue(value)})
	}
	if labels == nil {
		q, _ := parsed.Metrics.(traceql.MetricsQuery)
		labels = plait.Attributes{{Key: "__name__", Value: plait.StringValue(string(q.Function.Op))}}
	}
	return labels
}

// addExemplars gives series the newest spans that they count: at most so many, with the value of their sample.
func (h *handler) addExemplars(ctx context.Context, parsed *traceql.Query, series []eval.Series, w eval.Window, most int) error {
	c, _ := countedOf(parsed.Metrics, w)
	spans, err := h.newestWithin(ctx, c.volume.Range, c.filter, tracesForValues)
	if err != nil {
		return err
	}
	for i := range spans[:min(len(spans), most)] {
		s := &spans[i]
		g := query.SpanVolumeGroup{Service: s.Resource.Service(), Name: s.Name, Kind: s.Kind, Status: s.Status}
		at := slices.IndexFunc(series, func(one eval.Series) bool { return slices.Equal(one.Labels, c.labels(parsed, &g)) })
		step := (s.StartNanos - (w.FirstNanos - w.StepNanos)) / w.StepNanos
		if at >= 0 && step >= 0 && step < int64(w.Samples) {
			series[at].Exemplars = append(series[at].Exemplars, eval.Exemplar{TraceID: s.TraceID, SpanID: s.SpanID, Nanos: s.StartNanos, Value: series[at].Values[step]})
		}
	}
	return nil
}
