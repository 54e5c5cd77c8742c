package store_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plaithq/plait/store/storetest"
)

// Texts show how a statement is meant; its plan shows what Postgres joins with what, once views and subqueries are resolved.

// joinPlan is a node of a plan with what it tells of joins.
type joinPlan struct {
	Type         string     `json:"Node Type"`
	Relationship string     `json:"Parent Relationship"`
	Relation     string     `json:"Relation Name"`
	Alias        string     `json:"Alias"`
	HashCond     string     `json:"Hash Cond"`
	MergeCond    string     `json:"Merge Cond"`
	JoinFilter   string     `json:"Join Filter"`
	IndexCond    string     `json:"Index Cond"`
	RecheckCond  string     `json:"Recheck Cond"`
	Filter       string     `json:"Filter"`
	Plans        []joinPlan `json:"Plans"`
}

// plannedSide is what one side of a join reads: spread tables by the columns that they are spread by, and the conditions in it.
type plannedSide struct {
	keys       map[string]string // of the spread tables
	aliases    []string          // of anything that is read
	conditions []string
}

func (s *plannedSide) add(more plannedSide) {
	for table, key := range more.keys {
		s.keys[table] = key
	}
	s.aliases = append(s.aliases, more.aliases...)
	s.conditions = append(s.conditions, more.conditions...)
}

var (
	partitionSuffix = regexp.MustCompile(`_(outside_)?\d{8}$`)
	partitionAlias  = regexp.MustCompile(`_\d+$`)
	sameColumn      = regexp.MustCompile(`\b(\w+)\.(\w+) = (?:ANY \()?(\w+)\.(\w+)\b`)
	sameArgument    = regexp.MustCompile(`\b\w+\.(\w+ = \$\d+)`)
)

// together says whether rows that two sides of a join bring together are on one node: they agree in the column that both are
// spread by.
func together(a, b plannedSide, conditions []string) bool {
	if len(a.keys) == 0 || len(b.keys) == 0 {
		return true
	}
	isKey := func(column string) bool {
		for _, side := range []plannedSide{a, b} {
			for _, key := range side.keys {
				if key != column {
					return false
				}
			}
		}
		return true
	}
	for _, c := range conditions {
		for _, m := range sameColumn.FindAllStringSubmatch(c, -1) {
			across := slices.Contains(a.aliases, m[1]) && slices.Contains(b.aliases, m[3]) || slices.Contains(b.aliases, m[1]) && slices.Contains(a.aliases, m[3])
			if across && m[2] == m[4] && isKey(m[2]) {
				return true
			}
		}
	}
	arguments := func(s plannedSide) (equal []string) {
		for _, m := range sameArgument.FindAllStringSubmatch(strings.Join(s.conditions, " "), -1) {
			if column, _, _ := strings.Cut(m[1], " "); isKey(column) {
				equal = append(equal, m[1])
			}
		}
		return equal
	}
	ofB := arguments(b)
	return slices.ContainsFunc(arguments(a), func(argument string) bool { return slices.Contains(ofB, argument) })
}

// apart lists the joins in a plan that bring rows of several nodes together.
func (n *joinPlan) apart() (side plannedSide, faults []string) {
	side = plannedSide{keys: make(map[string]string), conditions: []string{n.HashCond, n.MergeCond, n.JoinFilter, n.IndexCond, n.RecheckCond, n.Filter}}
	if n.Alias != "" {
		side.aliases = append(side.aliases, n.Alias, partitionAlias.ReplaceAllString(n.Alias, ""))
	}
	if table := partitionSuffix.ReplaceAllString(n.Relation, ""); facts()[table] != "" {
		side.keys[table] = facts()[table]
	}
	joins := slices.Contains([]string{"Nested Loop", "Hash Join", "Merge Join"}, n.Type)
	for i := range n.Plans {
		below, more := n.Plans[i].apart()
		faults = append(faults, more...)
		if n.Plans[i].Relationship == "InitPlan" { // asked once, and sent to all nodes
			continue
		}
		if joins || n.Plans[i].Relationship == "SubPlan" {
			if !together(side, below, append(slices.Clone(side.conditions), below.conditions...)) {
				faults = append(faults, fmt.Sprintf("%s of %v with %v", n.Type, side.keys, below.keys))
			}
		}
		side.add(below)
	}
	return side, faults
}

// planOf is the plan of a statement for any arguments.
func planOf(t *testing.T, conn *pgx.Conn, sql string) (*joinPlan, error) {
	t.Helper()
	prepared, err := conn.PgConn().Prepare(t.Context(), "planned", sql, nil)
	if err != nil {
		return nil, err
	}
	explain := "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) EXECUTE planned"
	if n := len(prepared.ParamOIDs); n > 0 {
		explain += "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	var text string
	if err := conn.QueryRow(t.Context(), explain, pgx.QueryExecModeSimpleProtocol).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	exec(t, conn, "DEALLOCATE planned")
	if strings.Contains(text, `"Utility Statement"`) { // COPY and the like, which join nothing
		return &joinPlan{}, nil
	}
	var plans []struct{ Plan joinPlan }
	if err := json.Unmarshal([]byte(text), &plans); err != nil || len(plans) != 1 {
		t.Fatalf("plan %s: %v", text, err)
	}
	return &plans[0].Plan, nil
}

// planner is a session that plans statements for any arguments.
func planner(t *testing.T) *pgx.Conn {
	t.Helper()
	url := storetest.URL(t)
	storetest.Open(t, url) // makes partitions, without which there would be nothing to plan
	conn := connect(t, url)
	exec(t, conn, "SET plan_cache_mode = force_generic_plan")
	return conn
}

// unplanned are the constants that are no statement by themselves.
var unplanned = map[string]string{
	"logs/logsOfTracesSQL":    "a part",
	"partition/findPinnedSQL": "the table is filled in",
	"partition/unpinSQL":      "reads a temporary table",
	"spans/fragmentsOfSQL":    "a part",
	"spans/overlappingSQL":    "a part",
	"spans/spansOfDaysSQL":    "a part",
	"spans/spansOutsideSQL":   "a part",
	"thin/dropLaterSQL":       "the day is filled in",
	"thin/findOutsideSQL":     "the day is filled in",
	"thin/judgeSQL":           "the day is filled in",
}

func TestPlansBringRowsOfOneNodeTogether(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a coordinator's plans are of its own kind")
	rooms, err := allStatements()
	if err != nil {
		t.Fatal(err)
	}
	conn := planner(t)
	for room, all := range rooms {
		for name, sql := range all {
			if len(factsIn(plainly(sql))) == 0 {
				continue
			}
			what := room + "/" + name
			plan, err := planOf(t, conn, sql)
			if (err != nil) != (unplanned[what] != "") {
				t.Errorf("%s: planned with %v, a part of a statement: %q", what, err, unplanned[what])
			}
			if err != nil {
				continue
			}
			if _, faults := plan.apart(); len(faults) > 0 {
				t.Errorf("%s: rows of several nodes are brought together: %q\n%s", what, faults, sql)
			}
		}
	}
}

func TestAPlanThatBringsRowsOfSeveralNodesTogetherIsFoundOut(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a coordinator's plans are of its own kind")
	conn := planner(t)
	exec(t, conn, `CREATE VIEW plait.bad AS SELECT s.span_id FROM plait.spans s JOIN plait.logs l ON l.span_id = s.span_id`)
	bad := []string{
		`SELECT * FROM plait.bad`,
		`SELECT (SELECT count(*) FROM plait_store.log l WHERE l.span_id = s.span_id) FROM plait_store.span s`,
		`SELECT * FROM (SELECT span_id FROM plait_store.span WHERE trace_id = $1) s JOIN (SELECT DISTINCT span_id FROM plait_store.log WHERE trace_id = $2) l USING (span_id)`,
	}
	for _, f := range statementFaults {
		if strings.HasPrefix(f.Rule, "signals are joined") {
			bad = append(bad, f.Bad...)
		}
	}
	for _, join := range []string{"", "SET enable_hashjoin = off", "SET enable_mergejoin = off", "SET enable_nestloop = off"} {
		exec(t, conn, "SET enable_hashjoin = on; SET enable_mergejoin = on; SET enable_nestloop = on;"+join)
		for _, sql := range bad {
			if plan, err := planOf(t, conn, sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			} else if _, faults := plan.apart(); len(faults) == 0 {
				t.Errorf("%q is not seen to bring rows of several nodes together (%s)", sql, join)
			}
		}
		for _, sql := range sound {
			if plan, err := planOf(t, conn, sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			} else if _, faults := plan.apart(); len(faults) > 0 {
				t.Errorf("%q is said to bring rows of several nodes together: %q (%s)", sql, faults, join)
			}
		}
	}
}

// viewExceptions are the rules that a view breaks, with the reason why that is right.
var viewExceptions = map[string]string{
	"traces: no LATERAL over a limited subquery": "it is about one trace, by its id: a worker answers it where the trace is",
}

const viewsSQL = `
SELECT v.viewname::text, v.definition
FROM pg_catalog.pg_views v
WHERE v.schemaname = 'plait'`

func TestViewsCanBeAnsweredBySeveralNodes(t *testing.T) {
	t.Parallel()
	skipOnCitus(t, "a coordinator's plans are of its own kind")
	conn := planner(t)
	rows, err := conn.Query(t.Context(), viewsSQL)
	if err != nil {
		t.Fatal(err)
	}
	views, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, SQL string }])
	if err != nil || len(views) < 7 {
		t.Fatalf("%d views, %v", len(views), err)
	}
	for _, v := range views {
		for _, f := range statementFaults {
			what := v.Name + ": " + f.Rule
			if breaks := f.Breaks(strings.TrimSuffix(plainly(v.SQL), ";")); breaks != (viewExceptions[what] != "") {
				t.Errorf("view %s: broken %v, among the exceptions %q\n%s", what, breaks, viewExceptions[what], v.SQL)
			}
		}
		plan, err := planOf(t, conn, "SELECT * FROM plait."+v.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, faults := plan.apart(); len(faults) > 0 {
			t.Errorf("view %s brings rows of several nodes together: %q", v.Name, faults)
		}
	}
}
