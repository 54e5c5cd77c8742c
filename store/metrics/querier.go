package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/plaithq/plait"
)

// Querier implements storage.Queryable. Times are milliseconds, both ends included.
func (db *DB) Querier(from, to int64) (storage.Querier, error) {
	return &querier{db: db, from: from, to: to}, nil
}

// ChunkQuerier implements storage.ChunkQueryable, which only remote read asks for.
func (db *DB) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	return &chunkQuerier{querier{db: db, from: from, to: to}}, nil
}

// querier answers one query. The head is brought up to date once, by the first Select.
type querier struct {
	db       *DB
	from, to int64

	synced  sync.Once
	syncErr error
}

func (q *querier) sync(ctx context.Context) error {
	q.synced.Do(func() { q.syncErr = q.db.syncHead(ctx) })
	return q.syncErr
}

// Select returns the series that match and have samples in the range.
func (q *querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := q.from, q.to
	if hints != nil && !hints.DisableTrimming {
		from, to = max(from, hints.Start), min(to, hints.End)
	}
	found, err := q.read(ctx, from, to, matchers)
	if err != nil {
		return storage.ErrSeriesSet(kindOf(err))
	}
	if sorted {
		slices.SortFunc(found, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	}
	if hints != nil && hints.Limit > 0 && len(found) > hints.Limit {
		found = found[:hints.Limit]
	}
	return &seriesSet{series: found, next: -1}
}

// read gathers the samples of the series that match. The order of its steps matters: the head
// is copied before chunks are listed, so that what a compaction moves from one to the other
// meanwhile is found twice rather than never.
func (q *querier) read(ctx context.Context, from, to int64, matchers []*labels.Matcher) ([]*series, error) {
	if err := q.sync(ctx); err != nil {
		return nil, err
	}
	chosen, err := q.db.selectSeries(ctx, matchers)
	if err != nil || len(chosen.ids) == 0 {
		return nil, err
	}
	all := make([]series, len(chosen.ids))
	position := make(map[int64]int, len(chosen.ids))
	for i, id := range chosen.ids {
		all[i].labels = chosen.labels[i]
		position[id] = i
	}
	recent := make([][]samples, len(chosen.ids))
	q.db.head.collect(chosen.ids, func(i int, s samples) { recent[i] = append(recent[i], s) })
	if err := q.db.chunksOf(ctx, chosen.ids, from, to, func(c *chunk) {
		s := &all[position[c.series]]
		s.parts = append(s.parts, c.samples)
	}); err != nil {
		return nil, err
	}
	found := make([]*series, 0, len(all))
	for i := range all {
		s := &all[i]
		s.parts = append(s.parts, recent[i]...)
		s.merge(from, to)
		if len(s.floats)+len(s.histograms) > 0 {
			found = append(found, s)
		}
	}
	return found, nil
}

// LabelValues returns the values of a label, sorted. Series count for as long as they are
// retained, whatever the range.
func (q *querier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values, err := q.db.labelValues(ctx, name, matchers)
	return limited(values, hints), nil, kindOf(err)
}

// LabelNames returns the names of labels, sorted.
func (q *querier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names, err := q.db.labelNames(ctx, matchers)
	return limited(names, hints), nil, kindOf(err)
}

// kindOf says of an error that did not come from the database's server that the server is out of reach.
func kindOf(err error) error {
	if _, answered := errors.AsType[*pgconn.PgError](err); err == nil || answered ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", plait.ErrUnavailable, err)
}

func limited(list []string, hints *storage.LabelHints) []string {
	if hints != nil && hints.Limit > 0 && len(list) > hints.Limit {
		return list[:hints.Limit]
	}
	return list
}

// Close has nothing to release: samples are read as Select is called.
func (q *querier) Close() error { return nil }

// chunkQuerier wraps what a querier finds into Prometheus's chunks.
type chunkQuerier struct{ querier }

// Select implements storage.ChunkQuerier.
func (q *chunkQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.ChunkSeriesSet {
	return storage.NewSeriesSetToChunkSet(q.querier.Select(ctx, sorted, hints, matchers...))
}

// seriesSet implements storage.SeriesSet.
type seriesSet struct {
	series []*series
	next   int
}

func (s *seriesSet) Next() bool                        { s.next++; return s.next < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.next] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// series implements storage.Series.
type series struct {
	labels labels.Labels
	parts  []samples
	samples
	first int // of the histograms; the one before is out of the range
}

// Labels implements storage.Labels.
func (s *series) Labels() labels.Labels { return s.labels }

// Iterator implements storage.SampleIterable.
func (s *series) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	it, ok := reuse.(*iterator)
	if !ok {
		it = &iterator{}
	}
	it.reset(s.samples, s.first)
	return it
}

// merge joins the parts into one sequence, in order of time, each time once: chunks first, then
// the head from old to young, so that the first that arrived counts.
func (s *series) merge(from, to int64) {
	if len(s.parts) == 1 {
		s.floats, s.histograms = s.parts[0].floats, s.parts[0].histograms
	} else {
		floats, histograms := 0, 0
		for _, p := range s.parts {
			floats += len(p.floats)
			histograms += len(p.histograms)
		}
		s.floats = make([]floatSample, 0, floats)
		s.histograms = make([]histogramSample, 0, histograms)
		slices.SortStableFunc(s.parts, byFirstTime)
		for _, p := range s.parts {
			s.floats = append(s.floats, p.floats...)
			s.histograms = append(s.histograms, p.histograms...)
		}
	}
	s.parts = nil
	s.floats = inOrder(s.floats, floatTime)
	first, end := within(s.floats, from, to, floatTime)
	s.floats = s.floats[first:end]

	s.histograms = inOrder(s.histograms, histogramTime)
	first, end = within(s.histograms, from, to, histogramTime)
	if 0 < first && first < end {
		// the one before the range tells the iterator whether counts were reset since
		first, s.first = first-1, 1
	}
	s.histograms = s.histograms[first:end]
}

func floatTime(s floatSample) int64         { return s.t }
func histogramTime(s histogramSample) int64 { return s.t }

// byFirstTime puts parts in the order in which they usually follow one another, so that there
// is nothing left to sort.
func byFirstTime(a, b samples) int {
	first := func(s samples) int64 {
		if len(s.floats) > 0 {
			return s.floats[0].t
		}
		if len(s.histograms) > 0 {
			return s.histograms[0].t
		}
		return 0
	}
	switch ta, tb := first(a), first(b); {
	case ta < tb:
		return -1
	case ta > tb:
		return 1
	}
	return 0
}

// within returns where a range, both ends included, begins and ends in a sequence.
func within[S any](list []S, from, to int64, t func(S) int64) (first, end int) {
	compare := func(s S, at int64) int {
		if t(s) < at {
			return -1
		}
		return 1 // never equal: the first sample that is not before at is looked for
	}
	first, _ = slices.BinarySearchFunc(list, from, compare)
	end = len(list)
	if to != math.MaxInt64 {
		end, _ = slices.BinarySearchFunc(list, to+1, compare)
	}
	return first, max(first, end)
}
