package traceql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/traceql"
)

// parse parses what has to be a query, and prints and parses it again.
func parse(t *testing.T, text string) *traceql.Query {
	t.Helper()
	q, err := traceql.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	again, err := traceql.Parse(q.String())
	if err != nil {
		t.Fatalf("%s is printed as %s: %v", text, q, err)
	}
	if diff := cmp.Diff(q, again); diff != "" {
		t.Fatalf("%s is printed as %s, another query: %s", text, q, diff)
	}
	return q
}

func TestQueriesAreReadWithTheirPrecedences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:     `{ }`,
		`{true}`: `{ true }`,
		"{\n\tname =\n \"tick\"\n} // to the end":                                 `{ name = "tick" }`,
		`{ /* what */ name = "tick" }`:                                            `{ name = "tick" }`,
		`{.a=1||.b=2&&.c=3}`:                                                      `{ .a = 1 || .b = 2 && .c = 3 }`,
		`{.a=1||(.b=2&&.c=3)}`:                                                    `{ .a = 1 || (.b = 2 && .c = 3) }`,
		`{(.a=1||.b=2)&&.c=3}`:                                                    `{ .a = 1 || .b = 2 && .c = 3 }`,
		`{span.a + 1 * 2 = (span.b + 1) * 2}`:                                     `{ span.a + 1 * 2 = (span.b + 1) * 2 }`,
		`{span.a - (1 - 2) = 0}`:                                                  `{ span.a - (1 - 2) = 0 }`,
		`{2 ^ 3 ^ span.a = (2 ^ span.a) ^ 3}`:                                     `{ 2 ^ 3 ^ span.a = (2 ^ span.a) ^ 3 }`,
		`{-2 ^ span.a = -(2 ^ span.a)}`:                                           `{ -2 ^ span.a = -(2 ^ span.a) }`,
		`{span.delta=-5 && -span.delta>-.5}`:                                      `{ span.delta = -5 && -span.delta > -0.5 }`,
		`{!.flag && !(.a = 1)}`:                                                   `{ !.flag && !(.a = 1) }`,
		`{span.retries+1=3}`:                                                      `{ span.retries+1 = 3 }`,
		`{span.a-b=2 && span.k8s.pod:x/y="l"}`:                                    `{ span.a-b = 2 && span.k8s.pod:x/y = "l" }`,
		`{span."with space"="x"}`:                                                 `{ span."with space" = "x" }`,
		`{span.x."y z"=1||."a.b"=1}`:                                              `{ span."x.y z" = 1 || .a.b = 1 }`,
		`{span."quo\"te"="q\"\\\n"}`:                                              `{ span."quo\"te" = "q\"\\\n" }`,
		`{parent.span.a = 1 && parent.b = 2}`:                                     `{ parent.span.a = 1 && parent.b = 2 }`,
		`{parent."span.a" = 1}`:                                                   `{ parent."span.a" = 1 }`,
		`{."5" = 1 && .x5 = .5}`:                                                  `{ ."5" = 1 && .x5 = 0.5 }`,
		`{name=` + "`a\\d\"`" + `}`:                                               `{ name = "a\\d\"" }`,
		`{duration>1h30m && duration<1.5s}`:                                       `{ duration > 1h30m0s && duration < 1.5s }`,
		`{duration>1m-50s}`:                                                       `{ duration > 1m0s - 50s }`,
		`{duration>2w || duration<1y1d || duration<3us || duration<3µs}`:          `{ duration > 336h0m0s || duration < 8784h0m0s || duration < 3µs || duration < 3µs }`,
		`{.a=minInt && .a=-9223372036854775808 && .a=maxInt}`:                     `{ .a = -9223372036854775808 && .a = -9223372036854775808 && .a = 9223372036854775807 }`,
		`{.a=1e3 && .b=1. && .c=0.004h}`:                                          `{ .a = 1000.0 && .b = 1.0 && .c = 14.4s }`,
		`{span:name="a" && span.name="b"}`:                                        `{ span:name = "a" && span.name = "b" }`,
		`(({name="tick"}))`:                                                       `{ name = "tick" }`,
		`{.a} && {.b} || {.c} >> {.d} > {.e}`:                                     `{ .a } && { .b } || { .c } >> { .d } > { .e }`,
		`{.a} && ({.b} || {.c})`:                                                  `{ .a } && ({ .b } || { .c })`,
		`({.a} && {.b}) >> {.c}`:                                                  `({ .a } && { .b }) >> { .c }`,
		`{.a} >> ({.b} >> {.c})`:                                                  `{ .a } >> ({ .b } >> { .c })`,
		`{.a}!>>{.b} | {.c}|count()>3`:                                            `{ .a } !>> { .b } | { .c } | count() > 3`,
		`({.a}&>>{.b})||({.a})|select(status, .x)`:                                `{ .a } &>> { .b } || { .a } | select(status, .x)`,
		`({.a} | count() > 1) && ({.b} | by(.x) | coalesce())`:                    `({ .a } | count() > 1) && ({ .b } | by(.x) | coalesce())`,
		`({.a} | count() > 1) && ({.b}) || ({.c})`:                                `({ .a } | count() > 1) && ({ .b }) || ({ .c })`,
		`{.a} && ({.b} | count() > 1)`:                                            `{ .a } && ({ .b } | count() > 1)`,
		`count() > 10`:                                                            `count() > 10`,
		`{} | max(duration) - min(duration) > 1s`:                                 `{ } | max(duration) - min(duration) > 1s`,
		`{} | (max(duration) - min(duration)) * 2 > 1s`:                           `{ } | (max(duration) - min(duration)) * 2 > 1s`,
		`{} | 3 < count()`:                                                        `{ } | 3 < count()`,
		`{} | by(duration > 1s) | count() > 1`:                                    `{ } | by(duration > 1s) | count() > 1`,
		`{} | rate() with(sample=true, exemplars=50, x="y")`:                      `{ } | rate() with(sample=true, exemplars=50, x="y")`,
		`{} | rate() by(span.x, name) > 60 | topk(5)`:                             `{ } | rate() by(span.x, name) > 60 | topk(5)`,
		`{} | quantile_over_time(duration, .5, 0.9, 1)`:                           `{ } | quantile_over_time(duration, 0.5, 0.9, 1)`,
		`{} | compare({status=error})`:                                            `{ } | compare({ status = error }, 10)`,
		`{} | compare({status=error}, 5, 17, 18)`:                                 `{ } | compare({ status = error }, 5, 17, 18)`,
		`({.a}|rate())/({}|rate())*60 > 0.5 | bottomk(1)`:                         `(({ .a } | rate()) / ({ } | rate())) * 60 > 0.5 | bottomk(1)`,
		`({.a}|rate()) + ({.b}|rate()) * 2`:                                       `({ .a } | rate()) + (({ .b } | rate()) * 2)`,
		`({.a}|rate()) > 1`:                                                       `{ .a } | rate() > 1`,
		`60 * ({.a} && {.b} | by(.x) | rate() by(.x))`:                            `60 * ({ .a } && { .b } | by(.x) | rate() by(.x))`,
		`(({.a} | count() > 1) && ({.b} | count() > 2) | rate()) / ({} | rate())`: `(({ .a } | count() > 1) && ({ .b } | count() > 2) | rate()) / ({ } | rate())`,
	} {
		if got := parse(t, text).String(); got != want {
			t.Errorf("%s\nis read as %s\nwant       %s", text, got, want)
		}
	}
}

func TestWrongQueriesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                      "1:1 found the end of the query, want a filter such as { status = error }",
		`true`:                                  "1:1 found true, want a filter such as { status = error }",
		`}`:                                     "1:1 found }, want a filter such as { status = error }",
		"{\n  attribute = 4 }":                  "2:3 attribute is no field: an attribute has a scope or a dot before it, as in .attribute",
		`{ "é" = .a == 4 }`:                     "1:13 found =, want an attribute, an intrinsic or a constant",
		`{ .a < }`:                              "1:8 found }, want an attribute, an intrinsic or a constant",
		`{status=error`:                         "1:14 found the end of the query, want }",
		`{ span.a = 1 && }`:                     "1:17 found }, want an attribute, an intrinsic or a constant",
		`{} + {}`:                               "1:4 found +, want the end of the query",
		`{} | count()`:                          "1:6 count() is a number, and no condition: compare it with something",
		`{} | count() > "a"`:                    "1:14 an integer and a string do not compare",
		`{} | 1 > 2`:                            "1:6 the comparison has no aggregate such as count()",
		`{} | topk(10)`:                         "1:6 topk chooses among series: a function such as rate() stands before it",
		`{} | rate() + 5`:                       "1:13 each side of + stands in parentheses: ({ … } | rate()) + …",
		`{} | rate() | {.a}`:                    "1:15 found {, want topk(n) or bottomk(n)",
		`{} | rate() by()`:                      "1:16 found ), want an attribute, an intrinsic or a constant",
		`{} | rate() | topk(0)`:                 "1:20 the number of series is an integer from 1 to 10000",
		`{} | quantile_over_time(duration)`:     "1:33 found ), want a comma and a quantile such as 0.9",
		`{} | quantile_over_time(duration, 90)`: "1:35 a quantile is a number from 0 to 1",
		`{} | max_over_time(name)`:              "1:20 max_over_time computes with numbers of spans, and name is a string",
		`{} | compare({}) by(.a)`:               "1:18 compare() groups by all attributes, and takes no by()",
		`({} | rate()) ^ 2`:                     "1:15 not supported by Plait: ^ between series; + - * / are",
		`{} | select()`:                         "1:13 found ), want an attribute or an intrinsic",
		`{} | by()`:                             "1:9 found ), want an attribute, an intrinsic or a constant",
		`{} | by(1)`:                            "1:9 by() groups by attributes and intrinsics",
		`{ status }`:                            "1:3 status is a status, and no condition: compare it with something",
		`{ 1 + 1 }`:                             "1:3 1 + 1 is an integer, and no condition: compare it with something",
		`{ 1 = "foo" }`:                         "1:5 an integer and a string do not compare",
		`{ traceDuration > "x" }`:               "1:17 a duration and a string do not compare",
		`{ kind = error }`:                      "1:8 a kind and a status do not compare",
		`{ status > ok }`:                       "1:10 of a status and a status none is more: only = and != compare them",
		`{ name =~ 5 }`:                         "1:8 =~ compares with a regular expression in quotes",
		`{ status =~ "err.*" }`:                 "1:10 regular expressions fit strings, and status is a status",
		`{ span.x =~ "[" }`:                     `1:10 the regular expression "[" is none: missing closing ]`,
		`{ span.x =~ "a)(b" }`:                  `1:10 the regular expression "a)(b" is none`,
		`{ trace:name = "a" }`:                  "1:3 there is no intrinsic trace:name",
		`{ span:rootName = "a" }`:               "1:3 there is no intrinsic span:rootName",
		`{ span.x = 'a' }`:                      `1:12 strings stand in double quotes: "…"`,
		`{ span.x = "a }`:                       `1:12 the string has no end: " is missing`,
		`{ span.x =~ "\d" }`:                    `1:13 the string has an escape that is none: a \ is written \\, or the string in backquotes`,
		`{ name = nil }`:                        "1:8 name is never nil",
		`{ 1 = nil }`:                           "1:5 only attributes compare with nil",
		`{ .a > nil }`:                          "1:6 nil compares with = and != only",
		`{ .a = 9223372036854775808 }`:          "1:8 the integer has more than 64 bits",
		`{ duration > 5000000h }`:               "1:14 the duration is longer than 292 years",
		`{ duration > 5sec }`:                   "1:14 the duration is none: units are ns, us, ms, s, m, h, d, w and y",
		`{ .a = 5x }`:                           "1:8 the number runs on into a word: units are ns, us, ms, s, m, h, d, w and y",
		`{ (.a = 1) = true }`:                   "1:12 not supported by Plait: comparing conditions with =; join them with && or ||",
		`{ !name }`:                             "1:3 ! negates conditions, and name is a string",
		`{ "a" + .b = 1 }`:                      "1:7 numbers are computed, not a string and an attribute",
		`{ span. = 1 }`:                         "1:3 the attribute has no name",
		`{ span."" = 1 }`:                       "1:3 the name of the attribute is empty",
		`{ /* }`:                                "1:3 the comment has no end: */ is missing",
		`{kind=producer} | count() > 0 && {kind=consumer}`: "1:31 found &&, want the end of the query",
		`({.a} | count() > 1) && {.b}`:                     "1:22 a pipeline stands beside a pipeline: write ({ .b } | …), or put { .b } first",
		`{} with(5)`:                                       "1:9 a hint is name=value",
		`{} with(a=b)`:                                     "1:11 found b, want a constant",
	} {
		_, err := traceql.Parse(text)
		place := (*traceql.Error)(nil)
		if !errors.As(err, &place) || !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%s: %v, want a place", text, err)
			continue
		}
		if got := fmt.Sprintf("%d:%d %s", place.Line, place.Column, place.Problem); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestEndlessQueriesAreRefused(t *testing.T) {
	t.Parallel()
	many := func(s string) string { return strings.Repeat(s, 10_000) }
	for name, text := range map[string]string{
		"parentheses in a condition": "{ " + many("(") + ".a = 1" + many(")") + " }",
		"open parentheses":           "{ " + many("("),
		"parentheses of spansets":    many("(") + "{}" + many(")"),
		"open ones of metrics":       many("(") + "{} | rate()",
		"negations":                  "{ " + many("!") + ".a }",
		"signs":                      "{ " + many("- ") + ".a = 1 }",
		"powers":                     "{ .a = " + many("2 ^ ") + "2 }",
		"alternatives":               "{ .a = 1" + many(" || .a = 1") + " }",
		"spansets":                   "{}" + many(" && {}"),
		"stages":                     "{}" + many(" | {}"),
		"aggregates":                 "{} | " + many("(") + "count()",
		"series":                     "({} | rate())" + many(" + 1"),
		"choices":                    "{} | rate()" + many(" > 1"),
		"bytes":                      `{ name = "` + strings.Repeat("x", 200<<10) + `" }`,
	} {
		if _, err := traceql.Parse(text); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("%s: %v, want that it is refused", name, err)
		}
	}
}

func TestLongChainsOfValuesAreRead(t *testing.T) {
	t.Parallel()
	parse(t, "{ .a = 1"+strings.Repeat(" || .a = 1", 900)+" }")
}

func TestWhatIsWholeOfAnUnfinishedQueryIsKept(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                              `{ }`,
		`{}`:                            `{ }`,
		`{ && }`:                        `{ }`,
		`{name=}`:                       `{ }`,
		`{span.foo= && name="x"}`:       `{ name = "x" }`,
		`{name="x" && span.}`:           `{ name = "x" }`,
		`{name="x" && span.http.method`: `{ name = "x" }`,
		`{name="x" && span.a="unfin`:    `{ name = "x" }`,
		`{resource.service.name="cart"}&&{}&&name="y"`: `{ resource.service.name = "cart" && name = "y" }`,
		`{(name="x" || name="y") && kind=server && (`:  `{ name = "x" || name = "y" && kind = server }`,
		`{name="x" && status=foo && kind = server}`:    `{ name = "x" && kind = server }`,
		`{name=~"[" && kind=server}`:                   `{ kind = server }`,
		"\xff{name=\"x\"":                              `{ name = "x" }`,
	} {
		if got := traceql.ParseUnfinished(text).String(); got != want {
			t.Errorf("%s is narrowed by %s, want %s", text, got, want)
		}
	}
}

func TestFieldsAreReadByTheirName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]traceql.Field{
		"resource.service.name": {Scope: traceql.ScopeResource, Name: "service.name"},
		".http.route":           {Scope: traceql.ScopeAny, Name: "http.route"},
		"span.a/b c":            {Scope: traceql.ScopeSpan, Name: "a/b c"},
		`span."a b"`:            {Scope: traceql.ScopeSpan, Name: "a b"},
		"parent.span.x":         {Scope: traceql.ScopeSpan, Name: "x", Parent: true},
		"name":                  {Scope: traceql.ScopeIntrinsic, Name: "name"},
		"span:kind":             {Scope: traceql.ScopeIntrinsic, Name: "span:kind"},
	} {
		if got, err := traceql.ParseField(text); err != nil || got != want {
			t.Errorf("%s is %+v and %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "http.route", "span.", "nothing:here", "service.name"} {
		if got, err := traceql.ParseField(text); err == nil {
			t.Errorf("%s is %+v, want that it is refused", text, got)
		}
	}
}
