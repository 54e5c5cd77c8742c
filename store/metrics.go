package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/commit"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/outbox"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/tally"
	"github.com/plaithq/plait/store/traceid"
)

// openMetrics opens the metrics half of the store (see package metrics).
func (s *Store) openMetrics(ctx context.Context) (err error) {
	s.metrics, err = metrics.Open(ctx, metrics.Config{
		Read:   s.readPool,
		Lookup: s.lookupPool,
		Write:  s.writePool,
		Shelf: func(table string, t time.Time) int32 {
			p := s.partitions.Placer(table, s.partitions.Now())
			return int32(p.ShelfOf(t))
		},
		Increments: s.tally.Increments,
		Logger:     s.log,
		Registerer: s.config.Registerer,
		Now:        s.partitions.Now,
	})
	return err
}

// Metrics gives access to the series, samples and exemplars: it is a Prometheus storage.Queryable,
// storage.ChunkQueryable and storage.ExemplarQueryable.
func (s *Store) Metrics() *metrics.DB { return s.metrics }

// WriteMetrics stores the series of one request, as WriteTraces stores spans. Series beyond the
// limit of new ones are in the receipt's Refused, and so is what the decoder left out.
func (s *Store) WriteMetrics(ctx context.Context, m *plait.Metrics) (plait.Receipt, error) {
	ids := exemplarIDs(m)
	s.ids.Complete(ctx, traceid.Halved(len(ids), func(i int) *plait.TraceID { return ids[i] }))
	prepared, err := s.metrics.Prepare(ctx, m)
	if err != nil {
		return plait.Receipt{}, commit.KindOf(err)
	}
	batch := &metricBatch{Batch: prepared, of: m.Digest, exemplars: ids}
	if len(prepared.Refused()) > 0 {
		// What was refused for lack of room may find it later. The same request is then no
		// repeat of this one, and that the rest of it is stored again does not show in PromQL.
		batch.of = plait.Digest{}
	}
	receipt, err := s.samples.Submit(ctx, batch)
	receipt.Refused = prepared.Refused()
	return receipt, err
}

// metricBatch is a request on its way through the committer.
type metricBatch struct {
	*metrics.Batch
	of        plait.Digest
	exemplars []*plait.TraceID
}

func exemplarIDs(m *plait.Metrics) (ids []*plait.TraceID) {
	for i := range m.Series {
		for j := range m.Series[i].Exemplars {
			ids = append(ids, &m.Series[i].Exemplars[j].TraceID)
		}
	}
	return ids
}

func (b *metricBatch) RequestDigest() plait.Digest { return b.of }

// metricWriter writes groups of metric batches. Their dictionary entries are written before
// they get here, by each request for itself: naming thousands of series is work that
// requests can share out among the cores.
type metricWriter struct {
	db          *metrics.DB
	batches     []*metrics.Batch
	transaction int64          // the id of the open one
	group       *metrics.Group // what it has written
	increments  *tally.IncrementCollector
	placer      func() partition.Placer
	now         func() time.Time
	halves      traceid.Halves
	outbox      *outbox.Collector[plait.SeriesData]
}

func newMetricWriter(db *metrics.DB, partitions *partition.Keeper, out *outbox.Outbox, encode func(plait.Describe, ...[]plait.SeriesData) []byte) *metricWriter {
	w := &metricWriter{
		db: db, increments: tally.NewIncrementCollector(), now: partitions.Now, halves: traceid.NewHalves(),
		placer: func() partition.Placer { return partitions.Placer("sample_chunk", partitions.Now()) },
	}
	var described func(...[]plait.SeriesData) []byte
	if encode != nil {
		described = func(parts ...[]plait.SeriesData) []byte { return encode(db.Describe(w.batches), parts...) }
	}
	w.outbox = outbox.NewCollector(out, outbox.Metrics, described, metrics.WeighSeries)
	return w
}

func (w *metricWriter) Prepare(group []*metricBatch, _, opening *pgx.Batch, _ bool) error {
	opening.Queue(metrics.TransactionSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&w.transaction) })
	w.batches = w.batches[:0]
	w.halves.Begin()
	for _, b := range group {
		w.batches = append(w.batches, b.Batch)
		for _, id := range b.exemplars {
			w.halves.Add(*id, false)
		}
	}
	w.halves.Queue(opening, partition.DayOf(w.now()), false)
	w.outbox.Queue(opening, len(group), func(i int) []plait.SeriesData { return group[i].Stored() })
	w.queueIncrements(opening)
	return nil
}

// queueIncrements stores increments beside the counts by the minute. They are kept as long as samples of their time.
func (w *metricWriter) queueIncrements(opening *pgx.Batch) {
	byShelf := map[partition.Shelf][]*plait.Increment{}
	placer := w.placer()
	for _, b := range w.batches {
		all := b.Increments()
		for i := range all {
			shelf := placer.ShelfOf(plait.StepEnd(all[i].Step))
			byShelf[shelf] = append(byShelf[shelf], &all[i])
		}
	}
	w.increments.Begin()
	for shelf, some := range byShelf {
		for _, inc := range some {
			w.increments.Add(shelf, inc)
		}
	}
	w.increments.Queue(opening)
}

func (w *metricWriter) Write(ctx context.Context, rows *pgcopy.Stream) (err error) {
	w.group, err = w.db.Insert(ctx, rows, w.transaction, w.batches)
	return err
}

// ended shows the samples to queries before their senders hear of the commit.
func (w *metricWriter) Ended(committed bool) {
	switch {
	case w.group == nil:
	case committed:
		w.group.Applied()
	default:
		w.group.Abandoned()
	}
	w.group = nil
	clear(w.batches)
}

// Exemplars returns the stored exemplars of the series that match, newest first, at most limit
// of them, only those whose trace is stored.
func (s *Store) Exemplars(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange, limit int) ([]plait.SeriesExemplar, error) {
	return s.metrics.Exemplars(ctx, matchers, r, limit)
}

// TraceExemplars returns the exemplars that point at a trace, in time order.
func (s *Store) TraceExemplars(ctx context.Context, id plait.TraceID) ([]plait.SeriesExemplar, error) {
	return s.metrics.TraceExemplars(ctx, id)
}

// DanglingExemplars looks at exemplars of a range, at most limit of them, and counts those whose trace is not stored.
func (s *Store) DanglingExemplars(ctx context.Context, r plait.TimeRange, limit int) (looked, dangling int, err error) {
	return s.metrics.DanglingExemplars(ctx, r, limit)
}

// Series returns the label sets that match and have samples in the range, sorted, at most limit of them.
func (s *Store) Series(ctx context.Context, matchers []plait.Matcher, r plait.TimeRange, limit int) ([]plait.Labels, error) {
	return s.metrics.Series(ctx, matchers, r, limit)
}

// MetricType returns the type of a metric family, plait.MetricUnknown when nobody told.
func (s *Store) MetricType(ctx context.Context, metric string) (plait.MetricType, error) {
	return s.metrics.MetricType(ctx, metric)
}
