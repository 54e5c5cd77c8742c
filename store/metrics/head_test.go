package metrics_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/metrics"
	"github.com/plaithq/plait/store/pgcopy"
	"github.com/plaithq/plait/store/storetest"
)

// heavy has native histograms of at least so many bytes each, which do not compress.
func heavy(t *testing.T, name string, count, bytes int) plait.SeriesData {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	s := plait.SeriesData{Labels: named(name)}
	for i := range count {
		h := writev2.Histogram{PositiveSpans: []writev2.BucketSpan{{Length: uint32(bytes / 8)}}}
		for range bytes / 8 {
			h.PositiveCounts = append(h.PositiveCounts, random.Float64())
		}
		h.Count = &writev2.Histogram_CountFloat{CountFloat: 1}
		encoded, err := h.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		s.Histograms = append(s.Histograms, plait.HistogramSample{TimeMillis: base.UnixMilli() + int64(i)*15_000, Encoded: encoded})
	}
	return s
}

// headBytes asks the metric of a DB's registry.
func headBytes(t *testing.T, r *prometheus.Registry) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "plait_store_head_bytes" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("there is no plait_store_head_bytes")
	return 0
}

func TestAHeadLargerThanItsMemoryIsReadBackInParts(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	const requests, each = 40, 100_000
	for i := range requests {
		send(t, s, heavy(t, fmt.Sprint("h", i), 1, each), counter(fmt.Sprint("c", i), 3))
	}
	pool, registry := connect(t, url), prometheus.NewRegistry()
	const limit = 500_000
	db, err := metrics.Open(t.Context(), metrics.Config{Read: pool, Write: pool, HeadBytes: limit, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if held := headBytes(t, registry); held > 2*limit+2*each {
		t.Errorf("the head holds %.0f bytes, want at most twice %d and a row", held, limit)
	}
	for i := range requests {
		for name, want := range map[string]int{"c": 3, "h": 1} {
			if n := len(read(t, db, fmt.Sprint(name, i))); n != want {
				t.Errorf("%d samples of %s%d are there, want %d", n, name, i, want)
			}
		}
	}
}

func TestRequestsThatFindNoRoomForSamplesAreAskedToComeBack(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	storetest.Open(t, url)
	pool, registry := connect(t, url), prometheus.NewRegistry()
	const limit, each = 500_000, 100_000
	db, err := metrics.Open(t.Context(), metrics.Config{Read: pool, Write: pool, HeadBytes: limit, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := pool.Begin(t.Context()) // another gateway that compacts
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(t.Context()) }()
	if _, err := other.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", int64(metrics.CompactionLock)); err != nil {
		t.Fatal(err)
	}
	refused := false
	for i := range 40 {
		err := commit(t, pool, db, heavy(t, fmt.Sprint("h", i), 1, each))
		if refused = errors.Is(err, plait.ErrOverloaded); refused {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !refused {
		t.Error("40 requests of 100 kB went into a head of 1 MB")
	}
	if held := headBytes(t, registry); held > 2*limit+each+1000 {
		t.Errorf("the head holds %.0f bytes, want at most twice %d and a request", held, limit)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := commit(t, pool, db, counter("after", 3)); err != nil {
		t.Errorf("a request after the other gateway is done: %v", err)
	}
	if n := len(read(t, db, "after")); n != 3 {
		t.Errorf("%d samples, want 3", n)
	}
}

// commit writes series as package store does.
func commit(t *testing.T, pool *pgxpool.Pool, db *metrics.DB, all ...plait.SeriesData) error {
	t.Helper()
	b, err := db.Prepare(t.Context(), &plait.Metrics{Series: all})
	if err != nil {
		return err
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	var transaction int64
	if err := tx.QueryRow(t.Context(), metrics.TransactionSQL).Scan(&transaction); err != nil {
		return err
	}
	rows := pgcopy.Begin(t.Context(), tx.Conn())
	g, err := db.Insert(t.Context(), rows, transaction, []*metrics.Batch{b})
	if err != nil {
		return err
	}
	if err := rows.Commit(); err != nil {
		g.Abandoned()
		return err
	}
	g.Applied()
	return nil
}
