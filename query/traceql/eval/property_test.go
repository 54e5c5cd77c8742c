package eval_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
	"github.com/plaithq/plait/query/traceql/eval/evaltest"
)

func described(sets []evaltest.Set) []string {
	texts := make([]string, len(sets))
	for i, s := range sets {
		texts[i] = fmt.Sprintf("%v by %q", s.Spans, s.Keys)
	}
	slices.Sort(texts)
	return texts
}

func TestSearchesAgreeWithASlowReading(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spans, text := evaltest.DrawTrace(t), evaltest.DrawPipeline(t, 2)
		q, err := traceql.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		search, err := eval.NewSearch(q)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want := described(evaltest.Trace{Spans: spans}.Search(q.Pipeline))
		var got []evaltest.Set
		if found := search.Match(&condition.TraceView{Spans: spans}); found != nil {
			for _, s := range found.Sets {
				set := evaltest.Set{Spans: s.Spans}
				for _, g := range s.Groups {
					set.Keys = append(set.Keys, evaltest.Describe(g.Value))
				}
				got = append(got, set)
				for _, i := range s.Spans {
					found.Attributes(i)
				}
			}
		}
		if !slices.Equal(described(got), want) {
			t.Fatalf("%s\nfinds %v\nwant  %v", text, described(got), want)
		}
		candidates, err := eval.Candidates(q)
		if err != nil {
			t.Fatal(err)
		}
		narrowed, err := condition.CompileTraces(candidates)
		if err != nil {
			t.Fatalf("%s is narrowed by %s: %v", text, candidates, err)
		}
		if len(got) > 0 && !narrowed.Match(&condition.TraceView{Summary: eval.Summarize(spans), Spans: spans}) {
			t.Fatalf("%s finds a trace that %s leaves out", text, candidates)
		}
	})
}
