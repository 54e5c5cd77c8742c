package spans

import (
	"fmt"
	"slices"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/query"
	"github.com/plaithq/plait/query/condition"
)

func TestEverySpanThatATraceMustHaveLeadsToIt(t *testing.T) {
	t.Parallel()
	has := func(n condition.Node) condition.Node { return condition.HasSpan{Of: n} }
	a, b, failed := query.Service("a"), query.Service("b"), query.Status(plait.StatusError)
	slow := condition.Leaf{Field: condition.Field{Name: condition.TraceDuration}, Op: condition.OpGreater, Value: condition.Duration(1e9)}
	id := condition.Leaf{Field: condition.Field{Name: condition.TraceID}, Op: condition.OpEqual, Value: condition.OfTrace(plait.TraceID{1, 15: 2})}
	half := condition.Leaf{Field: id.Field, Op: id.Op, Value: condition.OfTrace(plait.TraceID{15: 2})}
	every := condition.Const(true)
	for _, tt := range []struct {
		asked condition.Node
		leads []lead
	}{
		{nil, []lead{{every, every}}},
		{has(a), []lead{{a, every}}},
		{slow, []lead{{every, slow}}},
		{condition.And{has(a), slow}, []lead{{a, slow}}},
		{condition.And{has(a), condition.And{has(b), has(a)}}, []lead{{a, has(b)}, {b, has(a)}}},
		{condition.And{has(a), id}, []lead{{condition.Or{id, half}, condition.And{has(a), id}}, {a, id}}},
		{condition.Or{has(a), condition.And{has(b), has(failed)}}, []lead{{condition.Or{a, b}, condition.Or{has(a), condition.And{has(b), has(failed)}}}}},
		{condition.Or{has(a), slow}, []lead{{every, condition.Or{has(a), slow}}}},
		{condition.And{condition.Not{Of: has(a)}, has(b)}, []lead{{b, condition.Not{Of: has(a)}}}},
	} {
		got, err := leadsOf(tt.asked)
		if err != nil {
			t.Fatal(err)
		}
		show := func(leads []lead) (texts []string) {
			for _, l := range leads {
				texts = append(texts, fmt.Sprint(condition.Simplify(l.of), " and then ", condition.Simplify(l.rest)))
			}
			return texts
		}
		if !slices.Equal(show(got), show(tt.leads)) {
			t.Errorf("%v:\n%q, not\n%q", tt.asked, show(got), show(tt.leads))
		}
		again, _ := leadsOf(tt.asked)
		if !slices.Equal(show(got), show(again)) {
			t.Errorf("%v: %q the second time", tt.asked, show(again))
		}
	}
}

func TestASummaryLeavesOutNoTraceThatFits(t *testing.T) {
	t.Parallel()
	has := func(n condition.Node) condition.Node { return condition.HasSpan{Of: n} }
	a, failed := query.Service("a"), query.Status(plait.StatusError)
	both := plait.TraceSummary{Services: []string{"a", "b"}, ErrorCount: 1}
	other := plait.TraceSummary{Services: []string{"c"}}
	for _, tt := range []struct {
		n           condition.Node
		both, other bool // may fit
	}{
		{has(a), true, false},
		{has(failed), true, false},
		{has(condition.And{a, query.SpanName("x")}), true, false},
		{has(condition.Or{a, query.SpanName("x")}), true, true},
		{has(condition.Not{Of: a}), true, true},
		{condition.Not{Of: has(a)}, true, true}, // the service's spans may be others than those asked for
		{condition.And{has(query.SpanName("x")), condition.Not{Of: condition.Not{Of: has(failed)}}}, true, false},
		{has(condition.Const(false)), false, false},
	} {
		c, err := newTraceCheck(tt.n)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range []struct {
			trace plait.TraceSummary
			may   bool
		}{{both, tt.both}, {other, tt.other}} {
			if got := c.summary.Match(&condition.TraceView{Summary: &of.trace}); got != of.may {
				t.Errorf("%v with services %v: %v", tt.n, of.trace.Services, got)
			}
		}
	}
}
