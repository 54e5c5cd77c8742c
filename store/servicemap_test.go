package store_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plaithq/plait"
	"github.com/plaithq/plait/spanmetrics"
	"github.com/plaithq/plait/spanmetrics/callcases"
	"github.com/plaithq/plait/store/storetest"
)

// TestServiceMapDrawsTheCallsOfTheTable writes all cases, each to hours of its own, and asks for a map
// of each. Some lie in the partitions of their day, some outside.
func TestServiceMapDrawsTheCallsOfTheTable(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	cases, err := callcases.All(time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		writeSpans(t, s, c.Spans...)
	}
	for _, c := range cases {
		m, err := s.ServiceMap(t.Context(), plait.TimeRange{From: c.At.Add(-time.Minute), To: c.At.Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		got := callcases.Edges{}
		for _, e := range m.Edges {
			got[e.Edge] = callcases.Count{Calls: int(e.Calls), Failed: int(e.Failed)}
			if e.DurationNanosSum != e.Calls*int64(10*time.Millisecond) {
				t.Errorf("%s: %v took %d ns in all", c.Name, e.Edge, e.DurationNanosSum)
			}
		}
		if diff := gocmp.Diff(c.Edges, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name, diff)
		}
	}
}

func TestServiceMapMeasuresWhatServicesAnswered(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now, id := time.Now(), traceNumber(1, 1)
	failed := func(one plait.Span) plait.Span { one.Status = plait.StatusError; return one }
	unfinished := span(id, 5, 0, "shop", "open", now, time.Minute, time.Second)
	unfinished.EndNanos = 0
	endless := span(id, 6, 0, "shop", "open", now, time.Minute, time.Second)
	endless.EndNanos = 1<<63 - 1
	client := span(id, 7, 1, "web", "GET", now, time.Minute, time.Second)
	client.Kind = plait.SpanKindClient
	writeSpans(t, s,
		span(id, 1, 0, "web", "GET /", now, time.Minute, 2*time.Second), client,
		failed(span(id, 2, 7, "shop", "pay", now, time.Minute, time.Second)),
		span(id, 3, 0, "shop", "pay", now, 61*time.Second, time.Second), unfinished, endless,
		span(traceNumber(1, 2), 2, 0, "old", "x", now, 3*time.Hour, time.Second))
	got, err := s.ServiceMap(t.Context(), plait.TimeRange{From: now.Add(-time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	want := []spanmetrics.MapNode{
		{Service: "shop", Calls: 4, Failed: 1, DurationNanosSum: 2e9},
		{Service: "web", Calls: 1, DurationNanosSum: 2e9},
	}
	quantiles := cmpopts.IgnoreFields(spanmetrics.MapNode{}, "P50", "P95", "P99")
	if diff := gocmp.Diff(want, got.Nodes, quantiles); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p := got.Nodes[1].P50; p < 1900*time.Millisecond || p > 2100*time.Millisecond {
		t.Errorf("p50 of what took two seconds: %v", p)
	}
	if first := now.Add(-61 * time.Second); got.From.After(first) || got.To.Before(first.Add(time.Second)) || got.To.Sub(got.From) > 45*time.Second {
		t.Errorf("data from %v to %v", got.From, got.To)
	}
}

func TestServiceMapOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	got, err := storetest.New(t).ServiceMap(t.Context(), plait.TimeRange{})
	if err != nil || len(got.Nodes)+len(got.Edges) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}
