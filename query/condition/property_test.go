package condition_test

import (
	"hash/fnv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	. "github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/condition/conditiontest"
)

// rows draws a condition and rows for it, and calls check with each.
func rows(t *rapid.T, check func(n Node, match func(Node) bool, want func(Node) bool)) {
	all := conditiontest.Draw(t, 6, 4)
	n := conditiontest.OnSpans().Draw(t, "on spans")
	for i, v := range conditiontest.Views(all.Spans) {
		if i%3 == 2 {
			v.Trace = nil
		}
		check(n, func(n Node) bool { return must(CompileSpans(n)).Match(&v) }, naive{span: &v}.holds)
	}
	n = conditiontest.OnLogs().Draw(t, "on logs")
	for i := range all.Logs {
		check(n, func(n Node) bool { return must(CompileLogs(n)).Match(&all.Logs[i]) }, naive{log: &all.Logs[i]}.holds)
	}
	n = conditiontest.OnTraces().Draw(t, "on traces")
	for _, v := range conditiontest.Traces(all.Spans) {
		check(n, func(n Node) bool { return must(CompileTraces(n)).Match(&v) }, naive{trace: &v}.holds)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func matchIsWhatItMeans(t *rapid.T) {
	rows(t, func(n Node, match, want func(Node) bool) {
		if match(n) != want(n) {
			t.Fatalf("%s: got %v", n, match(n))
		}
	})
}

func simplifyKeepsTheMeaning(t *rapid.T) {
	rows(t, func(n Node, match, _ func(Node) bool) {
		simple := Simplify(n)
		if match(simple) != match(n) {
			t.Fatalf("%s fits: %v, but as %s: %v", n, match(n), simple, match(simple))
		}
		if again := Simplify(simple); again.String() != simple.String() && match(again) != match(n) {
			t.Fatalf("%s: %s, and then %s", n, simple, again)
		}
	})
}

func reduceKeepsTheMeaning(t *rapid.T) {
	seed := rapid.Byte().Draw(t, "what is known")
	rows(t, func(n Node, match, _ func(Node) bool) {
		rest := Reduce(n, func(l Leaf) Tristate {
			h := fnv.New32a()
			_, _ = h.Write(append([]byte(l.String()), seed))
			if h.Sum32()%3 == 0 {
				return Unknown
			}
			return Known(match(l))
		})
		if match(rest) != match(n) {
			t.Fatalf("%s fits: %v, but what is left, %s: %v", n, match(n), rest, match(rest))
		}
	})
}

// boundsEnclose looks for spans that fit outside of the bounds.
func boundsEnclose(t *rapid.T) {
	all := conditiontest.Draw(t, 6, 0)
	n := conditiontest.OnSpans().Draw(t, "on spans")
	for _, v := range conditiontest.Views(all.Spans) {
		if !must(CompileSpans(n)).Match(&v) {
			continue
		}
		for name, value := range map[Name]int64{SpanStart: v.Span.StartNanos, SpanDuration: v.Span.DurationNanos()} {
			for _, n := range []Node{n, Simplify(n)} {
				if least, most := Bounds(n, Field{Name: name}); value < least || value > most {
					t.Fatalf("%s fits %d, which is not from %d to %d", n, value, least, most)
				}
			}
		}
	}
}

// choicesHaveWhatFits looks for log records that fit and have none of the values that a field has to have.
func choicesHaveWhatFits(t *rapid.T) {
	all := conditiontest.Draw(t, 1, 6)
	n := conditiontest.OnLogs().Draw(t, "on logs")
	for i := range all.Logs {
		r := &all.Logs[i]
		if !must(CompileLogs(n)).Match(r) {
			continue
		}
		for _, name := range []Name{Service, LogTraceID, LogSeverity, LogBody} {
			for _, n := range []Node{n, Simplify(n)} {
				or := Or{}
				values, ok := Choices(n, Field{Name: name})
				for _, v := range values {
					or = append(or, Leaf{Field{Name: name}, OpEqual, v})
				}
				if ok && !must(CompileLogs(or)).Match(r) {
					t.Fatalf("%s fits %+v, of which none of %v says field %d", n, r, or, name)
				}
			}
		}
	}
}

// containedIsContained looks for bodies that fit without what is sure to be in them.
func containedIsContained(t *rapid.T) {
	all := conditiontest.Draw(t, 1, 6)
	Walk(conditiontest.OnLogs().Draw(t, "on logs"), func(n Node) bool {
		l, ok := n.(Leaf)
		if !ok || l.Field.Name != LogBody {
			return true
		}
		text, ok := l.Contained()
		for i := range all.Logs {
			if body := all.Logs[i].Body.Text(); ok && must(CompileLogs(l)).Match(&all.Logs[i]) && !strings.Contains(Fold(body), Fold(text)) {
				t.Fatalf("%s fits %q, where %q is not", l, body, text)
			}
		}
		return true
	})
}

func TestChoicesHaveWhatFits(t *testing.T)  { t.Parallel(); rapid.Check(t, choicesHaveWhatFits) }
func TestContainedIsContained(t *testing.T) { t.Parallel(); rapid.Check(t, containedIsContained) }

func TestBoundsEncloseWhatFits(t *testing.T) { t.Parallel(); rapid.Check(t, boundsEnclose) }

// needsAreEnough takes out of spans whatever is not needed.
func needsAreEnough(t *rapid.T) {
	all := conditiontest.Draw(t, 6, 0)
	n := conditiontest.OnSpans().Draw(t, "on spans")
	needs := NeedsOf(n)
	for _, v := range conditiontest.Views(all.Spans) {
		less := SpanView{Span: only(v.Span, &needs)}
		if needs.Trace() {
			less.Trace = v.Trace
		}
		if needs.Parent != nil && v.Parent != nil {
			less.Parent = only(v.Parent, needs.Parent)
		}
		m := must(CompileSpans(n))
		if m.Match(&v) != m.Match(&less) {
			t.Fatalf("%s fits %v of the whole, and %v of what it needs: %+v", n, m.Match(&v), m.Match(&less), needs)
		}
	}
}

func only(s *plait.Span, needs *Needs) *plait.Span {
	less := *s
	for _, take := range []struct {
		of    []Name
		empty func()
	}{
		{[]Name{SpanName}, func() { less.Name = "" }},
		{[]Name{SpanKind}, func() { less.Kind = 0 }},
		{[]Name{SpanStatus}, func() { less.Status = 0 }},
		{[]Name{SpanStatusMessage}, func() { less.StatusMessage = "" }},
		{[]Name{SpanParentID}, func() { less.ParentSpanID = plait.SpanID{} }},
		{[]Name{TraceID}, func() { less.TraceID = plait.TraceID{} }},
		{[]Name{SpanID}, func() { less.SpanID = plait.SpanID{} }},
		{[]Name{SpanAttribute}, func() { less.Attributes = nil }},
		{[]Name{SpanDuration}, func() { less.EndNanos = 0 }},
		{[]Name{SpanDuration, SpanStart, EventSinceStart}, func() { less.StartNanos = 0 }},
		{[]Name{EventName, EventSinceStart, EventAttribute}, func() { less.Events = nil }},
		{[]Name{LinkTraceID, LinkSpanID, LinkAttribute}, func() { less.Links = nil }},
		{[]Name{ResourceAttribute, Service}, func() { less.Resource = nil }},
		{[]Name{ScopeAttribute, ScopeName, ScopeVersion}, func() { less.Scope = nil }},
	} {
		needed := false
		for _, name := range take.of {
			needed = needed || needs.Has(name)
		}
		if !needed {
			take.empty()
		}
	}
	return &less
}

func TestMatchIsWhatConditionsMean(t *testing.T)    { t.Parallel(); rapid.Check(t, matchIsWhatItMeans) }
func TestSimplifyKeepsTheMeaning(t *testing.T)      { t.Parallel(); rapid.Check(t, simplifyKeepsTheMeaning) }
func TestReduceKeepsTheMeaning(t *testing.T)        { t.Parallel(); rapid.Check(t, reduceKeepsTheMeaning) }
func TestConditionsLookAtWhatTheyNeed(t *testing.T) { t.Parallel(); rapid.Check(t, needsAreEnough) }
func FuzzMatchIsWhatConditionsMean(f *testing.F)    { f.Fuzz(rapid.MakeFuzz(matchIsWhatItMeans)) }
func FuzzSimplifyAndReduceKeepTheMeaning(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { simplifyKeepsTheMeaning(t); reduceKeepsTheMeaning(t) }))
}
