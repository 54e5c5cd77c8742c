package store_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// statementFault is a rule of statements that several nodes can answer. Breaks says whether a statement, in lower case,
// without comments and in single spaces, breaks it.
type statementFault struct {
	Rule   string
	Breaks func(sql string) bool
	// Bad are examples of what breaks it.
	Bad []string
}

// contains returns a rule's Breaks that looks for a pattern.
func contains(pattern string) func(string) bool {
	return regexp.MustCompile(pattern).MatchString
}

// ofFacts is contains for statements that speak of a spread table.
func ofFacts(pattern string) func(string) bool {
	found := regexp.MustCompile(pattern)
	return func(sql string) bool { return len(factsIn(sql)) > 0 && found.MatchString(sql) }
}

var statementFaults = []statementFault{
	{"no percentile over rows", ofFacts(`\bpercentile_(cont|disc)\b`), []string{
		`SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) FROM plait_store.span`}},
	{"no LATERAL over a limited subquery", lateralOverLimit, []string{
		`SELECT * FROM plait_store.span s, LATERAL (SELECT * FROM plait_store.log l WHERE l.trace_id = s.trace_id LIMIT 1) l`}},
	{"no grouping sets", ofFacts(`\b(grouping sets|cube ?\(|rollup ?\()`), []string{
		`SELECT count(*) FROM plait_store.span GROUP BY ROLLUP (status)`,
		`SELECT count(*) FROM plait_store.span GROUP BY GROUPING SETS ((status), ())`,
		`SELECT count(*) FROM plait_store.log GROUP BY CUBE(severity)`}},
	{"no recursion over rows but from one trace", recursionOverMany, []string{
		`WITH RECURSIVE up AS (SELECT * FROM plait_store.span UNION ALL SELECT s.* FROM plait_store.span s JOIN up ON up.trace_id = s.trace_id AND up.parent_span_id = s.span_id) SELECT * FROM up`}},
	{"no SKIP LOCKED, and no locks on rows", ofFacts(`\bfor (update|share|no key update|key share)\b|\bskip locked\b`), []string{
		`SELECT * FROM plait_store.log FOR UPDATE SKIP LOCKED`, `SELECT * FROM plait_store.span FOR SHARE`}},
	{"no MERGE", contains(`\bmerge into\b`), []string{
		`MERGE INTO plait_store.resource r USING n ON n.id = r.id WHEN NOT MATCHED THEN DO NOTHING`}},
	{"one statement at a time", manyStatements, []string{`DELETE FROM plait_store.span; DELETE FROM plait_store.log`}},
	{"the column that rows are spread by does not change", changesKey, []string{
		`UPDATE plait_store.span s SET status = 1, trace_id = $1 WHERE s.trace_id = $2`,
		`UPDATE plait_store.sample_chunk SET series = $1`}},
	{"no arrays of rows before a LIMIT", gathersBeforeLimit, []string{
		`SELECT trace_id, array_agg(span_id) FROM plait_store.span GROUP BY trace_id LIMIT 10`}},
	{"signals are joined by trace_id, samples by series", joinsWithoutKey, []string{
		`SELECT * FROM plait_store.span s JOIN plait_store.log l ON l.span_id = s.span_id`,
		`SELECT * FROM plait_store.span s JOIN plait_store.log l ON l.span_id = s.span_id WHERE s.trace_id = $1`,
		`SELECT * FROM plait_store.span s, plait_store.span p WHERE p.span_id = s.parent_span_id AND p.trace_id <> s.trace_id`,
		`SELECT * FROM plait_store.span s JOIN plait_store.log l USING (span_id)`,
		`SELECT * FROM plait_store.span s JOIN plait_store.log l ON l.trace_id = s.trace_id JOIN plait_store.exemplar e ON e.span_id = s.span_id`,
		`SELECT * FROM plait_store.span s WHERE EXISTS (SELECT 1 FROM plait_store.log l WHERE l.span_id = s.span_id)`,
		`SELECT 1 UNION ALL SELECT s.flags FROM plait_store.span s JOIN plait_store.log l ON l.span_id = s.span_id`,
		`DELETE FROM plait_store.log l USING plait_store.span s WHERE s.span_id = l.span_id`,
		`SELECT * FROM plait_store.exemplar e JOIN plait_store.sample_chunk c ON c.series = e.series`}},
	{"no dictionary on the outer side of rows", dictionaryOutside, []string{
		`SELECT o.name, count(*) FROM plait_store.operation o LEFT JOIN plait_store.span s ON s.operation = o.id GROUP BY 1`}},
	{"no subquery without columns over rows", ofFacts(`\bselect from\b`), []string{
		`SELECT EXISTS (SELECT FROM plait_store.span WHERE start_time > $1)`}},
	{"no sequence", contains(`\bnextval\b`), []string{
		`INSERT INTO plait_store.series (id) VALUES (nextval('plait_store.ids'))`}},
}

// sound are statements that break no rule.
var sound = []string{
	`SELECT s.span_id FROM plait_store.span s JOIN plait_store.log l ON l.trace_id = s.trace_id AND l.span_id = s.span_id LIMIT 5`,
	`SELECT span_id FROM plait_store.span JOIN plait_store.log USING (trace_id, span_id)`,
	`SELECT * FROM plait_store.span s WHERE EXISTS (SELECT 1 FROM plait_store.log l WHERE l.trace_id = s.trace_id AND l.span_id = s.span_id)`,
	`SELECT * FROM plait_store.span s WHERE trace_id IN (SELECT trace_id FROM plait_store.log WHERE severity > 16)`,
	`SELECT span_id FROM plait_store.span UNION ALL SELECT span_id FROM plait_store.log`,
	`UPDATE plait_store.span SET status = 1 WHERE trace_id = $1`,
	`SELECT low_id FROM plait_store.half_trace FOR UPDATE SKIP LOCKED`,
	`SELECT o.name FROM plait_store.span s LEFT JOIN plait_store.operation o ON o.id = s.operation`,
	`WITH RECURSIVE up AS (SELECT * FROM plait_store.span WHERE trace_id = $1 UNION ALL SELECT s.* FROM plait_store.span s JOIN up ON up.parent_span_id = s.span_id WHERE s.trace_id = $1) SELECT * FROM up`,
}

// exceptions are the statements that break a rule, by room, name and rule, with the reason why that is right.
var exceptions = map[string]string{}

var (
	comments = regexp.MustCompile(`--[^\n]*`)
	spaces   = regexp.MustCompile(`\s+`)
	tableRef = regexp.MustCompile(`\bplait_store\.([a-z_]+)`)
)

func plainly(sql string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(strings.ToLower(comments.ReplaceAllString(sql, "")), " "))
}

// factsIn lists the spread tables that a statement names, each once.
func factsIn(sql string) []string {
	spread := facts()
	var found []string
	for _, m := range tableRef.FindAllStringSubmatch(sql, -1) {
		if spread[m[1]] != "" && !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	return found
}

// manyStatements says whether something stands behind a semicolon. Settings of a session may: they go to no other node.
func manyStatements(sql string) bool {
	_, more, _ := strings.Cut(sql, ";")
	return strings.Trim(more, "; ") != "" && tableRef.MatchString(sql)
}

func changesKey(sql string) bool {
	m := regexp.MustCompile(`\bupdate plait_store\.([a-z_]+)\b.*?\bset\b(.*?)(\bwhere\b|\bfrom\b|$)`).FindStringSubmatch(sql)
	return m != nil && facts()[m[1]] != "" && regexp.MustCompile(`\b`+facts()[m[1]]+` =`).MatchString(m[2])
}

// lateralOverLimit says whether a LATERAL subquery over a spread table has a LIMIT.
func lateralOverLimit(sql string) bool {
	for rest := sql; ; {
		_, after, found := strings.Cut(rest, "lateral (")
		if !found {
			return false
		}
		inner := after[:closing(after)]
		if len(factsIn(inner)) > 0 && regexp.MustCompile(`\blimit\b`).MatchString(inner) {
			return true
		}
		rest = after
	}
}

// closing is where the parenthesis closes that stands open before text.
func closing(text string) int {
	depth := 1
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

var gathers = regexp.MustCompile(`\b(?:array_agg|jsonb_agg|json_agg|string_agg)\b.*\blimit\b`)

// gathersBeforeLimit says whether rows are gathered into arrays of which few are wanted.
func gathersBeforeLimit(sql string) bool {
	return slices.ContainsFunc(levels(sql, nil), func(l *level) bool { return len(l.facts) > 0 && gathers.MatchString(l.words) })
}

var constantTrace = regexp.MustCompile(`\btrace_id = \$`)

// recursionOverMany says whether a recursion reads rows of more than the trace that it is told.
func recursionOverMany(sql string) bool {
	return strings.Contains(sql, "with recursive") && len(factsIn(sql)) > 0 && len(constantTrace.FindAllString(sql, -1)) < strings.Count(sql, "from plait_store.span")
}

func TestStatementsCanBeAnsweredBySeveralNodes(t *testing.T) {
	t.Parallel()
	rooms, err := allStatements()
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for room, all := range rooms {
		for name, sql := range all {
			for _, f := range statementFaults {
				if !f.Breaks(plainly(sql)) {
					continue
				}
				what := room + "/" + name + ": " + f.Rule
				used[what] = true
				if exceptions[what] == "" {
					t.Errorf("%s\n%s", what, sql)
				}
			}
		}
	}
	for what := range exceptions {
		if !used[what] {
			t.Errorf("%s: is not broken, take it out of the exceptions", what)
		}
	}
}

func TestAStatementThatSeveralNodesCannotAnswerIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, f := range statementFaults {
		for _, bad := range f.Bad {
			if !f.Breaks(plainly(bad)) {
				t.Errorf("%q is not seen to break the rule: %s", bad, f.Rule)
			}
		}
		for _, good := range sound {
			if f.Breaks(plainly(good)) {
				t.Errorf("%q is said to break the rule: %s", good, f.Rule)
			}
		}
	}
}
