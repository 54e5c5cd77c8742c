package condition_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
)

func TestSimplifiedConditions(t *testing.T) {
	t.Parallel()
	service, name, duration := Field{Name: Service}, Field{Name: SpanName}, Field{Name: SpanDuration}
	is := func(f Field, s string) Node { return equal(f, String(s)) }
	ms := func(op Op, n int) Node { return compare(duration, op, Duration(time.Duration(n)*time.Millisecond)) }
	a, b, c := is(own("a"), "1"), is(own("b"), "2"), is(own("c"), "3")
	for _, tt := range []struct {
		n    Node
		want string
	}{
		{And{}, `true`},
		{Or{}, `false`},
		{And{a}, `span.a = "1"`},
		{And{a, And{b, Const(true)}, c}, `(span.a = "1" && span.b = "2" && span.c = "3")`},
		{Or{a, Or{b, Const(false)}}, `(span.a = "1" || span.b = "2")`},
		{And{a, Const(false)}, `false`},
		{Not{And{a, Or{b, Not{c}}}}, `(!(span.a = "1") || (!(span.b = "2") && span.c = "3"))`},
		{Not{Not{a}}, `span.a = "1"`},
		{And{a, b, a}, `(span.a = "1" && span.b = "2")`},
		{And{a, Not{a}}, `false`},
		{Or{a, Not{a}}, `true`},
		{And{a, Or{a, b}}, `span.a = "1"`},
		{Or{a, And{a, b}}, `span.a = "1"`},
		{And{a, Or{Not{a}, b}}, `(span.a = "1" && span.b = "2")`},
		{And{Or{b, c}, Or{c, b}, Or{b, c}}, `((span.b = "2" || span.c = "3") && (span.c = "3" || span.b = "2"))`},

		{And{is(service, "a"), is(service, "b")}, `false`},
		{And{a, is(own("a"), "2")}, `(span.a = "1" && span.a = "2")`}, // an array has both
		{And{is(service, "a"), Not{is(service, "b")}}, `service = "a"`},
		{Or{is(service, "a"), Not{is(service, "b")}}, `!(service = "b")`},
		{And{is(service, "a"), label(service, "=~", "a|b")}, `service = "a"`},
		{And{is(service, "c"), label(service, "=~", "a|b")}, `false`},
		{And{label(service, "=~", "a|b"), label(service, "!=", "b")}, `service = "a"`},
		{And{is(name, "GET /a"), compare(name, OpContains, String("GET"))}, `span:name = "GET /a"`},

		{NotEqual(name, String("a")), `!(span:name = "a")`},
		{NotEqual(own("a"), String("1")), `(span.a is string && !(span.a = "1"))`},
		{Absent(name), `false`},
		{Exists(duration), `true`},
		{And{a, Exists(own("a"))}, `span.a = "1"`},
		{And{a, Absent(own("a"))}, `false`},
		{Or{a, Exists(own("a"))}, `span.a exists`},
		{And{equal(own("a"), Said("null")), Absent(own("a"))}, `(span.a = said "null" && !(span.a exists))`},
		{equal(own("a"), Kind(plait.SpanKindServer)), `false`},
		{NotEqual(own("a"), Kind(plait.SpanKindServer)), `false`},

		{Not{ms(OpLess, 5)}, `span:duration >= 5ms`},
		{Not{compare(own("a"), OpLess, Int(5))}, `!(span.a < 5)`},
		{And{ms(OpGreater, 5), ms(OpGreater, 3)}, `span:duration > 5ms`},
		{And{ms(OpGreater, 5), ms(OpLess, 3)}, `false`},
		{And{ms(OpGreater, 5), ms(OpLessOrEqual, 5)}, `false`},
		{And{ms(OpGreaterOrEqual, 5), ms(OpLessOrEqual, 5)}, `(span:duration >= 5ms && span:duration <= 5ms)`},
		{Or{ms(OpGreater, 5), ms(OpLessOrEqual, 5)}, `true`},
		{Or{ms(OpGreater, 5), ms(OpGreater, 3)}, `span:duration > 3ms`},
		{And{ms(OpGreater, 5), equal(duration, Int(4))}, `false`},

		{compare(name, OpRegexp, String("cart")), `span:name = "cart"`},
		{compare(name, OpRegexp, String("cart|car[tp]")), `(span:name = "carp" || span:name = "cart")`},
		{compare(name, OpRegexp, String(".*cart.*")), `span:name contains "cart"`},
		{compare(name, OpRegexp, String("cart.*")), `span:name =~ "cart.*"`},
		{compare(name, OpRegexp, String("(?i)cart")), `span:name =~ "(?i)cart"`},
		{compare(name, OpRegexp, String(".*")), `true`},
		{compare(own("a"), OpRegexp, String(".*")), `span.a is string`},
		{compare(own("a"), OpRegexp, Text(".*")), `span.a exists`},
		{label(own("a"), "=~", ".*"), `true`},
		{label(own("a"), "!~", ".+"), `!(span.a =~ text ".+")`},
		{compare(Field{Name: LogBody}, OpContainsFold, String("ÜBER")), `log:body contains fold "über"`},
		{BodyContains(""), `true`},

		{And{equal(Attribute(EventAttribute, "e"), Text("1")), equal(Attribute(EventAttribute, "e"), Text("2"))}, `(event.e = text "1" && event.e = text "2")`},
		{And{equal(own("a"), Text("1")), equal(own("a"), Text("2"))}, `false`},
		{And{is(Field{Name: EventName}, "x"), is(Field{Name: EventName}, "y")}, `(event:name = "x" && event:name = "y")`},
		{And{equal(Field{Name: TraceID}, OfTrace(plait.TraceID{1})), equal(Field{Name: TraceID}, OfTrace(plait.TraceID{2}))}, `false`},
		{HasSpan{And{a, Not{a}}}, `false`},
		{Not{HasSpan{Not{Not{a}}}}, `!{ span.a = "1" }`},
		{And{HasSpan{a}, HasSpan{b}, HasSpan{a}}, `({ span.a = "1" } && { span.b = "2" })`},
	} {
		if got := Simplify(tt.n).String(); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.n, got, tt.want)
		}
	}
}

func TestSimplifyStaysLinear(t *testing.T) {
	t.Parallel()
	deep := equal(own("k"), Int(0))
	var wide Or
	for i := range 5_000 {
		l := equal(own(fmt.Sprint("k", i%50)), Int(int64(i)))
		wide = append(wide, And{l, Not{l}}, l)
		if deep = (And{l, deep}); i%2 == 0 {
			deep = Or{l, Not{deep}}
		}
	}
	for _, n := range []Node{deep, wide} {
		before, after := 0, 0
		Walk(n, func(Node) bool { before++; return true })
		Walk(Simplify(n), func(Node) bool { after++; return true })
		if after > before {
			t.Errorf("%d nodes became %d", before, after)
		}
	}
}

func TestBoundsAreThoseOfTheCondition(t *testing.T) {
	t.Parallel()
	start := Field{Name: SpanStart}
	at := func(op Op, v Value) Node { return compare(start, op, v) }
	const first, last = math.MinInt64, math.MaxInt64
	for _, tt := range []struct {
		n           Node
		least, most int64
	}{
		{And{}, first, last},
		{Or{}, last, first},
		{Const(false), last, first},
		{And{at(OpGreaterOrEqual, Time(5)), at(OpLess, Time(9))}, 5, 8},
		{And{at(OpGreater, Time(5)), equal(own("k"), Int(1))}, 6, last},
		{Or{at(OpEqual, Time(5)), at(OpEqual, Time(9))}, 5, 9},
		{Or{at(OpEqual, Time(5)), equal(own("k"), Int(1))}, first, last},
		{Not{at(OpLess, Time(5))}, 5, last},
		{at(OpLess, Float(5.5)), first, 5},
		{at(OpGreater, Float(5.5)), 6, last},
		{at(OpLess, Float(1<<63)), first, last},
		{at(OpLess, Float(math.NaN())), last, first},
		{at(OpGreater, Float(math.Inf(-1))), first, last},
		{HasSpan{at(OpEqual, Time(5))}, first, last},
	} {
		if least, most := Bounds(Simplify(tt.n), start); least != tt.least || most != tt.most {
			t.Errorf("%s: got %d to %d, want %d to %d", tt.n, least, most, tt.least, tt.most)
		}
	}
}

func TestReduceLeavesWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	service, name := equal(Field{Name: Service}, String("a")), equal(Field{Name: SpanName}, String("b"))
	attribute := equal(own("k"), Int(1))
	known := map[Node]Tristate{service: Holds, name: Fails}
	for _, tt := range []struct {
		n    Node
		want string
	}{
		{And{service, attribute}, `span.k = 1`},
		{And{service, Not{name}}, `true`},
		{And{name, attribute}, `false`},
		{Or{name, attribute}, `span.k = 1`},
		{Or{service, attribute}, `true`},
		{Not{And{service, attribute}}, `!(span.k = 1)`},
		{And{Or{name, And{service, attribute, HasSpan{name}}}, Or{attribute, name}}, `(span.k = 1 && { span:name = "b" } && span.k = 1)`},
		{Computed{FieldOf{Name: SpanName}, OpEqual, Constant(String("b"))}, `(span:name = "b")`},
	} {
		if got := Reduce(tt.n, func(l Leaf) Tristate { return known[l] }).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.n, got, tt.want)
		}
	}
	for before, after := range map[Tristate]Tristate{Unknown: Unknown, Holds: Fails, Fails: Holds} {
		if before.Not() != after {
			t.Errorf("the negation of %d is %d", before, before.Not())
		}
	}
}

func TestNeedsNameWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	parent := own("p")
	parent.Parent = true
	n := And{equal(own("b"), Int(1)), Not{equal(own("a"), Int(1))}, equal(own("b"), Int(2)), Exists(parent),
		Computed{FieldOf{Name: SpanDuration}, OpLess, Arithmetic{FieldOf{Name: TraceDuration}, '*', Constant(Float(0.5))}}}
	want := Needs{Fields: []Field{{Name: SpanDuration}, {Name: TraceDuration}, own("a"), own("b")}, Parent: &Needs{Fields: []Field{own("p")}}}
	if diff := cmp.Diff(want, NeedsOf(n)); diff != "" {
		t.Error(diff)
	}
	got := NeedsOf(And{HasSpan{n}, HasSpan{Exists(own("c"))}, Exists(Field{Name: TraceID})})
	want.Fields = append(want.Fields, own("c"))
	if diff := cmp.Diff(Needs{Fields: []Field{{Name: TraceID}}, Spans: &want}, got); diff != "" {
		t.Error(diff)
	}
	if got.Trace() || !got.Spans.Trace() || !got.Spans.Has(SpanDuration) || got.Has(SpanDuration) {
		t.Errorf("%+v says wrongly what it has", got)
	}
}

func TestConditionsThatCannotBeAskedAreRefused(t *testing.T) {
	t.Parallel()
	name, kind, id := Field{Name: SpanName}, Field{Name: SpanKind}, Field{Name: SpanID}
	of := func(f Field) Field { f.Parent = true; return f }
	for _, tt := range []struct {
		n    Node
		says string
	}{
		{nil, "missing"},
		{And{nil}, "missing"},
		{Not{}, "missing"},
		{equal(name, Int(5)), "no values of this type"},
		{equal(Field{Name: TraceDuration}, String("x")), "no values of this type"},
		{equal(Field{Name: SpanStart}, Duration(5)), "no values of this type"},
		{equal(kind, Status(1)), "no values of this type"},
		{equal(id, OfTrace(plait.TraceID{1})), "no values of this type"},
		{compare(kind, OpLess, Kind(1)), "does not compare"},
		{compare(own("a"), OpLess, Bool(true)), "does not compare"},
		{compare(own("a"), OpLess, Said("5")), "does not compare"},
		{compare(own("a"), OpRegexp, Int(5)), "does not compare"},
		{compare(own("a"), OpExists, Int(5)), "do not go together"},
		{Leaf{Field: own("a"), Op: OpEqual}, "do not go together"},
		{Leaf{Field: own("a")}, "do not go together"},
		{Leaf{Field: own("a"), Op: 99, Value: Int(1)}, "do not go together"},
		{Leaf{Field: name, Op: OpIsString}, "the type of the field is known"},
		{Exists(Field{Name: LogBody}), "spans have no such field"},
		{Exists(Field{}), "spans have no such field"},
		{Exists(Field{Name: 200}), "spans have no such field"},
		{Exists(Field{Name: SpanAttribute}), "needs a key"},
		{Exists(Field{Name: SpanName, Key: "a"}), "needs a key"},
		{Exists(Field{Name: SpanName, Lookup: LookupDotted}), "keys of attributes"},
		{Exists(Field{Name: SpanName, Path: "/a"}), "a path"},
		{Exists(Field{Name: SpanAttribute, Key: "a", Path: "a"}), "a path"},
		{Exists(Field{Name: SpanAttribute, Key: "a", Lookup: LookupLabel, Path: "/a"}), "a path"},
		{Exists(of(Field{Name: TraceDuration})), "of its parent"},
		{compare(name, OpRegexp, String("(")), "regular expression"},
		{compare(name, OpRegexp, String("a)|(b")), "regular expression"},
		{compare(own("a"), OpSearch, Text("[")), "regular expression"},
		{compare(id, OpRegexp, String("[")), "regular expression"},
		{HasSpan{Const(true)}, "asks for a span"},
		{Computed{FieldOf(name), OpRegexp, FieldOf(name)}, "comparison of two expressions"},
		{Computed{FieldOf(name), OpEqual, nil}, "comparison of two expressions"},
		{Computed{FieldOf{Name: LogBody}, OpEqual, FieldOf(name)}, "no such field"},
		{Computed{FieldOf(name), OpEqual, Constant(Kind(1))}, "nothing can be computed"},
		{Computed{FieldOf(name), OpEqual, Arithmetic{FieldOf(name), '&', FieldOf(name)}}, "incomplete"},
		{Computed{FieldOf(name), OpEqual, Arithmetic{nil, '+', FieldOf(name)}}, "incomplete"},
	} {
		if _, err := CompileSpans(tt.n); !errors.Is(err, plait.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v: got %v, want one that says %q", tt.n, err, tt.says)
		}
	}
	if _, err := CompileLogs(HasSpan{Const(true)}); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("a condition on log records asks for a span: %v", err)
	}
	if _, err := CompileLogs(Exists(of(Attribute(ResourceAttribute, "a")))); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("a log record has a parent: %v", err)
	}
	if _, err := CompileTraces(equal(name, String("a"))); !errors.Is(err, plait.ErrInvalid) {
		t.Errorf("a trace has a span's name: %v", err)
	}
	deep := Node(Const(true))
	for range 2 * MaxDepth {
		deep = Not{deep}
	}
	for _, n := range []Node{deep, make(And, 100_000)} {
		if _, err := CompileSpans(n); !errors.Is(err, plait.ErrTooLarge) && !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("a tree without bounds: %v", err)
		}
	}
}
