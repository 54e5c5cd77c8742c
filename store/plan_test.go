package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store"
	"github.com/plaithq/plait/store/pg"
	"github.com/plaithq/plait/store/storetest"
	"github.com/plaithq/plait/store/storetest/shop"
)

// planNode is a node of EXPLAIN (FORMAT JSON).
type planNode struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Plans    []planNode
}

func parsePlan(t *testing.T, text string) planNode {
	t.Helper()
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal([]byte(text), &plans); err != nil || len(plans) != 1 {
		t.Fatalf("plan %s: %v", text, err)
	}
	return plans[0].Plan
}

// walk calls visit for every node below and including n.
func (n planNode) walk(visit func(planNode)) {
	visit(n)
	for _, below := range n.Plans {
		below.walk(visit)
	}
}

// planStore has 60,000 spans and as many log records, analysed: half of them of the last two hours, written as
// they came, the others of eight days and since 2023.
func planStore(t *testing.T) (s *store.Store, url string, trace plait.TraceID) {
	t.Helper()
	url = storetest.URL(t)
	s = storetest.Open(t, url)
	now := time.Now()
	type batch struct{ ago, window time.Duration }
	var batches []batch
	for ago := 100 * time.Minute; ago >= 0; ago -= 20 * time.Minute {
		batches = append(batches, batch{ago, 20 * time.Minute})
	}
	for _, window := range []time.Duration{8 * 24 * time.Hour, 1300 * 24 * time.Hour} {
		batches = append(batches, batch{0, window}, batch{0, window}, batch{0, window})
	}
	for i, b := range batches {
		g := shop.NewGenerator(uint64(i), now.Add(-b.ago))
		g.Window = b.window
		traces, logs := g.Traces(5000), g.Logs(5000)
		for j := range logs.Records {
			logs.Records[j].TraceID = traces.Spans[j%len(traces.Spans)].TraceID
		}
		writeSpans(t, s, traces.Spans...)
		writeLogs(t, s, logs.Records...)
		writeExemplars(t, s, traces.Spans[:100]...)
		trace = traces.Spans[0].TraceID
	}
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	return s, url, trace
}

// writeExemplars writes one for every span, in one of ten metrics.
func writeExemplars(t *testing.T, s *store.Store, spans ...plait.Span) {
	t.Helper()
	var m plait.Metrics
	for i := range 10 {
		m.Series = append(m.Series, plait.SeriesData{
			Labels:  plait.Labels{{Name: "__name__", Value: fmt.Sprintf("latency_%d", i)}, {Name: "service", Value: "shop-a"}},
			Samples: []plait.Sample{{TimeMillis: time.Now().UnixMilli(), Value: 1}},
		})
	}
	for i, span := range spans {
		series := &m.Series[i%10]
		series.Exemplars = append(series.Exemplars, plait.Exemplar{
			TimeNanos: span.EndNanos, Value: time.Duration(span.DurationNanos()).Seconds(), TraceID: span.TraceID, SpanID: span.SpanID,
		})
	}
	if _, err := s.WriteMetrics(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// partitionPages returns the sizes of all partitions of a table in pages.
func partitionPages(t *testing.T, conn *pgx.Conn, table string) map[string]int {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
SELECT c.relname::text, c.relpages
FROM pg_catalog.pg_partition_tree($1) p
JOIN pg_catalog.pg_class c ON c.oid = p.relid
WHERE p.isleaf`, "plait_store."+table)
	if err != nil {
		t.Fatal(err)
	}
	pages := make(map[string]int)
	var name string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error { pages[name] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestPlansOnRealisticData(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a coordinator's plans name no partitions")
	s, url, trace := planStore(t)
	t.Run("look-ups use the trace index of every partition", func(t *testing.T) { testLookupPlans(t, s, url, trace) })
	t.Run("users' SQL uses the indexes", func(t *testing.T) { testUsersPlans(t, connect(t, url), trace) })
	t.Run("conditions on time prune partitions", func(t *testing.T) { testPruning(t, connect(t, url)) })
	t.Run("searches read the days and the block ranges of their window", func(t *testing.T) { testWindowPlans(t, s, url) })
	t.Run("an index of time is followed, however few rows are expected", func(t *testing.T) { testOrderedPlans(t, s) })
}

// testOrderedPlans looks at the plans of statements about a time that the statistics know nothing of yet.
func testOrderedPlans(t *testing.T, s *store.Store) {
	to := time.Now().UTC().Truncate(24 * time.Hour).Add(24*time.Hour - time.Second)
	from := to.Add(-time.Second)
	spans := func(status []int16, least any) []any {
		return []any{pg.Planned, from, to, nil, status, nil, least, nil, 100}
	}
	for _, q := range []struct {
		name, sql string
		arguments []any
	}{
		{"traces with errors", "searchSpansSQL", append(spans([]int16{2}, nil), false, false)},
		{"traces with slow spans", "searchSpansSQL", append(spans(nil, int64(time.Second)), false, false)},
		{"traces", "searchFragmentsSQL", []any{pg.Planned, from, to, nil, 100}},
	} {
		text, err := s.ExplainPlanned(t.Context(), "SELECT", statement(t, "spans", q.sql), q.arguments...)
		if err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		followed := false
		parsePlan(t, text).walk(func(n planNode) {
			if n.Type != "Limit" || len(n.Plans) != 1 {
				return
			}
			read := n.Plans[0]
			followed = followed || read.Type == "Index Scan" && strings.Contains(read.Relation, to.Format("_20060102"))
		})
		if !followed {
			t.Errorf("%s are not read in the order of an index: %s", q.name, text)
		}
	}
}

// testWindowPlans looks at the plans of statements about the last half hour and what came before it. In the first two hours
// of a day most of what its partitions hold may lie there, which is best read by a scan.
func testWindowPlans(t *testing.T, s *store.Store, url string) {
	to := time.Now()
	from := to.Add(-30 * time.Minute)
	pages := make(map[string]int)
	conn := connect(t, url)
	for _, table := range []string{"span", "trace_fragment"} {
		maps.Copy(pages, partitionPages(t, conn, table))
	}
	for _, q := range windowStatements(t, from, to) {
		text, err := s.ExplainPlanned(t.Context(), q.Settings, q.SQL, q.Arguments...)
		if err != nil {
			t.Fatalf("%s: %v", q.Name, err)
		}
		found := make(map[string]bool)
		parsePlan(t, text).walk(func(n planNode) {
			found[n.Type] = true
			if day := from.Add(-q.Before).UTC().Format("_20060102"); pages[n.Relation] > largePartition && n.Relation < q.Table+day && !strings.HasPrefix(n.Type, "Index") {
				t.Errorf("%s reads %s, a day before its window, by %s", q.Name, n.Relation, n.Type)
			}
			young := strings.HasSuffix(n.Relation, to.UTC().Format("_20060102")) && to.UTC().Hour() < 2
			if n.Type == "Seq Scan" && pages[n.Relation] > largePartition && !young {
				t.Errorf("%s scans %s with %d pages", q.Name, n.Relation, pages[n.Relation])
			}
		})
		if q.Joins && (!found["Hash Join"] || found["Merge Join"] || found["Nested Loop"]) {
			t.Errorf("%s joins by %v", q.Name, found)
		}
	}
}

func testLookupPlans(t *testing.T, full *store.Store, fullURL string, trace plait.TraceID) {
	// a plan that is made before there is a row must do for the days that follow
	emptyURL := storetest.URL(t)
	empty := storetest.Open(t, emptyURL)
	for name, s := range map[string]*store.Store{"full": full, "empty": empty} {
		conn := connect(t, map[string]string{"full": fullURL, "empty": emptyURL}[name])
		for i, q := range lookupStatements {
			text, err := s.ExplainLookup(t.Context(), fmt.Sprintf("PREPARE s%d(%s) AS %s", i, q.Types, statement(t, q.Room, q.SQL)),
				fmt.Sprintf("EXPLAIN (FORMAT JSON) EXECUTE s%d(%s)", i, strings.ReplaceAll(q.Arguments, "$id", trace.String())))
			if err != nil {
				t.Fatalf("%s: %v", q.Name, err)
			}
			read := make(map[string]bool)
			parsePlan(t, text).walk(func(n planNode) {
				if n.Relation == "" {
					return
				}
				read[n.Relation] = true
				if !strings.HasPrefix(n.Type, "Index") || !strings.Contains(n.Index, q.Index) {
					t.Errorf("%s database, %s: %s on %s by index %q", name, q.Name, n.Type, n.Relation, n.Index)
				}
			})
			for _, table := range q.Tables {
				for partition := range partitionPages(t, conn, table) {
					if !read[partition] {
						t.Errorf("%s database, %s: partition %s is not read", name, q.Name, partition)
					}
				}
			}
		}
	}
}

// largePartition is from how many pages on a sequential scan is worse than an index.
const largePartition = 20

func testUsersPlans(t *testing.T, conn *pgx.Conn, trace plait.TraceID) {
	pages := make(map[string]int)
	for _, table := range []string{"span", "log", "trace_fragment"} {
		maps.Copy(pages, partitionPages(t, conn, table))
	}
	for _, sql := range []string{
		`SELECT * FROM plait.spans WHERE trace_id = '$id'`,
		`SELECT * FROM plait.logs WHERE trace_id = '$id'`,
		`SELECT * FROM plait.traces WHERE trace_id = '$id'`,
		`SELECT * FROM plait.traces WHERE trace_id IN ('$id', '00000000000000000000000000000001')`,
		`SELECT name, count(*) FROM plait.spans WHERE trace_id = '$id' AND status = 'error' GROUP BY name`,
		`SELECT * FROM plait.spans s JOIN plait.logs l USING (trace_id, span_id) WHERE s.trace_id = '$id'`,
		`SELECT * FROM plait.traces t JOIN plait.spans s USING (trace_id) WHERE t.trace_id = '$id'`,
		`SELECT * FROM plait.exemplars e JOIN plait.spans s USING (trace_id, span_id) JOIN plait.logs l USING (trace_id, span_id)
		 WHERE e.trace_id = '$id'`,
		`SELECT * FROM plait.exemplars e JOIN plait.spans s USING (trace_id, span_id) JOIN plait.logs l USING (trace_id, span_id)
		 WHERE e.metric = 'latency_3' AND e.time > now() - interval '10 minutes'`,
		`SELECT * FROM plait.exemplars e JOIN plait.spans s USING (trace_id) JOIN plait.logs l USING (trace_id) WHERE e.metric = 'latency_3'
		 AND e.time > now() - interval '10 minutes'`,
		`SELECT * FROM (VALUES ('$id'::uuid)) wanted(trace_id) JOIN plait.spans USING (trace_id)`,
		`SELECT * FROM plait.traces WHERE start_time > now() - interval '1 hour' ORDER BY start_time DESC LIMIT 20`,
	} {
		explain(t, conn, strings.ReplaceAll(sql, "$id", trace.String())).walk(func(n planNode) {
			if n.Type == "Seq Scan" && pages[n.Relation] > largePartition {
				t.Errorf("%s\nscans %s with %d pages", sql, n.Relation, pages[n.Relation])
			}
		})
	}
}

func testPruning(t *testing.T, conn *pgx.Conn) {
	from := time.Now().Add(-time.Hour)
	older := make(map[string]bool) // partitions that end before
	for _, table := range []string{"span", "log", "trace_fragment"} {
		for name := range partitionPages(t, conn, table) {
			older[name] = name < table+from.UTC().Format("_20060102")
		}
	}
	for _, sql := range []string{
		`SELECT * FROM plait.spans WHERE start_time > '$from'`,
		`SELECT * FROM plait.logs WHERE time > '$from' AND service = 'shop-a'`,
		`SELECT * FROM plait.logs WHERE time > '$from' AND severity_number >= 17`,
		`SELECT service, count(*) FROM plait.spans WHERE start_time BETWEEN '$from' AND now() GROUP BY service`,
	} {
		explain(t, conn, strings.ReplaceAll(sql, "$from", from.Format(time.RFC3339))).walk(func(n planNode) {
			if older[n.Relation] {
				t.Errorf("%s\nreads %s", sql, n.Relation)
			}
		})
	}
}

func explain(t *testing.T, conn *pgx.Conn, sql string) planNode {
	t.Helper()
	var text string
	if err := conn.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+sql, pgx.QueryExecModeSimpleProtocol).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return parsePlan(t, text)
}
