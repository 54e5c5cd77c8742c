package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

func TestServicesTellWhenTheyWereSeen(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	now := time.Now().Truncate(time.Microsecond)
	clock := now
	s, conn := storetest.Open(t, url, storetest.Now(func() time.Time { return clock })), connect(t, url)
	id := plait.TraceID{1}
	seen := func(service string) (first, last time.Time) {
		t.Helper()
		err := conn.QueryRow(t.Context(), `SELECT first_seen, last_seen FROM plait.services WHERE service = $1`, service).Scan(&first, &last)
		if err != nil {
			t.Fatalf("%s: %v", service, err)
		}
		return first, last
	}
	expect := func(service string, wantFirst, wantLast time.Time) {
		t.Helper()
		first, last := seen(service)
		if !first.Equal(wantFirst) || !last.Equal(wantLast) {
			t.Errorf("%s was seen from %v to %v, want %v to %v", service, first, last, wantFirst, wantLast)
		}
	}
	writeSpans(t, s, span(id, 1, 0, "web", "GET /", now, time.Hour, time.Second), span(id, 2, 1, "web", "GET /", now, time.Minute, time.Second))
	writeLogs(t, s, record(id, 1, "till", "paid", now, time.Minute))
	expect("web", now.Add(-time.Hour), now.Add(-time.Minute))
	expect("till", now.Add(-time.Minute), now.Add(-time.Minute))

	// A record of years ago and one of next year: what was seen before it came cannot be later than that.
	clock = now.Add(time.Second)
	writeLogs(t, s, record(id, 1, "web", "old", now, 3*365*24*time.Hour), record(id, 1, "till", "ahead", now, -365*24*time.Hour))
	expect("web", now.Add(-3*365*24*time.Hour), now.Add(-time.Minute))
	expect("till", now.Add(-time.Minute), clock)

	// What was seen a moment ago is not written down again.
	writeSpans(t, s, span(id, 3, 1, "web", "GET /", now, time.Minute-time.Second, time.Second))
	expect("web", now.Add(-3*365*24*time.Hour), now.Add(-time.Minute))
	clock = now.Add(24 * time.Hour)
	writeSpans(t, s, span(id, 4, 1, "web", "GET /", clock, 0, time.Second))
	expect("web", now.Add(-3*365*24*time.Hour), clock)
}

func TestServicesAndSeriesAreReadFromDictionaries(t *testing.T) {
	t.Parallel()
	_, url, _ := planStore(t)
	conn := connect(t, url)
	for _, sql := range []string{
		`SELECT service FROM plait.services WHERE last_seen > now() - interval '1 hour' ORDER BY service`,
		`SELECT DISTINCT metric FROM plait.series ORDER BY metric`,
		`SELECT DISTINCT labels ->> 'service' FROM plait.series WHERE metric = 'latency_3'`,
	} {
		explain(t, conn, sql).walk(func(n planNode) {
			if n.Relation != "" && n.Relation != "service" && n.Relation != "series" {
				t.Errorf("%s\nreads %s", sql, n.Relation)
			}
		})
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(found) == 0 {
			t.Errorf("%s: %v, %v", sql, found, err)
		}
	}
}
