package store_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestConditionsOnViewsUsePartialIndexes looks at the predicates of the indexes by which rows are found that failed.
func TestConditionsOnViewsUsePartialIndexes(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a plan there does not show what nodes do")
	_, url, _ := planStore(t)
	conn := connect(t, url)
	for _, c := range []struct{ sql, predicate string }{
		{`SELECT start_time, service, name FROM plait.spans WHERE status = 'error' AND start_time > now() - interval '1 hour' ORDER BY start_time DESC LIMIT 20`, "'error'"},
		{`SELECT start_time, service, name FROM plait.spans WHERE status = 'error' ORDER BY start_time DESC LIMIT 20`, "'error'"},
		{`SELECT time, service, body FROM plait.logs WHERE severity_number >= 17 AND time > now() - interval '1 hour' ORDER BY time DESC LIMIT 20`, "severity >= 17"},
		{`SELECT time, service, body FROM plait.logs WHERE severity_number >= 17 AND severity = 'ERROR' ORDER BY time DESC LIMIT 20`, "severity >= 17"},
	} {
		var text string
		if err := conn.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+c.sql).Scan(&text); err != nil {
			t.Fatal(err)
		}
		used := 0
		parsePlan(t, text).walk(func(n planNode) {
			switch {
			case !rowPartition.MatchString(n.Relation):
			case n.Index == "":
				expectEmpty(t, conn, n.Relation, c.sql)
			case !strings.Contains(predicateOf(t, conn, n.Index), c.predicate):
				t.Errorf("%s\nreads %s by %s", c.sql, n.Relation, n.Index)
			default:
				used++
			}
		})
		if used == 0 {
			t.Errorf("%s\nuses no index: %s", c.sql, text)
		}
	}
}

var rowPartition = regexp.MustCompile(`^(span|log)_(outside_)?[0-9]{8}$`)

// expectEmpty fails where a partition that is read without an index has rows.
func expectEmpty(t *testing.T, conn *pgx.Conn, relation, sql string) {
	t.Helper()
	var rows bool
	if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT EXISTS (SELECT FROM plait_store.%s)", relation)).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows {
		t.Errorf("%s\nreads all rows of %s", sql, relation)
	}
}

func predicateOf(t *testing.T, conn *pgx.Conn, index string) (predicate string) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `
		SELECT coalesce(pg_get_expr(indpred, indrelid), '') FROM pg_index WHERE indexrelid = ('plait_store.' || quote_ident($1))::regclass`, index).Scan(&predicate)
	if err != nil {
		t.Fatal(err)
	}
	return predicate
}
