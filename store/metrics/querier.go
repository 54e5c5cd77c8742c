package metrics

import (
	"context"
	"slices"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/plaithq/plait/store/pgerror"
)

// Querier implements storage.Queryable. Times are milliseconds, both ends included.
func (db *DB) Querier(from, to int64) (storage.Querier, error) {
	return db.querier(newLimits(db.config.PageBytes, db.config.QueryBytes), from, to), nil
}

// ChunkQuerier implements storage.ChunkQueryable, which only remote read asks for.
func (db *DB) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	return db.chunkQuerier(newLimits(db.config.PageBytes, db.config.QueryBytes), from, to), nil
}

func (db *DB) querier(l limits, from, to int64) *querier {
	return &querier{db: db, from: from, to: to, spent: spending{limits: l}}
}

func (db *DB) chunkQuerier(l limits, from, to int64) *chunkQuerier {
	return &chunkQuerier{querier{db: db, from: from, to: to, spent: spending{limits: l}, streams: true}}
}

// querier answers one query. The head is brought up to date once, by the first Select.
type querier struct {
	db       *DB
	from, to int64
	spent    spending
	streams  bool // whoever asks keeps no iterator
	listing  bool // whoever asks wants no samples

	synced  sync.Once
	syncErr error
}

func (q *querier) sync(ctx context.Context) error {
	q.synced.Do(func() { q.syncErr = q.db.syncHead(ctx) })
	return q.syncErr
}

// Select returns the series that match and have samples in the range. Samples are read page by
// page as the series are iterated (page.go), within the time that ctx leaves.
func (q *querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := q.from, q.to
	if hints != nil && !hints.DisableTrimming {
		from, to = max(from, hints.Start), min(to, hints.End)
	}
	limit := 0
	if hints != nil {
		limit = hints.Limit
	}
	q.listing = hints != nil && hints.Func == "series" // as Prometheus's handler says
	found, err := q.find(ctx, from, to, limit, matchers)
	if err != nil {
		return storage.ErrSeriesSet(pgerror.Read(err))
	}
	if sorted {
		slices.SortFunc(found, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	}
	(&reading{ctx: ctx, db: q.db, from: from, to: to, spent: &q.spent, streams: q.streams}).paginate(found)
	return &seriesSet{series: found, next: -1}
}

// limitedBlock is how many series are looked at together when only some of them are wanted.
const limitedBlock = 2000

// find returns the series that match and have samples, or a chunk around a gap, in the range:
// limit of them, any, or all where limit is 0.
func (q *querier) find(ctx context.Context, from, to int64, limit int, matchers []*labels.Matcher) ([]*series, error) {
	if err := q.sync(ctx); err != nil {
		return nil, err
	}
	ids, err := q.db.candidates(ctx, matchers)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	if limit <= 0 {
		return q.findAmong(ctx, ids, from, to, matchers)
	}
	var found []*series
	for block := range slices.Chunk(ids, limitedBlock) {
		more, err := q.findAmong(ctx, block, from, to, matchers)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(found) >= limit {
			return found[:limit], nil
		}
	}
	return found, nil
}

// findAmong is find for series of these ids. The order of its steps matters: the head is copied
// before chunks are listed, so that what a compaction moves from one to the other meanwhile is
// found twice rather than never.
func (q *querier) findAmong(ctx context.Context, ids []int64, from, to int64, matchers []*labels.Matcher) ([]*series, error) {
	chosen, err := q.db.matching(ctx, ids, matchers, &q.spent)
	if err != nil || len(chosen.ids) == 0 {
		return nil, err
	}
	all := make([]series, len(chosen.ids))
	position := make(map[int64]int, len(chosen.ids))
	for i, id := range chosen.ids {
		all[i].id, all[i].labels = id, chosen.labels[i]
		position[id] = i
	}
	q.db.head.collect(chosen.ids, func(i int, s samples) { all[i].recent = append(all[i].recent, s) })
	refs, err := q.db.listChunks(ctx, chosen.ids, from, to, &q.spent)
	if err != nil {
		return nil, err
	}
	for _, r := range refs {
		s := &all[position[r.series]]
		s.chunks = append(s.chunks, r)
	}
	if err := q.readIncrements(ctx, all, from, to); err != nil {
		return nil, err
	}
	found := make([]*series, 0, len(all))
	for i := range all {
		if s := &all[i]; len(s.chunks) > 0 || s.recently(from, to) || s.increments != nil && s.increments.found {
			found = append(found, s)
		}
	}
	return found, nil
}

// LabelValues returns the values of a label, sorted. Series count for as long as they are
// retained, whatever the range.
func (q *querier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values, err := q.db.labelValues(ctx, name, matchers)
	return limited(values, hints), nil, pgerror.Read(err)
}

// LabelNames returns the names of labels, sorted.
func (q *querier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names, err := q.db.labelNames(ctx, matchers)
	return limited(names, hints), nil, pgerror.Read(err)
}

func limited(list []string, hints *storage.LabelHints) []string {
	if hints != nil && hints.Limit > 0 && len(list) > hints.Limit {
		return list[:hints.Limit]
	}
	return list
}

// Close has nothing to release.
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
