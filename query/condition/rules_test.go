package condition_test

import (
	"testing"
	"time"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
)

// has makes attributes of keys and values.
func has(pairs ...any) (a plait.Attributes) {
	for i := 0; i < len(pairs); i += 2 {
		a = append(a, plait.Attribute{Key: pairs[i].(string), Value: valueOf(pairs[i+1])})
	}
	return a
}

func valueOf(v any) plait.Value {
	switch v := v.(type) {
	case int:
		return plait.IntValue(int64(v))
	case float64:
		return plait.DoubleValue(v)
	case bool:
		return plait.BoolValue(v)
	case plait.Value:
		return v
	}
	return plait.StringValue(v.(string))
}

// spanWith makes a span of a service with attributes of its own.
func spanWith(own plait.Attributes, resource ...any) *plait.Span {
	return &plait.Span{Name: "GET /cart", Attributes: own, Scope: &plait.Scope{},
		Resource: &plait.Resource{Attributes: append(has("service.name", "cart"), has(resource...)...)}}
}

func own(key string) Field      { return Attribute(SpanAttribute, key) }
func resource(key string) Field { return Attribute(ResourceAttribute, key) }

func equal(f Field, v Value) Node          { return Leaf{Field: f, Op: OpEqual, Value: v} }
func compare(f Field, op Op, v Value) Node { return Leaf{Field: f, Op: op, Value: v} }

func label(f Field, op plait.MatchOp, text string) Node { return must(Label(f, op, text)) }

// TestTraceQLRules quotes the sentences that it is about.
func TestTraceQLRules(t *testing.T) {
	t.Parallel()
	array := plait.ArrayValue(`["tea","cake"]`)
	mixed := plait.ArrayValue(`[3,"tea"]`)
	tests := []struct {
		sentence string
		span     *plait.Span
		n        Node
		fits     bool
	}{
		{"missing is false for every comparison, the negative ones included", spanWith(nil), equal(own("x"), String("a")), false},
		{"missing is false for !=", spanWith(nil), NotEqual(own("x"), String("a")), false},
		{"missing is false for !~", spanWith(nil), NotRegexp(own("x"), "a"), false},
		{"the negation of a comparison is true where it is false", spanWith(nil), Not{Of: equal(own("x"), String("a"))}, true},
		{"{ span.x = 500 } does not find the string 500", spanWith(has("x", "500")), equal(own("x"), Int(500)), false},
		{"another type is false for != too", spanWith(has("x", "500")), NotEqual(own("x"), Int(4)), false},
		{"another type is false for < too", spanWith(has("x", true)), compare(own("x"), OpLess, Int(4)), false},
		{"int and float compare as numbers: equal", spanWith(has("x", 3.0)), equal(own("x"), Int(3)), true},
		{"int and float compare as numbers: less", spanWith(has("x", 9)), compare(own("x"), OpLessOrEqual, Float(9.5)), true},
		{"int and float compare as numbers: to the last digit", spanWith(has("x", 9007199254740993)), equal(own("x"), Float(9007199254740992)), false},
		{"durations compare with numbers as ns", spanWith(has("x", 100_000_000)), equal(own("x"), Duration(100*time.Millisecond)), true},
		{"to find absence: = nil", spanWith(nil), Absent(own("x")), true},
		{"= nil does not find what is there", spanWith(has("x", "")), Absent(own("x")), false},
		{"!= nil finds the empty string", spanWith(has("x", "")), Exists(own("x")), true},
		{"an attribute without any value is nil", spanWith(has("x", plait.Value{})), Exists(own("x")), false},
		{"an attribute without any value is not unequal", spanWith(has("x", plait.Value{})), NotEqual(own("x"), String("a")), false},

		{".x looks at the span's attribute", spanWith(has("x", "a"), "x", "b"), unscoped("a"), true},
		{".x looks at the resource's only if the span has none", spanWith(has("x", "a"), "x", "b"), unscoped("b"), false},
		{".x looks at the resource's if the span has none", spanWith(nil, "x", "b"), unscoped("b"), true},
		{".x != looks at the span's only if it has one", spanWith(has("x", "a"), "x", "b"), unscopedNot("b"), true},
		{".x != looks at the resource's", spanWith(nil, "x", "b"), unscopedNot("b"), false},
		{".x != is false where neither has one", spanWith(nil), unscopedNot("b"), false},
		{".x = nil where neither has one", spanWith(nil), SpanOrResource("x", Absent), true},
		{".x = nil not where the resource has one", spanWith(nil, "x", "b"), SpanOrResource("x", Absent), false},
		{".x = nil not where the span has one", spanWith(has("x", 1)), SpanOrResource("x", Absent), false},
		{".x != nil where the resource has one", spanWith(nil, "x", "b"), SpanOrResource("x", Exists), true},

		{"=~ \"cart\" is not contains", spanWith(has("x", "the cart")), compare(own("x"), OpRegexp, String("cart")), false},
		{"regular expressions match the whole value, also what they choose among", spanWith(has("x", "cartoon")), compare(own("x"), OpRegexp, String("cart|oon")), false},
		{". matches line breaks too", spanWith(has("x", "a\nb")), compare(own("x"), OpRegexp, String("a.b")), true},
		{"=~ of a number is false", spanWith(has("x", 5)), compare(own("x"), OpRegexp, String(".*")), false},
		{"=~ without regard to case", spanWith(has("x", "CART")), compare(own("x"), OpRegexp, String("(?i)cart")), true},

		{"arrays: = is any element", spanWith(has("x", array)), equal(own("x"), String("cake")), true},
		{"arrays: =~ is any element", spanWith(has("x", array)), compare(own("x"), OpRegexp, String("c.*")), true},
		{"arrays: != is none", spanWith(has("x", array)), NotEqual(own("x"), String("tea")), false},
		{"arrays: != is none of them", spanWith(has("x", array)), NotEqual(own("x"), String("milk")), true},
		{"arrays: !~ is none", spanWith(has("x", array)), NotRegexp(own("x"), "t.*"), false},
		{"arrays: elements of another type do not compare", spanWith(has("x", mixed)), equal(own("x"), Int(3)), true},
		{"arrays of strings are not unequal to a number", spanWith(has("x", array)), NotEqual(own("x"), Int(3)), false},
		{"an array in an array is no element to compare", spanWith(has("x", plait.ArrayValue(`[[1]]`))), equal(own("x"), Int(1)), false},
		{"an empty array is there", spanWith(has("x", plait.ArrayValue(`[]`))), Exists(own("x")), true},

		{"on strings too (lexical order)", spanWith(has("x", "b")), compare(own("x"), OpGreater, String("a")), true},
		{"a number is not more than a string", spanWith(has("x", 5)), compare(own("x"), OpGreater, String("")), false},
		{"of an attribute that came twice the last counts", spanWith(has("x", "a", "x", "b")), equal(own("x"), String("a")), false},
		{"a keyword compares with no attribute", spanWith(has("x", 2)), equal(own("x"), Status(plait.StatusError)), false},
		{"a keyword is not unequal to an attribute", spanWith(has("x", 2)), NotEqual(own("x"), Status(plait.StatusError)), false},
	}
	for _, tt := range tests {
		fits(t, tt.sentence, tt.n, &SpanView{Span: tt.span}, tt.fits)
	}
}

func unscoped(text string) Node {
	return SpanOrResource("x", func(f Field) Node { return equal(f, String(text)) })
}

func unscopedNot(text string) Node {
	return SpanOrResource("x", func(f Field) Node { return NotEqual(f, String(text)) })
}

// fits asks the condition as it is and simplified.
func fits(t *testing.T, sentence string, n Node, v *SpanView, want bool) {
	t.Helper()
	for _, n := range []Node{n, Simplify(n)} {
		c, err := CompileSpans(n)
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
		} else if got := c.Match(v); got != want {
			t.Errorf("%s: %s is %v, want %v", sentence, n, got, want)
		}
	}
}

func TestIntrinsicsOfSpans(t *testing.T) {
	t.Parallel()
	root := spanWith(has("x", "a"), "region", "eu")
	root.TraceID, root.SpanID, root.Kind = plait.TraceID{0: 1, 15: 2}, plait.SpanID{7: 1}, plait.SpanKindServer
	child := spanWith(nil)
	child.TraceID, child.SpanID, child.ParentSpanID = root.TraceID, plait.SpanID{7: 2}, root.SpanID
	child.StartNanos, child.EndNanos, child.Status, child.StatusMessage = 1_000, 3_000, plait.StatusError, "refused"
	child.Scope = &plait.Scope{Name: "lib", Version: "1.2", Attributes: has("s", 1)}
	child.Events = []plait.Event{{Name: "retry", TimeNanos: 1_500, Attributes: has("n", 1)}, {Name: "exception", TimeNanos: 2_000, Attributes: has("n", 2)}}
	child.Links = []plait.Link{{TraceID: plait.TraceID{15: 9}, SpanID: plait.SpanID{7: 9}, Attributes: has("l", true)}}
	summary := &plait.TraceSummary{TraceID: root.TraceID, RootService: "cart", RootName: "GET /cart", StartNanos: 500, DurationNanos: 4_000, SpanCount: 2, ErrorCount: 1, Services: []string{"cart", "shop"}}
	parent := func(f Field) Field { f.Parent = true; return f }
	field := func(n Name) Field { return Field{Name: n} }
	whole, alone := &SpanView{Span: child, Parent: root, Trace: summary}, &SpanView{Span: child}
	tests := []struct {
		n           Node
		fits        bool
		withoutRest bool // when neither parent nor trace is known
	}{
		{equal(field(SpanName), String("GET /cart")), true, true},
		{equal(field(Service), String("cart")), true, true},
		{equal(field(SpanStatus), Status(plait.StatusError)), true, true},
		{equal(field(SpanStatus), Text("error")), true, true},
		{NotEqual(field(SpanStatus), Status(plait.StatusError)), false, false},
		{equal(field(SpanKind), Kind(plait.SpanKindUnspecified)), true, true},
		{equal(field(SpanStatusMessage), String("refused")), true, true},
		{compare(field(SpanDuration), OpGreater, Duration(2*time.Microsecond)), false, false},
		{compare(field(SpanDuration), OpGreaterOrEqual, Duration(2*time.Microsecond)), true, true},
		{compare(field(SpanDuration), OpLess, Float(2000.5)), true, true},
		{equal(field(SpanStart), Time(1_000)), true, true},
		{Exists(field(SpanParentID)), true, true},
		{equal(field(SpanParentID), OfSpan(root.SpanID)), true, true},
		{equal(field(SpanID), OfSpan(root.SpanID)), false, false},
		{equal(field(TraceID), OfTrace(root.TraceID)), true, true},
		{compare(field(TraceID), OpRegexp, String("01.*02")), true, true},
		{equal(field(EventName), String("exception")), true, true},
		{NotEqual(field(EventName), String("retry")), false, false}, // one is
		{NotEqual(field(EventName), String("other")), true, true},
		{equal(field(EventSinceStart), Duration(500)), true, true},
		{equal(Attribute(EventAttribute, "n"), Int(2)), true, true},
		{And{equal(Attribute(EventAttribute, "n"), Int(1)), equal(field(EventName), String("exception"))}, true, true}, // of different events
		{equal(field(LinkTraceID), OfTrace(plait.TraceID{15: 9})), true, true},
		{equal(field(LinkSpanID), OfSpan(plait.SpanID{7: 9})), true, true},
		{equal(Attribute(LinkAttribute, "l"), Bool(true)), true, true},
		{equal(field(ScopeName), String("lib")), true, true},
		{equal(field(ScopeVersion), String("1.2")), true, true},
		{equal(Attribute(ScopeAttribute, "s"), Int(1)), true, true},
		{equal(parent(own("x")), String("a")), true, false},
		{equal(parent(resource("region")), String("eu")), true, false},
		{NotEqual(parent(own("x")), String("b")), true, false},
		{Absent(parent(own("y"))), true, true},
		{equal(parent(field(SpanKind)), Kind(plait.SpanKindServer)), true, false},
		{NotEqual(parent(field(SpanKind)), Kind(plait.SpanKindClient)), true, false},
		{compare(field(TraceDuration), OpGreater, Duration(3*time.Microsecond)), true, false},
		{equal(field(TraceRootName), String("GET /cart")), true, false},
		{equal(field(TraceRootService), String("cart")), true, false},
		{equal(field(TraceStart), Time(500)), true, false},
		{equal(field(TraceSpanCount), Int(2)), true, false},
		{equal(field(TraceErrorCount), Int(1)), true, false},
		{equal(field(TraceServices), String("shop")), true, false},
		{NotEqual(field(TraceServices), String("shop")), false, false},
		{Computed{FieldOf(field(SpanDuration)), OpEqual, Arithmetic{FieldOf(field(TraceDuration)), '*', Constant(Float(0.5))}}, true, false},
		{Computed{FieldOf(parent(field(SpanName))), OpEqual, FieldOf(field(SpanName))}, true, false},
		{Computed{FieldOf(field(SpanParentID)), OpEqual, FieldOf(parent(field(SpanID)))}, true, false},
	}
	for _, tt := range tests {
		fits(t, "of the whole trace", tt.n, whole, tt.fits)
		fits(t, "of the span alone", tt.n, alone, tt.withoutRest)
	}
	fits(t, "a root has no parent", Absent(field(SpanParentID)), &SpanView{Span: root}, true)
	fits(t, "the zero id is none", equal(field(SpanParentID), OfSpan(plait.SpanID{})), &SpanView{Span: root}, false)
}

// TestLabelsAreComparedAsPromQLAndLogQLDo quotes LogQL's contract.
func TestLabelsAreComparedAsPromQLAndLogQLDo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sentence string
		span     *plait.Span
		n        Node
		fits     bool
	}{
		{"!= on a missing label is true when compared with a non-empty text", spanWith(nil), label(own("x"), "!=", "a"), true},
		{"!= of what is there", spanWith(has("x", "a")), label(own("x"), "!=", "a"), false},
		{"a=\"\": does not exist", spanWith(nil), label(own("x"), "=", ""), true},
		{"a=\"\": the empty text is as missing", spanWith(has("x", "")), label(own("x"), "=", ""), true},
		{"a!=\"\": exists", spanWith(has("x", "a")), label(own("x"), "!=", ""), true},
		{"a!=\"\": exists not", spanWith(nil), label(own("x"), "!=", ""), false},
		{"x=~\".*\" keeps the line without x", spanWith(nil), label(own("x"), "=~", ".*"), true},
		{"x=~\".+\" does not", spanWith(nil), label(own("x"), "=~", ".+"), false},
		{"x!~\".+\" keeps it", spanWith(nil), label(own("x"), "!~", ".+"), true},
		{"regex anchored", spanWith(has("x", "the cart")), label(own("x"), "=~", "cart"), false},
		{"a number is its text", spanWith(has("x", 500)), label(own("x"), "=", "500"), true},
		{"a number is its text for expressions", spanWith(has("x", 503)), label(own("x"), "=~", "5.."), true},
		{"a list is its JSON", spanWith(has("x", plait.ArrayValue(`["a"]`))), label(own("x"), "=", `["a"]`), true},
		{"a list is its JSON, not its elements", spanWith(has("x", plait.ArrayValue(`["a"]`))), label(own("x"), "=", "a"), false},
	}
	for _, tt := range tests {
		fits(t, tt.sentence, tt.n, &SpanView{Span: tt.span}, tt.fits)
	}
	for _, bad := range []struct {
		op   plait.MatchOp
		text string
	}{{"=~", "("}, {"!~", "a)|(b"}, {"==", "a"}} {
		if _, err := Label(own("x"), bad.op, bad.text); err == nil {
			t.Errorf("%s %s compiles", bad.op, bad.text)
		}
	}
}

func TestLabelsNameAttributesAsLokiDoes(t *testing.T) {
	t.Parallel()
	named := func(name string) Field { return Field{Name: SpanAttribute, Key: name, Lookup: LookupLabel} }
	s := spanWith(has("http.route", "/a", "user", plait.MapValue(`{"id":5,"na-me":{"first":"x"},"$$m":"y"}`), "empty", "",
		"list", plait.ArrayValue(`[{"a":1}]`), "a b", "spaced", "é", "accent"))
	for name, want := range map[string]string{
		"http_route": "/a", "user_id": "5", "user_na_me_first": "x", "user__m": "y", "list": `[{"a":1}]`, "a_b": "spaced", "_": "accent",
	} {
		fits(t, name, label(named(name), "=", want), &SpanView{Span: s}, true)
	}
	for _, name := range []string{"http.route", "user", "empty", "list_0_a", "list_a", "use", "user_na", "http_route_"} {
		fits(t, name, Exists(named(name)), &SpanView{Span: s}, false)
	}
	two, err := FirstOf([]Field{{Name: ResourceAttribute, Key: "x", Lookup: LookupLabel}, named("x")}, func(f Field) (Node, error) { return Label(f, "!=", "a") })
	if err != nil {
		t.Fatal(err)
	}
	fits(t, "the first place counts", two, &SpanView{Span: spanWith(has("x", "b"), "x", "a")}, false)
	fits(t, "the second, where the first has none", two, &SpanView{Span: spanWith(has("x", "b"))}, true)
	fits(t, "and none", two, &SpanView{Span: spanWith(nil)}, true)
}
