package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// failInserts makes inserts into a table fail with a SQLSTATE, the first so many.
func failInserts(t *testing.T, conn *pgx.Conn, table, code string, times string) {
	t.Helper()
	exec(t, conn, `DROP TRIGGER IF EXISTS fail ON plait_store.`+table)
	exec(t, conn, `DROP SEQUENCE IF EXISTS plait_store.failures; CREATE SEQUENCE plait_store.failures`)
	exec(t, conn, `CREATE OR REPLACE FUNCTION plait_store.fail() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF pg_catalog.nextval('plait_store.failures') <= `+times+` THEN
				RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '`+code+`';
			END IF;
			RETURN NEW;
		END $$`)
	exec(t, conn, `CREATE TRIGGER fail BEFORE INSERT ON plait_store.`+table+` FOR EACH ROW EXECUTE FUNCTION plait_store.fail()`)
}

func TestOnlyWhatTheSenderCanChangeIsItsFault(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a distributed table takes no triggers")
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	g := shop.NewGenerator(1, time.Now())
	for _, test := range []struct {
		code, what string
		kind       error // nil: none, so that it is sent again and logged
	}{
		{"22021", "bytes that are no text", plait.ErrInvalid},
		{"22P05", "a character without a translation", plait.ErrInvalid},
		{"22003", "a number out of range", plait.ErrInvalid},
		{"22008", "a time out of range", plait.ErrInvalid},
		{"22P02", "text that is no JSON", plait.ErrInvalid},
		{"54000", "a row too large for an index", plait.ErrInvalid},
		{"22P03", "a COPY that the server cannot read", nil},
		{"22P04", "a COPY file of the wrong form", nil},
		{"23502", "a null where none may be", nil},
		{"23503", "a key that points nowhere", nil},
		{"23505", "a key that is there already", nil},
		{"42804", "a column of another type", nil},
		{"42P01", "a table that is not there", nil},
		{"42501", "a right that was taken away", nil},
		{"54001", "a statement too deep", nil},
		{"54023", "too many arguments", nil},
		{"XX000", "an internal error", nil},
		{"XX001", "a page that is damaged", nil},
		{"40001", "a serialization failure", plait.ErrUnavailable},
		{"40P01", "a deadlock", plait.ErrUnavailable},
		{"25006", "a read-only server", plait.ErrUnavailable},
		{"53100", "a full disk", plait.ErrUnavailable},
		{"53200", "no memory", plait.ErrUnavailable},
		{"55P03", "a lock", plait.ErrUnavailable},
		{"57014", "a statement that was ended", plait.ErrUnavailable},
		{"58030", "a disk that fails", plait.ErrUnavailable},
	} {
		failInserts(t, conn, "span", test.code, "1000000")
		_, err := s.WriteTraces(t.Context(), g.Traces(2))
		if err == nil {
			t.Errorf("%s (%s): stored", test.what, test.code)
			continue
		}
		for _, kind := range []error{plait.ErrInvalid, plait.ErrUnavailable} {
			if errors.Is(err, kind) != errors.Is(test.kind, kind) {
				t.Errorf("%s (%s): %v", test.what, test.code, err)
			}
		}
	}
}

func TestWhatPassesIsTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a distributed table takes no triggers")
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	for _, code := range []string{"23505", "40001", "40P01"} {
		failInserts(t, conn, "sample_head", code, "1")
		writeAt(t, s, 1, time.Now())
		failInserts(t, conn, "span", code, "1")
		if _, err := s.WriteTraces(t.Context(), shop.NewGenerator(1, time.Now()).Traces(3)); err != nil && code != "23505" {
			t.Errorf("%s: %v", code, err)
		}
		exec(t, conn, `DROP TRIGGER fail ON plait_store.span; DROP TRIGGER fail ON plait_store.sample_head`)
	}
}

func TestWhateverOneRequestBringsAboutItsNeighboursAreStored(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"22P04", "23505", "XX000", "54001", "22021"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			url := storetest.URL(t)
			s, conn := storetest.Open(t, url), connect(t, url)
			exec(t, conn, `CREATE FUNCTION plait_store.storable(duration int8) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
				BEGIN
					IF duration = 4242 THEN
						RAISE EXCEPTION 'as the test wants it' USING ERRCODE = '`+code+`';
					END IF;
					RETURN true;
				END $$`)
			exec(t, conn, `ALTER TABLE plait_store.span ADD CHECK (plait_store.storable(duration_ns))`) // a trigger would not do on Citus
			g := shop.NewGenerator(4, time.Now())
			var requests []*plait.Traces
			for range 4 {
				requests = append(requests, g.Traces(5))
			}
			bad := &requests[1].Spans[3]
			bad.EndNanos = bad.StartNanos + 4242
			_, errs := writeTogether(t, s, requests)
			for i, err := range errs {
				if (err == nil) != (i != 1) {
					t.Errorf("request %d: %v", i, err)
				}
			}
		})
	}
}

func TestASeriesThatAnIndexCannotHoldIsRefusedAlone(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a dictionary on every node takes no triggers")
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	exec(t, conn, `CREATE FUNCTION plait_store.fail() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NEW.labels ? 'bad' THEN
				RAISE EXCEPTION 'index row size is too large' USING ERRCODE = '54000';
			END IF;
			RETURN NEW;
		END $$`)
	exec(t, conn, `CREATE TRIGGER fail BEFORE INSERT ON plait_store.series FOR EACH ROW EXECUTE FUNCTION plait_store.fail()`)
	random := randomText(9000)
	now := time.Now().UnixMilli()
	series := func(labels ...plait.Label) plait.SeriesData {
		return plait.SeriesData{Labels: labels, Samples: []plait.Sample{{TimeMillis: now, Value: 1}}}
	}
	metrics := &plait.Metrics{Metadata: []plait.MetricMetadata{{Metric: random, Type: plait.MetricGauge}, {Metric: "up", Type: plait.MetricGauge}}}
	for i := range 20 {
		metrics.Series = append(metrics.Series, series(plait.Label{Name: "__name__", Value: "up"}, plait.Label{Name: "n", Value: strings.Repeat("x", i+1)}))
	}
	metrics.Series = append(metrics.Series,
		series(plait.Label{Name: "__name__", Value: random}),
		series(plait.Label{Name: "__name__", Value: "up"}, plait.Label{Name: "bad", Value: "1"}),
		series(plait.Label{Name: "__name__", Value: "up"}, plait.Label{Name: "large", Value: random}))
	receipt, err := s.WriteMetrics(t.Context(), metrics)
	if err != nil {
		t.Fatal(err)
	}
	if len(receipt.Refused) != 2 {
		t.Errorf("refused %+v, want the long name and what the index does not take", receipt.Refused)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.samples`); got != 21 {
		t.Errorf("%d samples, want 21", got)
	}
	if kind, err := s.MetricType(t.Context(), "up"); kind != plait.MetricGauge || err != nil {
		t.Errorf("type %q, %v", kind, err)
	}
}

// randomText is text that nothing compresses.
func randomText(n int) string {
	g := shop.NewGenerator(1, time.Now())
	var b strings.Builder
	for b.Len() < n {
		id := g.Traces(1).Spans[0].TraceID
		b.WriteString(id.String())
	}
	return b.String()[:n]
}

func TestSendersOfSpansDoNotWaitForThoseOfSeries(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s, conn := storetest.Open(t, url), connect(t, url)
	// new series cannot be written for as long as the test wants
	lock, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), `LOCK TABLE plait_store.series IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	overloaded := make(chan struct{}, 40)
	for i := range 40 {
		wg.Go(func() {
			_, err := s.WriteMetrics(ctx, &plait.Metrics{Series: []plait.SeriesData{{
				Labels:  plait.Labels{{Name: "__name__", Value: "up"}, {Name: "sender", Value: strings.Repeat("x", i+1)}},
				Samples: []plait.Sample{{TimeMillis: time.Now().UnixMilli(), Value: 1}},
			}}})
			if errors.Is(err, plait.ErrOverloaded) {
				overloaded <- struct{}{}
			}
		})
	}
	<-overloaded // so all that may hold a connection have one
	g := shop.NewGenerator(1, time.Now())
	for range 5 {
		if _, err := s.WriteTraces(t.Context(), g.Traces(10)); err != nil {
			t.Error(err)
		}
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	wg.Wait()
}
