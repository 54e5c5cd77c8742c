package eval_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/traceql"
	"github.com/plaithq/plait/query/traceql/eval"
)

// family makes spans of a drawing: names in order of start, each with its parent's name after a <. Parents that
// are not drawn never came.
func family(drawing string) []plait.Span {
	var spans []plait.Span
	for i, word := range strings.Fields(drawing) {
		name, parent, _ := strings.Cut(word, "<")
		s := plait.Span{TraceID: plait.TraceID{15: 1}, Name: name, Resource: &plait.Resource{}, Scope: &plait.Scope{}, StartNanos: int64(i), EndNanos: int64(i + 1)}
		copy(s.SpanID[:], name)
		copy(s.ParentSpanID[:], parent)
		spans = append(spans, s)
	}
	return spans
}

func search(t *testing.T, text string) *eval.Search {
	t.Helper()
	q, err := traceql.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := eval.NewSearch(q)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// find returns the names of what a search finds, the span sets with | between them.
func find(t *testing.T, text string, spans []plait.Span) string {
	t.Helper()
	found := search(t, text).Match(&condition.TraceView{Spans: spans})
	if found == nil {
		return ""
	}
	sets := make([]string, len(found.Sets))
	for i, s := range found.Sets {
		names := make([]string, len(s.Spans))
		for j, at := range s.Spans {
			names[j] = spans[at].Name
		}
		sets[i] = strings.Join(names, " ")
	}
	return strings.Join(sets, " | ")
}

func TestStructuralOperatorsFindRelatives(t *testing.T) {
	t.Parallel()
	//   a          r2       x (its parent z never came)    y (the same)
	//  b  c                 v
	//  d
	spans := family("a b<a c<a d<b r2 x<z v<x y<z")
	for text, want := range map[string]string{
		`{name="a"} >> {}`:                    "b c d",
		`{name="a"} > {}`:                     "b c",
		`{name="d"} << {}`:                    "a b",
		`{name="d"} < {}`:                     "b",
		`{name="b"} ~ {}`:                     "c",
		`{name="x"} ~ {}`:                     "y",
		`{name="a"} ~ {}`:                     "",
		`{name="x"} >> {}`:                    "v",
		`{name="a"} &>> {name="d"}`:           "a d",
		`{} &<< {name="b"}`:                   "b d",
		`{name="a"} !>> {}`:                   "a r2 x v y",
		`{name="none"} !> {name="b"}`:         "b",
		`{} >> {} >> {}`:                      "d",
		`{nestedSetParent<0}`:                 "a r2",
		`{nestedSetParent=0}`:                 "x v y",
		`{span:childCount=2}`:                 "a",
		`{span:childCount=1}`:                 "b x",
		`{parent = nil}`:                      "a r2",
		`{parent != nil && duration > 0}`:     "b c d x v y",
		`{nestedSetLeft > 8}`:                 "r2",
		`{name="a"} && {name="none"}`:         "",
		`{} | by(nestedSetParent)`:            "a r2 | b c | d | x v y",
		`{} | {name="a"} >> {} | count()=3`:   "b c d",
		`({} | count() > 99) || ({name="a"})`: "a",
	} {
		if got := find(t, text, spans); got != want {
			t.Errorf("%s finds %q, want %q", text, got, want)
		}
	}
}

func TestNestedSetNumbersAreThoseOfAWalk(t *testing.T) {
	t.Parallel()
	spans := family("a b<a c<a d<b r2 x<z v<x")
	found := search(t, "{} | select(nestedSetLeft, nestedSetRight, nestedSetParent)").Match(&condition.TraceView{Spans: spans})
	got := map[string]string{}
	for i := range spans {
		var numbers []string
		for _, a := range found.Attributes(i) {
			numbers = append(numbers, a.Value.Text())
		}
		got[spans[i].Name] = strings.Join(numbers, " ")
	}
	want := map[string]string{"a": "1 8 -1", "b": "2 5 1", "d": "3 4 2", "c": "6 7 1", "r2": "9 10 -1", "x": "0 0 0", "v": "0 0 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func attributes(pairs ...any) (a plait.Attributes) {
	for i := 0; i < len(pairs); i += 2 {
		a = append(a, plait.Attribute{Key: pairs[i].(string), Value: pairs[i+1].(plait.Value)})
	}
	return a
}

func TestAnswersShowWhatTheQuerySpeaksOf(t *testing.T) {
	t.Parallel()
	spans := family("a")
	s := &spans[0]
	s.Attributes = attributes("x", plait.IntValue(1), "list", plait.ArrayValue(`["p","q"]`))
	s.Resource = &plait.Resource{Attributes: attributes("x", plait.IntValue(2), "service.name", plait.StringValue("shop"))}
	s.Events = []plait.Event{
		{TimeNanos: 1_500_000_000, Name: "e1", Attributes: attributes("k", plait.IntValue(1))},
		{TimeNanos: 2_000_000_000, Name: "e2", Attributes: attributes("k", plait.IntValue(2))},
	}
	for text, want := range map[string]string{
		`{span.x = 1}`: `{"x":1}`,
		`{.x = 1} | select(resource.service.name)`:     `{"x":1,"service.name":"shop"}`,
		`{resource.x = 2 || span.y = 1}`:               `{"x":2}`,
		`{name = "a" && duration < 1s}`:                `{}`,
		`{event.k = 2}`:                                `{"k":2}`,
		`{event.k != nil}`:                             `{"k":[1,2]}`,
		`{event:timeSinceStart > 1800ms}`:              `{"event:timeSinceStart":"2s"}`,
		`{event:timeSinceStart > 1200ms}`:              `{"event:timeSinceStart":["1.5s","2s"]}`,
		`{span.list = "q"}`:                            `{"list":"q"}`,
		`{span:kind = unspecified && status != error}`: `{"kind":"unspecified","status":"unset"}`,
		`{} | avg(span.x) > 0`:                         `{"x":1}`,
	} {
		found := search(t, text).Match(&condition.TraceView{Spans: spans})
		if found == nil {
			t.Errorf("%s finds nothing", text)
			continue
		}
		if got := string(found.Attributes(0).AppendJSON(nil)); got != want {
			t.Errorf("%s shows %s, want %s", text, got, want)
		}
	}
}

func TestIdsAreFoundInAnyCaseAndWithoutLeadingZeros(t *testing.T) {
	t.Parallel()
	spans := family("a")
	spans[0].TraceID = plait.TraceID{14: 0xab, 15: 0xcd}
	spans[0].SpanID = plait.SpanID{7: 0xef}
	for text, want := range map[string]string{
		`{trace:id = "ABCD"}`:                             "a",
		`{trace:id = "0000000000000000000000000000abcd"}`: "a",
		`{trace:id != "abcd"}`:                            "",
		`{trace:id = "zz"}`:                               "",
		`{trace:id != "zz"}`:                              "a",
		`{span:id = "EF"}`:                                "a",
		`{span:parentID = "" || span:parentID != ""}`:     "",
	} {
		if got := find(t, text, spans); got != want {
			t.Errorf("%s finds %q, want %q", text, got, want)
		}
	}
}

func TestQueriesAreNarrowedByWhatTheyAsk(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: `{ true }`,
		`{resource.service.name = "cart" && duration > 1s}`: `{ (resource.service.name = "cart" && span:duration > 1s) }`,
		`{nestedSetParent<0 && true && status=error}`:       `{ (!(span:parentID exists) && span:status = status error) }`,
		`{name = "a" && span:childCount > 3}`:               `{ span:name = "a" }`,
		`{name = "a" && !(span:childCount > 3)}`:            `{ span:name = "a" }`,
		`{name = "a" || nestedSetLeft > 3}`:                 `{ true }`,
		`{name = "a"} >> {name = "b"}`:                      `({ span:name = "b" } && { span:name = "a" })`,
		`{name = "a"} !>> {name = "b"}`:                     `{ span:name = "b" }`,
		`{name = "a"} | count() > 3 | {kind = server}`:      `{ (span:name = "a" && span:kind = kind server) }`,
		`({name = "a"} | rate()) / ({name = "b"} | rate())`: `({ span:name = "a" } || { span:name = "b" })`,
	} {
		q, err := traceql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := eval.Candidates(q)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("%s is narrowed by %s, want %s", text, got, want)
		}
	}
}

func TestLongTracesAndChainsAreSearched(t *testing.T) {
	t.Parallel()
	spans := make([]plait.Span, 20_000)
	for i := range spans {
		spans[i] = family("a")[0]
		spans[i].SpanID = plait.SpanIDFromInt64(int64(i + 1))
		spans[i].ParentSpanID = plait.SpanIDFromInt64(int64(i))
	}
	chain := slices.Repeat([]string{`{ name = "a" }`}, 100)
	found := search(t, strings.Join(chain, " >> ")+` | by(name) | count() = 19901`).Match(&condition.TraceView{Spans: spans})
	if found == nil || len(found.Sets[0].Spans) != 19_901 {
		t.Error("100 spans below one another are not found in a trace 20,000 deep")
	}
}
