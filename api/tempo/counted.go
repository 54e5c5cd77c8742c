package tempo

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

// How many spans there are by service, name, kind and status, and how long they take, is counted by the minute, so most
// functions of spans by these need no look at traces. Where the counts are of so few spans that traces are read quickly, these
// answer: a span that starts in the very nanosecond in which a step begins is in the step before, which microseconds do not tell.

// countedFrom is from how many spans on that would be read counts answer.
const countedFrom = 5_000

// countsAtOnce bounds the queries that make series of counts at a time.
const countsAtOnce = 2

// countedPart is a part of a metrics query that counts answer.
type countedPart struct {
	by     []traceql.Field
	volume query.SpanVolume
}

// countedOf says whether counts may answer a part of a query.
func countedOf(q *traceql.MetricsQuery, w eval.Window) (c countedPart, ok bool) {
	if !eval.Countable(q.Function) || len(q.Pipeline) != 1 || w.StepNanos%1000 != 0 || w.FirstNanos%1000 != 0 {
		return c, false
	}
	filter, ok := q.Pipeline[0].(traceql.Filter)
	if !ok {
		return c, false
	}
	for _, e := range q.By {
		f, ok := e.(traceql.Field)
		if !ok || f.Parent || !setDimension(&c.volume.By, f) {
			return c, false
		}
		c.by = append(c.by, f)
	}
	var err error
	if c.volume.Condition, err = eval.Condition(filter); err != nil {
		return c, false
	}
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
func (h *handler) counted(ctx context.Context, parsed *traceql.Query, w eval.Window, exemplars int) (series []eval.Series, ok bool, err error) {
	metrics, err := eval.NewMetrics(parsed, w, exemplars, gathered)
	if err != nil {
		return nil, false, err
	}
	parts := metrics.Parts()
	counted := make([]countedPart, len(parts))
	for i := range parts {
		if counted[i], ok = countedOf(&parts[i], w); !ok {
			return nil, false, nil
		}
	}
	leave, err := waitFor(ctx, h.counting)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	spans := int64(0)
	for i := range counted {
		found, ok, err := h.countPart(ctx, metrics, i, &counted[i])
		if err != nil || !ok {
			return nil, false, err
		}
		spans = max(spans, found)
	}
	if spans < h.countedFrom {
		if few, err := h.readQuickly(ctx, parsed, w); err != nil || few {
			return nil, false, err
		}
	}
	if metrics.Exemplars() > 0 {
		for i := range counted {
			if err := h.addExemplars(ctx, metrics, i, &counted[i]); err != nil {
				return nil, false, err
			}
		}
	}
	return metrics.Series(), true, nil
}

// readQuickly says whether the traces that a query may be about have few spans.
func (h *handler) readQuickly(ctx context.Context, parsed *traceql.Query, w eval.Window) (bool, error) {
	asked, err := tracesOf(parsed, w)
	if err != nil {
		return false, err
	}
	spans := int64(0)
	for {
		page, next, err := h.Reader.Traces(ctx, asked)
		if err != nil {
			return false, err
		}
		for i := range page {
			spans += int64(page[i].SpanCount)
		}
		if spans >= h.countedFrom || next == "" {
			return spans < h.countedFrom, nil
		}
		asked.Cursor = next
	}
}

// countPart adds what is counted for a part, and says of how many spans. It is not ok where that is not all.
func (h *handler) countPart(ctx context.Context, metrics *eval.Metrics, part int, c *countedPart) (spans int64, ok bool, err error) {
	found, err := h.Reader.SpanVolume(ctx, c.volume)
	if errors.Is(err, plait.ErrInvalid) || errors.Is(err, plait.ErrTooLarge) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	for i := range found.Groups {
		g := &found.Groups[i]
		if c.volume.By.Service && g.Service == plait.ServiceUnknown {
			return 0, false, nil // of spans whose resource has no name, or this one
		}
		labels := c.labels(g)
		for s := range g.Steps {
			spans += g.Steps[s].Count
			if err := metrics.AddCounts(part, labels, &g.Steps[s]); err != nil {
				return 0, false, err
			}
		}
	}
	return spans, found.Unnamed == 0, nil
}

// labels are those of a group.
func (c *countedPart) labels(g *query.SpanVolumeGroup) []plait.Value {
	labels := make([]plait.Value, len(c.by))
	for i, f := range c.by {
		text := g.Service
		switch f.Intrinsic() {
		case traceql.Name:
			text = g.Name
		case traceql.Kind:
			text = g.Kind.String()
		case traceql.Status:
			text = g.Status.String()
		default:
		}
		labels[i] = plait.StringValue(text)
	}
	return labels
}

// Exemplars come from so many parts of the range, and of each from so many traces, the newest of the part.
const (
	exemplarParts  = 10
	exemplarTraces = 10
)

// addExemplars gives the series of a part some of the spans that they count, from all of the range.
func (h *handler) addExemplars(ctx context.Context, metrics *eval.Metrics, part int, c *countedPart) error {
	r := c.volume.Range
	length := r.To.Sub(r.From) / exemplarParts
	for range exemplarParts {
		within := plait.TimeRange{From: r.From, To: r.From.Add(length)}
		r.From = within.To
		bounded, release := h.Memory.Begin(ctx)
		var bad error
		err := h.newest(bounded, within, c.volume.Condition, exemplarTraces, func(s *plait.Span) bool {
			bad = metrics.AddExemplar(part, &condition.SpanView{Span: s})
			return bad == nil
		})
		release()
		if err = cmp.Or(bad, err); err != nil {
			return err
		}
	}
	return nil
}
