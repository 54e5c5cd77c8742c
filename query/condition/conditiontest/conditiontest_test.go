package conditiontest_test

import (
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query/condition"
	"github.com/plaithq/plait/query/condition/conditiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConditionsFitSomeRows holds what makes a test with them worth its time.
func TestConditionsFitSomeRows(t *testing.T) {
	t.Parallel()
	var fit, all [3]int
	rapid.Check(t, func(t *rapid.T) {
		sent := conditiontest.Draw(t, 8, 8)
		spans, err := condition.CompileSpans(conditiontest.OnSpans().Draw(t, "on spans"))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range conditiontest.Views(sent.Spans) {
			count(&fit[0], &all[0], spans.Match(&v))
		}
		logs, err := condition.CompileLogs(conditiontest.OnLogs().Draw(t, "on logs"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range sent.Logs {
			count(&fit[1], &all[1], logs.Match(&sent.Logs[i]))
		}
		traces, err := condition.CompileTraces(conditiontest.OnTraces().Draw(t, "on traces"))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range conditiontest.Traces(sent.Spans) {
			count(&fit[2], &all[2], traces.Match(&v))
		}
	})
	for i, of := range []string{"spans", "log records", "traces"} {
		t.Logf("conditions on %s fit %d of %d", of, fit[i], all[i])
		if fit[i] < all[i]/20 || fit[i] > all[i]*19/20 {
			t.Errorf("conditions on %s fit %d of %d, want neither few nor nearly all", of, fit[i], all[i])
		}
	}
}

func count(fit, all *int, fits bool) {
	if *all++; fits {
		*fit++
	}
}

func TestTelemetryIsWhatAStoreTakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sent := conditiontest.Draw(t, 20, 5)
		met := map[plait.SpanID]bool{}
		for i, v := range conditiontest.Views(sent.Spans) {
			s := &sent.Spans[i]
			if v.Span != s || v.Trace == nil || v.Trace.TraceID != s.TraceID || s.Resource == nil || s.Scope == nil || s.TraceID.IsZero() || s.SpanID.IsZero() {
				t.Fatalf("span %d is %+v", i, v)
			}
			if met[s.SpanID] {
				t.Fatalf("two spans with id %s", s.SpanID)
			}
			met[s.SpanID] = true
			if v.Parent != nil && (v.Parent.SpanID != s.ParentSpanID || v.Parent.TraceID != s.TraceID) {
				t.Fatalf("the parent of %+v is %+v", s, v.Parent)
			}
		}
	})
}
