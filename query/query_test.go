package query_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func has(key string, v plait.Value) plait.Attribute { return plait.Attribute{Key: key, Value: v} }

func TestConditionsOnSpansMeanWhatParametersDo(t *testing.T) {
	t.Parallel()
	s := &plait.Span{Name: "GET /cart", Kind: plait.SpanKindServer, Status: plait.StatusError, StartNanos: 1_000, EndNanos: 1_000 + int64(time.Second),
		Attributes: plait.Attributes{has("n", plait.IntValue(5)), has("order", plait.MapValue(`{"id":"x"}`)), has("db.name", plait.StringValue("orders"))},
		Resource:   &plait.Resource{Attributes: plait.Attributes{has("service.name", plait.StringValue("cart")), has("pod", plait.StringValue("cart-7"))}}}
	odd := *s
	odd.Kind, odd.EndNanos = 9, s.StartNanos+int64(500*24*time.Hour)
	matching := func(name string, op plait.MatchOp, value string) []plait.Matcher {
		return []plait.Matcher{{Name: name, Op: op, Value: value}}
	}
	labels := func(name string, op plait.MatchOp, value string) condition.Node {
		return must(query.SpanLabels(matching(name, op, value)))
	}
	for _, tt := range []struct {
		name      string
		n         condition.Node
		fits, odd bool
	}{
		{"service", query.Service("cart"), true, true},
		{"another service", query.Service("car"), false, false},
		{"name", query.SpanName("GET /cart"), true, true},
		{"kind", query.Kind(plait.SpanKindServer), true, false},
		{"status", query.Status(plait.StatusOK), false, false},
		{"what claims a year and more took no time", query.Took(time.Second, 0), true, false},
		{"not longer", query.Took(0, time.Second), true, false},
		{"longer", query.Took(time.Second+1, 0), false, false},
		{"any duration", query.Took(0, 0), true, true},
		{"a number as typed", query.SpanAttribute("n", "5.0"), true, true},
		{"in a map", query.SpanAttribute("order.id", "x"), true, true},
		{"of the resource", query.SpanAttribute("pod", "cart-7"), true, true},
		{"another value", query.SpanAttribute("n", "6"), false, false},
		{"start belongs to the range", query.During(condition.SpanStart, plait.TimeRange{From: time.Unix(0, 1_000)}), true, true},
		{"end does not", query.During(condition.SpanStart, plait.TimeRange{To: time.Unix(0, 1_000)}), false, false},
		{"from far in the past to far in the future", query.During(condition.SpanStart, plait.TimeRange{From: time.Unix(-1<<40, 0), To: time.Unix(1<<40, 0)}), true, true},
		{"label service", labels("service", "=~", "ca.*"), true, true},
		{"label span_name", labels("span_name", "!=", "GET /cart"), false, false},
		{"label span_kind", labels("span_kind", "=", "SPAN_KIND_SERVER"), true, false},
		{"a kind that OTLP does not define", labels("span_kind", "=", "SPAN_KIND_UNSPECIFIED"), false, true},
		{"all kinds", labels("span_kind", "=~", "SPAN_KIND_.*"), true, true},
		{"no kind", labels("span_kind", "=", ""), false, false},
		{"label status_code", labels("status_code", "!~", "STATUS_CODE_(OK|UNSET)"), true, true},
		{"the metric's name", labels("__name__", "=", "x"), true, true},
		{"a label that spans have not", labels("le", "=", "5"), false, false},
		{"a label that spans have not is empty", labels("le", "!=", "5"), true, true},
		{"an instance", must(query.ResourceLabels(matching("pod", "=~", "cart-.+"))), true, true},
		{"an instance that nobody names", must(query.ResourceLabels(matching("host", "=", ""))), true, true},
		{"a peer", must(query.AnyAttribute(append(matching("db.system", "=", "orders"), matching("db.name", "=", "orders")...))), true, true},
		{"any peer", must(query.AnyAttribute(matching("db.name", "!=", ""))), true, true},
		{"an absent peer fits nothing", must(query.AnyAttribute(matching("peer.service", "!=", "x"))), false, false},
	} {
		c := must(condition.CompileSpans(tt.n))
		if got := c.Match(&condition.SpanView{Span: s}); got != tt.fits {
			t.Errorf("%s: %s is %v", tt.name, tt.n, got)
		}
		if got := c.Match(&condition.SpanView{Span: &odd}); got != tt.odd {
			t.Errorf("%s: of the odd span %s is %v", tt.name, tt.n, got)
		}
	}
	trace := &condition.TraceView{Summary: &plait.TraceSummary{}, Spans: []plait.Span{*s}}
	for from, fits := range map[int64]bool{1_000: true, 1_001: false} {
		q := query.TracesWithSpan(query.Service("cart"), plait.TimeRange{From: time.Unix(0, from)})
		if got := must(condition.CompileTraces(q.Condition)).Match(trace); got != fits {
			t.Errorf("from %d: %s is %v", from, q.Condition, got)
		}
	}
}

func TestConditionsOnLogRecordsMeanWhatParametersDo(t *testing.T) {
	t.Parallel()
	r := &plait.LogRecord{TimeNanos: 1_000, Severity: 17, TraceID: plait.TraceID{1}, SpanID: plait.SpanID{1}, Attributes: plait.Attributes{has("n", plait.IntValue(5))},
		Resource: &plait.Resource{Attributes: plait.Attributes{has("service.name", plait.StringValue("cart"))}}}
	for _, tt := range []struct {
		n    condition.Node
		fits bool
	}{
		{query.Service("cart"), true},
		{query.LogAttribute("n", "5e0"), true},
		{query.LogAttribute("service.name", "cart"), true},
		{query.LogTrace(r.TraceID), true},
		{query.LogTrace(plait.TraceID{2}), false},
		{query.LogSpan(r.SpanID), true},
		{query.SeverityAtLeast(17), true},
		{query.SeverityAtLeast(18), false},
		{query.During(condition.LogTime, plait.TimeRange{From: time.Unix(0, 1_000), To: time.Unix(0, 1_001)}), true},
	} {
		if got := must(condition.CompileLogs(tt.n)).Match(r); got != tt.fits {
			t.Errorf("%s is %v", tt.n, got)
		}
	}
}

func TestLabelsThatCannotBeComparedAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"service", "span_kind", "status_code", "pod"} {
		bad := []plait.Matcher{{Name: name, Op: "=~", Value: "("}}
		for _, of := range []func([]plait.Matcher) (condition.Node, error){query.SpanLabels, query.ResourceLabels, query.AnyAttribute} {
			if _, err := of(bad); !errors.Is(err, plait.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
