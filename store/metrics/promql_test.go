package metrics_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/partition"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/wire/series"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// TestPromQLConformance runs Prometheus's own scripts on our storage, with all samples in
// the head, with all of them in chunks, and with chunks read as for a query too large for
// memory. None is known to fail.
func TestPromQLConformance(t *testing.T) {
	for _, part := range []struct {
		name    string
		compact bool
		page    int
	}{{"head", false, 0}, {"chunks", true, 0}, {"a page for each series", true, 1}} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			pool := openPool(t)
			engine := promqltest.NewTestEngine(t, false, 0, 1_000_000)
			promqltest.RunBuiltinTestsWithStorage(t, engine, func(t testing.TB) storage.Storage {
				return openScriptStorage(t, pool, part.compact, part.page)
			})
		})
	}
}

func openPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), storetest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// scriptStorage is what the conformance scripts write to and read from. They ask for an empty
// storage hundreds of times, so the tables are emptied rather than made again. Times are those of 1970,
// outside of every partition.
type scriptStorage struct {
	*metrics.DB
	pool    *pgxpool.Pool
	compact bool // after each write
}

const emptyTablesSQL = `
DO $$ BEGIN
	DELETE FROM plait_store.series;
	DELETE FROM plait_store.sample_head;
	DELETE FROM plait_store.sample_chunk;
END $$`

func openScriptStorage(t testing.TB, pool *pgxpool.Pool, compact bool, page int) *scriptStorage {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `CREATE TABLE IF NOT EXISTS plait_store.sample_chunk_any PARTITION OF plait_store.sample_chunk DEFAULT`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), emptyTablesSQL); err != nil {
		t.Fatal(err)
	}
	db, err := metrics.Open(t.Context(), metrics.Config{
		Read: pool, Write: pool, Shelf: func(string, time.Time) int32 { return int32(partition.OutsideShelf(partition.DayOf(time.Now()))) }, PageBytes: page, QueryBytes: 48 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &scriptStorage{DB: db, pool: pool, compact: compact}
}

func (s *scriptStorage) StartTime() (int64, error) { return 0, nil }

func (s *scriptStorage) Close() error {
	s.DB.Close()
	return nil
}

// Appender completes storage.Storage; the scripts use AppenderV2.
func (s *scriptStorage) Appender(context.Context) storage.Appender { return nil }

func (s *scriptStorage) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &scriptAppender{storage: s, ctx: ctx, collector: series.NewCollector(64)}
}

// scriptAppender gathers a request and writes it as any other.
type scriptAppender struct {
	storage   *scriptStorage
	ctx       context.Context
	collector *series.Collector
}

func (a *scriptAppender) Append(_ storage.SeriesRef, ls labels.Labels, st, t int64, v float64,
	h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AppendV2Options,
) (storage.SeriesRef, error) {
	s, err := a.collector.Series(ls)
	if err != nil {
		return 0, err
	}
	var sample plait.HistogramSample
	switch {
	case fh != nil:
		sample, err = series.FloatHistogram(st, t, fh)
	case h != nil:
		sample, err = series.IntHistogram(st, t, h)
	default:
		a.collector.AddSample(s, plait.Sample{TimeMillis: t, StartMillis: st, Value: v})
		return 0, nil
	}
	s.Histograms = append(s.Histograms, sample)
	return 0, err
}

func (a *scriptAppender) Commit() error {
	if err := write(a.ctx, a.storage.DB, a.storage.pool, a.collector.Metrics()); err != nil {
		return err
	}
	if a.storage.compact {
		return a.storage.CompactNow(a.ctx)
	}
	return nil
}

func (a *scriptAppender) Rollback() error { return nil }

// write commits one request as package store does.
func write(ctx context.Context, db *metrics.DB, pool *pgxpool.Pool, m *plait.Metrics) error {
	batch, err := db.Prepare(ctx, m)
	if err != nil {
		return err
	}
	var group *metrics.Group
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var transaction int64
		if err := tx.QueryRow(ctx, metrics.TransactionSQL).Scan(&transaction); err != nil {
			return err
		}
		rows := pgcopy.Begin(ctx, tx.Conn())
		if group, err = db.Insert(ctx, rows, transaction, []*metrics.Batch{batch}); err != nil {
			return err
		}
		_, err = rows.Conn()
		return err
	})
	if err != nil {
		if group != nil {
			group.Abandoned()
		}
		return err
	}
	group.Applied()
	return nil
}
