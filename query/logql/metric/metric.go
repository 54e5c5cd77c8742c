// Package metric evaluates LogQL's metric queries over entries that come in the order of their time. It
// keeps of them only sums of the intervals between the edges of ranges, so that memory grows with series
// and steps, which have limits, and not with entries (but for quantile_over_time).
package metric

import (
	"context"
	"math"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
	"github.com/plaithq/plait/query/logql/pipeline"
)

// Source gives the entries that a log query's selector fits, oldest first, whose time is after one and not
// after another (nanoseconds since 1970).
type Source interface {
	Entries(ctx context.Context, of logql.Log, after, upTo int64, yield func(*pipeline.Entry) error) error
}

// Times are when a query is evaluated: at Start, and every Step up to End. An instant query has End = Start.
type Times struct{ Start, End, Step int64 }

// Limits of one evaluation.
const (
	maxSteps     = 11_000
	maxPoints    = 4_000_000 // of all series of one part of the query
	maxValues    = 4_000_000 // that quantiles keep
	maxIntervals = 500_000   // of about 120 bytes, between the edges of ranges
)

// Series is one series of a result. Points lie where Has is true.
type Series struct {
	Labels plait.Labels
	Values []float64 // one a step
	Has    []bool
}

// Result is a matrix, or a scalar for a query that has no series.
type Result struct {
	Series []Series
	Scalar bool // one series without labels that has a value at every step
}

// Evaluate answers a metric query. At most maxSeries series come out, and a query with more is
// plait.ErrTooLarge. A query that cannot be answered over these entries is plait.ErrInvalid.
func Evaluate(ctx context.Context, e logql.Expr, times Times, maxSeries int, from Source) (Result, error) {
	if times.End < times.Start || times.End > times.Start && times.Step <= 0 {
		return Result{}, plait.Errorf(plait.ErrInvalid, "the end lies before the start, or the step is not above 0")
	}
	ev := &evaluation{ctx: ctx, times: times, steps: 1, from: from}
	if times.End > times.Start {
		ev.steps = 1 + int(min((times.End-times.Start)/times.Step, maxSteps))
	}
	if ev.steps > maxSteps {
		return Result{}, plait.Errorf(plait.ErrTooLarge, "the query has more than %d steps, make them longer", maxSteps)
	}
	r, err := ev.expression(e)
	if err == nil && len(r.Series) > maxSeries {
		err = plait.Errorf(plait.ErrTooLarge, "the query has %d series, the limit is %d: aggregate by fewer labels", len(r.Series), maxSeries)
	}
	return r, err
}

type evaluation struct {
	ctx   context.Context
	times Times
	steps int
	from  Source
}

func (ev *evaluation) at(step int) int64 { return ev.times.Start + int64(step)*ev.times.Step }

// room says whether so many series have room.
func (ev *evaluation) room(series int) error {
	if series*ev.steps > maxPoints {
		return plait.Errorf(plait.ErrTooLarge, "a part of the query has more than %d series at %d steps: aggregate by fewer labels", maxPoints/ev.steps, ev.steps)
	}
	return nil
}

func (ev *evaluation) expression(e logql.Expr) (Result, error) {
	switch e := e.(type) {
	case logql.Literal:
		return ev.constant(e.Value, true), nil
	case logql.Vector:
		return ev.constant(e.Value, false), nil
	case logql.Range:
		return ev.rangeOf(e)
	case logql.Aggregation:
		return ev.aggregation(e)
	case logql.LabelReplace:
		return ev.labelReplace(e)
	case logql.Binary:
		return ev.binary(e)
	}
	return Result{}, plait.Errorf(plait.ErrInvalid, "want a metric query, as rate({service_name=\"cart\"}[5m]), not a log query")
}

func (ev *evaluation) constant(v float64, scalar bool) Result {
	s := ev.series(nil)
	for i := range s.Values {
		s.Values[i], s.Has[i] = v, true
	}
	return Result{Series: []Series{*s}, Scalar: scalar}
}

func (ev *evaluation) series(labels plait.Labels) *Series {
	return &Series{Labels: labels, Values: make([]float64, ev.steps), Has: make([]bool, ev.steps)}
}

// total is what a range aggregation needs of the entries of an interval.
type total struct {
	count, sum, least, most float64
	first, last             float64
	firstAt, lastAt         int64
	fallen                  float64 // what a counter lost when it started anew
	mean, squares           float64 // Welford's
	values                  []float64
}

func (t *total) add(at int64, v float64, keep bool) {
	if t.count == 0 {
		*t = total{least: v, most: v, first: v, firstAt: at, last: v, values: t.values[:0]}
	}
	if v < t.last {
		t.fallen += t.last
	}
	t.count++
	t.sum += v
	t.least, t.most = min(t.least, v), max(t.most, v)
	t.last, t.lastAt = v, at
	d := v - t.mean
	t.mean += d / t.count
	t.squares += d * (v - t.mean)
	if keep {
		t.values = append(t.values, v)
	}
}

// join adds a later interval.
func (t *total) join(o *total) {
	if o.count == 0 {
		return
	}
	if t.count == 0 {
		values := append(t.values[:0], o.values...)
		*t = *o
		t.values = values
		return
	}
	if o.first < t.last {
		t.fallen += t.last
	}
	t.fallen += o.fallen
	d, n := o.mean-t.mean, t.count+o.count
	t.squares += o.squares + d*d*t.count*o.count/n
	t.mean += d * o.count / n
	t.count = n
	t.sum += o.sum
	t.least, t.most = min(t.least, o.least), max(t.most, o.most)
	t.last, t.lastAt = o.last, o.lastAt
	t.values = append(t.values, o.values...)
}

// value is a range aggregation over the entries of a range that ends at a time.
func (t *total) value(r *logql.Range, end int64) float64 {
	seconds := r.Interval.Seconds()
	switch r.Op {
	case logql.Rate:
		if r.Unwrap != nil {
			return t.sum / seconds
		}
		return t.count / seconds
	case logql.CountOverTime:
		return t.count
	case logql.BytesRate:
		return t.sum / seconds
	case logql.AvgOverTime:
		return t.sum / t.count
	case logql.MinOverTime:
		return t.least
	case logql.MaxOverTime:
		return t.most
	case logql.StddevOverTime:
		return math.Sqrt(t.squares / t.count)
	case logql.StdvarOverTime:
		return t.squares / t.count
	case logql.QuantileOverTime:
		return quantile(r.Parameter, t.values)
	case logql.FirstOverTime:
		return t.first
	case logql.LastOverTime:
		return t.last
	case logql.RateCounter:
		return t.counterRate(end-int64(r.Interval), end) / seconds
	}
	return t.sum // bytes_over_time, sum_over_time
}

// counterRate extrapolates the increase of a counter to the edges of its range, as Prometheus's rate does.
func (t *total) counterRate(start, end int64) float64 {
	if t.count < 2 || t.lastAt == t.firstAt {
		return 0
	}
	increase := t.last - t.first + t.fallen
	sampled := time.Duration(t.lastAt - t.firstAt).Seconds()
	before, after := time.Duration(t.firstAt-start).Seconds(), time.Duration(end-t.lastAt).Seconds()
	between := sampled / (t.count - 1)
	if before >= between*1.1 {
		before = between / 2
	}
	if increase > 0 && t.first >= 0 {
		before = min(before, sampled*(t.first/increase))
	}
	if after >= between*1.1 {
		after = between / 2
	}
	return increase * (sampled + before + after) / sampled
}
