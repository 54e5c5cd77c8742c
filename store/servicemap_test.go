package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
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
		{Service: "shop", MapCalls: spanmetrics.MapCalls{Calls: 4, Measured: 4, Failed: 1, DurationNanosSum: 2e9}},
		{Service: "web", MapCalls: spanmetrics.MapCalls{Calls: 1, Measured: 1, DurationNanosSum: 2e9}},
	}
	quantiles := cmpopts.IgnoreFields(spanmetrics.MapCalls{}, "P50", "P95", "P99")
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

// TestServiceMapCountsWhatSamplersLeftOut asks twice: the second answer is that of minutes that are remembered.
func TestServiceMapCountsWhatSamplersLeftOut(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now()
	one := func(n byte, span plait.Span, kind plait.SpanKind) plait.Span {
		span.SpanID, span.Kind = plait.SpanID{7: n}, kind
		return span
	}
	tenth := traceNumber(1, 1)
	client := one(1, span(tenth, 1, 0, "web", "GET", now, 3*time.Minute, 2*time.Second), plait.SpanKindClient)
	client.TraceState = "vendor=x,ot=th:e6666666666666" // one in ten
	server := one(2, span(tenth, 2, 1, "shop", "pay", now, 3*time.Minute, time.Second), plait.SpanKindServer)
	server.Status = plait.StatusError
	whole := one(3, span(traceNumber(1, 2), 3, 0, "shop", "pay", now, 3*time.Minute, time.Second), plait.SpanKindServer)
	fourth := one(4, span(traceNumber(1, 3), 4, 0, "shop", "pay", now, 3*time.Minute, time.Second), plait.SpanKindServer)
	fourth.Attributes = append(fourth.Attributes, plait.Attribute{Key: "SampleRate", Value: plait.IntValue(4)})
	writeSpans(t, s, client, server, whole, fourth)
	for range 2 {
		got, err := s.ServiceMap(t.Context(), plait.TimeRange{From: now.Add(-time.Hour), To: now})
		if err != nil {
			t.Fatal(err)
		}
		wantNodes := []spanmetrics.MapNode{{Service: "shop", MapCalls: spanmetrics.MapCalls{Calls: 6, Measured: 3, Failed: 1, DurationNanosSum: 6e9}}}
		wantEdges := []spanmetrics.MapEdge{
			{Edge: spanmetrics.OutsideEdge("", "shop"), MapCalls: spanmetrics.MapCalls{Calls: 5, Measured: 2, DurationNanosSum: 5e9}},
			{Edge: spanmetrics.AnsweredEdge("web", "shop", false), MapCalls: spanmetrics.MapCalls{Calls: 10, Measured: 1, Failed: 10, DurationNanosSum: 10e9}},
		}
		quantiles := cmpopts.IgnoreFields(spanmetrics.MapCalls{}, "P50", "P95", "P99")
		if diff := gocmp.Diff(wantNodes, got.Nodes, quantiles); diff != "" {
			t.Errorf("nodes (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff(wantEdges, got.Edges, quantiles); diff != "" {
			t.Errorf("edges (-want +got):\n%s", diff)
		}
	}
}

func TestServiceMapOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	got, err := storetest.New(t).ServiceMap(t.Context(), plait.TimeRange{})
	if err != nil || len(got.Nodes)+len(got.Edges) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestServiceMapOfRememberedMinutesIsThatOfAllSpans writes the sides of calls in any order, late ones too, and asks one
// store again and again, which remembers minutes, and each time one that has not been asked.
func TestServiceMapOfRememberedMinutesIsThatOfAllSpans(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	asked := storetest.Open(t, url)
	r := rand.New(rand.NewPCG(11, 4))
	end := time.Now().Truncate(time.Minute).Add(-time.Hour)
	for step := range 25 {
		var spans []plait.Span
		for range 40 {
			spans = append(spans, callSides(r, end)...)
		}
		r.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		half := len(spans) / 2 // a side of a call may come in another commit, and after a question
		for _, part := range [][]plait.Span{spans[:half], spans[half:]} {
			writeSpans(t, asked, part...)
			to := end.Add(-time.Duration(r.IntN(3)) * 20 * time.Second)
			asks := plait.TimeRange{From: to.Add(-time.Duration(1+r.IntN(30)) * time.Minute), To: to}
			got, err := asked.ServiceMap(t.Context(), asks)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(fmt.Sprintf("%d from %s to %s", step, asks.From.Format(time.TimeOnly), to.Format(time.TimeOnly)), func(t *testing.T) {
				want, err := storetest.Open(t, url).ServiceMap(t.Context(), asks)
				if err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("(-all spans +remembered):\n%s", diff)
				}
			})
		}
	}
}

// callSides makes a call of one service by another within half an hour, or a part of it.
func callSides(r *rand.Rand, end time.Time) []plait.Span {
	services := []string{"web", "shop", "cart", "stock"}
	id := traceNumber(9, r.Uint64()|1)
	before := time.Duration(r.Int64N(int64(30 * time.Minute)))
	took := time.Duration(r.Int64N(int64(2 * time.Second)))
	client := span(id, 1, 0, services[r.IntN(4)], "GET", end, before, took)
	client.Kind = plait.SpanKindClient
	client.Attributes = plait.Attributes{strAttribute("server.address", "db.example")}
	server := span(id, 2, 1, services[r.IntN(4)], "GET /", end, before, took/2)
	if r.IntN(5) == 0 {
		server.Status = plait.StatusError
	}
	switch r.IntN(6) {
	case 0:
		return []plait.Span{client}
	case 1:
		return []plait.Span{server}
	}
	return []plait.Span{client, server}
}

// TestServiceMapJoinsSidesThatAreFarApart asks before and after each side of a call comes, so that minutes are remembered
// which know one of them.
func TestServiceMapJoinsSidesThatAreFarApart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const apart = 20 * time.Minute
	calling := func(kind plait.SpanKind, took time.Duration) plait.Span {
		caller := span(traceNumber(1, 1), 1, 0, "orders", "call", now, time.Hour, took)
		caller.Kind = kind
		caller.Attributes = plait.Attributes{strAttribute("messaging.system", "kafka")}
		return caller
	}
	answering := func(kind plait.SpanKind, trace uint64, parent int64, links ...plait.Link) plait.Span {
		side := span(traceNumber(1, trace), 2, parent, "billing", "answer", now, time.Hour-apart, time.Second)
		side.Kind, side.Links = kind, links
		return side
	}
	link := plait.Link{TraceID: traceNumber(1, 1), SpanID: spanNumber(1)}
	for name, c := range map[string]struct {
		caller, server plait.Span
		connection     spanmetrics.ConnectionType
	}{
		"a message, by its parent": {calling(plait.SpanKindProducer, time.Millisecond), answering(plait.SpanKindConsumer, 1, 1), spanmetrics.ConnectionMessaging},
		"a message, by a link":     {calling(plait.SpanKindProducer, time.Millisecond), answering(plait.SpanKindConsumer, 2, 0, link), spanmetrics.ConnectionMessaging},
		"a client that waits":      {calling(plait.SpanKindClient, 2*apart), answering(plait.SpanKindServer, 1, 1), spanmetrics.ConnectionDirect},
	} {
		for order, spans := range map[string][]plait.Span{"the caller first": {c.caller, c.server}, "the caller last": {c.server, c.caller}} {
			t.Run(name+", "+order, func(t *testing.T) {
				t.Parallel()
				s := storetest.New(t)
				window := plait.TimeRange{From: now.Add(-2 * time.Hour), To: now}
				for _, one := range spans {
					writeSpans(t, s, one)
					if _, err := s.ServiceMap(t.Context(), window); err != nil {
						t.Fatal(err)
					}
				}
				got, err := s.ServiceMap(t.Context(), window)
				if err != nil {
					t.Fatal(err)
				}
				edge := spanmetrics.Edge{Client: "orders", Server: "billing", ConnectionType: c.connection}
				want := []spanmetrics.MapEdge{{Edge: edge, MapCalls: spanmetrics.MapCalls{Calls: 1, Measured: 1, DurationNanosSum: 1e9}}}
				if diff := gocmp.Diff(want, got.Edges, cmpopts.IgnoreFields(spanmetrics.MapCalls{}, "P50", "P95", "P99")); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				steps, err := s.ServiceMapCourse(t.Context(), window, 15*time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				edges := 0
				for _, m := range steps {
					edges += len(m.Edges)
				}
				if edges != 1 {
					t.Errorf("the course has %d edges, want 1", edges)
				}
			})
		}
	}
}

// TestTheCourseOfAServiceMapAddsUpToIt compares maps with those of their steps, of minutes and of seconds.
func TestTheCourseOfAServiceMapAddsUpToIt(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	now := time.Now().Truncate(time.Minute)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		id := traceNumber(9, uint64(i))
		at := now.Add(-time.Duration(random.IntN(720)) * time.Second)
		client := span(id, 1, 0, "web", "GET", at, 0, time.Second)
		client.Kind = plait.SpanKindClient
		server := span(id, 2, 1, "shop", "GET /", at, 0, time.Duration(random.IntN(900))*time.Millisecond)
		server.Kind = plait.SpanKindServer
		if random.IntN(4) == 0 {
			server.Status = plait.StatusError
		}
		writeSpans(t, s, client, server)
	}
	for _, step := range []time.Duration{15 * time.Second, time.Minute, 75 * time.Second, 5 * time.Minute, 7 * time.Second} {
		window := plait.TimeRange{From: now.Add(-11*time.Minute - 13*time.Second), To: now.Add(time.Minute)}
		beginOfStep := func(t time.Time) time.Time {
			return time.UnixMicro(t.UnixMicro() / step.Microseconds() * step.Microseconds())
		}
		whole, err := s.ServiceMap(t.Context(), window)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := s.ServiceMapCourse(t.Context(), window, step)
		if err != nil {
			t.Fatal(err)
		}
		if want := int(window.To.Sub(beginOfStep(window.From)) / step); len(steps) < want || len(steps) > want+1 {
			t.Errorf("steps of %v: there are %d, want about %d", step, len(steps), want)
		}
		sums := map[spanmetrics.Edge]spanmetrics.MapEdge{}
		for i, m := range steps {
			begin := beginOfStep(window.From).Add(time.Duration(i) * step)
			if !m.From.IsZero() && (m.From.Before(begin) || m.To.After(begin.Add(step))) {
				t.Errorf("steps of %v: number %d has data from %v to %v", step, i, m.From, m.To)
			}
			for _, e := range m.Edges {
				sum := sums[e.Edge]
				sum.Calls, sum.Failed, sum.DurationNanosSum = sum.Calls+e.Calls, sum.Failed+e.Failed, sum.DurationNanosSum+e.DurationNanosSum
				sums[e.Edge] = sum
			}
		}
		for _, e := range whole.Edges {
			if sum := sums[e.Edge]; sum.Calls != e.Calls || sum.Failed != e.Failed || sum.DurationNanosSum != e.DurationNanosSum {
				t.Errorf("steps of %v: %v has %d calls, %d failed in all, the map %d, %d", step, e.Edge, sum.Calls, sum.Failed, e.Calls, e.Failed)
			}
		}
		if len(whole.Edges) == 0 {
			t.Error("the map has no edges")
		}
	}
	for _, step := range []time.Duration{0, -time.Minute, time.Nanosecond, 100 * time.Second} {
		if _, err := s.ServiceMapCourse(t.Context(), plait.TimeRange{From: now.Add(-time.Hour), To: now}, step); !errors.Is(err, plait.ErrInvalid) {
			t.Errorf("steps of %v are answered with %v", step, err)
		}
	}
}
