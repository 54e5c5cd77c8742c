package evaltest

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
)

func one[T any](t *rapid.T, of ...T) T { return of[rapid.IntRange(0, len(of)-1).Draw(t, "one of")] }

func chance(t *rapid.T, percent int) bool { return rapid.IntRange(1, 100).Draw(t, "chance") <= percent }

// DrawTrace makes a trace of few words: roots, lost branches and work of any shape.
func DrawTrace(t *rapid.T) []plait.Span {
	spans := make([]plait.Span, rapid.IntRange(1, 9).Draw(t, "spans"))
	resources := make([]*plait.Resource, 2)
	for i := range resources {
		a := drawAttributes(t, 40)
		resources[i] = &plait.Resource{Attributes: append(a, plait.Attribute{Key: "service.name", Value: plait.StringValue(one(t, "x", "y"))})}
	}
	for i := range spans {
		s := &spans[i]
		*s = plait.Span{
			TraceID: plait.TraceID{15: 1}, SpanID: plait.SpanID{7: byte(i + 1)}, Resource: one(t, resources...), Scope: &plait.Scope{},
			StartNanos: int64(100 + i), Name: one(t, "n1", "n2"), Status: one(t, plait.StatusUnset, plait.StatusError),
			Kind: one(t, plait.SpanKindInternal, plait.SpanKindServer), Attributes: drawAttributes(t, 60),
		}
		s.EndNanos = s.StartNanos + one(t, int64(0), 1, 5, 6, 20)
		switch {
		case i > 0 && chance(t, 90):
			s.ParentSpanID = spans[rapid.IntRange(0, i-1).Draw(t, "parent")].SpanID
		case i > 0 || chance(t, 20):
			s.ParentSpanID = plait.SpanID{0: 9, 7: one(t, byte(1), 2)} // which never came
		}
		for range one(t, 0, 0, 1, 2) {
			s.Events = append(s.Events, plait.Event{TimeNanos: s.StartNanos + 1, Attributes: drawAttributes(t, 50)})
		}
	}
	return spans
}

func drawAttributes(t *rapid.T, percent int) (a plait.Attributes) {
	for _, key := range []string{"a", "b", "c", "list"} {
		if !chance(t, percent) {
			continue
		}
		v := one(t, plait.IntValue(1), plait.IntValue(2), plait.DoubleValue(1.5), plait.DoubleValue(2), plait.StringValue("x"), plait.StringValue("xy"),
			plait.StringValue(""), plait.BoolValue(true), plait.BoolValue(false))
		if key == "list" {
			v = one(t, plait.ArrayValue("[1,2]"), plait.ArrayValue(`["x","y"]`), plait.ArrayValue("[2,1.5]"))
		}
		a = append(a, plait.Attribute{Key: key, Value: v})
	}
	return a
}

// leaves are conditions on one span.
var leaves = []string{
	"true", "false", "span.a = 1", "span.a != 1", ".a > 1", ".a <= 1.5", `.b = "x"`, `.b != "x"`, `.b < "xy"`, `resource.b =~ "x|z"`, `span.b !~ "x.*"`, `.b !~ "x"`,
	".c", "!.c", "span.c != true", "span.a = nil", ".b != nil", "nil != .a", `name = "n1"`, `name != "n1"`, `name !~ ".1"`, "status = error", "status != error",
	"kind = server", "kind != server", "duration > 5ns", "duration = 0", "6 <= duration", "span.a + 1 > .a * 2", "span.a != resource.a", ".a = .b", "-.a < -1", ".b = resource.b",
	"span.a ^ 2 = 4", "3 % span.a = 1", "span.list = 2", "span.list != 2", `.list =~ "x"`, `.list !~ "x"`, "span.list > .a", "span.list != resource.list", "event.a = 1", "event.a != 1",
	"event.b = nil", "event.list = 1.5", "traceDuration > 20ns", `rootName = "n1"`, `rootServiceName != "x"`, `resource.service.name = "x"`, "nestedSetParent < 0", "nestedSetParent >= 0",
	"span:childCount = 0", "span:childCount > 1", "parent.a = 1", "parent.span.b != nil", "parent.resource.c", "duration * 2 >= traceDuration", "1 = 1", `"a" != "a"`, "parent.a = span.a",
}

func drawCondition(t *rapid.T, depth int) string {
	switch choice := rapid.IntRange(0, 5).Draw(t, "condition"); {
	case choice < 3 || depth == 0:
		return one(t, leaves...)
	case choice == 3:
		return "!(" + drawCondition(t, depth-1) + ")"
	}
	return "(" + drawCondition(t, depth-1) + one(t, " && ", " || ") + drawCondition(t, depth-1) + ")"
}

var spansetOps = []string{"&&", "||", "||", ">>", ">", "<<", "<", "~", "&>>", "&>", "&<<", "&<", "&~", "!>>", "!>", "!<<", "!<", "!~"}

func drawSpanset(t *rapid.T, depth int) string {
	switch choice := rapid.IntRange(0, 6).Draw(t, "spanset"); {
	case choice < 2 || depth == 0:
		return one(t, "{}", "{ "+drawCondition(t, 2)+" }")
	case choice == 2:
		return "(" + DrawPipeline(t, depth-1) + ") " + one(t, spansetOps...) + " (" + DrawPipeline(t, depth-1) + ")"
	}
	return "(" + drawSpanset(t, depth-1) + " " + one(t, spansetOps...) + " " + "(" + drawSpanset(t, depth-1) + "))"
}

// DrawPipeline makes the text of a query: filters, structure nested so deep, groups and aggregates.
func DrawPipeline(t *rapid.T, depth int) string {
	stages := []string{drawSpanset(t, depth)}
	for range rapid.IntRange(0, 3).Draw(t, "stages") {
		stages = append(stages, one(t,
			drawSpanset(t, 0), "count() "+one(t, ">", "<=", "=", "!=")+" "+one(t, "0", "1", "2"), "avg(duration) > 5", "max(.a) - min(.a) >= 0.5", "sum(span.a) > count()",
			"sum(span.a * 2) > 3", "by(name)", "by(.a)", "by(duration > 5ns)", "by(span.list)", "by(event.b)", "coalesce()", "select(.a, name)", "2 > min(span.a)",
		))
	}
	return strings.Join(stages, " | ")
}

// DrawMetrics makes the text of a metrics query that Metrics evaluates.
func DrawMetrics(t *rapid.T) string {
	return drawSpanset(t, 2) + " | " + one(t, "rate()", "count_over_time()", "min_over_time(duration)", "max_over_time(duration)", "avg_over_time(duration)", "sum_over_time(duration)") +
		one(t, "", " by (name)", " by (.a)", " by (resource.service.name, kind)", " by (status, name)", " by (span.b)")
}
