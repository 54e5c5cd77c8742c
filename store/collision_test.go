package store_test

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// Whoever could make a content with the id of somebody else's, and was first, kept the other's
// telemetry out for good.
func TestTelemetryWhoseIDsStandForOtherContentsIsStoredAndReadsBack(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	first, conn := storetest.Open(t, url), connect(t, url)
	now := time.Now()
	write := func(s *store.Store) (traces *plait.Traces, logs *plait.Logs) {
		t.Helper()
		g := shop.NewGenerator(1, now)
		traces, logs = g.Traces(400), g.Logs(400)
		traces.Digest, logs.Digest = plait.Digest{}, plait.Digest{}
		if _, err := s.WriteTraces(t.Context(), traces); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
		return traces, logs
	}
	write(first)
	// as if others had been first with contents of the same ids
	exec(t, conn, `UPDATE plait_store.resource SET attributes = '{"service.name":"forged"}', service = 'forged'`)
	exec(t, conn, `UPDATE plait_store.scope SET name = 'forged'`)
	exec(t, conn, `UPDATE plait_store.operation SET service = 'forged'`)
	exec(t, conn, `UPDATE plait_store.log_class SET event_name = 'forged'`)
	exec(t, conn, `UPDATE plait_store.attribute_set SET attributes = '{"forged":1}'`)
	exec(t, conn, `TRUNCATE plait_store.span, plait_store.log, plait_store.trace_fragment`)

	for _, s := range []*store.Store{storetest.Open(t, url), storetest.Open(t, url)} {
		traces, _ := write(s)
		for _, view := range []string{"spans", "logs"} {
			if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.`+view); got != 400 {
				t.Errorf("%d rows in plait.%s, want 400", got, view)
			}
			if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.`+view+` v WHERE v::text LIKE '%forged%'`); got != 0 {
				t.Errorf("%d rows of plait.%s show what others wrote", got, view)
			}
		}
		want := traces.Spans[0]
		trace, err := s.Trace(t.Context(), want.TraceID, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range trace.Spans {
			if span.SpanID == want.SpanID && (span.Resource.Service() != want.Resource.Service() || span.Scope.Name != want.Scope.Name || span.Name != want.Name) {
				t.Errorf("span %+v, want %+v", span, want)
			}
		}
		exec(t, conn, `TRUNCATE plait_store.span, plait_store.log, plait_store.trace_fragment`)
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) - count(DISTINCT (service, name, kind, scope)) FROM plait_store.operation WHERE service <> 'forged'`); got != 0 {
		t.Errorf("two gateways have given %d contents two ids", got)
	}
}

func TestASeriesWhoseIDStandsForAnotherIsStored(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	conn := connect(t, url)
	victim := plait.Labels{{Name: "__name__", Value: "http_requests_total"}, {Name: "service", Value: "checkout"}}
	if _, err := conn.Exec(t.Context(), `INSERT INTO plait_store.series (id, metric, labels, first_used, last_used)
		VALUES ($1, 'forged', '{"a": "1"}', now(), now())`, victim.ID()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	for i, s := range []*store.Store{storetest.Open(t, url), storetest.Open(t, url)} {
		for j := range 2 {
			receipt, err := s.WriteMetrics(t.Context(), &plait.Metrics{Series: []plait.SeriesData{
				{Labels: victim, ID: victim.ID(), Samples: []plait.Sample{{TimeMillis: now + int64(2*i+j), Value: 1}}},
				{Labels: plait.Labels{{Name: "__name__", Value: "up"}}, Samples: []plait.Sample{{TimeMillis: now + int64(2*i+j), Value: 1}}},
			}})
			if err != nil || len(receipt.Refused) != 0 {
				t.Errorf("receipt %+v, error %v", receipt, err)
			}
		}
	}
	for metric, want := range map[string]int64{"http_requests_total": 4, "up": 4, "forged": 0} {
		if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait.samples WHERE metric = $1`, metric); got != want {
			t.Errorf("%d samples of %s, want %d", got, metric, want)
		}
	}
	if got := selectOne[int64](t, conn, `SELECT count(*) FROM plait_store.series`); got != 3 {
		t.Errorf("%d series, want three", got)
	}
}
