package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

func selectOne[T any](t *testing.T, conn *pgx.Conn, sql string, arguments ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, arguments...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestWrittenSpansAreCommittedWhenTheWriterAnswers(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, other := storetest.Open(t, url), connect(t, url)
	g := shop.NewGenerator(1, time.Now())
	want := int64(0)
	for range 20 {
		traces := g.Traces(37)
		if _, err := s.WriteTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
		want += int64(len(traces.Spans))
		if got := selectOne[int64](t, other, `SELECT count(*) FROM plait_store.span`); got != want {
			t.Fatalf("another session sees %d spans after the answer, want %d", got, want)
		}
	}
	sum := selectOne[int64](t, other, `SELECT sum(span_count)::int8 FROM plait.traces`)
	if sum != want {
		t.Errorf("trace summaries count %d spans, want %d", sum, want)
	}
	dangling := selectOne[int64](t, other, `
		SELECT count(*) FROM plait_store.span s
		LEFT JOIN plait_store.operation o ON o.id = s.operation
		LEFT JOIN plait_store.scope c ON c.id = o.scope
		LEFT JOIN plait_store.resource r ON r.id = s.resource
		LEFT JOIN plait_store.attribute_set a ON a.id = s.attribute_set
		WHERE o.id IS NULL OR c.id IS NULL OR r.id IS NULL OR (s.attribute_set <> 0 AND a.id IS NULL)`)
	if dangling != 0 {
		t.Errorf("%d spans refer to entries that are not there", dangling)
	}
}

func TestARetriedRequestIsStoredOnce(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	first, second, conn := storetest.Open(t, url), storetest.Open(t, url), connect(t, url)
	g := shop.NewGenerator(2, time.Now())
	traces, logs := g.Traces(10), g.Logs(10)
	for i, s := range []*store.Store{first, first, second} {
		receipt, err := s.WriteTraces(t.Context(), traces)
		if err != nil || receipt.Duplicate != (i > 0) {
			t.Errorf("write %d of the same spans: receipt %+v, error %v", i, receipt, err)
		}
		receipt, err = s.WriteLogs(t.Context(), logs)
		if err != nil || receipt.Duplicate != (i > 0) {
			t.Errorf("write %d of the same records: receipt %+v, error %v", i, receipt, err)
		}
	}
	exec(t, conn, `UPDATE plait_store.request SET seen_at = seen_at - interval '61 minutes'`)
	if receipt, err := second.WriteTraces(t.Context(), traces); err != nil || receipt.Duplicate {
		t.Errorf("the same request after an hour: receipt %+v, error %v; want it stored", receipt, err)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 20 {
		t.Errorf("%d spans stored, want 20", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.logs`); got != 10 {
		t.Errorf("%d records stored, want 10", got)
	}
}

func TestRequestsWithoutDigestAreNotCompared(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	traces := shop.NewGenerator(3, time.Now()).Traces(5)
	traces.Digest = plait.Digest{}
	for range 2 {
		if receipt, err := s.WriteTraces(t.Context(), traces); err != nil || receipt.Duplicate {
			t.Errorf("receipt %+v, error %v", receipt, err)
		}
	}
}

// writeTogether writes requests so that they share a group, and returns their answers.
func writeTogether(t *testing.T, s *store.Store, requests []*plait.Traces) ([]plait.Receipt, []error) {
	t.Helper()
	release, err := s.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receipts, errs := make([]plait.Receipt, len(requests)), make([]error, len(requests))
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() { receipts[i], errs[i] = s.WriteTraces(t.Context(), r) })
	}
	for s.WaitingTraces() < len(requests) {
		time.Sleep(time.Millisecond) // there is no signal for it, and none is needed elsewhere
	}
	release()
	wg.Wait()
	return receipts, errs
}

func TestABadBatchIsRefusedAloneAndItsNeighboursAreStored(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "workers do not say whose fault it is (docs/scaling.md)")
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	exec(t, conn, `ALTER TABLE plait_store.span ADD CONSTRAINT no_long_spans CHECK (duration_ns <> 4242)`)
	g := shop.NewGenerator(4, time.Now())
	var requests []*plait.Traces
	for range 6 {
		requests = append(requests, g.Traces(8))
	}
	bad := &requests[3].Spans[5]
	bad.EndNanos = bad.StartNanos + 4242
	_, errs := writeTogether(t, s, requests)
	for i, err := range errs {
		if i == 3 && !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("the bad batch got %v, want ErrInvalid", err)
		} else if i != 3 && err != nil {
			t.Errorf("neighbour %d got %v", i, err)
		}
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 40 {
		t.Errorf("%d spans stored, want the 40 of the neighbours", got)
	}
}

func TestEntriesOfAGroupThatFailedAreWrittenAgain(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "workers do not say whose fault it is (docs/scaling.md)")
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	exec(t, conn, `ALTER TABLE plait_store.span ADD CONSTRAINT nothing CHECK (false)`)
	traces := shop.NewGenerator(9, time.Now()).Traces(5)
	if _, err := s.WriteTraces(t.Context(), traces); !errors.Is(err, plait.ErrInvalid) {
		t.Fatalf("error %v, want ErrInvalid", err)
	}
	if n, err := s.EnteredScopes(); err != nil || n != 0 {
		t.Errorf("%v scopes count as written though a crash may take them back; %v", n, err)
	}
	exec(t, conn, `ALTER TABLE plait_store.span DROP CONSTRAINT nothing`)
	exec(t, conn, `TRUNCATE plait_store.scope, plait_store.resource, plait_store.operation`) // the crash
	if _, err := s.WriteTraces(t.Context(), traces); err != nil {
		t.Fatal(err)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans WHERE service IS NOT NULL AND name IS NOT NULL AND scope IS NOT NULL`); got != 5 {
		t.Errorf("%d whole spans, want 5", got)
	}
}

func TestTheSameRequestTwiceInAGroupIsStoredOnce(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	g := shop.NewGenerator(5, time.Now())
	old := g.Traces(7)
	if _, err := s.WriteTraces(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	twice := g.Traces(8)
	again := *twice
	receipts, errs := writeTogether(t, s, []*plait.Traces{twice, old, &again, g.Traces(9)})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if receipts[0].Duplicate == receipts[2].Duplicate || !receipts[1].Duplicate || receipts[3].Duplicate {
		t.Errorf("receipts %+v", receipts)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 24 {
		t.Errorf("%d spans stored, want 24", got)
	}
}

func TestASenderThatLeavesDoesNotBreakTheGroup(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	release, err := s.Hold(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := shop.NewGenerator(6, time.Now())
	staying, leaving := g.Traces(5), g.Traces(6)
	// The first request is what the committer waits for a connection with; both join its group.
	var wg sync.WaitGroup
	var stayed error
	wg.Go(func() { _, stayed = s.WriteTraces(t.Context(), staying) })
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := s.WriteTraces(ctx, leaving)
		left <- err
	}()
	for s.WaitingTraces() < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the sender that left got %v", err)
	}
	release()
	wg.Wait()
	if stayed != nil {
		t.Errorf("the sender that stayed got %v", stayed)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 5 {
		t.Errorf("%d spans stored, want 5", got)
	}
}

func TestWritersOnOneStoreShareCommits(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	registry := prometheus.NewRegistry()
	s, conn := storetest.Open(t, url, func(c *store.Config) { c.Registerer = registry }), connect(t, url)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			g := shop.NewGenerator(uint64(100+i), time.Now())
			for range 10 {
				if _, err := s.WriteTraces(t.Context(), g.Traces(20)); err != nil {
					t.Error(err)
				}
				if _, err := s.WriteLogs(t.Context(), g.Logs(30)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 3200 {
		t.Errorf("%d spans stored, want 3200", got)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.logs`); got != 4800 {
		t.Errorf("%d log records stored, want 4800", got)
	}
	want := strings.NewReader(`
# HELP plait_store_records_total Records committed, by signal.
# TYPE plait_store_records_total counter
plait_store_records_total{signal="logs"} 4800
plait_store_records_total{signal="metrics"} 0
plait_store_records_total{signal="traces"} 3200
`)
	if err := testutil.GatherAndCompare(registry, want, "plait_store_records_total"); err != nil {
		t.Error(err)
	}
}

func TestKilledConnectionsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	const senders, requests, spans = 4, 25, 10
	stored := make(chan struct{}, senders*requests)
	blocker := connect(t, url)
	if _, err := blocker.Exec(t.Context(), `BEGIN; LOCK TABLE plait_store.span IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			g := shop.NewGenerator(uint64(200+i), time.Now())
			for range requests {
				writeUntilStored(t, s, g.Traces(spans))
				stored <- struct{}{}
			}
		})
	}
	go func() {
		wg.Wait()
		close(stored)
	}()
	kill := func() int64 {
		return selectOne[int64](t, conn, `
			SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
			WHERE datname = pg_catalog.current_database() AND application_name = 'plait write' AND state <> 'idle'`)
	}
	// The first one waits for the lock, so that it can be met in the midst of writing.
	kills := int64(0)
	for kills == 0 {
		kills = kill()
	}
	if _, err := blocker.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	// Then one kill for each request that got through: without that, a slow machine would see
	// every transaction killed for ever.
	for range stored {
		kills += kill()
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != senders*requests*spans {
		t.Errorf("%d spans stored after %d kills, want %d", got, kills, senders*requests*spans)
	}
}

func TestASenderNoticesNothingOfOneTerminatedSession(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	release := holding(t, url, `LOCK TABLE plait_store.span IN SHARE MODE`)
	written := make(chan error, 1)
	go func() {
		_, err := s.WriteTraces(t.Context(), shop.NewGenerator(300, time.Now()).Traces(10))
		written <- err
	}()
	endWaiting(t, conn)
	release()
	if err := <-written; err != nil {
		t.Errorf("the request whose first attempt was terminated gives %v", err)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.spans`); got != 10 {
		t.Errorf("%d spans stored, want 10", got)
	}
}

// writeUntilStored repeats a request as senders do.
func writeUntilStored(t *testing.T, s *store.Store, traces *plait.Traces) {
	for {
		_, err := s.WriteTraces(t.Context(), traces)
		if err == nil {
			return
		}
		if !errors.Is(err, plait.ErrUnavailable) {
			t.Errorf("a killed connection gives %v, want ErrUnavailable", err)
			return
		}
	}
}

func TestAnUnreachableDatabaseIsAnsweredWithUnavailable(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	g := shop.NewGenerator(7, time.Now())
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	admin, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	exec(t, admin, `ALTER DATABASE `+pgx.Identifier{name}.Sanitize()+` ALLOW_CONNECTIONS false`)
	selectOne[int64](t, admin, `
		SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity WHERE datname = $1`, name)
	traces := g.Traces(5)
	if _, err := s.WriteTraces(t.Context(), traces); !errors.Is(err, plait.ErrUnavailable) {
		t.Errorf("without a database: %v, want ErrUnavailable", err)
	}
	exec(t, admin, `ALTER DATABASE `+pgx.Identifier{name}.Sanitize()+` ALLOW_CONNECTIONS true`)
	if _, err := s.WriteTraces(t.Context(), traces); err != nil {
		t.Errorf("with the database back: %v", err)
	}
}

func TestAClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	s.Close()
	if _, err := s.WriteTraces(t.Context(), shop.NewGenerator(8, time.Now()).Traces(3)); !errors.Is(err, plait.ErrUnavailable) {
		t.Errorf("write after Close: %v, want ErrUnavailable", err)
	}
}
