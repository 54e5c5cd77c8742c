package tracetree_test

import (
	"slices"
	"testing"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/correlate/tracetree"
)

func TestSpansThatShareAnIDGetOneEach(t *testing.T) {
	t.Parallel()
	resources := []*plait.Resource{
		{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue("web")}}},
		{Attributes: plait.Attributes{{Key: "service.name", Value: plait.StringValue("cart")}}},
	}
	id := func(b byte) plait.SpanID { return plait.SpanID{7: b} }
	spans := []plait.Span{
		{SpanID: id(3), ParentSpanID: id(2), Name: "query", Resource: resources[1], StartNanos: 30, EndNanos: 40},
		{SpanID: id(2), ParentSpanID: id(1), Name: "called", Kind: plait.SpanKindServer, Resource: resources[1], StartNanos: 20, EndNanos: 50},
		{SpanID: id(2), ParentSpanID: id(1), Name: "calls", Kind: plait.SpanKindClient, Resource: resources[0], StartNanos: 10, EndNanos: 60},
		{SpanID: id(1), Name: "page", Resource: resources[0], EndNanos: 100},
	}
	got := tracetree.Distinct(spans)
	called := got[1].SpanID
	if called == id(2) || called == id(1) || called == id(3) || called.IsZero() {
		t.Fatalf("the callee's side has the id %s", called)
	}
	want := slices.Clone(spans)
	want[1].SpanID, want[1].ParentSpanID = called, id(2)
	want[0].ParentSpanID = called
	for i := range want {
		if got[i].SpanID != want[i].SpanID || got[i].ParentSpanID != want[i].ParentSpanID || got[i].Name != want[i].Name {
			t.Errorf("%s is %s below %s, want %s below %s", got[i].Name, got[i].SpanID, got[i].ParentSpanID, want[i].SpanID, want[i].ParentSpanID)
		}
	}
	slices.Reverse(spans)
	again := tracetree.Distinct(spans)
	if again[2].SpanID != called {
		t.Errorf("in another order the callee's side has the id %s, and not %s", again[2].SpanID, called)
	}
	if alone := spans[:1]; &tracetree.Distinct(alone)[0] != &alone[0] {
		t.Error("spans that share nothing are copied")
	}
}
