package kill

import (
	"context"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/localpg"
)

// counts say, for each request of a signal, how much of it is there and how much of that differs.
var counts = []struct {
	what       string
	signal     signal // of the requests that bring it
	perRequest int
	key        func(number int) string // the first column of what such a request brought
	sql        string
}{
	{"spans", spanSignal, perRequest, strconv.Itoa, `
		SELECT attributes ->> 'request', count(*), count(DISTINCT span_id)
		FROM plait.spans
		GROUP BY attributes ->> 'request'`},
	{"spans of traces", spanSignal, perRequest, hexLowIDOf, `
		SELECT right(trace_id_hex, 16), count(*), count(DISTINCT span_id)
		FROM plait.spans
		GROUP BY right(trace_id_hex, 16)`},
	{"spans in summaries of traces", spanSignal, perRequest, hexLowIDOf, `
		SELECT right(trace_id_hex, 16), sum(span_count), sum(span_count)
		FROM plait.traces
		GROUP BY right(trace_id_hex, 16)`},
	{"log records", logSignal, perRequest, strconv.Itoa, `
		SELECT attributes ->> 'request', count(*), count(DISTINCT body)
		FROM plait.logs
		GROUP BY attributes ->> 'request'`},
	{"log records of traces", logSignal, perRequest, hexLowIDOf, `
		SELECT right(trace_id_hex, 16), count(*), count(DISTINCT body)
		FROM plait.logs
		GROUP BY right(trace_id_hex, 16)`},
	{"samples", sampleSignal, perRequest, strconv.Itoa, `
		SELECT labels ->> 'request', count(*), count(DISTINCT time)
		FROM plait.samples
		WHERE metric = '` + metricName + `'
		GROUP BY labels ->> 'request'`},
	{"exemplars", sampleSignal, exemplarsPerRequest, strconv.Itoa, `
		SELECT labels ->> 'request', count(*), count(DISTINCT span_id)
		FROM plait.exemplars
		WHERE metric = '` + metricName + `'
		GROUP BY labels ->> 'request'`},
}

// difference is a key of which there is more or less than was acknowledged.
type difference struct {
	numbers       []int // the requests; none for what nobody sent
	lost, doubled int   // spans, log records, samples or exemplars
}

// compare checks that all requests are in the database, once, and nothing else is.
func compare(t *testing.T, dataDir string, acks []ack) (differences []difference) {
	t.Helper()
	server, err := localpg.Start(t.Context(), localpg.Config{DataDir: dataDir})
	check(t, err)
	defer func() { check(t, server.Stop(context.Background())) }()
	conn, err := pgx.Connect(t.Context(), server.URL())
	check(t, err)
	defer conn.Close(t.Context())
	for _, c := range counts {
		want := map[string][]int{}
		for _, a := range acks {
			if wayOf(a.number).signal == c.signal {
				want[c.key(a.number)] = append(want[c.key(a.number)], a.number)
			}
		}
		differences = append(differences, compareCounts(t, conn, c.what, c.sql, c.perRequest, want)...)
	}
	return differences
}

func compareCounts(t *testing.T, conn *pgx.Conn, what, sql string, perRequest int, want map[string][]int) (differences []difference) {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	check(t, err)
	type count struct {
		Key            *string
		Rows, Distinct int
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[count])
	check(t, err)
	total := 0
	for _, c := range found {
		total += c.Rows
		key := "without a number"
		if c.Key != nil {
			key = *c.Key
		}
		numbers := want[key]
		delete(want, key)
		acknowledged := len(numbers) * perRequest
		if c.Rows != acknowledged || c.Distinct != acknowledged {
			t.Errorf("%s: of %s, sent by requests %v, %d were acknowledged, %d are there, %d of them different",
				what, key, numbers, acknowledged, c.Rows, c.Distinct)
			differences = append(differences, difference{numbers, max(acknowledged-c.Distinct, 0), c.Rows - min(acknowledged, c.Distinct)})
		}
	}
	for key, numbers := range want {
		t.Errorf("%s: nothing of %s is there, though requests %v were acknowledged", what, key, numbers)
		differences = append(differences, difference{numbers, len(numbers) * perRequest, 0})
	}
	t.Logf("%s: %d of %d", what, total, len(found))
	return differences
}
