package logql_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/logql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines are those of a file under testdata, without comments.
func lines(t testing.TB, file string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "//") {
			all = append(all, strings.ReplaceAll(line, "⏎", "\n"))
		}
	}
	return all
}

// recorded are the queries that a Loki was asked, where they are at hand, and whether it took them.
func recorded(t testing.TB) map[string]bool {
	f, err := os.Open("../../../shared/data/golden/loki/queries.jsonl.gz")
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	scan := bufio.NewScanner(z)
	for scan.Buffer(nil, 16<<20); scan.Scan(); {
		var q struct {
			Family, Path string
			Params       struct{ Query string }
		}
		if err := json.Unmarshal(scan.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		if q.Params.Query != "" && strings.Contains(q.Path, "/query") {
			all[q.Params.Query] = q.Family != "errors"
		}
	}
	return all
}

func TestQueriesReadBackEqual(t *testing.T) {
	t.Parallel()
	queries := lines(t, "accepted.txt")
	for q, taken := range recorded(t) {
		if taken {
			queries = append(queries, q)
		}
	}
	for _, q := range queries {
		e, err := logql.Parse(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		for _, text := range []string{e.String(), logql.Pretty(e)} {
			if again, err := logql.Parse(text); err != nil || !reflect.DeepEqual(e, again) {
				t.Errorf("%s\n  is written %s\n  which is read as %v %v", q, text, again, err)
			}
		}
	}
}

func TestErrorsTellThePlace(t *testing.T) {
	t.Parallel()
	for _, line := range lines(t, "refused.txt") {
		q, want, ok := strings.Cut(line, " => ")
		if !ok {
			t.Fatal(line)
		}
		_, err := logql.Parse(q)
		var where *logql.Error
		if !errors.Is(err, plait.ErrInvalid) || !errors.As(err, &where) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", q, err, want)
		}
	}
}

func TestLokiAndPlaitRefuseTheSame(t *testing.T) {
	t.Parallel()
	byEvaluation := map[string]bool{ // what only its evaluation shows to be wrong, or its other parameters
		`sum(sum_over_time({service_name="meter"} | logfmt | unwrap temp [1m]))`: true,
		`rate({service_name="shop"}[1m])`:                                        true,
		`{service_name="shop"}`:                                                  true,
	}
	for q, taken := range recorded(t) {
		if _, err := logql.Parse(q); err == nil && !taken && !byEvaluation[q] {
			t.Errorf("%s is taken", q)
		}
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	for q, want := range map[string]string{
		`1 + 2 * 3 ^ 2 ^ 2`:                    `1 + 2 * 3 ^ 2 ^ 2`,
		`(1 + 2) * 3`:                          `(1 + 2) * 3`,
		`((1 + 2)) - (3 - 4)`:                  `1 + 2 - (3 - 4)`,
		`(2 ^ 3) ^ 2`:                          `(2 ^ 3) ^ 2`,
		`vector(1) or vector(2) and vector(3)`: `vector(1) or vector(2) and vector(3)`,
		`SUM(rate({a="b"}[1m0s])) BY (c)`:      `sum by (c) (rate({a="b"} [1m]))`,
		`{a="b"} | x="1" or y="2" z="3"`:       `{a="b"} | x="1" or y="2" and z="3"`,
		`{a="b"} | (x="1" or y="2"), z>=5s`:    `{a="b"} | (x="1" or y="2") and z >= 5s`,
		"{a=`\\d`}|=`x`|logfmt a,b=\"c\"":      `{a="\\d"} |= "x" | logfmt a="a", b="c"`,
		`rate({a="b"}[5m] |= "x")`:             `rate({a="b"} |= "x" [5m])`,
		`rate((({a="b"}) [5m]) |= "x")`:        `rate({a="b"} |= "x" [5m])`,
		`-1`:                                   `-1`,
	} {
		e, err := logql.Parse(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		if got := e.String(); strings.ReplaceAll(got, " [", "[") != strings.ReplaceAll(want, " [", "[") {
			t.Errorf("%s is %s, want %s", q, got, want)
		}
	}
}

func TestPrettyQueriesStandOverSeveralLines(t *testing.T) {
	t.Parallel()
	e, err := logql.Parse(`sum by (level) (count_over_time({app="x"} |= "err" | json | drop __error__ [15s])) / vector(2)`)
	if err != nil {
		t.Fatal(err)
	}
	want := `sum by (level) (
  count_over_time(
    {app="x"}
      |= "err"
      | json
      | drop __error__
    [15s]
  )
)
/
vector(2)`
	if got := logql.Pretty(e); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestQueriesHaveBounds(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]string{
		"parentheses":          strings.Repeat("(", 10_000) + `vector(1)` + strings.Repeat(")", 10_000),
		"open parentheses":     strings.Repeat("(", 100_000),
		"sums":                 strings.Repeat("sum(", 10_000) + `rate({a="b"}[1m])` + strings.Repeat(")", 10_000),
		"powers":               strings.Repeat("2^", 10_000) + "2",
		"additions":            strings.Repeat("2+", 10_000) + "2",
		"signs":                strings.Repeat("-", 10_000) + "2",
		"log parentheses":      "rate(" + strings.Repeat("(", 10_000) + `{a="b"}`,
		"filter parentheses":   `{a="b"} | ` + strings.Repeat("(", 10_000) + `x="1"`,
		"filters":              `{a="b"} | x="1"` + strings.Repeat(` or x="1"`, 10_000),
		"stages":               `{a="b"}` + strings.Repeat(`|="x"`, 20_000),
		"extractions":          `{a="b"} | json a` + strings.Repeat(`,a`, 20_000),
		"a regular expression": `{a=~"` + strings.Repeat("(", 10_000) + strings.Repeat(")", 10_000) + `"}`,
		"one that grows":       `{a=~"((a{100}){100}){100}"}`,
		"more than 128 KiB":    `{a="` + strings.Repeat("x", 200_000) + `"}`,
	} {
		_, err := logql.Parse(q)
		if !errors.Is(err, plait.ErrInvalid) && !errors.Is(err, plait.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSelectorsAlone(t *testing.T) {
	t.Parallel()
	m, err := logql.ParseSelector(`{a="b", c!~"d.*"}`)
	if err != nil || len(m) != 2 || m[1] != (plait.Matcher{Name: "c", Op: plait.MatchNotRegexp, Value: "d.*"}) {
		t.Error(m, err)
	}
	if m, err := logql.ParseSelector(`{}`); err != nil || len(m) != 0 {
		t.Error(m, err)
	}
	for _, q := range []string{``, `{a="b"} |= "x"`, `rate({a="b"}[1m])`, `{a="b"`, `{a=b}`} {
		if _, err := logql.ParseSelector(q); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%s is a selector", q)
		}
	}
	if _, err := logql.ParseLog(`vector(1)`); !errors.Is(err, plait.ErrInvalid) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range lines(f, "accepted.txt") {
		f.Add(q)
	}
	for _, line := range lines(f, "refused.txt") {
		q, _, _ := strings.Cut(line, " => ")
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		e, err := logql.Parse(q)
		if err != nil {
			return
		}
		for _, text := range []string{e.String(), logql.Pretty(e)} {
			if len(text) > 100_000 {
				continue // what is written may be longer than what may be read
			}
			if again, err := logql.Parse(text); err != nil || !reflect.DeepEqual(e, again) {
				t.Errorf("%q is written %q, which is read as %v %v", q, text, again, err)
			}
		}
	})
}

// wider are queries of the table that we take and the grammar does not: filters with mere space between them,
// numbers with signs and units, distinct, parentheses around unwrap, and keywords as labels where nothing
// else could stand.
var wider = []string{
	`{a=~"x"} | a==5 | b=5KB | c!=1.5MiB | d>=-9 | e<+2 | f>1h30m | g<=250ms | h=1e3 | i>5k`,
	`{a="b"} | a="1" b="2", c="3" and (d="4" or (e="5" and f=6))`,
	"{service_name=\"cart\"} | label_format log_line_contains_trace_id=`{{ contains \"4bf9\" __line__  }}` | log_line_contains_trace_id=\"true\"  trace_id=\"4bf9\"",
	`{a="b"} | distinct a, b`, `{ b ="b"} | distinct a, b`, `{a="b"} | distinct a,  distinct `,
	`sum_over_time(({a="b"} | json | unwrap x | x > 5) [1d12h])`,
	`{a="b"} | drop  drop ="x", b=~"y.*", c | keep d!="z"`,
	"{app=\"x\"} |= `text` | json json | logfmt | __error__=`` | status >= 500 | line_format `{{.msg}}`",
}

func TestTheGrammarIsTheOneOfGrafanasEditor(t *testing.T) {
	t.Parallel()
	meaning := regexp.MustCompile(`unexpected "\{", want a number|needs a matcher|takes no|wants a|not a |no address|computes with|combines|goes with|has no labels|longer than|of a label|is empty|makes |not an expression|is no number|aggregates a|malformed string|number above|has no flag|not supported`)
	for _, line := range lines(t, "grammar.txt") {
		verdict, q, _ := strings.Cut(line, " ")
		_, err := logql.Parse(q)
		switch {
		case verdict == "refuse" && err == nil && !slices.Contains(wider, q):
			t.Errorf("refused by the grammar: %s", q)
		case verdict == "accept" && err != nil && !meaning.MatchString(err.Error()):
			t.Errorf("%s: %v", q, err)
		}
	}
}
