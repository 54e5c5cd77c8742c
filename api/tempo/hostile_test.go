package tempo

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/store/storetest"
)

func repeated(before, middle, after string, times int) string {
	return strings.Repeat(before, times) + middle + strings.Repeat(after, times)
}

func TestQueriesThatAreTooDeepAreRefusedWithAPlace(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	const deep = 5_000
	for name, text := range map[string]string{
		"filters":               repeated("(", "{}", ")", deep),
		"conditions":            "{ " + repeated("(", "true", ")", deep) + " }",
		"negations":             "{ " + repeated("!(", "true", ")", deep) + " }",
		"signs":                 "{ .a = " + strings.Repeat("-", 2*deep) + "1 }",
		"arithmetic":            "{ .a = " + repeated("(1 + ", "1", ")", deep) + " }",
		"pipelines":             repeated("({} | ", "{}", ")", deep),
		"structure":             repeated("({} >> ", "{}", ")", deep),
		"aggregates":            "{} | " + repeated("(", "count()", ")", deep) + " > 1",
		"metrics":               repeated("(", "{} | rate()", ")", deep) + " + 1",
		"powers":                "{ .a = " + strings.Repeat("2 ^ ", deep) + "2 }",
		"what is never closed":  strings.Repeat("(", 2*deep),
		"filters in filters":    strings.Repeat("{", 2*deep),
		"what was never opened": strings.Repeat(")", 2*deep),
	} {
		for _, path := range []string{"/api/search?", "/api/metrics/query_range?"} {
			if a := s.get(t, path+asked(text)); a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "column") {
				t.Errorf("%s at %s: %d %.200s", name, path, a.status, a.body)
			}
		}
		if a := s.get(t, "/api/v2/search/tag/name/values?"+asked(text)); a.status != http.StatusOK { // it may not be finished
			t.Errorf("values with %s: %d %.200s", name, a.status, a.body)
		}
	}
}

func TestLongQueriesAreAnswered(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	for name, text := range map[string]string{
		"alternatives":   `{ name != "x"` + strings.Repeat(` || name = "x"`, 500) + ` }`,
		"filters":        `{}` + strings.Repeat(` || { name = "x" }`, 300),
		"steps":          `{}` + strings.Repeat(` | {}`, 300),
		"a long text":    `{ name != "` + strings.Repeat("x", 5_000) + `" }`,
		"a long pattern": `{ name !~ "` + strings.Repeat("x|", 2_000) + `y" }`,
	} {
		if a := s.search(t, text); a.status != http.StatusOK || !strings.Contains(string(a.body), `"spanSets"`) {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
	}
}

// TestPatternsThatRunForEverElsewhereAreAnswered has texts that take other matchers longer than anybody lives.
func TestPatternsThatRunForEverElsewhereAreAnswered(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	sent := shopTrace()
	sent.Spans[0].Attributes = append(sent.Spans[0].Attributes, attr("bomb", strings.Repeat("a", 20_000)+"!"))
	if _, err := st.WriteTraces(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	s := start(t, st)
	for pattern, want := range map[string]int{
		"(a+)+":                http.StatusOK,
		"(a|aa)+":              http.StatusOK,
		"(.*)*.*":              http.StatusOK,
		"(a*)*b":               http.StatusOK,
		"((x{1,100}){1,100})*": http.StatusBadRequest, // larger than a program may be
		"(x{1000}){1000}":      http.StatusBadRequest,
		"(?=a)":                http.StatusBadRequest,
	} {
		for _, op := range []string{"=~", "!~"} {
			if a := s.search(t, `{ span.bomb `+op+` "`+pattern+`" }`); a.status != want {
				t.Errorf("%s %s: %d %.200s", op, pattern, a.status, a.body)
			}
		}
	}
}

func TestASearchThatWouldFindAllIsBounded(t *testing.T) {
	t.Parallel()
	st := storetest.New(t, storetest.Now(func() time.Time { return now }))
	sent := &plait.Traces{}
	for n := range mostTraces + 50 {
		one := shopTrace().Spans[0]
		one.TraceID = plait.TraceID{0: 7, 14: byte(n >> 8), 15: byte(n)}
		sent.Spans = append(sent.Spans, one)
	}
	if _, err := st.WriteTraces(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	var found searchJSON
	a := start(t, st).search(t, `{}`, "limit", "1000000000", "spss", "1000000000")
	if err := json.Unmarshal(a.body, &found); err != nil || len(found.Traces) != mostTraces {
		t.Errorf("%v, %d traces", err, len(found.Traces))
	}
}

func TestWhatNobodyHasIsNoError(t *testing.T) {
	t.Parallel()
	s := shopServer(t)
	for _, text := range []string{
		`{ span.nobody = 1 }`, `{ .nobody > 1s }`, `{ resource.nobody =~ ".*" }`, `{ event.nobody != "x" }`, `{ link.nobody = true }`,
		`{ instrumentation.nobody = "x" }`, `{ parent.nobody = 1 }`, `{ span."no body" = 1 }`, `{ .nobody } >> {}`, `{} | avg(span.nobody) > 1`,
	} {
		if a := s.search(t, text); a.status != http.StatusOK || !strings.Contains(string(a.body), `"traces":[]`) {
			t.Errorf("%s: %d %.200s", text, a.status, a.body)
		}
	}
	for _, text := range []string{`{} | sum_over_time(span.nobody)`, `{ span.nobody = 1 } | rate() by (name)`, `{} | quantile_over_time(.nobody, .5)`} {
		if a := s.get(t, "/api/metrics/query_range?"+asked(text)); a.status != http.StatusOK || !strings.Contains(string(a.body), `"series":[]`) {
			t.Errorf("%s: %d %.200s", text, a.status, a.body)
		}
	}
	if a := s.get(t, "/api/v2/search/tag/span.nobody/values"); a.status != http.StatusOK || !strings.Contains(string(a.body), `"tagValues":[]`) {
		t.Errorf("values: %d %.200s", a.status, a.body)
	}
}
