package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"github.com/plaithq/plait"
)

// What queries take of the memory is bounded for all of them together. Nearly all are small, and
// several run at once. One that turns out to need more is begun again among the large ones, of which
// one runs at a time. A query keeps its place until its answer is sent.
const (
	smallAtOnce  = 8
	smallSamples = 500_000 // of 16 bytes
	smallPage    = 1 << 20 // see Storage.Limited
	smallAnswer  = 4 << 20

	largeAtOnce = 1
	largePage   = 12 << 20
	maxAnswer   = 32 << 20 // as JSON
)

// class is some of the queries.
type class struct {
	engine  *promql.Engine
	storage storage.Queryable
	answer  int // bytes
	slots   chan struct{}
}

// engines is a promql.QueryEngine of two.
type engines struct{ small, large class }

// newEngines makes the engines, on storages for pages of so many bytes.
func newEngines(queryable func(pageBytes int) storage.Queryable, o promql.EngineOpts) *engines {
	large := o
	large.Reg = nil // every query is counted among the small ones
	o.MaxSamples = min(o.MaxSamples, smallSamples)
	return &engines{
		small: class{promql.NewEngine(o), queryable(smallPage), smallAnswer, make(chan struct{}, smallAtOnce)},
		large: class{promql.NewEngine(large), queryable(largePage), maxAnswer, make(chan struct{}, largeAtOnce)},
	}
}

// NewInstantQuery implements promql.QueryEngine. It reads the storage that it was made with.
func (e *engines) NewInstantQuery(ctx context.Context, _ storage.Queryable, opts promql.QueryOpts, text string, at time.Time) (promql.Query, error) {
	return e.newQuery(func(c *class) (promql.Query, error) {
		return c.engine.NewInstantQuery(ctx, c.storage, opts, text, at)
	})
}

// NewRangeQuery implements promql.QueryEngine. It reads the storage that it was made with.
func (e *engines) NewRangeQuery(ctx context.Context, _ storage.Queryable, opts promql.QueryOpts, text string, start, end time.Time, step time.Duration) (promql.Query, error) {
	return e.newQuery(func(c *class) (promql.Query, error) {
		return c.engine.NewRangeQuery(ctx, c.storage, opts, text, start, end, step)
	})
}

func (e *engines) newQuery(in func(*class) (promql.Query, error)) (promql.Query, error) {
	q, err := in(&e.small)
	if err != nil {
		return nil, err
	}
	return &query{Query: q, engines: e, in: in}, nil
}

// query is a promql.Query that begins as a small one.
type query struct {
	promql.Query
	engines *engines
	in      func(*class) (promql.Query, error) // makes it again
	slots   chan struct{}                      // nil when it has no place
}

// Exec implements promql.Query.
func (q *query) Exec(ctx context.Context) *promql.Result {
	result := q.exec(ctx, &q.engines.small)
	if !tooLarge(result.Err) {
		return result
	}
	q.Close()
	again, err := q.in(&q.engines.large)
	if err != nil {
		return &promql.Result{Err: err}
	}
	q.Query = again
	return q.exec(ctx, &q.engines.large)
}

func (q *query) exec(ctx context.Context, c *class) *promql.Result {
	if err := acquire(ctx, c.slots); err != nil {
		return &promql.Result{Err: err}
	}
	q.slots = c.slots
	result := q.Query.Exec(ctx)
	if stored, ok := errors.AsType[promql.ErrStorage](result.Err); ok && tooLarge(stored.Err) {
		result.Err = stored.Err // it is the query that is wrong, not the database
	}
	if result.Err == nil && answerBytes(result.Value) > c.answer {
		return &promql.Result{Warnings: result.Warnings, Err: plait.Errorf(plait.ErrTooLarge,
			"the answer would have more than %d MiB: ask for fewer series, for less time, or with a larger step", c.answer>>20)}
	}
	return result
}

// Close implements promql.Query.
func (q *query) Close() {
	q.Query.Close()
	if q.slots != nil {
		<-q.slots
		q.slots = nil
	}
}

func tooLarge(err error) bool {
	_, samples := errors.AsType[promql.ErrTooManySamples](err)
	return samples || errors.Is(err, plait.ErrTooLarge)
}

// acquire waits for a place among others.
func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for other queries to end: %w", ctx.Err())
	}
}

// What a value takes as JSON, about: a series beside its labels, a float with its time, a histogram
// without buckets, a bucket.
const (
	jsonSeriesBytes    = 64
	jsonFloatBytes     = 36
	jsonHistogramBytes = 128
	jsonBucketBytes    = 64
)

// answerBytes is about how large an answer is as JSON.
func answerBytes(v parser.Value) (n int) {
	switch v := v.(type) {
	case promql.Matrix:
		for i := range v {
			n += jsonSeriesBytes + int(v[i].Metric.ByteSize()) + jsonFloatBytes*len(v[i].Floats)
			for _, p := range v[i].Histograms {
				n += jsonHistogramBytes + jsonBucketBytes*(1+len(p.H.PositiveBuckets)+len(p.H.NegativeBuckets))
			}
		}
	case promql.Vector:
		for i := range v {
			n += jsonSeriesBytes + int(v[i].Metric.ByteSize()) + jsonFloatBytes
			if h := v[i].H; h != nil {
				n += jsonHistogramBytes + jsonBucketBytes*(1+len(h.PositiveBuckets)+len(h.NegativeBuckets))
			}
		}
	}
	return n
}

// Lists of series, labels, exemplars and metadata take up to eight pages and their JSON each.
const (
	listsAtOnce = 2
	listPage    = 4 << 20
)

// atOnce lets so many requests through at a time; the others wait.
func atOnce(slots chan struct{}, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := acquire(r.Context(), slots); err != nil {
			answer(w, http.StatusServiceUnavailable, envelope{Status: "error", ErrorType: "unavailable", Error: err.Error()})
			return
		}
		defer func() { <-slots }()
		next.ServeHTTP(w, r)
	})
}
