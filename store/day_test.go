package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

// dayPartitions returns which partitions inside the window a statement reads, as EXPLAIN ANALYZE tells it:
// those that are left out only when it runs are not counted either.
func dayPartitions(t *testing.T, conn *pgx.Conn, sql string, args ...any) (read []string) {
	t.Helper()
	var text string
	args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
	if err := conn.QueryRow(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var plans []struct{ Plan analyzedNode }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	plans[0].Plan.walk(func(n analyzedNode) {
		if strings.Contains(n.Relation, "_20") && !strings.Contains(n.Relation, "_outside_") && n.Loops > 0 && !seen[n.Relation] {
			seen[n.Relation] = true
			read = append(read, n.Relation)
		}
	})
	return read
}

type analyzedNode struct {
	Relation string  `json:"Relation Name"`
	Type     string  `json:"Node Type"`
	Loops    float64 `json:"Actual Loops"`
	Plans    []analyzedNode
}

func (n analyzedNode) walk(visit func(analyzedNode)) {
	if n.Type == "Aggregate" {
		return // adds up the other fragments of a trace, which are looked up by its id
	}
	visit(n)
	for _, below := range n.Plans {
		below.walk(visit)
	}
}

func TestConditionsOnDayAndTimeLeaveOutOtherDays(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a coordinator's plans name no partitions")
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	writeDocsTelemetry(t, s)
	conn := connect(t, url)
	const day = "2006-01-02"
	now := time.Now().UTC()
	today := now.Format(day)
	from, to := now.Add(-10*time.Minute), now
	for _, view := range []struct{ name, time string }{
		{"spans", "start_time"}, {"logs", "time"}, {"traces", "start_time"}, {"exemplars", "time"}, {"samples", "chunk_start"},
	} {
		for _, where := range []string{
			"day = '$today'", "day >= '$today'", "day BETWEEN '$today' AND '$today'", "'$today' = day AND service_or_metric IS NOT NULL",
			"$time BETWEEN '$from' AND '$to'", "$time > now() - interval '10 minutes' AND $time <= now() AND shelf >= current_date - 1",
		} {
			column := map[string]string{"traces": "root_service", "exemplars": "metric", "samples": "metric"}[view.name]
			if column == "" {
				column = "service"
			}
			sql := "SELECT * FROM plait." + view.name + " WHERE " + strings.NewReplacer("$today", today, "service_or_metric", column, "$time", view.time,
				"$from", from.Format(time.RFC3339Nano), "$to", to.Format(time.RFC3339Nano)).Replace(where)
			if read := dayPartitions(t, conn, sql); len(read) == 0 || len(read) > 5 { // by today, those of three days ahead; yesterday's at midnight
				t.Errorf("%s\nreads %v", sql, read)
			}
		}
		sql := "SELECT * FROM plait." + view.name + " WHERE day = $1"
		if read := dayPartitions(t, conn, sql, now); len(read) != 1 {
			t.Errorf("%s reads %v", sql, read)
		}
	}
	for _, call := range []string{
		fmt.Sprintf("plait.samples('%s', '%s')", from.Format(time.RFC3339), to.Format(time.RFC3339)),
		"plait.samples(now() - interval '10 minutes', now())",
	} {
		sql := "SELECT * FROM " + call + " WHERE metric = 'container_memory_usage_bytes'"
		if read := dayPartitions(t, conn, sql); len(read) > 2 {
			t.Errorf("%s\nreads %v", sql, read)
		}
	}
	sql := "SELECT * FROM plait.samples($1, $2) WHERE metric = $3"
	if read := dayPartitions(t, conn, sql, from, to, "container_memory_usage_bytes"); len(read) > 2 {
		t.Errorf("%s\nreads %v", sql, read)
	}
}

func TestDayIsTheDayOfTheRow(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	conn := connect(t, url)
	now := time.Now()
	midnight := now.UTC().Truncate(24 * time.Hour)
	for i, at := range []time.Time{midnight, midnight.Add(-time.Microsecond), midnight.AddDate(-3, 0, 0)} {
		id := plait.TraceID{1, 15: byte(i + 1)}
		writeSpans(t, s, span(id, 1, 0, "web", "GET /", at, 0, time.Second))
		writeLogs(t, s, record(id, 1, "web", "one", at, 0))
		for _, view := range []string{"spans", "logs", "traces"} {
			var found int
			sql := "SELECT count(*) FROM plait." + view + " WHERE trace_id = $1 AND day = $2"
			if err := conn.QueryRow(t.Context(), sql, id.String(), at.UTC()).Scan(&found); err != nil || found != 1 {
				t.Errorf("%s at %v: %d, %v", sql, at, found, err)
			}
		}
	}
}

func TestSamplesOfATimeAreThoseOfTheView(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "the function is refused there (docs/scaling.md)")
	url := storetest.URL(t)
	s := storetest.Open(t, url)
	conn := connect(t, url)
	now := time.Now().UTC()
	m := plait.Metrics{Series: []plait.SeriesData{{Labels: plait.Labels{{Name: "__name__", Value: "up"}}}}}
	for i := range 200 { // over some days, and of years ago
		m.Series[0].Samples = append(m.Series[0].Samples, plait.Sample{TimeMillis: now.Add(-time.Duration(i) * time.Hour).UnixMilli(), Value: float64(i)})
	}
	m.Series[0].Samples = append(m.Series[0].Samples, plait.Sample{TimeMillis: now.AddDate(-3, 0, 0).UnixMilli(), Value: -1})
	if _, err := s.WriteMetrics(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	compare := func(state string) {
		t.Helper()
		for _, span := range [][2]time.Time{
			{now.Add(-30 * time.Hour), now.Add(-3 * time.Hour)}, {now.AddDate(-4, 0, 0), now}, {now.AddDate(-4, 0, 0), now.AddDate(-2, 0, 0)}, {now, now.Add(-time.Hour)},
		} {
			var view, function int
			err := conn.QueryRow(t.Context(), `
SELECT (SELECT count(*) FROM plait.samples WHERE metric = 'up' AND time BETWEEN $1 AND $2),
	(SELECT count(*) FROM plait.samples($1, $2) WHERE metric = 'up')`, span[0], span[1]).Scan(&view, &function)
			if err != nil || view != function {
				t.Errorf("%s, from %v to %v: the view has %d samples, the function %d, %v", state, span[0], span[1], view, function, err)
			}
		}
	}
	compare("as they came")
	if err := s.Metrics().CompactNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	compare("in chunks")
}
