package loki

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/metric"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// maxSeries bounds the series of an answer.
const maxSeries = 2_000

// source reads entries for metric queries.
type source struct{ *handler }

// Entries implements metric.Source.
func (s source) Entries(ctx context.Context, of logql.Log, after, upTo int64, yield func(*pipeline.Entry) error) error {
	within := plait.TimeRange{From: time.Unix(0, after+1), To: time.Unix(0, upTo+1)}
	return s.entries(ctx, reading{of: of, within: within, ascending: true, page: maxPage}, yield)
}

// instant answers a query at one time.
func (h *handler) instant(ctx context.Context, q *request) (any, error) {
	e, err := q.expression()
	if err != nil {
		return nil, err
	}
	if _, ok := e.(logql.Log); ok {
		return nil, plait.Errorf(plait.ErrInvalid, "log queries are not answered at one time: ask query_range, or for a metric as count_over_time(… [5m])")
	}
	at, err := q.time("time", q.now)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	r, err := metric.Evaluate(ctx, e, metric.Times{Start: at.UnixNano(), End: at.UnixNano()}, maxSeries, source{h})
	if err != nil {
		return nil, err
	}
	order(e, r.Series)
	if r.Scalar {
		return succeed(resultOf{ResultType: "scalar", Result: sample{at.UnixNano(), r.Series[0].Values[0]}, Stats: statsOf(began, 0, 0)}), nil
	}
	vector := []vectorSample{}
	for _, s := range r.Series {
		if s.Has[0] {
			vector = append(vector, vectorSample{object(s.Labels), sample{at.UnixNano(), s.Values[0]}})
		}
	}
	return succeed(resultOf{ResultType: "vector", Result: vector, Stats: statsOf(began, 0, 0)}), nil
}

// overTime answers a query over a range of time.
func (h *handler) overTime(ctx context.Context, q *request) (any, error) {
	e, err := q.expression()
	if err != nil {
		return nil, err
	}
	step, err := q.step()
	if of, ok := e.(logql.Log); ok {
		return h.streamsOf(ctx, of, q)
	}
	if err != nil {
		return nil, err
	}
	began := time.Now()
	times := stepsOf(q.within, step)
	r, err := metric.Evaluate(ctx, e, times, maxSeries, source{h})
	if err != nil {
		return nil, err
	}
	order(e, r.Series)
	matrix := []matrixSeries{}
	for _, s := range r.Series {
		series := matrixSeries{Metric: object(s.Labels)}
		for i, has := range s.Has {
			if has {
				series.Values = append(series.Values, sample{times.Start + int64(i)*times.Step, s.Values[i]})
			}
		}
		if series.Values != nil {
			matrix = append(matrix, series)
		}
	}
	return succeed(resultOf{ResultType: "matrix", Result: matrix, Stats: statsOf(began, 0, 0)}), nil
}

// countedEvery is how long what is counted lasts: a quarter of a minute.
const countedEvery = 15 * time.Second

// stepsOf is when a query over a range is evaluated: from its start on. Steps of whole quarters of a minute that would begin
// within one are multiples of their length, from the one before the range to the one after it, as Loki's frontend has them: so
// they are answered by what is counted by the quarter.
func stepsOf(within plait.TimeRange, step time.Duration) metric.Times {
	t := metric.Times{Start: within.From.UnixNano(), End: within.To.UnixNano(), Step: int64(step)}
	if step%countedEvery == 0 && t.Start%int64(countedEvery) != 0 {
		t.Start -= ((t.Start % t.Step) + t.Step) % t.Step
		t.End += ((-t.End % t.Step) + t.Step) % t.Step
	}
	return t
}

// order sorts series by their labels, so that an answer is the same each time, unless the query says how.
func order(e logql.Expr, all []metric.Series) {
	if a, ok := e.(logql.Aggregation); ok {
		switch a.Op {
		case logql.Sort, logql.SortDesc, logql.TopK, logql.BottomK:
			return
		}
	}
	slices.SortStableFunc(all, func(a, b metric.Series) int {
		return slices.CompareFunc(a.Labels, b.Labels, func(a, b plait.Label) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
		})
	})
}
